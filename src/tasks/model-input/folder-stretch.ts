import { InvalidFileError, throwIfAborted } from '../../errors.js';
import type { ModelCard } from '../../card/index.js';
import type { AppliedStretch } from '../../raster/index.js';
import { openScene, sampleValues, sortedTogether } from '../../scene/index.js';
import { stretchFor } from './stretch.js';
import type { StretchRule } from './stretch.js';

/** Files that are looked at to know a folder's values, spread evenly over their order. */
const SAMPLE_FILES = 256;
/** Pixels of them that are kept. */
const SAMPLE_PIXELS = 4 * 1024 * 1024;

/**
 * The stretch of a folder of chips, one for all of them. Percentiles are those of all pixels with data together: of up to 256 files,
 * and of about four million pixels of these.
 * @throws {InvalidFileError} if there is nothing to measure, or the files differ in their bands
 */
export async function folderStretch(paths: readonly string[], card: ModelCard, stretch: StretchRule, signal?: AbortSignal): Promise<AppliedStretch> {
  const first = await openScene(paths[0]!);
  try {
    return await stretchFor(first.profile, { card, stretch, valuesOf: (bands) => valuesOfFiles(paths, first.profile, bands, signal) });
  } finally {
    await first.close();
  }
}

async function valuesOfFiles(
  paths: readonly string[], first: { readonly width: number; readonly height: number; readonly bands: number }, bands: readonly number[], signal: AbortSignal | undefined,
): Promise<Float64Array[]> {
  const count = Math.min(SAMPLE_FILES, paths.length);
  // Of sorted values every so manieth has their distribution.
  const step = Math.max(1, Math.ceil((Math.min(first.width * first.height, SAMPLE_PIXELS) * count) / SAMPLE_PIXELS));
  const parts: Float64Array[][] = bands.map(() => []);
  for (let i = 0; i < count; i++) {
    throwIfAborted(signal);
    const scene = await openScene(paths[Math.floor(((i + 0.5) * paths.length) / count)]!);
    try {
      const { profile } = scene;
      if (profile.bands !== first.bands) throw new InvalidFileError(profile.source, `expected ${first.bands} bands as the first chip has, found ${profile.bands}`, { advice: 'put chips of different kinds into different folders' });
      const values = await sampleValues(scene, bands, signal);
      values.forEach((sorted, band) => parts[band]!.push(step === 1 ? sorted : sorted.filter((_, at) => at % step === step >> 1)));
    } finally {
      await scene.close();
    }
  }
  return parts.map(sortedTogether);
}
