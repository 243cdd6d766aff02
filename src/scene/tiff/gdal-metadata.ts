/** One `<Item>` of GDAL's metadata tag (42112). */
export interface MetadataItem {
  readonly name: string;
  /** Band from 0; absent for the whole picture. */
  readonly sample?: number;
  readonly role?: string;
  readonly domain?: string;
  readonly value: string;
}

/** Text beyond this is not metadata of a raster. */
const MAX_ITEMS = 10_000;

/** The items of GDAL's metadata XML. It is flat, so that a full XML parser is not needed; what does not fit is skipped. */
export function parseGdalMetadata(xml: string): MetadataItem[] {
  const items: MetadataItem[] = [];
  for (const match of xml.matchAll(/<Item\b([^>]*?)(?:\/>|>([^<]*)<\/Item>)/g)) {
    const attributes = parseAttributes(match[1] ?? '');
    const name = attributes.get('name');
    if (name === undefined) continue;
    const sample = Number(attributes.get('sample') ?? Number.NaN);
    const role = attributes.get('role');
    const domain = attributes.get('domain');
    items.push({
      name,
      ...(Number.isInteger(sample) ? { sample } : {}),
      ...(role === undefined ? {} : { role }),
      ...(domain === undefined ? {} : { domain }),
      // GDAL escapes values twice, and reads them so.
      value: unescapeXml(unescapeXml(match[2] ?? '')),
    });
    if (items.length === MAX_ITEMS) break;
  }
  return items;
}

/** Names of the bands, if GDAL's descriptions name at least one. */
export function bandNames(items: readonly MetadataItem[], bands: number): string[] | undefined {
  const names = new Array<string>(bands).fill('');
  for (const item of items) {
    if (item.role === 'description' && item.sample !== undefined && item.sample < bands) names[item.sample] = item.value;
  }
  return names.some((name) => name !== '') ? names.map((name, i) => name || `band ${i + 1}`) : undefined;
}

/** Highest pixel value that is taken for a class. */
const MAX_CLASS = 65535;

/** Names by pixel value from the items `CLASS_<value>`; empty where a value has none. */
export function classNames(items: readonly MetadataItem[]): string[] | undefined {
  const names: string[] = [];
  for (const item of items) {
    const value = /^CLASS_(\d{1,5})$/.exec(item.name)?.[1];
    if (value !== undefined && Number(value) <= MAX_CLASS) names[Number(value)] = item.value;
  }
  return names.length === 0 ? undefined : Array.from(names, (name) => name ?? '');
}

function parseAttributes(text: string): Map<string, string> {
  return new Map([...text.matchAll(/([\w:]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)].map((match) => [match[1]!, unescapeXml(match[2] ?? match[3] ?? '')]));
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

export function unescapeXml(text: string): string {
  return text.replace(/&(#x[0-9a-fA-F]+|#\d+|\w+);/g, (whole, entity: string) => {
    if (!entity.startsWith('#')) return ENTITIES[entity] ?? whole;
    const code = entity[1] === 'x' ? Number.parseInt(entity.slice(2), 16) : Number(entity.slice(1));
    return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : whole;
  });
}
