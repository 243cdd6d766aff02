import { IGNORE, type Random } from '../samples/index.js';
import type { SquareSource, View } from './augment.js';
import type { RecipeAugment } from './recipe.js';

/** Where the pixels of a square come from: one affine map for all that moves them. */
export interface Placement {
  /** From a place relative to the middle of the square that is shown to one relative to the middle of the source: row from row, row from column, column from row, column from column. */
  readonly linear: readonly [number, number, number, number];
  /** Added to that, rows and columns, as shares of the edge. */
  readonly moved: readonly [number, number];
  readonly fill: 'nearest' | 'reflect' | 'constant';
  readonly fillValue: number;
}

export interface PlacementNumbers {
  /** Degrees. */
  readonly turn: number;
  readonly shear: number;
  /** Shares of the edge, down and right. */
  readonly down: number;
  readonly right: number;
  /** Above 1: larger. */
  readonly magnification: number;
}

/**
 * Turning after moving after shearing after magnifying, around the middle: the order and the signs of
 * `apply_affine_transform` of Keras, which maps places (x, y) of the result to places of the source.
 */
export function makePlacement(numbers: PlacementNumbers, fill: Placement['fill'] = 'reflect', fillValue = 0): Placement {
  const turn = (numbers.turn * Math.PI) / 180;
  const shear = (numbers.shear * Math.PI) / 180;
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const scale = 1 / numbers.magnification;
  // x and y from x and y: [cos −sin; sin cos] · [1 −sin(shear); 0 cos(shear)] · scale
  const [xx, xy] = [cos * scale, (-cos * Math.sin(shear) - sin * Math.cos(shear)) * scale];
  const [yx, yy] = [sin * scale, (-sin * Math.sin(shear) + cos * Math.cos(shear)) * scale];
  return { linear: [yy, yx, xy, xx], moved: [sin * numbers.right + cos * numbers.down, cos * numbers.right - sin * numbers.down], fill, fillValue };
}

/** Draws five numbers where an option needs a placement, none otherwise. */
export function randomPlacement(random: Random, options: RecipeAugment): Placement | undefined {
  const { rotate = 0, shear = 0, shift = 0, zoom = [1, 1] } = options;
  if (rotate === 0 && shear === 0 && shift === 0 && zoom[0] === 1 && zoom[1] === 1) return undefined;
  const between = (limit: number): number => (random() * 2 - 1) * limit;
  return makePlacement({
    turn: between(rotate), shear: between(shear), down: between(shift), right: between(shift), magnification: zoom[0] * (zoom[1] / zoom[0]) ** random(),
  }, options.fill, options.fill_value);
}

/** How many pixels beyond a square a placement looks, down and to the right, either way. */
export function placementReach({ linear: [rr, rc, cr, cc], moved }: Placement, edge: number): readonly [number, number] {
  const beyond = (row: number, column: number, shift: number): number => Math.max(0, (Math.abs(row) + Math.abs(column) - 1) / 2 + Math.abs(shift)) * edge + 2;
  return [beyond(rr, rc, moved[0]), beyond(cr, cc, moved[1])];
}

export interface Warp { readonly size: number; readonly view: View; readonly placement: Placement }

/**
 * Writes a square as {@link writeSquare} does, each pixel interpolated between the four around its place in the source;
 * what lies beyond the source's edges is filled. `tones` has 256 numbers per band.
 */
export function warpSquare(out: Float32Array, offset: number, source: SquareSource, warp: Warp, tones: Float32Array): void {
  const { pixels, width, height } = source;
  const { size, placement } = warp;
  const { row, column } = steps(source, warp);
  const constant = placement.fill === 'constant';
  const reflect = placement.fill === 'reflect';
  for (let i = 0, to = offset; i < size; i++) {
    for (let j = 0; j < size; j++, to += 3) {
      let y = row.start + row.down * i + row.right * j;
      let x = column.start + column.down * i + column.right * j;
      if (y < 0 || x < 0 || y > height - 1 || x > width - 1) {
        if (constant) {
          for (let band = 0; band < 3; band++) out[to + band] = tones[band * 256 + Math.round(placement.fillValue)]!;
          continue;
        }
        y = reflect ? mirrored(y, height) : clamped(y, height);
        x = reflect ? mirrored(x, width) : clamped(x, width);
      }
      const top = Math.min(height - 1, y | 0);
      const left = Math.min(width - 1, x | 0);
      const wy = y - top;
      const wx = x - left;
      const from = (top * width + left) * 3;
      const right = left + 1 < width ? 3 : 0;
      const down = top + 1 < height ? width * 3 : 0;
      for (let band = 0; band < 3; band++) {
        const at = from + band;
        const table = band * 256;
        const upper = tones[table + pixels[at]!]!;
        const lower = tones[table + pixels[at + down]!]!;
        const first = upper + (tones[table + pixels[at + right]!]! - upper) * wx;
        const second = lower + (tones[table + pixels[at + down + right]!]! - lower) * wx;
        out[to + band] = first + (second - first) * wy;
      }
    }
  }
}

/** Class ids of the nearest pixels of the same places, `[size, size]`; ignored where a constant fills the picture. */
export function warpMask(source: SquareSource & { readonly mask: Uint8Array }, warp: Warp): Uint8Array {
  const { mask, width, height } = source;
  const { size, placement } = warp;
  const { row, column } = steps(source, warp);
  const out = new Uint8Array(size * size);
  for (let i = 0, to = 0; i < size; i++) {
    for (let j = 0; j < size; j++, to++) {
      let y = Math.round(row.start + row.down * i + row.right * j);
      let x = Math.round(column.start + column.down * i + column.right * j);
      if (y < 0 || x < 0 || y > height - 1 || x > width - 1) {
        if (placement.fill === 'constant') { out[to] = IGNORE; continue; }
        y = placement.fill === 'reflect' ? mirrored(y, height) : clamped(y, height);
        x = placement.fill === 'reflect' ? mirrored(x, width) : clamped(x, width);
      }
      out[to] = mask[y * width + x]!;
    }
  }
  return out;
}

interface Steps { readonly start: number; readonly down: number; readonly right: number }

/** Row and column in the source of the first pixel that is written, and their change per row and per column. */
function steps(source: SquareSource, { size, view, placement }: Warp): { readonly row: Steps; readonly column: Steps } {
  const edge = source.edge ?? size;
  const scale = edge / size;
  const middle = (size - 1) / 2;
  const [rr, rc, cr, cc] = placement.linear;
  // What is written at (i, j) is the pixel (r, c) of the square as it would be without mirrors.
  const at = (i: number, j: number): [number, number] => {
    let [r, c] = view.transpose ? [j, i] : [i, j];
    if (view.upsideDown) r = size - 1 - r;
    if (view.flip) c = size - 1 - c;
    const [y, x] = [(r - middle) * scale, (c - middle) * scale];
    return [source.y + (edge - 1) / 2 + rr * y + rc * x + placement.moved[0] * edge, source.x + (edge - 1) / 2 + cr * y + cc * x + placement.moved[1] * edge];
  };
  const [y0, x0] = at(0, 0);
  const [y1, x1] = at(1, 0);
  const [y2, x2] = at(0, 1);
  return { row: { start: y0, down: y1 - y0, right: y2 - y0 }, column: { start: x0, down: x1 - x0, right: x2 - x0 } };
}

/** The edge's pixel goes on. */
function clamped(place: number, length: number): number {
  return Math.max(0, Math.min(length - 1, place));
}

/** d c b a | a b c d | d c b a, for any distance; in the half pixel beyond the edge it is the edge's pixel. */
function mirrored(place: number, length: number): number {
  const period = 2 * length;
  let at = (place + 0.5) % period;
  if (at < 0) at += period;
  if (at > length) at = period - at;
  return clamped(at - 0.5, length);
}
