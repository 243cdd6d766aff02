import { allocate, bytesPerSample } from './data-type.js';
import type { ReadOptions, ReducedReadOptions, Scene, SceneProfile, Size } from './scene.js';
import type { DataType, Raster, TypedArray, Window } from './types.js';

/** A scene, or a reduced copy of it, and how it is read. */
export interface ReducibleSource extends Size {
  readonly blockWidth: number;
  readonly blockHeight: number;
  readonly read: (window: Window, options: ReadOptions) => Promise<Raster>;
}

/** Bytes of one read while pixels are reduced. */
const REDUCED_READ_BYTES = 12 * 2 ** 20;

/** A rectangle that may begin and end inside pixels. */
interface Area { readonly x: number; readonly y: number; readonly width: number; readonly height: number }

/**
 * Reads a window of a scene in fewer pixels, from the smallest source that has at least as many, in pieces of at most 12 MB
 * (but at least a row of one block). Averages are those of GDAL's `average`: pixels on the border count by the share that
 * lies inside, nodata samples do not count. `sources` are the scene itself and its reduced copies, in any order.
 * @returns `size` pixels in the scene's type, integers rounded; `mask` is 255 where at least half of the area has data.
 * @throws {RangeError} if the window reaches over the scene's edge, or the size is larger than the window
 */
export async function readReducedFrom(
  sources: readonly ReducibleSource[], profile: SceneProfile, window: Window, size: Size, options: ReducedReadOptions = {},
): Promise<Raster> {
  checkReduced(profile, window, size);
  const resampling = options.resampling ?? (profile.palette !== undefined || profile.classNames !== undefined ? 'nearest' : 'average');
  const source = smallestSource(sources, profile, window, size);
  const area: Area = {
    x: (window.x * source.width) / profile.width, y: (window.y * source.height) / profile.height,
    width: (window.width * source.width) / profile.width, height: (window.height * source.height) / profile.height,
  };
  const bands = options.bands ?? Array.from({ length: profile.bands }, (_, band) => band);
  const read = (part: Window): Promise<Raster> => source.read(part, { bands, ...(options.signal === undefined ? {} : { signal: options.signal }) });
  return resampling === 'nearest' ? nearest(source, read, profile, area, size, bands) : average(source, read, profile, area, size, bands);
}

/** {@link readReducedFrom} of a scene that has no reduced copies, for scenes made in other ways than from files. */
export function readReducedByReading(scene: Pick<Scene, 'profile' | 'read'>, window: Window, size: Size, options: ReducedReadOptions = {}): Promise<Raster> {
  const { width, height, blockWidth, blockHeight } = scene.profile;
  return readReducedFrom([{ width, height, blockWidth, blockHeight, read: (part, read) => scene.read(part, read) }], scene.profile, window, size, options);
}

function checkReduced(profile: Size, window: Window, size: Size): void {
  const inside = window.x >= 0 && window.y >= 0 && window.x + window.width <= profile.width && window.y + window.height <= profile.height;
  if (!inside || ![window.x, window.y, window.width, window.height].every(Number.isSafeInteger) || window.width < 1 || window.height < 1) {
    throw new RangeError(`expected a window of whole pixels inside ${profile.width} × ${profile.height}, got x ${window.x}, y ${window.y}, ${window.width} × ${window.height}`);
  }
  const fits = (value: number, most: number): boolean => Number.isInteger(value) && value >= 1 && value <= most;
  if (!fits(size.width, window.width) || !fits(size.height, window.height)) {
    throw new RangeError(`expected a size from 1 × 1 to ${window.width} × ${window.height}, got ${size.width} × ${size.height}`);
  }
}

/** Rounded sizes of reduced copies must not make one a hair too small for the size that it was made for. */
const ROUNDING = 1e-6;

function smallestSource(sources: readonly ReducibleSource[], profile: Size, window: Window, size: Size): ReducibleSource {
  const enough = sources.filter((source) => (window.width * source.width) / profile.width >= size.width * (1 - ROUNDING) - 0.5
    && (window.height * source.height) / profile.height >= size.height * (1 - ROUNDING) - 0.5
    && (source.width >= size.width && source.height >= size.height));
  const smallest = enough.reduce<ReducibleSource | undefined>((best, source) => (best === undefined || source.width * source.height < best.width * best.height ? source : best), undefined);
  if (smallest === undefined) throw new RangeError('expected the scene itself among the sources');
  return smallest;
}

/** Pieces of an area, along the blocks of the source, none larger than the limit. */
function* pieces(source: ReducibleSource, area: Area, pixelBytes: number, mostBlockRows = Number.POSITIVE_INFINITY): Generator<Window> {
  const left = Math.floor(area.x);
  const top = Math.floor(area.y);
  const right = Math.min(source.width, Math.ceil(area.x + area.width - ROUNDING));
  const bottom = Math.min(source.height, Math.ceil(area.y + area.height - ROUNDING));
  const pixels = Math.max(1, Math.floor(REDUCED_READ_BYTES / pixelBytes));
  const { blockWidth, blockHeight } = source;
  // Whole rows of blocks where they fit; else parts of one row of blocks; else thin rows of those.
  const whole = pixels >= (right - left) * blockHeight;
  const rows = whole ? Math.min(mostBlockRows, Math.floor(pixels / ((right - left) * blockHeight))) * blockHeight : blockHeight;
  const columns = whole ? right - left : Math.min(right - left, Math.max(1, Math.floor(pixels / (blockWidth * blockHeight))) * blockWidth);
  for (let y = top; y < bottom;) {
    const nextY = Math.min(bottom, (Math.floor(y / blockHeight) * blockHeight) + rows);
    for (let x = left; x < right;) {
      const nextX = columns === right - left ? right : Math.min(right, Math.floor(x / blockWidth) * blockWidth + columns);
      const height = Math.max(1, Math.min(nextY - y, Math.floor(pixels / (nextX - x))));
      for (let thin = y; thin < nextY; thin += height) yield { x, y: thin, width: nextX - x, height: Math.min(height, nextY - thin) };
      x = nextX;
    }
    y = nextY;
  }
}

/** For each source pixel of an axis: the first target pixel that it lies in, and its shares of that one and the next. */
interface Shares {
  readonly first: Int32Array;
  readonly own: Float64Array;
  readonly next: Float64Array;
}

function sharesOf(start: number, count: number, origin: number, length: number, target: number): Shares {
  const first = new Int32Array(count);
  const own = new Float64Array(count);
  const next = new Float64Array(count);
  const step = length / target;
  for (let i = 0; i < count; i++) {
    const from = Math.max(0, start + i - origin);
    const to = Math.min(length, start + i + 1 - origin);
    // Where an edge is a whole number but for rounding, it is that number.
    const cell = Math.min(target - 1, Math.max(0, Math.floor(from / step + 1e-9)));
    const edge = (cell + 1) * step;
    first[i] = cell;
    own[i] = Math.max(0, Math.min(to, edge) - from);
    const rest = cell + 1 < target ? to - edge : 0;
    next[i] = rest > 1e-9 ? rest : 0;
  }
  return { first, own, next };
}

interface Sums {
  readonly sum: Float64Array;
  /** Shares of the samples that were counted. */
  readonly weight: Float64Array;
  readonly valid: Float64Array;
  readonly seen: Float64Array;
}

type ReadPart = (window: Window) => Promise<Raster>;

async function average(source: ReducibleSource, read: ReadPart, profile: SceneProfile, area: Area, size: Size, bands: readonly number[]): Promise<Raster> {
  const samples = bands.length;
  const pixels = size.width * size.height;
  const sums: Sums = { sum: new Float64Array(pixels * samples), weight: new Float64Array(pixels * samples), valid: new Float64Array(pixels), seen: new Float64Array(pixels) };
  const nodata = bands.map((band) => (profile.bandNodata === undefined ? (band === profile.alphaBand ? undefined : profile.nodata) : profile.bandNodata[band]));
  // Where pixels are masked, their alpha still counts: it is what the mask is made of.
  const always = bands.map((band) => band === profile.alphaBand);
  for (const window of pieces(source, area, samples * bytesPerSample(profile.dtype))) {
    const raster = await read(window);
    const columns = sharesOf(window.x, window.width, area.x, area.width, size.width);
    const rows = sharesOf(window.y, window.height, area.y, area.height, size.height);
    for (let y = 0; y < window.height; y++) {
      addRow(sums, raster, y, { row: rows.first[y]!, share: rows.own[y]!, width: size.width }, columns, nodata, always);
      if (rows.next[y]! > 0) addRow(sums, raster, y, { row: rows.first[y]! + 1, share: rows.next[y]!, width: size.width }, columns, nodata, always);
    }
  }
  return finish(sums, profile.dtype, size, nodata, profile.maskSource !== 'none');
}

function addRow(
  sums: Sums, raster: Raster, y: number, target: { readonly row: number; readonly share: number; readonly width: number }, columns: Shares,
  nodata: readonly (number | undefined)[], always: readonly boolean[],
): void {
  const { data, mask, width, bands } = raster;
  const start = target.row * target.width;
  for (let x = 0; x < width; x++) {
    const pixel = y * width + x;
    const isValid = mask === undefined || mask[pixel] !== 0;
    let to = start + columns.first[x]!;
    let share = columns.own[x]! * target.share;
    for (;;) {
      sums.seen[to]! += share;
      let counted = false;
      for (let b = 0; b < bands; b++) {
        if (!isValid && !always[b]!) continue;
        const value = data[pixel * bands + b]!;
        if (value === nodata[b] || value - value !== 0) continue;
        sums.sum[to * bands + b]! += value * share;
        sums.weight[to * bands + b]! += share;
        counted = true;
      }
      if (isValid && counted) sums.valid[to]! += share;
      if (columns.next[x] === 0 || to !== start + columns.first[x]!) break;
      to++;
      share = columns.next[x]! * target.share;
    }
  }
}

function finish(sums: Sums, dtype: DataType, size: Size, nodata: readonly (number | undefined)[], masked: boolean): Raster {
  const bands = nodata.length;
  const data = allocate(dtype, size.width * size.height * bands);
  const mask = new Uint8Array(size.width * size.height);
  const isFloat = dtype === 'float32' || dtype === 'float64';
  let holes = masked;
  for (let pixel = 0; pixel < mask.length; pixel++) {
    if (sums.valid[pixel]! * 2 >= sums.seen[pixel]! - 1e-9 && sums.valid[pixel]! > 0) mask[pixel] = 255;
    else holes = true;
    for (let b = 0; b < bands; b++) {
      const at = pixel * bands + b;
      const weight = sums.weight[at]!;
      if (weight === 0) data[at] = nodata[b] ?? 0;
      else data[at] = isFloat ? sums.sum[at]! / weight : roundHalfUp(sums.sum[at]! / weight);
    }
  }
  return { data, width: size.width, height: size.height, bands, layout: 'pixel', ...(holes ? { mask } : {}) };
}

/** Half a step goes up, and so does what is less than half only because shares are not exact. */
function roundHalfUp(value: number): number {
  return Math.floor(value + 0.5 + 1e-9);
}

async function nearest(source: ReducibleSource, read: ReadPart, profile: SceneProfile, area: Area, size: Size, bands: readonly number[]): Promise<Raster> {
  const samples = bands.length;
  const data = allocate(profile.dtype, size.width * size.height * samples);
  const middles = (origin: number, length: number, target: number, most: number): Int32Array =>
    Int32Array.from({ length: target }, (_, i) => Math.min(most - 1, Math.max(0, Math.floor(origin + ((i + 0.5) * length) / target + 1e-9))));
  const columns = middles(area.x, area.width, size.width, source.width);
  const rows = middles(area.y, area.height, size.height, source.height);
  let mask: Uint8Array | undefined;
  for (const piece of pieces(source, area, samples * bytesPerSample(profile.dtype), 1)) {
    const wantedRows = indicesWithin(rows, piece.y, piece.height);
    const wantedColumns = indicesWithin(columns, piece.x, piece.width);
    if (wantedRows.length === 0 || wantedColumns.length === 0) continue;
    const top = rows[wantedRows[0]!]!;
    const window = { ...piece, y: top, height: rows[wantedRows.at(-1)!]! - top + 1 };
    const raster = await read(window);
    if (raster.mask !== undefined) mask ??= new Uint8Array(size.width * size.height).fill(255);
    for (const row of wantedRows) {
      for (const column of wantedColumns) {
        const from = (rows[row]! - window.y) * window.width + columns[column]! - window.x;
        copySamples(raster.data, from * samples, data, (row * size.width + column) * samples, samples);
        if (raster.mask !== undefined) mask![row * size.width + column] = raster.mask[from]!;
      }
    }
  }
  return { data, width: size.width, height: size.height, bands: samples, layout: 'pixel', ...(mask === undefined ? {} : { mask }) };
}

function indicesWithin(positions: Int32Array, start: number, count: number): number[] {
  const found: number[] = [];
  for (let i = 0; i < positions.length; i++) if (positions[i]! >= start && positions[i]! < start + count) found.push(i);
  return found;
}

function copySamples(from: TypedArray, fromAt: number, to: TypedArray, toAt: number, count: number): void {
  for (let i = 0; i < count; i++) to[toAt + i] = from[fromAt + i]!;
}
