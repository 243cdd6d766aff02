import { allocate, type Raster, type TypedArray, type Window } from '../../raster/index.js';
import type { TileOfSet, TileSet } from './tile-set.js';

/** The rows of the mosaic that tiles can still reach. */
export interface Canvas {
  /** Begins with a row of tiles, of which the rows above `written` are not wanted any more. */
  start(row: number, written: number): void;
  /** Goes on to the next row of tiles, keeping the rows that it shares with those before. */
  next(row: number): void;
  paint(tile: TileOfSet, raster: Raster): void;
  /** The rows from `top` to `bottom` (exclusive), as far as they are on the canvas; valid until the next call. */
  rows(top: number, bottom: number): { readonly rows: TypedArray; readonly count: number };
}

/**
 * Each tile owns the pixels whose nearest centre is its own, up to the middle of each overlap. Where tiles are missing,
 * their neighbours also paint what nobody owns.
 */
export function createCanvas(set: TileSet): Canvas {
  const { width, height, bands, dtype, nodata } = set.scene;
  const fill = nodata ?? 0;
  const rowLength = width * bands;
  const ownedX = ownedSpans(set.columns, set.tileWidth, width);
  const ownedY = ownedSpans(set.rows, set.tileHeight, height);
  const gaps = set.missing.length > 0 || !covers(set.columns, set.tileWidth) || !covers(set.rows, set.tileHeight);
  // Gaps between rows of tiles (all of a row missing) must stand on the canvas too.
  const capacity = Math.max(...set.rows.map((y, row) => Math.max(set.tileHeight, (set.rows[row + 1] ?? 0) - y)));
  const canvas = allocate(dtype, capacity * rowLength);
  /** 0 not painted, 1 painted by a neighbour, 2 by its owner. */
  const painted = gaps ? new Uint8Array(capacity * width) : undefined;
  let top = 0;
  if (gaps && fill !== 0) canvas.fill(fill);

  return {
    start(row) {
      top = set.rows[row]!;
    },
    next(row) {
      const moved = set.rows[row]! - top;
      canvas.copyWithin(0, moved * rowLength);
      if (painted !== undefined) {
        painted.copyWithin(0, moved * width);
        painted.fill(0, Math.max(0, capacity - moved) * width);
        canvas.fill(fill, Math.max(0, capacity - moved) * rowLength);
      }
      top += moved;
    },
    paint(tile, raster) {
      const [left, right] = ownedX.get(tile.window.x)!;
      const [upper, lower] = ownedY.get(tile.window.y)!;
      const own = { x: left, y: upper, width: right - left, height: lower - upper };
      if (painted === undefined) copyWindow(raster, tile.window, own, canvas, top, width);
      else paintGaps(raster, tile.window, own, canvas, painted, top, width);
    },
    rows(from, to) {
      const first = Math.max(from, top);
      const last = Math.min(to, top + capacity);
      const count = Math.max(0, last - first);
      return { rows: canvas.subarray((first - top) * rowLength, (first - top + count) * rowLength), count };
    },
  };
}

/** For every position the stretch `[start, end]` that its tile owns: up to the middle of the overlaps, to the ends of the axis. */
function ownedSpans(positions: readonly number[], size: number, length: number): Map<number, readonly [number, number]> {
  const cuts = positions.map((position, i) => (i === 0 ? 0 : Math.floor((positions[i - 1]! + size + position) / 2)));
  return new Map(positions.map((position, i) => [position, [Math.max(position, cuts[i]!), Math.min(position + size, cuts[i + 1] ?? length)]]));
}

function covers(positions: readonly number[], size: number): boolean {
  return positions.every((position, i) => (i === 0 ? position === 0 : position <= positions[i - 1]! + size));
}

function copyWindow(raster: Raster, place: Window, own: Window, canvas: TypedArray, top: number, width: number): void {
  const { data, bands } = raster;
  const length = own.width * bands;
  for (let y = own.y; y < own.y + own.height; y++) {
    const from = ((y - place.y) * place.width + own.x - place.x) * bands;
    canvas.set(data.subarray(from, from + length), ((y - top) * width + own.x) * bands);
  }
}

function paintGaps(raster: Raster, place: Window, own: Window, canvas: TypedArray, painted: Uint8Array, top: number, width: number): void {
  const { data, bands } = raster;
  for (let y = Math.max(place.y, top); y < place.y + place.height; y++) {
    const ownRow = y >= own.y && y < own.y + own.height;
    for (let x = place.x; x < place.x + place.width; x++) {
      const mine = ownRow && x >= own.x && x < own.x + own.width;
      const at = (y - top) * width + x;
      if (!mine && painted[at] !== 0) continue;
      painted[at] = mine ? 2 : 1;
      const from = ((y - place.y) * place.width + x - place.x) * bands;
      for (let band = 0; band < bands; band++) canvas[at * bands + band] = data[from + band]!;
    }
  }
}
