import { IGNORE, type Random } from '../samples/index.js';

export interface AugmentOptions {
  /** Mirror and turn by quarters: the eight ways to see the same ground from above. Default true. */
  readonly turns?: boolean;
  /** Largest change of brightness, as a share of the range. Default 0. */
  readonly brightness?: number;
  /** Largest change of contrast around the middle grey, as a factor off 1. Default 0. */
  readonly contrast?: number;
  /** Largest change of each band by itself, as a factor off 1: pictures whose colours were stretched in another way. Default 0. */
  readonly color?: number;
}

/** One way to look at a square: flipped or not, turned by quarters, and lit. */
export interface View {
  readonly flip: boolean;
  readonly transpose: boolean;
  readonly upsideDown: boolean;
  readonly gain: number;
  readonly shift: number;
  /** Factor per band. Absent: 1. */
  readonly bands?: readonly [number, number, number];
}

export const PLAIN_VIEW: View = { flip: false, transpose: false, upsideDown: false, gain: 1, shift: 0 };

/** Draws the same count of random numbers with and without turns, brightness and contrast; three more with colour. */
export function randomView(random: Random, options: AugmentOptions = {}): View {
  const { turns = true, brightness = 0, contrast = 0, color = 0 } = options;
  const [a, b, c, d, e] = [random(), random(), random(), random(), random()];
  const gain = 1 + (d * 2 - 1) * contrast;
  return {
    flip: turns && a < 0.5,
    upsideDown: turns && b < 0.5,
    transpose: turns && c < 0.5,
    gain,
    shift: (e * 2 - 1) * brightness * 255 + 127.5 * (1 - gain),
    ...(color === 0 ? {} : { bands: [1 + (random() * 2 - 1) * color, 1 + (random() * 2 - 1) * color, 1 + (random() * 2 - 1) * color] as const }),
  };
}

export interface SquareSource {
  /** `[height, width, 3]` */
  readonly pixels: Uint8Array;
  readonly width: number;
  /** Top left corner of the square. */
  readonly x: number;
  readonly y: number;
}

/** Writes a square of `size` pixels as floats from 0 to 255 to `out` at `offset`, seen that way. */
export function writeSquare(out: Float32Array, offset: number, source: SquareSource, size: number, view: View): void {
  const { pixels } = source;
  const gains = [0, 1, 2].map((band) => view.gain * (view.bands?.[band] ?? 1));
  for (let row = 0, to = offset; row < size; row++) {
    for (let column = 0; column < size; column++, to += 3) {
      const from = (placeInSource(source, size, view, row, column)) * 3;
      for (let band = 0; band < 3; band++) {
        const value = pixels[from + band]! * gains[band]! + view.shift;
        out[to + band] = value < 0 ? 0 : value > 255 ? 255 : value;
      }
    }
  }
}

/** Writes per pixel the weight of its class in the class's place and 0 in the others; ignored pixels are all 0. */
export function writeTargets(out: Float32Array, offset: number, source: SquareSource & { readonly mask: Uint8Array }, size: number, view: View, weights: readonly number[]): void {
  const classes = weights.length;
  for (let row = 0, to = offset; row < size; row++) {
    for (let column = 0; column < size; column++, to += classes) {
      const id = source.mask[placeInSource(source, size, view, row, column)]!;
      if (id !== IGNORE) out[to + id] = weights[id]!;
    }
  }
}

function placeInSource(source: SquareSource, size: number, view: View, row: number, column: number): number {
  let r = view.transpose ? column : row;
  let c = view.transpose ? row : column;
  if (view.flip) c = size - 1 - c;
  if (view.upsideDown) r = size - 1 - r;
  return (source.y + r) * source.width + source.x + c;
}
