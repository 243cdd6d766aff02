import { InvalidFileError } from '../../errors.js';
import { seededRandom } from '../../samples/index.js';
import type { CalibrationPatch } from '../../train/index.js';
import type { MapSamples, TagSamples } from '../train/samples.js';

/** Edge of the patches of maps, in pixels of the model's input. */
const EDGE = 448;

/**
 * Patches of the training part, as the model takes them: for maps, cut out at random places and, where the samples are kept
 * reduced, every pixel repeated, which the model's own reduction takes back exactly.
 */
export function calibrationPatches(samples: TagSamples | MapSamples, options: { readonly count: number; readonly reduce: number; readonly multiple: number }): CalibrationPatch[] {
  const { train } = samples.split;
  if (train.length === 0) throw new InvalidFileError('the recipe', 'expected training samples to calibrate on, found none');
  const random = seededRandom(1);
  return Array.from({ length: options.count }, () => {
    const place = train[Math.floor(random() * train.length)]!;
    if (samples.kind === 'chips') {
      const { size, pixels } = samples.chips;
      return { pixels: pixels.slice(place * size * size * 3, (place + 1) * size * size * 3), width: size, height: size };
    }
    const picture = samples.pictures[place]!;
    const unit = options.multiple / options.reduce;
    const fit = (length: number): number => Math.max(unit, Math.floor(Math.min(EDGE / options.reduce, length) / unit) * unit);
    const [width, height] = [fit(picture.width), fit(picture.height)];
    const x = Math.floor(random() * (picture.width - width + 1));
    const y = Math.floor(random() * (picture.height - height + 1));
    return repeated(picture, { x, y, width, height }, options.reduce);
  });
}

function repeated(picture: { readonly pixels: Uint8Array; readonly width: number }, box: { readonly x: number; readonly y: number; readonly width: number; readonly height: number }, times: number): CalibrationPatch {
  const [width, height] = [box.width * times, box.height * times];
  const pixels = new Uint8Array(width * height * 3);
  for (let row = 0, to = 0; row < height; row++) {
    for (let column = 0; column < width; column++, to += 3) {
      const from = ((box.y + Math.floor(row / times)) * picture.width + box.x + Math.floor(column / times)) * 3;
      pixels[to] = picture.pixels[from]!;
      pixels[to + 1] = picture.pixels[from + 1]!;
      pixels[to + 2] = picture.pixels[from + 2]!;
    }
  }
  return { pixels, width, height };
}
