import { InvalidFileError } from '../../errors.js';
import { parseNodata } from '../nodata.js';
import { SLACK } from './axis.js';
import { childOf, textOf } from './vrt-xml.js';
import type { XmlNode } from './vrt-xml.js';
import { FILTER_NAMES } from './types.js';
import type { Kernel, Placement, Rect, Resampling, ValueRule } from './types.js';

/** A source of a band, as the VRT has it. */
export interface VrtSource {
  /** The name as it is written, or a whole VRT. */
  readonly file: string;
  /** Whether the name starts from the folder of the VRT. */
  readonly relative: boolean;
  /** Band of the file from 0, or its mask. */
  readonly band: number | 'mask';
  /** Size that the VRT remembers of the file. */
  readonly expected?: { readonly width: number; readonly height: number };
  readonly placement: Placement;
  readonly nodata?: number;
  readonly useMask: boolean;
  readonly rule?: ValueRule;
  readonly resampling: Resampling;
}

const KINDS = new Set(['simplesource', 'complexsource', 'averagedsource']);

/** Names for messages, as the format's documentation spells them. */
const OTHER_KINDS: ReadonlyMap<string, string> = new Map([
  ['kernelfilteredsource', 'KernelFilteredSource'], ['arraysource', 'ArraySource'], ['nodatafrommasksource', 'NoDataFromMaskSource'], ['funcsource', 'FuncSource'],
]);

/** Options of opening a source that do not change its pixels. */
const HARMLESS_OPTIONS = /^(NUM_THREADS|GEOREF_SOURCES|IGNORE_COG_LAYOUT_BREAK)$/i;

/** Whether an element of a band is a source, of whatever kind. */
export function isSource(node: XmlNode): boolean {
  return node.name.endsWith('source');
}

/**
 * Reads `<SimpleSource>`, `<ComplexSource>` or `<AveragedSource>` (gdal.org/drivers/raster/vrt.html).
 * @throws {InvalidFileError} naming what is not read
 */
export function parseSource(node: XmlNode, url: string): VrtSource {
  const refuse = (message: string, advice?: string): never => {
    throw new InvalidFileError(url, message, advice === undefined ? {} : { advice });
  };
  if (!KINDS.has(node.name)) refuse(`sources of the kind ${OTHER_KINDS.get(node.name) ?? node.name} are not read`, RENDER);
  const name = childOf(node, 'sourcefilename');
  if (name === undefined || name.text === '') return refuse('a source has no SourceFilename', 'the file is damaged');
  for (const option of childOf(node, 'openoptions')?.children ?? []) {
    const key = option.attributes.get('key') ?? option.name;
    if (!HARMLESS_OPTIONS.test(key)) refuse(`${name.text} is to be opened with the option ${key}, which is not read`, RENDER);
  }
  const placement = placementOf(node, name.text, url);
  const isComplex = node.name === 'complexsource';
  const nodata = isComplex ? parseNodata(textOf(node, 'nodata') ?? '') : undefined;
  const rule = isComplex ? ruleOf(node, name.text, url) : undefined;
  const properties = childOf(node, 'sourceproperties')?.attributes;
  const width = Number(properties?.get('rasterxsize'));
  const height = Number(properties?.get('rasterysize'));
  return {
    file: name.text,
    relative: /^\s*[1-9]/.test(name.attributes.get('relativetovrt') ?? ''),
    band: bandOf(textOf(node, 'sourceband') ?? '1', name.text, url),
    ...(width > 0 && height > 0 ? { expected: { width, height } } : {}),
    placement,
    ...(nodata === undefined ? {} : { nodata }),
    useMask: isComplex && /^\s*(1|true|yes|on)/i.test(textOf(node, 'usemaskband') ?? ''),
    ...(rule === undefined ? {} : { rule }),
    resampling: isMoved(placement) ? resamplingOf(node, name.text, url) : 'nearest',
  };
}

/** Of a simple source, "average" is that of an AveragedSource, which counts pixels whole. */
function resamplingOf(node: XmlNode, file: string, url: string): Resampling {
  const written = node.attributes.get('resampling') ?? 'nearest';
  const name = written.toLowerCase();
  if (node.name === 'averagedsource' || (node.name === 'simplesource' && name.startsWith('aver'))) return 'averaged';
  if (name.startsWith('near')) return 'nearest';
  if ((FILTER_NAMES as readonly string[]).includes(name)) return name as Kernel;
  throw new InvalidFileError(url, `${file} is to be resampled by ${written}, expected nearest, ${FILTER_NAMES.join(', ')}`, { advice: RENDER });
}

/** What to do about a VRT that computes. */
export const RENDER = 'write it as a GeoTIFF first, for example with gdal_translate -co TILED=YES -co COMPRESS=DEFLATE';

function bandOf(text: string, file: string, url: string): number | 'mask' {
  if (/^mask(,\s*\d+)?$/i.test(text)) return 'mask';
  const band = Number(text);
  if (!Number.isInteger(band) || band < 1) throw new InvalidFileError(url, `expected the number of a band of ${file} from 1, found "${text}"`);
  return band - 1;
}

function placementOf(node: XmlNode, file: string, url: string): Placement {
  const rect = (name: string): Rect | undefined => {
    const attributes = childOf(node, name)?.attributes;
    if (attributes === undefined) return undefined;
    const [x, y, width, height] = ['xoff', 'yoff', 'xsize', 'ysize'].map((key) => Number(attributes.get(key) ?? -1)) as [number, number, number, number];
    // GDAL writes -1 four times for "all of it".
    if (x === -1 && y === -1 && width === -1 && height === -1) return undefined;
    if (![x, y, width, height].every(Number.isFinite) || width < 0 || height < 0) {
      throw new InvalidFileError(url, `the ${name === 'srcrect' ? 'SrcRect' : 'DstRect'} of ${file} makes no sense: ${x}, ${y}, ${width} × ${height}`);
    }
    return { x, y, width, height };
  };
  const source = rect('srcrect');
  const target = rect('dstrect');
  return { ...(source === undefined ? {} : { source }), ...(target === undefined ? {} : { target }) };
}

/** Whether pixels change their size or come to lie between pixels, as far as the rectangles tell. */
function isMoved({ source, target }: Placement): boolean {
  if (source === undefined || target === undefined) return source !== target;
  const isBetween = (offset: number): boolean => Math.abs(offset - Math.round(offset)) >= SLACK;
  return source.width !== target.width || source.height !== target.height || isBetween(source.x - target.x) || isBetween(source.y - target.y);
}

function ruleOf(node: XmlNode, file: string, url: string): ValueRule | undefined {
  const number = (name: string): number | undefined => {
    const text = textOf(node, name);
    if (text === undefined || text === '') return undefined;
    const value = Number(text);
    if (!Number.isFinite(value)) throw new InvalidFileError(url, `expected a number as the ${name} of ${file}, found "${text}"`);
    return value;
  };
  const component = number('colortablecomponent');
  if (component !== undefined && component !== 0 && ![1, 2, 3, 4].includes(component)) throw new InvalidFileError(url, `expected a ColorTableComponent from 1 to 4 for ${file}, found ${component}`);
  const [ratio, offset, exponent] = [number('scaleratio'), number('scaleoffset'), number('exponent')];
  const table = tableOf(textOf(node, 'lut'), file, url);
  const isLinear = ratio !== undefined || offset !== undefined;
  const power = isLinear || exponent === undefined ? undefined : powerOf(exponent, number, node, file, url);
  if (!component && !isLinear && power === undefined && table === undefined) return undefined;
  return {
    ...(component ? { component: component - 1 } : {}),
    ...(isLinear ? { linear: { ratio: ratio ?? 1, offset: offset ?? 0 } } : {}),
    ...(power === undefined ? {} : { power }),
    ...(table === undefined ? {} : { table }),
  };
}

function powerOf(exponent: number, number: (name: string) => number | undefined, node: XmlNode, file: string, url: string): NonNullable<ValueRule['power']> {
  const [srcMin, srcMax, dstMin, dstMax] = [number('srcmin'), number('srcmax'), number('dstmin'), number('dstmax')];
  if (srcMin === undefined || srcMax === undefined || dstMin === undefined || dstMax === undefined || srcMin === srcMax) {
    throw new InvalidFileError(url, `${file} has an Exponent without SrcMin, SrcMax, DstMin and DstMax, which would take the statistics of its pixels`, { advice: RENDER });
  }
  return { exponent, srcMin, srcMax, dstMin, dstMax, clamp: !/^\s*(0|false|no|off)/i.test(textOf(node, 'clamp') ?? '') };
}

function tableOf(text: string | undefined, file: string, url: string): ValueRule['table'] {
  if (text === undefined || text === '') return undefined;
  const pairs = text.split(',').map((pair) => pair.split(':').map((word) => (word.trim() === '' ? Number.NaN : Number(word))));
  const inputs = pairs.map((pair) => pair[0] ?? Number.NaN);
  const outputs = pairs.map((pair) => pair[1] ?? Number.NaN);
  const rises = inputs.every((value, i) => i === 0 || value >= inputs[i - 1]!);
  if (pairs.some((pair) => pair.length !== 2) || [...inputs, ...outputs].some((value) => Number.isNaN(value)) || !rises) {
    throw new InvalidFileError(url, `expected the LUT of ${file} as input:output,input:output… with rising inputs`);
  }
  return { inputs, outputs };
}

