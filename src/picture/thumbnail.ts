import { throwIfAborted } from '../errors.js';
import { bytesPerSample, intersect } from '../raster/index.js';
import type { Raster, Rgba, Scene, SceneProfile, Window } from '../raster/index.js';
import { fitInto } from './picture.js';

/** Bytes of one read while a scene is reduced. */
const READ_BYTES = 12 * 1024 * 1024;

/** A scene, or a part of it, in few pixels: the means of the valid pixels, pixel-interleaved. */
export interface Thumbnail {
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  /** 255 where at least half of the pixels were valid, else 0. */
  readonly mask: Uint8Array;
  /** Scene pixels per pixel, along x and y. */
  readonly reduction: readonly [number, number];
  /** Whether the samples are already red, green, blue from 0 to 255 (a palette was applied). */
  readonly display: boolean;
}

export interface ThumbnailOptions {
  /** Longest edge in pixels, at most; a smaller scene keeps its size. Default 1024. */
  readonly maxEdge?: number;
  /** Part of the scene. Default: all of it. */
  readonly window?: Window;
  /** Bands, from 0. Default: {@link displayBands}. */
  readonly bands?: readonly number[];
  readonly signal?: AbortSignal;
}

/**
 * Reduces a scene by averaging areas, reading it once from top to bottom in pieces of at most 12 MB (but at least one row of
 * blocks), so that memory does not depend on the scene's size.
 */
export async function sceneThumbnail(scene: Scene, options: ThumbnailOptions = {}): Promise<Thumbnail> {
  const { profile } = scene;
  const edge = options.maxEdge ?? 1024;
  const whole: Window = options.window ?? { x: 0, y: 0, width: profile.width, height: profile.height };
  const size = fitInto(whole, { width: edge, height: edge });
  const bands = options.bands ?? displayBands(profile);
  const palette = profile.palette !== undefined && bands.length === 1 ? profile.palette : undefined;
  const channels = palette === undefined ? bands.length : 3;
  const sums = createSums(size.width, size.height, channels);
  for (const window of readingWindows(profile, whole, bands.length)) {
    throwIfAborted(options.signal);
    const raster = await scene.read(window, { bands, ...(options.signal === undefined ? {} : { signal: options.signal }) });
    const toColumn = binsOf(window.x - whole.x, window.width, whole.width, size.width);
    const toRow = binsOf(window.y - whole.y, window.height, whole.height, size.height);
    if (palette === undefined) addRaster(sums, raster, toColumn, toRow);
    else addPaletteRaster(sums, raster, palette, toColumn, toRow);
  }
  return {
    ...finishSums(sums), width: size.width, height: size.height, bands: channels,
    reduction: [whole.width / size.width, whole.height / size.height], display: palette !== undefined,
  };
}

/** Bytes per pixel of a thumbnail while it is made and drawn: sums and counts, means, and about six 8-bit pictures of its size. */
const PIXEL_BYTES = 3 * 8 + 2 * 4 + 3 * 4 + 1 + 6 * 4;

/** Bytes that making and drawing a thumbnail holds at most, the scene's own cache not counted. */
export function thumbnailMemory(size: { readonly width: number; readonly height: number }, maxEdge: number): number {
  const { width, height } = fitInto(size, { width: maxEdge, height: maxEdge });
  return width * height * PIXEL_BYTES + 2 * READ_BYTES;
}

/** The bands that make a picture: red, green, blue by name where the file gives names; else the first three, or the first. */
export function displayBands(profile: SceneProfile): readonly number[] {
  const named = ['red', 'green', 'blue'].map((name) => (profile.bandNames ?? []).findIndex((other) => other.toLowerCase() === name));
  if (named.every((index) => index >= 0)) return named;
  const color: number[] = [];
  for (let band = 0; band < profile.bands; band++) if (band !== profile.alphaBand) color.push(band);
  return color.length >= 3 ? color.slice(0, 3) : color.slice(0, 1);
}

/** Pieces of a part of a scene, top to bottom, along the scene's block rows. */
function* readingWindows(profile: SceneProfile, whole: Window, bands: number): Generator<Window> {
  const rowBytes = whole.width * bands * bytesPerSample(profile.dtype);
  const block = Math.max(1, profile.blockHeight);
  const blockRows = Math.max(1, Math.floor(READ_BYTES / (rowBytes * block)));
  const tooLarge = rowBytes * block > READ_BYTES;
  // Block rows that are too large are read in halves, quarters … of their height: memory goes before speed.
  const step = tooLarge ? Math.max(1, Math.floor(READ_BYTES / rowBytes)) : blockRows * block;
  const bottom = whole.y + whole.height;
  for (let y = whole.y; y < bottom;) {
    const next = Math.min(bottom, tooLarge ? y + step : (Math.floor(y / block) + blockRows) * block);
    const window = intersect({ x: whole.x, y, width: whole.width, height: next - y }, whole);
    if (window !== undefined) yield window;
    y = next;
  }
}

interface Sums {
  readonly width: number;
  readonly channels: number;
  readonly sum: Float64Array;
  readonly valid: Uint32Array;
  readonly seen: Uint32Array;
}

function createSums(width: number, height: number, channels: number): Sums {
  const pixels = width * height;
  return { width, channels, sum: new Float64Array(pixels * channels), valid: new Uint32Array(pixels), seen: new Uint32Array(pixels) };
}

/** For pixels `start … start + count` of an axis of `length`, the pixel of the reduced axis that each belongs to. */
function binsOf(start: number, count: number, length: number, reduced: number): Uint32Array {
  const bins = new Uint32Array(count);
  for (let i = 0; i < count; i++) bins[i] = Math.floor(((start + i) * reduced) / length);
  return bins;
}

function addRaster(sums: Sums, raster: Raster, toColumn: Uint32Array, toRow: Uint32Array): void {
  const { data, mask, width, height } = raster;
  const { channels, sum, valid, seen } = sums;
  const planes = raster.layout === 'band';
  const pixelStep = planes ? 1 : channels;
  const bandStep = planes ? width * height : 1;
  for (let y = 0; y < height; y++) {
    const row = toRow[y]! * sums.width;
    for (let x = 0; x < width; x++) {
      const from = y * width + x;
      const to = row + toColumn[x]!;
      seen[to]!++;
      if (mask !== undefined && mask[from] === 0) continue;
      const first = data[from * pixelStep]!;
      if (!Number.isFinite(first)) continue;
      valid[to]!++;
      for (let b = 0; b < channels; b++) sum[to * channels + b]! += data[from * pixelStep + b * bandStep]!;
    }
  }
}

function addPaletteRaster(sums: Sums, raster: Raster, palette: readonly Rgba[], toColumn: Uint32Array, toRow: Uint32Array): void {
  const { data, mask, width, height } = raster;
  const { sum, valid, seen } = sums;
  for (let y = 0; y < height; y++) {
    const row = toRow[y]! * sums.width;
    for (let x = 0; x < width; x++) {
      const from = y * width + x;
      const to = row + toColumn[x]!;
      seen[to]!++;
      const color = palette[data[from]!];
      if ((mask !== undefined && mask[from] === 0) || color === undefined || color[3] === 0) continue;
      valid[to]!++;
      sum[to * 3]! += color[0];
      sum[to * 3 + 1]! += color[1];
      sum[to * 3 + 2]! += color[2];
    }
  }
}

function finishSums(sums: Sums): { data: Float32Array; mask: Uint8Array } {
  const { sum, valid, seen, channels } = sums;
  const data = new Float32Array(sum.length);
  const mask = new Uint8Array(valid.length);
  for (let i = 0; i < valid.length; i++) {
    const count = valid[i]!;
    if (count === 0) continue;
    mask[i] = count * 2 >= seen[i]! ? 255 : 0;
    for (let b = 0; b < channels; b++) data[i * channels + b] = sum[i * channels + b]! / count;
  }
  return { data, mask };
}
