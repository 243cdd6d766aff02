import { throwIfAborted } from '../errors.js';
import { allocate } from '../raster/index.js';
import type { DataType, LinearRule, Raster, ReadOptions, ReducedReadOptions, Scene, Size, TypedArray, Window } from '../raster/index.js';

/**
 * A scene whose samples are another's, changed band by band and cast to `dtype` (integers rounded half up and clamped to the
 * type's range). What is nodata is decided by the scene underneath; samples that are not finite are nodata, too. An alpha band
 * is left alone: it only tells nodata.
 * @param rules One per band of the scene.
 */
export function stretchScene(scene: Scene, rules: readonly LinearRule[], dtype: 'uint8' | 'float32'): Scene {
  // These belong to the values underneath; the mask says where nodata was.
  const { nodata: _nodata, bandNodata: _bandNodata, scaling: _scaling, units: _units, statistics: _statistics, bits: _bits, ...kept } = scene.profile;
  const profile = { ...kept, dtype };
  const tables = new Map<number, Uint8Array>();
  const stretched = (raster: Raster, { bands, into }: Pick<ReadOptions, 'bands' | 'into'>): Raster => {
    const data = into !== undefined && into.length === raster.data.length && into instanceof arrayOf(dtype) ? into : allocate(dtype, raster.data.length);
    let mask = raster.mask;
    for (let at = 0; at < raster.bands; at++) {
      const band = bands?.[at] ?? at;
      const rule = rules[band]!;
      if (dtype === 'uint8' && raster.data instanceof Uint16Array) lookUp(raster.data, data as Uint8Array, at, raster.bands, tableOf(tables, band, rule));
      else mask = compute(raster.data, data, at, raster.bands, { rule, dtype, mask });
    }
    return { ...raster, data, ...(mask === undefined ? {} : { mask }) };
  };
  return {
    profile,
    async read(window: Window, options: ReadOptions = {}): Promise<Raster> {
      const { into: _into, ...rest } = options;
      return stretched(await scene.read(window, rest), options);
    },
    async readReduced(window: Window, size: Size, options: ReducedReadOptions = {}): Promise<Raster> {
      return stretched(await scene.readReduced(window, size, options), options);
    },
    close: () => scene.close(),
  };
}

function arrayOf(dtype: DataType): Uint8ArrayConstructor | Float32ArrayConstructor {
  return dtype === 'uint8' ? Uint8Array : Float32Array;
}

/** Every 16-bit value's byte; made when a band is first read. */
function tableOf(tables: Map<number, Uint8Array>, band: number, rule: LinearRule): Uint8Array {
  let table = tables.get(band);
  if (table === undefined) {
    table = Uint8Array.from({ length: 65536 }, (_, value) => toByte(value * rule.factor + rule.offset));
    tables.set(band, table);
  }
  return table;
}

function lookUp(from: Uint16Array, to: Uint8Array, at: number, step: number, table: Uint8Array): void {
  for (let i = at; i < from.length; i += step) to[i] = table[from[i]!]!;
}

function compute(
  from: TypedArray, to: TypedArray, at: number, step: number, options: { readonly rule: LinearRule; readonly dtype: 'uint8' | 'float32'; readonly mask: Uint8Array | undefined },
): Uint8Array | undefined {
  const { rule: { factor, offset }, dtype } = options;
  const bytes = dtype === 'uint8';
  let mask = options.mask;
  for (let i = at, pixel = 0; i < from.length; i += step, pixel++) {
    const value = from[i]! * factor + offset;
    if (!Number.isFinite(value)) {
      mask ??= new Uint8Array(from.length / step).fill(255);
      mask[pixel] = 0;
      to[i] = 0;
    } else to[i] = bytes ? toByte(value) : value;
  }
  return mask;
}

/** Rounded half up, clamped. */
function toByte(value: number): number {
  return value >= 255 ? 255 : value > 0 ? Math.floor(value + 0.5) : 0;
}

/** Pixels that are looked at to know a scene's values. */
const SAMPLE_PIXELS = 4 * 1024 * 1024;
/** No part of the sample is larger than this, so that it is spread over the scene. */
const SAMPLE_EDGE = 256;

/**
 * The values of a band where there is data, from windows that are spread evenly over the scene: all pixels of scenes of up to
 * about 4 million pixels, so many of larger ones. The same scene gives the same sample. Values that are not finite are left out.
 * @returns per band of `bands`, sorted.
 */
export async function sampleValues(scene: Scene, bands: readonly number[], signal?: AbortSignal): Promise<Float64Array[]> {
  const { width, height } = scene.profile;
  const across = Math.ceil(width / SAMPLE_EDGE);
  const down = Math.ceil(height / SAMPLE_EDGE);
  const wanted = Math.ceil(SAMPLE_PIXELS / SAMPLE_EDGE ** 2);
  // A lattice of about so many squares, with the scene's proportions.
  const step = Math.max(1, Math.sqrt((across * down) / wanted));
  const columns = lattice(across, step);
  const rows = lattice(down, step);
  const parts: Float64Array[][] = bands.map(() => []);
  for (const row of rows) {
    for (const column of columns) {
      throwIfAborted(signal);
      const x = column * SAMPLE_EDGE;
      const y = row * SAMPLE_EDGE;
      const window = { x, y, width: Math.min(SAMPLE_EDGE, width - x), height: Math.min(SAMPLE_EDGE, height - y) };
      const raster = await scene.read(window, { bands, ...(signal === undefined ? {} : { signal }) });
      bands.forEach((_, at) => parts[at]!.push(validValues(raster, at)));
    }
  }
  return parts.map(sortedTogether);
}

/** The values of several arrays in one, in rising order. */
export function sortedTogether(arrays: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let to = 0;
  for (const array of arrays) {
    all.set(array, to);
    to += array.length;
  }
  return all.sort();
}

function lattice(count: number, step: number): number[] {
  const places = Math.max(1, Math.round(count / step));
  return Array.from({ length: places }, (_, i) => Math.floor(((i + 0.5) * count) / places));
}

function validValues(raster: Raster, band: number): Float64Array {
  const { data, bands, mask } = raster;
  const out = new Float64Array(data.length / bands);
  let count = 0;
  for (let pixel = 0, i = band; i < data.length; i += bands, pixel++) {
    const value = data[i]!;
    if ((mask === undefined || mask[pixel] !== 0) && Number.isFinite(value)) out[count++] = value;
  }
  return out.slice(0, count);
}
