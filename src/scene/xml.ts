import { XMLParser } from 'fast-xml-parser';

/** An XML element: its attributes under `@name`, its text under `#text`, its children as lists under their names. */
export interface XmlElement {
  readonly [name: string]: string | readonly XmlElement[] | undefined;
}

const parser = new XMLParser({
  ignoreAttributes: false, attributeNamePrefix: '@', parseTagValue: false, parseAttributeValue: false, alwaysCreateTextNode: true,
  isArray: (_name, _path, _leaf, isAttribute) => !isAttribute,
});

/** The root element of that name, or `undefined` if the text has none or is no XML. */
export function parseXml(text: string, root: string): XmlElement | undefined {
  try {
    const found = (parser.parse(text) as XmlElement)[root];
    return Array.isArray(found) ? (found as readonly XmlElement[])[0] : undefined;
  } catch {
    return undefined;
  }
}

/** Children of that name; none of no element. */
export function children(element: XmlElement | undefined, name: string): readonly XmlElement[] {
  const found = element?.[name];
  return Array.isArray(found) ? found as readonly XmlElement[] : [];
}

/** The first child of that name. */
export function child(element: XmlElement | undefined, name: string): XmlElement | undefined {
  return children(element, name)[0];
}

export function attribute(element: XmlElement | undefined, name: string): string | undefined {
  const found = element?.[`@${name}`];
  return typeof found === 'string' ? found : undefined;
}

/** Text of an element itself. */
export function textOf(element: XmlElement | undefined): string | undefined {
  const found = element?.['#text'];
  return typeof found === 'string' ? found : undefined;
}

/** Text of the first child of that name. */
export function childText(element: XmlElement | undefined, name: string): string | undefined {
  return textOf(child(element, name));
}
