import type { Raster, Rgba, Scene, SceneProfile, Window } from '../raster/index.js';
import { fitInto } from './picture.js';

/** Bytes of one read while a scene is reduced (see `readReducedFrom`). */
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

/** Pixels of a palette scene are looked at so many times more closely than they are shown, along each axis. */
const PALETTE_OVERSAMPLING = 4;

/**
 * Reduces a scene by averaging areas, from its smallest reduced copy that is large enough, or reading it once from top to
 * bottom in pieces of at most 12 MB, so that memory does not depend on the scene's size. Of a palette scene the colours are
 * averaged, of at most 16 ids per pixel.
 */
export async function sceneThumbnail(scene: Scene, options: ThumbnailOptions = {}): Promise<Thumbnail> {
  const { profile } = scene;
  const edge = options.maxEdge ?? 1024;
  const whole: Window = options.window ?? { x: 0, y: 0, width: profile.width, height: profile.height };
  const size = fitInto(whole, { width: edge, height: edge });
  const bands = options.bands ?? displayBands(profile);
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const reduction = [whole.width / size.width, whole.height / size.height] as const;
  const palette = bands.length === 1 ? profile.palette : undefined;
  if (palette === undefined) {
    const raster = await scene.readReduced(whole, size, { bands, resampling: 'average', ...signal });
    return {
      data: Float32Array.from(raster.data), width: size.width, height: size.height, bands: bands.length,
      mask: raster.mask ?? new Uint8Array(size.width * size.height).fill(255), reduction, display: false,
    };
  }
  const closer = {
    width: Math.min(whole.width, size.width * PALETTE_OVERSAMPLING), height: Math.min(whole.height, size.height * PALETTE_OVERSAMPLING),
  };
  const sums = createSums(size.width, size.height, 3);
  const raster = await scene.readReduced(whole, closer, { bands, resampling: 'nearest', ...signal });
  addPaletteRaster(sums, raster, palette, binsOf(closer.width, size.width), binsOf(closer.height, size.height));
  return { ...finishSums(sums), width: size.width, height: size.height, bands: 3, reduction, display: true };
}

/**
 * Bytes per pixel of a thumbnail while it is made and drawn: sums and shares of three bands and two of the pixel, means, the
 * ids of a palette scene, and about six 8-bit pictures of its size.
 */
const PIXEL_BYTES = 6 * 8 + 2 * 8 + 3 * 4 + 1 + 16 + 6 * 4;

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

/** For the pixels of an axis of `length`, the pixel of the reduced axis that each belongs to. */
function binsOf(length: number, reduced: number): Uint32Array {
  return Uint32Array.from({ length }, (_, i) => Math.floor((i * reduced) / length));
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
