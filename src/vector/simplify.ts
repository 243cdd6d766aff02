/** Thins the borders of a map so that they stay where they are within a tolerance, and keep their order. */
export interface Simplifier {
  /** Row `y` of corners comes now; rows come from top to bottom. */
  row(y: number): void;
  /** A corner of some border, before any border through it is thinned. */
  mark(x: number, y: number): void;
  /** Whether a border that passes here is ended and begun again, so that the place stays. */
  isPinned(x: number, y: number, width: number, height: number): boolean;
  /** Which corners of a border stay: not 0. The array is used again by the next call. */
  thin(xs: Int32Array, ys: Int32Array, count: number): Uint8Array;
}

export interface SimplifierOptions {
  /** Of the map, in pixels. */
  readonly width: number;
  /** Farthest that a border may move, in metres. */
  readonly tolerance: number;
  /** Size in metres of a pixel of row y; rows beyond the map are asked for, too. `undefined` where it is not known. */
  readonly pixelSize: (y: number) => { readonly width: number; readonly height: number } | undefined;
  /** Rows after which every border keeps its place; the memory for a bit per corner of as many rows is taken. Default {@link bandRows}. */
  readonly rows?: number;
}

/** Bytes of the bitmap of corners. */
const BITMAP_BYTES = 16 * 1024 * 1024;
const MOST_BAND_ROWS = 4096;
/** Places in a band at which the size of pixels is looked at. */
const SCALE_SAMPLES = 32;
const LINE_BITS = 2 ** 24;
/** Foreign corners near a line that are looked at before it counts as blocked. */
const MOST_CANDIDATES = 256;

/** Rows after which every border keeps the place where it crosses. */
export function bandRows(width: number): number {
  return Math.max(64, Math.min(MOST_BAND_ROWS, Math.floor(BITMAP_BYTES / Math.ceil((width + 1) / 8))));
}

/**
 * Douglas and Peucker's line generalisation (1973) of each border by itself, so that both sides have the same line, with one
 * condition more: a straight line may replace a piece of a border only if the area between them holds no corner of the
 * original borders but the piece's own, its edge included. Then no two lines cross: a line that entered that area could leave it only through the straight
 * line, which it crosses once, or through the piece, which original borders do not cross; so it would have to end in it.
 *
 * For the check all corners of the last rows are kept as bits. To bound them, borders keep their place every
 * {@link bandRows} rows.
 */
export function createSimplifier(options: SimplifierOptions): Simplifier {
  const { width, tolerance } = options;
  const rows = options.rows ?? bandRows(width);
  const words = Math.ceil((width + 1) / 32);
  const bits = new Int32Array((rows + 1) * words);
  let top = 0;
  let scale = scaleOf(0);
  let keep = new Uint8Array(256);
  /**
   * Hashes of the ends of borders that became slanting lines, in this band and the one before: a second border between the
   * same ends must not become the same line. Two with one hash only cost a corner more.
   */
  let lines = new Int32Array(LINE_BITS / 32);
  let linesBefore = new Int32Array(LINE_BITS / 32);
  let lows = new Int32Array(64);
  let highs = new Int32Array(64);

  function scaleOf(y: number): { readonly x: number; readonly y: number } {
    // The largest of the band's pixels: distances are never taken for shorter than they are.
    let [x, height] = [0, 0];
    for (let i = 0; i <= SCALE_SAMPLES; i++) {
      const size = options.pixelSize(y + (rows * i) / SCALE_SAMPLES);
      if (size === undefined) continue;
      x = Math.max(x, size.width);
      height = Math.max(height, size.height);
    }
    return x > 0 && height > 0 ? { x, y: height } : { x: Number.POSITIVE_INFINITY, y: Number.POSITIVE_INFINITY };
  }

  function set(x: number, y: number): void {
    bits[(y - top) * words + (x >>> 5)]! |= 1 << (x & 31);
  }

  function clear(x: number, y: number): void {
    bits[(y - top) * words + (x >>> 5)]! &= ~(1 << (x & 31));
  }

  function lineHash(xs: Int32Array, ys: Int32Array, last: number): number {
    const one = mixed(Math.imul(xs[0]!, 0x9e37_79b1) ^ ys[0]!);
    const other = mixed(Math.imul(xs[last]!, 0x9e37_79b1) ^ ys[last]!);
    // The same for both directions.
    return mixed(one + other) & (LINE_BITS - 1);
  }

  /** Whether only the piece's own corners lie between it and the straight line. */
  function isClear(xs: Int32Array, ys: Int32Array, from: number, to: number): boolean {
    const lowest = extents(xs, ys, from, to);
    for (let i = from; i <= to; i++) clear(xs[i]!, ys[i]!);
    const free = holdsNothing(xs, ys, from, to, lowest);
    for (let i = from; i <= to; i++) set(xs[i]!, ys[i]!);
    return free;
  }

  /** The first and last column of the piece and its line in every row, from the returned row on; `highs` of rows beyond is −1. */
  function extents(xs: Int32Array, ys: Int32Array, from: number, to: number): number {
    let lowest = ys[from]!;
    let highest = lowest;
    for (let i = from; i <= to; i++) {
      lowest = Math.min(lowest, ys[i]!);
      highest = Math.max(highest, ys[i]!);
    }
    const count = highest - lowest + 1;
    if (count >= lows.length) [lows, highs] = [new Int32Array(2 * count), new Int32Array(2 * count)];
    lows.fill(0x7fff_ffff, 0, count);
    highs.fill(-1, 0, count + 1);
    for (let i = from; i < to; i++) {
      const step = ys[i + 1]! < ys[i]! ? -1 : 1;
      const end = ys[i + 1]! - lowest;
      for (let row = ys[i]! - lowest; ; row += step) {
        lows[row] = Math.min(lows[row]!, xs[i]!, row === end ? xs[i + 1]! : xs[i]!);
        highs[row] = Math.max(highs[row]!, xs[i]!, row === end ? xs[i + 1]! : xs[i]!);
        if (row === end) break;
      }
    }
    const rise = ys[to]! - ys[from]!;
    for (let y = Math.min(ys[from]!, ys[to]!); rise !== 0 && y <= Math.max(ys[from]!, ys[to]!); y++) {
      const x = xs[from]! + ((y - ys[from]!) * (xs[to]! - xs[from]!)) / rise;
      lows[y - lowest] = Math.min(lows[y - lowest]!, Math.ceil(x));
      highs[y - lowest] = Math.max(highs[y - lowest]!, Math.floor(x));
    }
    return lowest;
  }

  function holdsNothing(xs: Int32Array, ys: Int32Array, from: number, to: number, lowest: number): boolean {
    let candidates = 0;
    for (let row = 0; highs[row]! >= 0; row++) {
      const line = (lowest + row - top) * words;
      const low = lows[row]!;
      const high = highs[row]!;
      for (let word = low >>> 5; word <= high >>> 5; word++) {
        for (let left = bits[line + word]!; left !== 0; left &= left - 1) {
          const x = word * 32 + 31 - Math.clz32(left & -left);
          if (x < low || x > high) continue;
          if (++candidates > MOST_CANDIDATES || isInside(xs, ys, from, to, x, lowest + row)) return false;
        }
      }
    }
    return true;
  }

  /** Douglas–Peucker from `from` to `to`. @param split keeps at least one corner between them */
  function reduce(xs: Int32Array, ys: Int32Array, from: number, to: number, split: boolean): void {
    const stack = [from, to];
    let force = split;
    while (stack.length > 0) {
      const end = stack.pop()!;
      const begin = stack.pop()!;
      if (end - begin < 2) continue;
      const { farthest, distance } = farthestOf(xs, ys, begin, end, scale);
      if (distance <= tolerance && !force && isClear(xs, ys, begin, end)) continue;
      force = false;
      keep[farthest] = 1;
      stack.push(begin, farthest, farthest, end);
    }
  }

  return {
    row(y) {
      if (y <= top + rows) return;
      bits.copyWithin(0, rows * words);
      bits.fill(0, words);
      top += rows;
      scale = scaleOf(top);
      [linesBefore, lines] = [lines, linesBefore];
      lines.fill(0);
    },
    mark: set,
    isPinned: (x, y, mapWidth, mapHeight) => y % rows === 0 || ((x === 0 || x === mapWidth) && y === mapHeight),
    thin(xs, ys, count) {
      if (count > keep.length) keep = new Uint8Array(2 * count);
      if (!Number.isFinite(scale.x)) return keep.fill(1, 0, count);
      keep.fill(0, 0, count);
      const last = count - 1;
      keep[0] = keep[last] = 1;
      if (xs[0] === xs[last] && ys[0] === ys[last]) {
        // A closed border stays at least a triangle.
        const { farthest } = farthestOf(xs, ys, 0, last, scale);
        keep[farthest] = 1;
        const straight = farthestOf(xs, ys, farthest, last, scale).distance === 0;
        reduce(xs, ys, 0, farthest, straight);
        reduce(xs, ys, farthest, last, !straight);
        return keep;
      }
      const hash = lineHash(xs, ys, last);
      const taken = (((lines[hash >>> 5]! | linesBefore[hash >>> 5]!) >>> (hash & 31)) & 1) !== 0;
      // A line along a row or column could be that of a straight border between the same ends.
      reduce(xs, ys, 0, last, xs[0] === xs[last] || ys[0] === ys[last] || taken);
      if (!keep.subarray(1, last).includes(1)) lines[hash >>> 5]! |= 1 << (hash & 31);
      return keep;
    },
  };
}

/** Spreads the bits of a whole number (the last step of MurmurHash3). */
function mixed(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}

/** The corner between two others that is farthest from the line between them, and how far that is in metres. */
function farthestOf(xs: Int32Array, ys: Int32Array, from: number, to: number, scale: { readonly x: number; readonly y: number }): { farthest: number; distance: number } {
  const ax = xs[from]! * scale.x;
  const ay = ys[from]! * scale.y;
  const dx = xs[to]! * scale.x - ax;
  const dy = ys[to]! * scale.y - ay;
  const square = dx * dx + dy * dy;
  let farthest = from + 1;
  let most = -1;
  for (let i = from + 1; i < to; i++) {
    const px = xs[i]! * scale.x - ax;
    const py = ys[i]! * scale.y - ay;
    const along = square === 0 ? 0 : Math.max(0, Math.min(1, (px * dx + py * dy) / square));
    const ex = px - along * dx;
    const ey = py - along * dy;
    const distance = ex * ex + ey * ey;
    if (distance > most) {
      most = distance;
      farthest = i;
    }
  }
  return { farthest, distance: Math.sqrt(Math.max(0, most)) };
}

/** Whether a place lies in the area between a piece of a border and the straight line, or on its edge. All whole numbers: exact. */
function isInside(xs: Int32Array, ys: Int32Array, from: number, to: number, x: number, y: number): boolean {
  let winding = 0;
  for (let i = from; i <= to; i++) {
    const next = i === to ? from : i + 1;
    const [x0, y0, x1, y1] = [xs[i]!, ys[i]!, xs[next]!, ys[next]!];
    const side = (x1 - x0) * (y - y0) - (x - x0) * (y1 - y0);
    if (side === 0 && x >= Math.min(x0, x1) && x <= Math.max(x0, x1) && y >= Math.min(y0, y1) && y <= Math.max(y0, y1)) return true;
    if (y0 <= y && y1 > y && side > 0) winding++;
    else if (y0 > y && y1 <= y && side < 0) winding--;
  }
  return winding !== 0;
}
