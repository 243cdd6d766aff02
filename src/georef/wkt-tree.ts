/** Well-known text as a tree: `PROJCS["a",GEOGCS[…]]` has the keyword `PROJCS` and the items `"a"` and another node. */
export interface WktNode {
  readonly keyword: string;
  readonly items: readonly (WktNode | string | number)[];
}

/** How deep nodes may nest; real definitions need six or so. */
const MAX_DEPTH = 32;

/** Parses WKT 1 and 2; `undefined` where the text is not well formed. */
export function parseWkt(text: string): WktNode | undefined {
  let at = 0;
  const skip = (): void => { while (at < text.length && /[\s,]/.test(text[at]!)) at++; };
  const node = (depth: number): WktNode | undefined => {
    const keyword = /^[A-Za-z_][A-Za-z0-9_]*/.exec(text.slice(at, at + 64))?.[0];
    if (keyword === undefined || depth > MAX_DEPTH) return undefined;
    at += keyword.length;
    skip();
    // A bare word is an enumeration value (axis directions).
    if (text[at] !== '[' && text[at] !== '(') return { keyword, items: [] };
    at++;
    const items: (WktNode | string | number)[] = [];
    for (;;) {
      skip();
      const next = text[at];
      if (next === undefined) return undefined;
      if (next === ']' || next === ')') { at++; return { keyword: keyword.toUpperCase(), items }; }
      const item = next === '"' ? quoted() : /[-+.\d]/.test(next) ? number() : node(depth + 1);
      if (item === undefined) return undefined;
      items.push(item);
    }
  };
  const quoted = (): string | undefined => {
    const end = text.indexOf('"', at + 1);
    if (end < 0) return undefined;
    const value = text.slice(at + 1, end);
    at = end + 1;
    return value;
  };
  const number = (): number | undefined => {
    const digits = /^[-+]?[\d.]+(?:[eE][-+]?\d+)?/.exec(text.slice(at, at + 64))?.[0];
    if (digits === undefined) return undefined;
    at += digits.length;
    return Number(digits);
  };
  skip();
  return node(0);
}

/** The first child with one of these keywords. */
export function child(node: WktNode, ...keywords: string[]): WktNode | undefined {
  return node.items.find((item): item is WktNode => typeof item === 'object' && keywords.includes(item.keyword));
}

/** The first text of a node: its name. */
export function nameOf(node: WktNode): string {
  const name = node.items.find((item) => typeof item === 'string');
  return typeof name === 'string' ? name : '';
}

/** The EPSG code that a node carries itself, not through its children. */
export function epsgOf(node: WktNode): number | undefined {
  const authority = child(node, 'AUTHORITY', 'ID');
  const [name, code] = authority?.items ?? [];
  if (typeof name !== 'string' || name.toUpperCase() !== 'EPSG') return undefined;
  const value = Number(code);
  return Number.isInteger(value) && value > 0 ? value : undefined;
}
