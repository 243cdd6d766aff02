import { InvalidOptionError } from '../../errors.js';
import type { ModelCard } from '../../card/index.js';
import { withDense } from '../../predict/index.js';
import type { LoadedModel } from '../../predict/index.js';
import type { SceneProfile } from '../../raster/index.js';
import { chipEdge } from '../chips/patches.js';
import { frameLength, mapLength, patchFrame } from './frame.js';
import type { Frame } from './frame.js';
import type { SegmentOptions } from './setup.js';

/** A classifier of patches, ready to make maps. */
export interface DenseSetup {
  readonly model: LoadedModel;
  /** Edge of the patch around every map pixel. */
  readonly patchSize: number;
  readonly frame: Frame;
  /** Map pixels that are computed at once. */
  readonly block: { readonly width: number; readonly height: number };
  readonly warnings: readonly string[];
}

/** Longest edge of a window in pixels: scenes keep the blocks of strips of so many rows. */
const WINDOW_EDGE = 1024;
/** Most map pixels along an edge of a window. */
const LARGEST_BLOCK = 512;
/** Blocks are not made smaller than this to have one for every engine. */
const SMALL_BLOCK = 64;
/** Bytes of an engine's maps that are alive together: about what the usual patches of a U-Net take. */
const MAPS_BYTES = 192 * 1024 ** 2;
/** Share of `--memory` that one of the engines' maps may take. */
const MEMORY_SHARE = 1 / 6;

/**
 * Whether a model makes maps as it is (`undefined`), or of the patches around pixels.
 * @throws {InvalidOptionError} if model and options do not fit each other
 */
export function checkStride(card: ModelCard, options: Pick<SegmentOptions, 'stride' | 'overlap' | 'blend' | 'precision'>): void {
  const { stride } = options;
  if (card.task === 'semantic-segmentation') {
    if (stride !== undefined) throw new InvalidOptionError('--stride', `is for classifiers of patches, ${card.name} gives a class per pixel by itself`, { advice: 'leave it out' });
    return;
  }
  if (card.task !== 'classification') {
    const whole = card.task === 'embedding' ? 'use: tilewright embed' : 'use: tilewright classify';
    throw new InvalidOptionError('--model', `${card.name} ${stride === undefined ? 'makes no maps' : 'has no single class for a pixel\'s patch'}, its task is ${card.task}`, { advice: stride === undefined || card.task === 'embedding' ? whole : 'use: tilewright classify --overlap' });
  }
  if (stride === undefined) throw new InvalidOptionError('--model', `${card.name} makes no maps, its task is ${card.task}`, { advice: 'use: tilewright classify; or --stride 1 for the class of the patch around every pixel' });
  if (!Number.isInteger(stride) || stride < 1) throw new InvalidOptionError('--stride', `expected a whole number of pixels from 1, got ${stride}`);
  for (const option of ['overlap', 'blend'] as const) {
    if (options[option] !== undefined) throw new InvalidOptionError(`--${option}`, 'is for models whose patches differ where they meet; with --stride every pixel has a patch of its own', { advice: 'leave it out' });
  }
  if (options.precision === 'int8') throw new InvalidOptionError('--precision', 'with --stride the model runs in float32 only', { advice: 'leave it out' });
}

/** Brings a classifier into its dense form and chooses how many answers are computed at once. */
export function prepareDense(loaded: LoadedModel, profile: SceneProfile, options: SegmentOptions): DenseSetup {
  const { stride = 1, memory } = options;
  const patchSize = chipEdge(loaded.card, options.patchSize === 'auto' ? undefined : options.patchSize);
  const frame = patchFrame(patchSize, stride);
  const [width, height] = [mapLength(frame, profile.width), mapLength(frame, profile.height)];
  if (width === 0 || height === 0) throw new InvalidOptionError('--stride', `${profile.source} has ${profile.width} × ${profile.height} pixels, not one step of ${stride}`);
  const { model, cost } = withDense(loaded, { patch: patchSize, stride, dtype: profile.dtype });
  const limit = memory === undefined ? MAPS_BYTES : Math.min(MAPS_BYTES, memory * MEMORY_SHARE);
  let most = LARGEST_BLOCK;
  while (most > 1 && (cost.bytes(most) > limit || frameLength(frame, most) > Math.max(WINDOW_EDGE, patchSize))) most = Math.max(1, Math.floor(most * 0.75));
  // Engines that work side by side have a block each, also of a small scene.
  const edge = Math.max(width, height);
  if (edge <= most && edge > 2 * SMALL_BLOCK) most = Math.ceil(edge / 2);
  const work = cost.multiplications(most) / cost.patchMultiplications;
  return {
    model, patchSize, frame, block: { width: evenly(width, most), height: evenly(height, most) },
    warnings: work <= 1 ? [] : [`${loaded.card.name}: with padding in its layers and a stride of ${stride} its dense form computes ${work.toFixed(1)} times what the patches would one by one: tilewright classify may be faster`],
  };
}

/** The edge of blocks that cover an axis with as little left over as can be. */
function evenly(length: number, most: number): number {
  return Math.ceil(length / Math.ceil(length / most));
}
