import { IGNORE, type Random } from '../samples/index.js';
import { randomPlacement, warpMask, warpSquare, type Placement } from './placement.js';
import type { RecipeAugment } from './recipe.js';

export type AugmentOptions = RecipeAugment;

/** One way to look at a square: flipped or not, turned by quarters, and lit. */
export interface View {
  readonly flip: boolean;
  readonly transpose: boolean;
  readonly upsideDown: boolean;
  readonly gain: number;
  readonly shift: number;
  /** Factor per band. Absent: 1. */
  readonly bands?: readonly [number, number, number];
  /** Power of the samples as shares of the range, before everything else. Absent: 1. */
  readonly power?: number;
  /** Turned by any angle, moved, sheared, magnified. Absent: not. */
  readonly placement?: Placement;
}

export const PLAIN_VIEW: View = { flip: false, transpose: false, upsideDown: false, gain: 1, shift: 0 };

/**
 * Draws the same count of random numbers with and without turns, brightness and contrast; three more with colour, then one
 * with gamma, then those of a placement.
 */
export function randomView(random: Random, options: AugmentOptions = {}): View {
  const { flip, turns = flip === undefined, brightness = 0, contrast = 0, color = 0, gamma = 0 } = options;
  const [a, b, c, d, e] = [random(), random(), random(), random(), random()];
  const gain = 1 + (d * 2 - 1) * contrast;
  return {
    flip: (turns || flip === 'horizontal' || flip === 'both') && a < 0.5,
    upsideDown: (turns || flip === 'vertical' || flip === 'both') && b < 0.5,
    transpose: turns && c < 0.5,
    gain,
    shift: (e * 2 - 1) * brightness * 255 + 127.5 * (1 - gain),
    ...(color === 0 ? {} : { bands: [1 + (random() * 2 - 1) * color, 1 + (random() * 2 - 1) * color, 1 + (random() * 2 - 1) * color] as const }),
    ...(gamma === 0 ? {} : { power: Math.exp((random() * 2 - 1) * gamma) }),
    ...placementOf(random, options),
  };
}

function placementOf(random: Random, options: AugmentOptions): { readonly placement?: Placement } {
  const placement = randomPlacement(random, options);
  return placement === undefined ? {} : { placement };
}

/**
 * Edge in source pixels of a square that is shown with `size` pixels, magnified at random (evenly by ratio). A picture whose
 * shorter side is `limit` shows at most that much. Draws one number with zoom and none without.
 */
export function randomEdge(random: Random, size: number, limit: number, zoom?: readonly [number, number]): number {
  if (zoom === undefined) return size;
  const [low, high] = zoom;
  const factor = low * (high / low) ** random();
  return Math.max(1, Math.min(limit, Math.round(size / factor)));
}

export interface SquareSource {
  /** `[height, width, 3]` */
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** Top left corner of the square. */
  readonly x: number;
  readonly y: number;
  /** Edge of the square in source pixels. Default: as many as are written. */
  readonly edge?: number;
}

/**
 * Writes a square of `size` pixels as floats from 0 to 255 to `out` at `offset`, seen that way. A square of another edge is
 * interpolated linearly between the four nearest pixels.
 */
export function writeSquare(out: Float32Array, offset: number, source: SquareSource, size: number, view: View): void {
  const { pixels, width } = source;
  const tones = toneTables(view);
  if (view.placement !== undefined) { warpSquare(out, offset, source, { size, view, placement: view.placement }, tones); return; }
  const scaled = source.edge !== undefined && source.edge !== size;
  const places = scaled ? between(source.edge, size) : undefined;
  for (let row = 0, to = offset; row < size; row++) {
    for (let column = 0; column < size; column++, to += 3) {
      const r = rowInSource(size, view, row, column);
      const c = columnInSource(size, view, row, column);
      if (places === undefined) {
        const from = ((source.y + r) * width + source.x + c) * 3;
        for (let band = 0; band < 3; band++) out[to + band] = tones[band * 256 + pixels[from + band]!]!;
        continue;
      }
      const left = places.first[c]!;
      const top = places.first[r]!;
      const right = places.second[c]! - left;
      const down = (places.second[r]! - top) * width * 3;
      const wx = places.part[c]!;
      const wy = places.part[r]!;
      const from = ((source.y + top) * width + source.x + left) * 3;
      for (let band = 0; band < 3; band++) {
        const at = from + band;
        const table = band * 256;
        const upper = tones[table + pixels[at]!]! * (1 - wx) + tones[table + pixels[at + right * 3]!]! * wx;
        const lower = tones[table + pixels[at + down]!]! * (1 - wx) + tones[table + pixels[at + down + right * 3]!]! * wx;
        out[to + band] = upper * (1 - wy) + lower * wy;
      }
    }
  }
}

/**
 * Writes per pixel the weight of its class in the class's place and 0 in the others; ignored pixels are all 0. With
 * `smoothing`, that share of the weight is spread over all classes alike. A square of another edge is read at the nearest pixels.
 */
export function writeTargets(out: Float32Array, offset: number, source: SquareSource & { readonly mask: Uint8Array }, size: number, view: View, weights: readonly number[], smoothing = 0): void {
  const classes = weights.length;
  const edge = source.edge ?? size;
  const warped = view.placement === undefined ? undefined : warpMask(source, { size, view, placement: view.placement });
  for (let row = 0, to = offset; row < size; row++) {
    for (let column = 0; column < size; column++, to += classes) {
      if (warped !== undefined) {
        writeTarget(out, to, warped[row * size + column]!, weights, smoothing);
        continue;
      }
      const r = Math.floor(((rowInSource(size, view, row, column) + 0.5) * edge) / size);
      const c = Math.floor(((columnInSource(size, view, row, column) + 0.5) * edge) / size);
      writeTarget(out, to, source.mask[(source.y + r) * source.width + source.x + c]!, weights, smoothing);
    }
  }
}

/** The target of one sample, into zeros: `weights.length` numbers from `at` on. */
export function writeTarget(out: Float32Array, at: number, id: number, weights: readonly number[], smoothing: number): void {
  if (id === IGNORE) return;
  const classes = weights.length;
  const weight = weights[id]!;
  if (smoothing > 0) for (let other = 0; other < classes; other++) out[at + other] = (weight * smoothing) / classes;
  out[at + id] = weight * (1 - smoothing + smoothing / classes);
}

/** What becomes of each 8-bit sample: 256 numbers per band, red, green, blue. */
function toneTables(view: View): Float32Array {
  const tables = new Float32Array(3 * 256);
  for (let band = 0; band < 3; band++) {
    const gain = view.gain * (view.bands?.[band] ?? 1);
    for (let sample = 0; sample < 256; sample++) {
      const bent = view.power === undefined ? sample : 255 * (sample / 255) ** view.power;
      tables[band * 256 + sample] = Math.min(255, Math.max(0, bent * gain + view.shift));
    }
  }
  return tables;
}

/** For each of `size` pixels across `edge` source pixels: the two source pixels around its centre, and the share of the second. */
function between(edge: number, size: number): { readonly first: Int32Array; readonly second: Int32Array; readonly part: Float32Array } {
  const first = new Int32Array(size);
  const second = new Int32Array(size);
  const part = new Float32Array(size);
  for (let at = 0; at < size; at++) {
    const place = Math.min(edge - 1, Math.max(0, ((at + 0.5) * edge) / size - 0.5));
    first[at] = Math.floor(place);
    second[at] = Math.min(edge - 1, first[at]! + 1);
    part[at] = place - first[at]!;
  }
  return { first, second, part };
}

export function rowInSource(size: number, view: View, row: number, column: number): number {
  const r = view.transpose ? column : row;
  return view.upsideDown ? size - 1 - r : r;
}

export function columnInSource(size: number, view: View, row: number, column: number): number {
  const c = view.transpose ? row : column;
  return view.flip ? size - 1 - c : c;
}
