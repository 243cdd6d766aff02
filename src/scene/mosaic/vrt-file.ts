import { InvalidFileError } from '../../errors.js';
import { crsFromEpsg, crsFromWkt, isInvertible } from '../../georef/index.js';
import type { Crs, GroundControl, RationalCoefficients, Transform } from '../../georef/index.js';
import type { DataType, FreeMetadata, Rgba } from '../../raster/index.js';
import { freeMetadata } from '../free-metadata.js';
import { nodataOfType, parseNodata } from '../nodata.js';
import { rpcFromItems } from '../rpc.js';
import { childOf, childrenOf, parseXml, textOf } from './vrt-xml.js';
import type { XmlNode } from './vrt-xml.js';
import { holdsAll } from './values.js';
import { RENDER, isSource, parseSource } from './vrt-source.js';
import type { VrtSource } from './vrt-source.js';

/** A VRT as it is written; nothing is opened. */
export interface VrtFile {
  readonly width: number;
  readonly height: number;
  /** Type that holds the samples of all bands. */
  readonly dtype: DataType;
  /** All bands hold complex numbers, or none does. */
  readonly isComplex: boolean;
  readonly bands: readonly VrtBand[];
  readonly mask?: VrtBand;
  readonly transform?: Transform;
  readonly crs?: Crs;
  readonly gcps?: GroundControl;
  readonly rpc?: RationalCoefficients;
  readonly metadata?: FreeMetadata;
  readonly notes: readonly string[];
}

export interface VrtBand extends BandType {
  /** Nodata that is told. */
  readonly nodata?: number;
  /** What stands where no source does: nodata, told or not, else 0. */
  readonly fill: number;
  readonly isAlpha: boolean;
  /** `red`, `green` …, where the VRT says so. */
  readonly colour?: string;
  readonly name?: string;
  readonly scaling?: { readonly scale: number; readonly offset: number };
  readonly unit?: string;
  readonly palette?: readonly Rgba[];
  readonly classNames?: readonly string[];
  readonly sources: readonly VrtSource[];
}

interface BandType {
  /** Of complex numbers, that of their parts. */
  readonly dtype: DataType;
  readonly isComplex?: boolean;
  /** Integers of 64 bits, read as doubles. */
  readonly isWide?: boolean;
}

const TYPES: ReadonlyMap<string, BandType> = new Map<string, BandType>([
  ['byte', { dtype: 'uint8' }], ['int8', { dtype: 'int8' }], ['uint16', { dtype: 'uint16' }], ['int16', { dtype: 'int16' }], ['uint32', { dtype: 'uint32' }], ['int32', { dtype: 'int32' }],
  ['float32', { dtype: 'float32' }], ['float64', { dtype: 'float64' }], ['int64', { dtype: 'float64', isWide: true }], ['uint64', { dtype: 'float64', isWide: true }],
  ['cint16', { dtype: 'int16', isComplex: true }], ['cint32', { dtype: 'int32', isComplex: true }],
  ['cfloat32', { dtype: 'float32', isComplex: true }], ['cfloat64', { dtype: 'float64', isComplex: true }],
]);

/** VRTs that compute, by their subclass. */
const COMPUTING: ReadonlyMap<string, string> = new Map([
  ['vrtwarpeddataset', 'warped VRTs (VRTWarpedDataset)'], ['vrtpansharpeneddataset', 'pansharpened VRTs (VRTPansharpenedDataset)'],
  ['vrtprocesseddataset', 'processed VRTs (VRTProcessedDataset)'],
]);
const COMPUTING_BANDS: ReadonlyMap<string, string> = new Map([
  ['vrtderivedrasterband', 'bands that are computed (VRTDerivedRasterBand)'], ['vrtrawrasterband', 'raw files (VRTRawRasterBand)'],
  ['vrtwarpedrasterband', 'warped bands (VRTWarpedRasterBand)'], ['vrtpansharpenedrasterband', 'pansharpened bands (VRTPansharpenedRasterBand)'],
]);

/** From the narrowest on. */
const DATA_TYPES: readonly DataType[] = ['uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'float32', 'float64'];

const MAX_EDGE = 2 ** 31 - 1;
const IDENTITY = [0, 1, 0, 0, 0, 1] as const;

/** Whether a text begins like a VRT. */
export function isVrt(head: string): boolean {
  return /^\uFEFF?\s*(<\?xml[^>]*\?>\s*)?(<!--[\s\S]*?-->\s*)*<VRTDataset\b/i.test(head);
}

/**
 * Reads a VRT of simple and complex sources (gdal.org/drivers/raster/vrt.html).
 * @throws {InvalidFileError} if it is damaged, or computes what is not computed here
 */
export function parseVrt(text: string, url: string): VrtFile {
  let root: XmlNode;
  try {
    root = parseXml(text);
  } catch (error) {
    throw new InvalidFileError(url, `the VRT cannot be read: ${(error as Error).message}`, { cause: error });
  }
  const computing = COMPUTING.get((root.attributes.get('subclass') ?? '').toLowerCase());
  if (computing !== undefined) throw new InvalidFileError(url, `${computing} are not read`, { advice: RENDER });
  const width = edgeOf(root, 'rasterXSize', url);
  const height = edgeOf(root, 'rasterYSize', url);
  const notes: string[] = [];
  const bands = childrenOf(root, 'vrtrasterband').map((node, i) => parseBand(node, i, url, notes));
  const [first] = bands;
  if (first === undefined) {
    throw new InvalidFileError(url, childOf(root, 'group') === undefined ? 'the VRT has no band' : 'multidimensional VRTs are not read', { advice: RENDER });
  }
  const { dtype, isComplex } = typeOf(bands, url, notes);
  // A mask stands in the dataset, or, with old versions, in the first band.
  const mask = maskOf(root, url, notes) ?? maskOf(childrenOf(root, 'vrtrasterband')[0]!, url, notes);
  const metadata = freeMetadata(itemsOf(root), childrenOf(root, 'vrtrasterband').map((node) => itemsOf(node)));
  return { width, height, dtype, isComplex, bands, ...(mask === undefined ? {} : { mask }), ...placeOf(root, notes), ...(metadata === undefined ? {} : { metadata }), notes };
}

/** The type of all samples: that of the bands, or one that holds those of all. */
function typeOf(bands: readonly VrtBand[], url: string, notes: string[]): { readonly dtype: DataType; readonly isComplex: boolean } {
  const types = [...new Set(bands.map((band) => band.dtype))];
  const complex = bands.filter((band) => band.isComplex === true).length;
  if (complex > 0 && complex < bands.length) throw new InvalidFileError(url, `expected complex numbers in all bands or in none, found ${complex} of ${bands.length} bands with them`, { advice: RENDER });
  const dtype = DATA_TYPES.find((type) => types.every((one) => holdsAll(one, type)))!;
  if (types.length > 1) notes.push(`its bands are ${types.join(', ')}, and given as ${dtype}, which holds them all`);
  if (complex > 0) notes.push('complex numbers: the real and the imaginary parts are bands of their own');
  if (bands.some((band) => band.isWide === true)) notes.push('integers of 64 bits are read as doubles; one that no double equals is refused');
  return { dtype, isComplex: complex > 0 };
}

function edgeOf(root: XmlNode, name: 'rasterXSize' | 'rasterYSize', url: string): number {
  const text = root.attributes.get(name.toLowerCase());
  const value = Number(text);
  if (text === undefined || !Number.isInteger(value) || value < 1 || value > MAX_EDGE) {
    throw new InvalidFileError(url, `expected ${name} from 1 to ${MAX_EDGE}, found ${text === undefined ? 'none' : `"${text}"`}`);
  }
  return value;
}

function maskOf(node: XmlNode, url: string, notes: string[]): VrtBand | undefined {
  const band = childOf(childOf(node, 'maskband') ?? NOTHING, 'vrtrasterband');
  return band === undefined ? undefined : parseBand(band, undefined, url, notes);
}

const NOTHING: XmlNode = { name: '', attributes: new Map(), children: [], text: '' };

function parseBand(node: XmlNode, index: number | undefined, url: string, notes: string[]): VrtBand {
  const label = index === undefined ? 'the mask' : `band ${index + 1}`;
  const computing = COMPUTING_BANDS.get((node.attributes.get('subclass') ?? '').toLowerCase());
  if (computing !== undefined) {
    const pixelFunction = textOf(node, 'pixelfunctiontype');
    throw new InvalidFileError(url, `${computing} are not read: ${label}${pixelFunction === undefined ? '' : ` is made by the pixel function ${pixelFunction}`}`, { advice: RENDER });
  }
  const number = node.attributes.get('band');
  if (index !== undefined && number !== undefined && Number(number) !== index + 1) throw new InvalidFileError(url, `expected band ${index + 1}, found band "${number}"`);
  const typeName = node.attributes.get('datatype') ?? 'Byte';
  const type = TYPES.get(typeName.toLowerCase());
  if (type === undefined) throw new InvalidFileError(url, `${label} has samples of the type ${typeName}, which are not read`, { advice: RENDER });
  const { dtype } = type;
  const text = textOf(node, 'nodatavalue') ?? '';
  const value = parseNodata(text);
  const nodata = value === undefined ? undefined : nodataOfType(value, dtype);
  if (nodata === undefined && text !== '') notes.push(`nodata "${text}" of ${label} cannot be a value of ${dtype} and was ignored`);
  const isHidden = /^\s*(1|true|yes|on)/i.test(textOf(node, 'hidenodatavalue') ?? '');
  const colour = (textOf(node, 'colorinterp') ?? '').toLowerCase();
  const name = textOf(node, 'description');
  const [scale, offset] = [numberOf(node, 'scale'), numberOf(node, 'offset')];
  const unit = textOf(node, 'unittype');
  const palette = paletteOf(node);
  const classNames = childOf(node, 'categorynames')?.children.filter((child) => child.name === 'category').map((child) => child.text);
  return {
    ...type,
    ...(nodata === undefined || isHidden ? {} : { nodata }),
    fill: nodata ?? 0,
    isAlpha: colour === 'alpha',
    ...(colour === '' ? {} : { colour }),
    ...(name === undefined || name === '' ? {} : { name }),
    ...(scale === undefined && offset === undefined ? {} : { scaling: { scale: scale ?? 1, offset: offset ?? 0 } }),
    ...(unit === undefined || unit === '' ? {} : { unit }),
    ...(palette === undefined ? {} : { palette }),
    ...(classNames === undefined || classNames.length === 0 ? {} : { classNames }),
    sources: node.children.filter(isSource).map((source) => parseSource(source, url)),
  };
}

function paletteOf(node: XmlNode): Rgba[] | undefined {
  const entries = childrenOf(childOf(node, 'colortable') ?? NOTHING, 'entry');
  if (entries.length === 0) return undefined;
  return entries.map((entry) => [0, 1, 2, 3].map((i) => {
    const value = Number(entry.attributes.get(`c${i + 1}`) ?? (i === 3 ? 255 : 0));
    return Number.isFinite(value) ? Math.min(255, Math.max(0, Math.round(value))) : 0;
  }) as unknown as Rgba);
}

function placeOf(root: XmlNode, notes: string[]): Pick<VrtFile, 'transform' | 'crs' | 'gcps' | 'rpc'> {
  const numbers = (textOf(root, 'geotransform') ?? '').split(',').map((word) => (word.trim() === '' ? Number.NaN : Number(word)));
  let transform: Transform | undefined;
  if (numbers.length === 6 && isInvertible(numbers as unknown as Transform)) transform = numbers as unknown as Transform;
  else if (childOf(root, 'geotransform') !== undefined) notes.push('the GeoTransform does not hold six usable numbers and was ignored');
  // GDAL writes pixel coordinates where there is no place.
  if (transform !== undefined && IDENTITY.every((value, i) => value === transform?.[i])) transform = undefined;
  const crs = crsOf(textOf(root, 'srs') ?? '', 'SRS', notes);
  const gcps = gcpsOf(childOf(root, 'gcplist'), notes);
  if (transform === undefined && gcps !== undefined) {
    notes.push(`placed by ${gcps.points.length} ground control points, which are not used to move pixels; warp it first, for example with gdalwarp`);
  }
  const rpc = rpcFromItems(new Map(itemsOf(root, 'RPC')));
  return {
    ...(transform === undefined ? {} : { transform }), ...(crs === undefined ? {} : { crs }),
    ...(gcps === undefined ? {} : { gcps }), ...(rpc === undefined ? {} : { rpc }),
  };
}

/** Items of metadata of one domain; without a name the default one. */
function itemsOf(node: XmlNode, domain = ''): (readonly [string, string])[] {
  return childrenOf(node, 'metadata').filter((list) => (list.attributes.get('domain') ?? '') === domain)
    .flatMap((list) => childrenOf(list, 'mdi').map((item) => [item.attributes.get('key') ?? '', item.text] as const));
}

function crsOf(text: string, where: string, notes: string[]): Crs | undefined {
  if (text === '') return undefined;
  const code = /^EPSG:(\d{4,6})$/i.exec(text)?.[1];
  const crs = code === undefined ? crsFromWkt(text) : crsFromEpsg(Number(code));
  if (crs === undefined) notes.push(`the ${where} holds no coordinate system that can be read and was ignored`);
  return crs;
}

function gcpsOf(list: XmlNode | undefined, notes: string[]): GroundControl | undefined {
  const points = childrenOf(list ?? NOTHING, 'gcp').map(({ attributes }) => {
    const number = (name: string): number => Number(attributes.get(name) ?? 0);
    const id = attributes.get('id');
    return { ...(id === undefined || id === '' ? {} : { id }), column: number('pixel'), row: number('line'), x: number('x'), y: number('y'), z: number('z') };
  }).filter(({ column, row, x, y, z }) => [column, row, x, y, z].every(Number.isFinite));
  if (points.length === 0) return undefined;
  const crs = crsOf(list?.attributes.get('projection') ?? '', 'Projection of its ground control points', notes);
  return { points, ...(crs === undefined ? {} : { crs }) };
}

function numberOf(node: XmlNode, name: string): number | undefined {
  const text = textOf(node, name);
  const value = text === undefined || text === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}
