import { IGNORE, type ChipSet, type MaskedPicture } from '../samples/index.js';
import { averageSquares } from './decode.js';

export interface CutChipsOptions {
  /** Edge of a chip in pixels of the pictures. */
  readonly chip: number;
  /** Pixels from one chip to the next; the last of a row or column is shifted inside. */
  readonly stride: number;
  /** Edge of the chips in the set: `chip` divided by a whole number. */
  readonly size: number;
  /** Class names by id. */
  readonly classes: readonly string[];
  /** A class is a tag of a chip if it covers at least this share of those of its pixels that belong to a class. */
  readonly leastShare: number;
}

/** Share of a chip's pixels that must belong to a class; other chips are left out. */
const LEAST_KNOWN = 0.5;

/** Cuts tagged chips from pictures with masks. */
export function cutChips(pictures: readonly MaskedPicture[], options: CutChipsOptions): ChipSet {
  const { chip, stride, size, classes, leastShare } = options;
  const names: string[] = [];
  const groups: string[] = [];
  const squares: Uint8Array[] = [];
  const targets: number[] = [];
  for (const picture of pictures) {
    for (const y of positions(picture.height, chip, stride)) {
      for (const x of positions(picture.width, chip, stride)) {
        const counts = countClasses(picture, x, y, chip, classes.length);
        const known = counts.reduce((sum, count) => sum + count, 0);
        if (known < LEAST_KNOWN * chip * chip) continue;
        names.push(`${picture.group}_${picture.name}_x${x}_y${y}`);
        groups.push(picture.group);
        squares.push(averageSquares({ width: chip, height: chip, data: copySquare(picture, x, y, chip) }, chip / size).data);
        targets.push(...counts.map((count) => (count >= leastShare * known ? 1 : 0)));
      }
    }
  }
  const pixels = new Uint8Array(squares.length * size * size * 3);
  squares.forEach((square, index) => pixels.set(square, index * square.length));
  return { size, names, groups, tags: classes, pixels, targets: Uint8Array.from(targets) };
}

function positions(length: number, chip: number, stride: number): number[] {
  if (length < chip) return [];
  const out: number[] = [];
  for (let at = 0; at + chip < length; at += stride) out.push(at);
  return [...out, length - chip];
}

function countClasses(picture: MaskedPicture, x: number, y: number, chip: number, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (let row = y; row < y + chip; row++) {
    for (let at = row * picture.width + x, end = at + chip; at < end; at++) {
      const id = picture.mask[at]!;
      if (id !== IGNORE) counts[id]!++;
    }
  }
  return counts;
}

function copySquare(picture: MaskedPicture, x: number, y: number, chip: number): Uint8Array {
  const out = new Uint8Array(chip * chip * 3);
  for (let row = 0; row < chip; row++) {
    const from = ((y + row) * picture.width + x) * 3;
    out.set(picture.pixels.subarray(from, from + chip * 3), row * chip * 3);
  }
  return out;
}
