import fc from 'fast-check';

/** One change of a text; `at` and `value` are taken modulo what there is. */
export interface TextMutation {
  readonly kind: 'number' | 'value' | 'drop' | 'twice' | 'nest' | 'name' | 'file' | 'cut' | 'byte' | 'entity';
  readonly at: number;
  readonly value: number;
}

/** Mostly one value that is changed, so that much of it is read all the same. */
const KINDS: fc.Arbitrary<TextMutation['kind']> = fc.oneof(
  { weight: 10, arbitrary: fc.constant('number' as const) }, { weight: 6, arbitrary: fc.constant('value' as const) }, { weight: 5, arbitrary: fc.constant('drop' as const) },
  { weight: 3, arbitrary: fc.constant('twice' as const) }, { weight: 3, arbitrary: fc.constant('file' as const) }, { weight: 2, arbitrary: fc.constant('name' as const) },
  { weight: 1, arbitrary: fc.constantFrom('nest' as const, 'cut' as const, 'byte' as const, 'entity' as const) },
);

/** Without a preference for small numbers: places late in a text are as likely as early ones. */
const ANY = fc.noBias(fc.nat());

export const textMutations: fc.Arbitrary<readonly TextMutation[]> = fc.array(fc.record({ kind: KINDS, at: ANY, value: ANY }), { minLength: 1, maxLength: 3 });

/** Values at which sizes, offsets, numbers of bands and factors break. */
const EDGES = [
  '0', '-0', '1', '-1', '0.5', '-0.5', '2', '3', '255', '256', '65535', '2147483647', '2147483648', '-2147483648', '4294967295', '9007199254740993', '1e30', '-1e30', '1e308', '1e-308', '1e999',
  'NaN', '-nan', 'inf', '-Infinity', '', ' ', '0x10', '1e', '1,2', '٣', 'mask', 'mask,1', 'none', 'true', 'Byte', 'Float64', 'CInt16', 'Int64', 'UInt32', 'average', 'cubic', 'mode', 'lanczos', 'gauss', 'Alpha', 'Palette',
  'VRTWarpedDataset', 'VRTDerivedRasterBand', '&lt;VRTDataset/&gt;', '\u0000', 'a'.repeat(5000), '1:2,3:4', '1:2,1:2', '2:1,1:2', '..', '/', '/dev/zero', '.',
];

/** A thousand of a thousand of a thousand, if it were expanded. */
const BOMB = `<!DOCTYPE a [<!ENTITY a "${'x'.repeat(1000)}"><!ENTITY b "${'&a;'.repeat(1000)}"><!ENTITY c "${'&b;'.repeat(1000)}">]>`;

/** A changed XML text whose files stay where they are, mostly: `files` are names that may stand in it instead of others. */
export function mutateXml(original: string, list: readonly TextMutation[], files: readonly string[]): string {
  return list.reduce((text, mutation) => applyXml(text, mutation, files), original);
}

function applyXml(text: string, { kind, at, value }: TextMutation, files: readonly string[]): string {
  const edge = EDGES[value % EDGES.length]!;
  switch (kind) {
    case 'number': return replaceNth(text, /(?<=["> ,:])-?\d+(\.\d+)?(e[+-]?\d+)?(?=[,":<. ])/gi, at, () => edge);
    case 'value': return replaceNth(text, /(?<==")[^"]*(?=")|(?<=>)[^<>\s][^<>]*(?=<\/)/g, at, () => edge);
    case 'drop': return replaceElement(text, at, () => '');
    case 'twice': return replaceElement(text, at, (one) => one.repeat(2 + value % 3 * 20));
    case 'nest': return replaceElement(text, at, (one) => (value % 2 === 0 ? `${'<VRTDataset>'.repeat(value % 3000)}${one}${'</VRTDataset>'.repeat(value % 3000)}` : `<ComplexSource>${one}</ComplexSource>`));
    case 'name': return replaceElement(text, at, (one) => one.replaceAll(new RegExp(`(?<=</?)${/[A-Za-z]+/.exec(one)![0]}\\b`, 'g'), ['SimpleSource', 'ComplexSource', 'AveragedSource', 'MaskBand', 'NODATA', 'LUT', 'UseMaskBand', 'Exponent', 'SrcRect', 'a:b', '__proto__', 'constructor'][value % 12]!));
    case 'file': return replaceNth(text, /(?<=<SourceFilename[^>]*>)[^<]+/g, at, () => files[value % files.length]!);
    case 'cut': return text.slice(0, at % text.length);
    case 'byte': return `${text.slice(0, at % text.length)}${String.fromCharCode(value % 0x3000)}${text.slice(at % text.length + 1)}`;
    case 'entity': return value % 2 === 0 ? `${BOMB}${text.replaceAll(/(?<=>)\d+(?=<)/g, '&c;')}` : text.replace(/(?<=>)\d+(?=<)/, '&#1114112;&#xD800;&amp;&nosuch;');
  }
}

/** Any element but the root, as a whole. */
function replaceElement(text: string, at: number, by: (found: string) => string): string {
  const starts = [...text.matchAll(/<[A-Za-z]+/g)].slice(1);
  if (starts.length === 0) return text;
  const start = starts[at % starts.length]!.index;
  const element = /<([A-Za-z]+)\b[^<>]*(?:\/>|(?<!\/)>[\s\S]*?<\/\1>)/y;
  element.lastIndex = start;
  const [found] = element.exec(text) ?? [];
  return found === undefined ? text : text.slice(0, start) + by(found) + text.slice(start + found.length);
}

function replaceNth(text: string, pattern: RegExp, at: number, by: (found: string) => string): string {
  const found = [...text.matchAll(pattern)];
  if (found.length === 0) return text;
  const one = found[at % found.length]!;
  return text.slice(0, one.index) + by(one[0]) + text.slice(one.index + one[0].length);
}

const JSON_EDGES: readonly unknown[] = [
  0, -0, 1, -1, 0.5, 2, 255, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 53, 1e30, -1e30, 1e308, '', ' ', 'NaN', 'nan', 'inf', '0', '1', '../x', '/etc/passwd', '__proto__', 'uint8', 'float64', 'a'.repeat(5000),
  null, true, false, [], {}, [null], [[]], [[[[[]]]]], { type: 'Polygon', coordinates: [[[0, 0], [1, 0], [1, 1]]] }, [1, 2, 3, 4, 5, 6], [0, 0, 0, 0, 0, 0],
];

/** A changed JSON text. */
export function mutateJson(original: string, list: readonly TextMutation[]): string {
  return list.reduce(applyJson, original);
}

function applyJson(text: string, { kind, at, value }: TextMutation): string {
  if (kind === 'cut') return text.slice(0, at % text.length);
  if (kind === 'byte') return `${text.slice(0, at % text.length)}${String.fromCharCode(value % 0x3000)}${text.slice(at % text.length + 1)}`;
  if (kind === 'entity') return replaceNth(text, /-?\d+(\.\d+)?/g, at, () => ['1e999', '-1e999', '1e-999', '9007199254740993', `${'['.repeat(value % 5000)}${']'.repeat(value % 5000)}`][value % 5]!);
  let whole: unknown;
  try {
    whole = JSON.parse(text);
  } catch {
    return text;
  }
  const places: { readonly holder: Record<string, unknown>; readonly key: string }[] = [];
  const collect = (holder: unknown): void => {
    if (typeof holder !== 'object' || holder === null || places.length > 5000) return;
    for (const key of Object.keys(holder)) {
      places.push({ holder: holder as Record<string, unknown>, key });
      collect((holder as Record<string, unknown>)[key]);
    }
  };
  collect(whole);
  if (places.length === 0) return JSON.stringify(JSON_EDGES[value % JSON_EDGES.length]);
  const { holder, key } = places[at % places.length]!;
  if (kind === 'drop') {
    if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else delete holder[key];
  } else if (kind === 'twice' && Array.isArray(holder)) {
    holder.push(...Array.from({ length: 1 + value % 50 }, () => holder[Number(key)] as unknown));
  } else if (kind === 'nest') {
    holder[key] = value % 2 === 0 ? [holder[key]] : { x: holder[key] };
  } else if (kind === 'name') {
    const other = places[value % places.length]!;
    [holder[key], other.holder[other.key]] = [other.holder[other.key], holder[key]];
  } else {
    holder[key] = JSON_EDGES[value % JSON_EDGES.length];
  }
  try {
    return JSON.stringify(whole, null, 1);
  } catch {
    return text;
  }
}
