import { InvalidFileError } from '../../errors.js';
import { seededRandom } from '../../samples/index.js';
import type { CalibrationPatch } from '../../train/index.js';
import { areChips, type LoadedSamples } from '../train/samples.js';

/** Edge of the patches of maps, in pixels. */
const EDGE = 448;

/**
 * Patches of the training part, as the model takes them; for maps, cut out at random places.
 * @param loaded maps at full size.
 * @param options patches, and what the edges of patches of maps are multiples of.
 */
export function calibrationPatches(loaded: LoadedSamples, options: { readonly count: number; readonly multiple: number }): CalibrationPatch[] {
  const { train } = loaded.split;
  if (train.length === 0) throw new InvalidFileError('the recipe', 'expected training samples to calibrate on, found none');
  const random = seededRandom(1);
  return Array.from({ length: options.count }, () => {
    const place = train[Math.floor(random() * train.length)]!;
    if (areChips(loaded)) {
      const { size } = loaded.samples;
      const pixels = new Uint8Array(size * size * 3);
      loaded.samples.read(place, pixels, 0);
      return { pixels, width: size, height: size };
    }
    const picture = loaded.samples.pictures[place]!;
    const fit = (length: number): number => Math.floor(Math.min(EDGE, length) / options.multiple) * options.multiple;
    const [width, height] = [fit(picture.width), fit(picture.height)];
    if (width === 0 || height === 0) throw new InvalidFileError(picture.name, `expected at least ${options.multiple} × ${options.multiple} pixels, found ${picture.width} × ${picture.height}`);
    const x = Math.floor(random() * (picture.width - width + 1));
    const y = Math.floor(random() * (picture.height - height + 1));
    return { pixels: loaded.samples.readWindow(place, { x, y, width, height }).pixels, width, height };
  });
}
