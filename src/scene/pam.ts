import { crsFromEpsg, crsFromWkt, isInvertible } from '../georef/index.js';
import type { Crs, GroundControl, RationalCoefficients, Transform } from '../georef/index.js';
import type { BandStatistics, FreeMetadata, Rgba } from '../raster/index.js';
import { freeMetadata } from './free-metadata.js';
import { parseNodata } from './nodata.js';
import { rpcFromItems } from './rpc.js';
import { attribute, child, childText, children, parseXml, textOf } from './xml.js';
import type { XmlElement } from './xml.js';

/** What a GDAL sidecar (`.aux.xml`, Persistent Auxiliary Metadata) says of one band. */
export interface PamBand {
  readonly name?: string;
  readonly nodata?: number;
  readonly scale?: number;
  readonly offset?: number;
  readonly unit?: string;
  readonly isAlpha?: boolean;
  readonly categories?: readonly string[];
  readonly palette?: readonly Rgba[];
  readonly statistics?: BandStatistics;
}

export interface Pam {
  readonly transform?: Transform;
  readonly crs?: Crs;
  readonly gcps?: GroundControl;
  readonly rpc?: RationalCoefficients;
  /** Nodata of all bands together (`NODATA_VALUES`). */
  readonly nodataValues?: readonly number[];
  /** By band, from 0. */
  readonly bands: ReadonlyMap<number, PamBand>;
  /** Items that are only carried along, of a scene of so many bands. */
  metadata(bands: number): FreeMetadata | undefined;
  readonly notes: readonly string[];
}

/** More bands than any scene has. */
const MAX_BAND = 65535;

/** The content of an `.aux.xml` file, or `undefined` if it is not one of GDAL's. */
export function parsePam(xml: string): Pam | undefined {
  const root = parseXml(xml, 'PAMDataset');
  if (root === undefined) return undefined;
  const notes: string[] = [];
  const transform = transformOf(childText(root, 'GeoTransform'));
  const crs = crsOf(childText(root, 'SRS') ?? esriWkt(root), notes);
  const gcps = gcpsOf(child(root, 'GCPList'), notes);
  const rpc = rpcFromItems(metadata(root, 'RPC'));
  const nodataValues = numberList(metadata(root).get('NODATA_VALUES'));
  const bands = new Map<number, PamBand>();
  const items = new Map<number, Map<string, string>>();
  for (const element of children(root, 'PAMRasterBand')) {
    const number = Number(attribute(element, 'band'));
    if (Number.isInteger(number) && number >= 1 && number <= MAX_BAND) {
      bands.set(number - 1, bandOf(element));
      items.set(number - 1, metadata(element));
    }
  }
  return {
    ...(transform === undefined ? {} : { transform }),
    ...(crs === undefined ? {} : { crs }),
    ...(gcps === undefined ? {} : { gcps }),
    ...(rpc === undefined ? {} : { rpc }),
    ...(nodataValues === undefined ? {} : { nodataValues }),
    metadata: (count) => freeMetadata(metadata(root), Array.from({ length: count }, (_, band) => items.get(band) ?? [])),
    bands, notes,
  };
}

function bandOf(element: XmlElement): PamBand {
  const name = childText(element, 'Description');
  const nodata = nodataOf(child(element, 'NoDataValue'));
  const scale = numberOf(childText(element, 'Scale'));
  const offset = numberOf(childText(element, 'Offset'));
  const unit = childText(element, 'UnitType');
  const interpretation = childText(element, 'ColorInterp');
  const categories = children(child(element, 'CategoryNames'), 'Category').map((entry) => textOf(entry) ?? '');
  const palette = paletteOf(child(element, 'ColorTable'));
  const statistics = statisticsOf(metadata(element));
  return {
    ...(name === undefined || name === '' ? {} : { name }),
    ...(nodata === undefined ? {} : { nodata }),
    ...(scale === undefined ? {} : { scale }),
    ...(offset === undefined ? {} : { offset }),
    ...(unit === undefined || unit === '' ? {} : { unit }),
    ...(interpretation === undefined ? {} : { isAlpha: interpretation === 'Alpha' }),
    ...(categories.length === 0 ? {} : { categories }),
    ...(palette === undefined ? {} : { palette }),
    ...(statistics === undefined ? {} : { statistics }),
  };
}

/** The items of the metadata of one domain, the default one without a name. */
function metadata(element: XmlElement, domain = ''): Map<string, string> {
  const items = new Map<string, string>();
  for (const list of children(element, 'Metadata')) {
    if ((attribute(list, 'domain') ?? '') !== domain) continue;
    for (const item of children(list, 'MDI')) items.set(attribute(item, 'key') ?? '', textOf(item) ?? '');
  }
  return items;
}

/** Statistics from GDAL's metadata items (`STATISTICS_MINIMUM` …). */
export function statisticsOf(items: ReadonlyMap<string, string>): BandStatistics | undefined {
  const min = numberOf(items.get('STATISTICS_MINIMUM'));
  const max = numberOf(items.get('STATISTICS_MAXIMUM'));
  const mean = numberOf(items.get('STATISTICS_MEAN'));
  const stdDev = numberOf(items.get('STATISTICS_STDDEV'));
  if (min === undefined && max === undefined && mean === undefined && stdDev === undefined) return undefined;
  return {
    ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }),
    ...(mean === undefined ? {} : { mean }), ...(stdDev === undefined ? {} : { stdDev }),
  };
}

/** `hex` has the exact bytes of a double that text cannot hold. */
function nodataOf(element: XmlElement | undefined): number | undefined {
  const hex = attribute(element, 'le_hex_equiv');
  if (hex !== undefined && /^[0-9a-f]{16}$/i.test(hex)) return Buffer.from(hex, 'hex').readDoubleLE();
  const text = textOf(element);
  return text === undefined ? undefined : parseNodata(text);
}

function paletteOf(table: XmlElement | undefined): Rgba[] | undefined {
  const part = (entry: XmlElement, name: string, fallback: number): number => {
    const value = Number(attribute(entry, name) ?? fallback);
    return Number.isFinite(value) ? Math.min(255, Math.max(0, Math.round(value))) : fallback;
  };
  const colours = children(table, 'Entry').map((entry): Rgba => [part(entry, 'c1', 0), part(entry, 'c2', 0), part(entry, 'c3', 0), part(entry, 'c4', 255)]);
  return colours.length === 0 ? undefined : colours;
}

function gcpsOf(list: XmlElement | undefined, notes: string[]): GroundControl | undefined {
  const points = children(list, 'GCP').flatMap((entry) => {
    const [column, row, x, y, z] = ['Pixel', 'Line', 'X', 'Y', 'Z'].map((name) => Number(attribute(entry, name) ?? (name === 'Z' ? 0 : Number.NaN)));
    if (![column, row, x, y, z].every(Number.isFinite)) return [];
    const id = attribute(entry, 'Id');
    return [{ ...(id === undefined || id === '' ? {} : { id }), column: column!, row: row!, x: x!, y: y!, z: z! }];
  });
  if (points.length === 0) return undefined;
  const crs = crsOf(attribute(list, 'Projection'), notes);
  return { points, ...(crs === undefined ? {} : { crs }) };
}

function transformOf(text: string | undefined): Transform | undefined {
  const numbers = numberList(text?.replaceAll(',', ' '));
  if (numbers?.length !== 6) return undefined;
  const transform = numbers as unknown as Transform;
  return isInvertible(transform) ? transform : undefined;
}

function crsOf(text: string | undefined, notes: string[]): Crs | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const code = /^\s*EPSG:(\d+)\s*$/i.exec(text)?.[1];
  const crs = code === undefined ? crsFromWkt(text) : crsFromEpsg(Number(code));
  if (crs === undefined) notes.push('the .aux.xml holds a coordinate system that cannot be read; it was ignored');
  return crs;
}

/** Where ArcGIS writes the coordinate system. */
function esriWkt(root: XmlElement): string | undefined {
  const list = children(root, 'Metadata').find((element) => attribute(element, 'domain') === 'xml:ESRI');
  return childText(child(child(list, 'GeodataXform'), 'SpatialReference'), 'WKT');
}

function numberOf(text: string | undefined): number | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** Numbers between blanks; `undefined` if there is none, or one is none. */
export function numberList(text: string | undefined): number[] | undefined {
  const words = text?.trim().split(/\s+/).filter((word) => word !== '') ?? [];
  const numbers = words.map((word) => parseNodata(word));
  return numbers.length === 0 || numbers.some((value) => value === undefined) ? undefined : numbers as number[];
}
