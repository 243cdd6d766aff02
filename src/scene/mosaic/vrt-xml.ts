import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { unescapeXml } from '../tiff/gdal-metadata.js';

/** An element. Names of elements and attributes are in lower case: GDAL does not tell the cases apart. */
export interface XmlNode {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  /** Elements inside, in their order. */
  readonly children: readonly XmlNode[];
  /** Text directly inside, character data included, without white space at its ends. */
  readonly text: string;
}

/** What the parser gives with `preserveOrder`. */
interface Parsed {
  readonly [name: string]: readonly Parsed[] | Readonly<Record<string, string>> | string | undefined;
}

const ATTRIBUTES = ':@';
const TEXT = '#text';
const CDATA = '#cdata';

/**
 * Parses XML whole and strictly, and without entities of its own: a document type is refused.
 * @throws {SyntaxError} saying what is wrong with it
 */
export function parseXml(text: string): XmlNode {
  if (/<!DOCTYPE/i.test(text)) throw new SyntaxError('it has a document type, which is not read');
  const valid = XMLValidator.validate(text);
  if (valid !== true) throw new SyntaxError(`it is not well-formed XML: line ${valid.err.line}: ${firstLine(valid.err.msg)}`);
  const parser = new XMLParser({
    preserveOrder: true, ignoreAttributes: false, attributeNamePrefix: '', parseTagValue: false, parseAttributeValue: false, trimValues: false,
    ignoreDeclaration: true, ignorePiTags: true, processEntities: false, cdataPropName: CDATA,
  });
  let roots: XmlNode[];
  try {
    roots = elementsOf(parser.parse(text) as readonly Parsed[]);
  } catch (error) {
    throw new SyntaxError(`it is not read as XML: ${firstLine(error instanceof Error ? error.message : String(error))}`, { cause: error });
  }
  const [root] = roots;
  if (root === undefined) throw new SyntaxError('it is not well-formed XML: it has no element');
  return root;
}

/** The first child of this name. */
export function childOf(node: XmlNode, name: string): XmlNode | undefined {
  return node.children.find((child) => child.name === name);
}

/** Children of this name, in their order. */
export function childrenOf(node: XmlNode, name: string): XmlNode[] {
  return node.children.filter((child) => child.name === name);
}

/** Text of the first child of this name. */
export function textOf(node: XmlNode, name: string): string | undefined {
  return childOf(node, name)?.text;
}

function elementsOf(items: readonly Parsed[]): XmlNode[] {
  const nodes: XmlNode[] = [];
  for (const item of items) {
    const name = Object.keys(item).find((key) => key !== ATTRIBUTES);
    if (name === undefined || name === TEXT || name === CDATA) continue;
    const children = item[name] as readonly Parsed[];
    const attributes = (item[ATTRIBUTES] ?? {}) as Readonly<Record<string, string>>;
    nodes.push({
      name: name.toLowerCase(),
      attributes: new Map(Object.entries(attributes).map(([key, value]) => [key.toLowerCase(), unescapeXml(String(value))])),
      children: elementsOf(children),
      text: directText(children).trim(),
    });
  }
  return nodes;
}

function directText(items: readonly Parsed[]): string {
  let text = '';
  for (const item of items) {
    const plain = item[TEXT];
    const data = item[CDATA];
    if (typeof plain === 'string') text += unescapeXml(plain);
    else if (Array.isArray(data)) text += (data as readonly Parsed[]).map((part) => (typeof part[TEXT] === 'string' ? part[TEXT] : '')).join('');
  }
  return text;
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}
