import type { SceneProfile, TypedArray, Window } from '../raster/index.js';
import type { BlockStore } from './block-cache.js';
import type { BlockRaster } from './block-raster.js';
import { maskFromAlpha, maskFromBands, maskFromNodata } from './masks.js';
import { readBlocks } from './read-blocks.js';

export interface Samples { readonly data: TypedArray; readonly mask?: Uint8Array }

/** Brings samples of windows that lie inside the scene, pixel-interleaved, bands in the order given. */
export interface SampleReader {
  readonly bands: number;
  /** `into` of the right type and length may be written to and returned; it may hold anything. */
  read(window: Window, bands: readonly number[], signal?: AbortSignal, into?: TypedArray): Promise<TypedArray>;
}

/** Reads from blocks through a cache. */
export function blockReader(raster: BlockRaster, cache: BlockStore): SampleReader {
  return { bands: raster.bands, read: (window, bands, signal, into) => readBlocks(raster, cache, window, bands, signal, into) };
}

/** Samples inside a raster, and its mask where the scene has one. */
export async function readMasked(
  profile: SceneProfile, pixels: SampleReader, stored: SampleReader | undefined, window: Window, bands: readonly number[], signal: AbortSignal | undefined,
  into?: TypedArray,
): Promise<Samples> {
  if (profile.maskSource === 'none') return { data: await pixels.read(window, bands, signal, into) };
  const mask = new Uint8Array(window.width * window.height);
  if (stored !== undefined) {
    const maskBands = Array.from({ length: stored.bands }, (_, band) => band);
    const [data, flags] = await Promise.all([
      pixels.read(window, bands, signal, into),
      stored.read(window, maskBands, signal),
    ]);
    maskFromBands(flags, maskBands.length, mask);
    return { data, mask };
  }
  // What is nodata must not depend on the bands that are read, so those that tell it are read too.
  const wanted = withMaskBands(profile, bands);
  const all = await pixels.read(window, wanted, signal, wanted === bands ? into : undefined);
  if (profile.maskSource === 'alpha') {
    maskFromAlpha(all, wanted.length, wanted.indexOf(profile.alphaBand!), mask);
  } else {
    const values = wanted.map((band) => (profile.bandNodata === undefined ? profile.nodata : profile.bandNodata[band]));
    maskFromNodata(all, values, profile.alphaBand === undefined ? -1 : wanted.indexOf(profile.alphaBand), mask);
  }
  return { data: wanted === bands ? all : firstBands(all, wanted.length, bands.length), mask };
}

/** The bands to read, and behind them those that tell nodata, if they are not among them. */
function withMaskBands(profile: SceneProfile, bands: readonly number[]): readonly number[] {
  const telling = profile.maskSource === 'alpha'
    ? [profile.alphaBand!]
    : Array.from({ length: profile.bands }, (_, band) => band).filter((band) => band !== profile.alphaBand);
  const read = new Set(bands);
  const more = telling.filter((band) => !read.has(band));
  return more.length === 0 ? bands : [...bands, ...more];
}

function firstBands(data: TypedArray, from: number, to: number): TypedArray {
  const pixels = data.length / from;
  const out = data.slice(0, pixels * to);
  for (let pixel = 1; pixel < pixels; pixel++) {
    for (let s = 0; s < to; s++) out[pixel * to + s] = data[pixel * from + s]!;
  }
  return out;
}

/** The bands asked for, or all; checked. */
export function checkBands(bands: readonly number[] | undefined, count: number): readonly number[] {
  if (bands === undefined) return Array.from({ length: count }, (_, band) => band);
  if (bands.length === 0 || bands.some((band) => !Number.isInteger(band) || band < 0 || band >= count)) {
    throw new RangeError(`expected bands from 0 to ${count - 1}, got [${bands.join(', ')}]`);
  }
  return bands;
}
