import type { Scene } from '../raster/index.js';
import { IDENTITY_STRETCH, displayStretch } from './stretch.js';
import type { Stretch } from './stretch.js';
import { displayBands } from './thumbnail.js';

/** Samples are taken from a grid of this many places along each axis, this many pixels wide and high each. */
const PLACES = 5;
const EDGE = 64;

export interface SceneStretchOptions {
  /** Bands, from 0. Default: {@link displayBands}. */
  readonly bands?: readonly number[];
  readonly signal?: AbortSignal;
}

/**
 * The stretch of a scene from samples of it, for pictures of its parts: at most 25 small windows are read, however large the
 * scene is; none of an 8-bit or palette scene.
 */
export async function sceneStretch(scene: Scene, options: SceneStretchOptions = {}): Promise<Stretch> {
  const { profile } = scene;
  const { signal } = options;
  const bands = options.bands ?? displayBands(profile);
  if (profile.dtype === 'uint8' || (profile.palette !== undefined && bands.length === 1)) return IDENTITY_STRETCH;
  const width = Math.min(EDGE, profile.width);
  const height = Math.min(EDGE, profile.height);
  const data: number[] = [];
  const mask: number[] = [];
  for (let i = 0; i < PLACES * PLACES; i++) {
    const x = Math.round((profile.width - width) * ((i % PLACES) / (PLACES - 1)));
    const y = Math.round((profile.height - height) * (Math.floor(i / PLACES) / (PLACES - 1)));
    const raster = await scene.read({ x, y, width, height }, { bands, ...(signal === undefined ? {} : { signal }) });
    for (const value of raster.data) data.push(value);
    for (let p = 0; p < width * height; p++) mask.push(raster.mask?.[p] ?? 255);
  }
  return displayStretch({
    data: Float32Array.from(data), mask: Uint8Array.from(mask), width: mask.length, height: 1, bands: bands.length, reduction: [1, 1], display: false,
  }, profile);
}
