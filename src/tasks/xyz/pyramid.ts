import { reduceRows, type Reduction } from '../../cog/index.js';
import { allocate, type DataType, type Raster, type TypedArray } from '../../raster/index.js';
import type { Rows } from '../rows/row-source.js';
import { TILE_EDGE, type ZoomTiles } from './web-mercator.js';

export interface PyramidOptions {
  /** The tiles of every zoom level, the deepest first; each covers those of the one before. */
  readonly levels: readonly ZoomTiles[];
  readonly bands: number;
  readonly dtype: DataType;
  readonly nodata?: number | undefined;
  readonly method: Reduction['method'];
  /** Goes on from here. */
  readonly saved?: SavedPyramid;
  /** Takes a tile; it is its own. Tiles without any data are left out. */
  readonly emit: (tile: { readonly zoom: number; readonly x: number; readonly y: number; readonly raster: Raster }) => Promise<void>;
}

/** Builds tiles of all zoom levels out of rows of the deepest: in memory is one row of tiles per level. */
export interface Pyramid {
  /** Takes the next rows. */
  push(rows: Rows): Promise<void>;
  /** All that later rows of tiles depend on, when the last row of tiles is complete. */
  save(): SavedPyramid;
}

/** A pyramid between two rows of tiles of its deepest level. */
export interface SavedPyramid {
  /** The next row of tiles of every level. */
  readonly rows: readonly number[];
  /** Samples and mask of the rows of tiles above the deepest that have one half already; empty where a row has none. */
  readonly halves: readonly Uint8Array[];
}

interface Level extends ZoomTiles {
  readonly width: number;
  readonly data: TypedArray;
  readonly mask: Uint8Array;
  /** The row of tiles that is being filled. */
  y: number;
  /** Its rows so far; of the levels above the deepest: whether anything was put there. */
  filled: number;
}

export function createPyramid(options: PyramidOptions): Pyramid {
  const { bands, dtype, nodata, method, emit } = options;
  const fill = nodata ?? 0;
  const reduction: Reduction = { method, bands, integer: !dtype.startsWith('float'), nodata };
  const levels = options.levels.map((tiles): Level => {
    const width = (tiles.right - tiles.left + 1) * TILE_EDGE;
    return { ...tiles, width, data: allocate(dtype, width * TILE_EDGE * bands).fill(fill), mask: new Uint8Array(width * TILE_EDGE), y: tiles.top, filled: 0 };
  });
  const base = levels[0]!;
  options.saved?.rows.forEach((y, i) => {
    const level = levels[i]!;
    level.y = y;
    const [data, mask] = [options.saved!.halves[2 * i]!, options.saved!.halves[2 * i + 1]!];
    if (data.length === 0) return;
    bytesOf(level.data).set(data);
    level.mask.set(mask);
    level.filled = 1;
  });

  /** Hands out the row of tiles that a level has, and passes it on to the level above. */
  const finish = async (index: number): Promise<void> => {
    const level = levels[index]!;
    for (let x = level.left; x <= level.right; x++) {
      const raster = tileOf(level, x - level.left, bands);
      if (raster.mask!.includes(255)) await emit({ zoom: level.zoom, x, y: level.y, raster });
    }
    const above = levels[index + 1];
    if (above !== undefined) {
      halve(level, above, reduction);
      above.filled = 1;
      // Two rows of tiles make one above, except at the ends.
      if (level.y % 2 === 1 || level.y === level.bottom) await finish(index + 1);
    }
    level.y++;
    level.filled = 0;
    level.mask.fill(0);
    level.data.fill(fill);
  };

  return {
    save() {
      if (base.filled !== 0) throw new Error('a pyramid is saved between rows of tiles only');
      return {
        rows: levels.map(({ y }) => y),
        halves: levels.flatMap(({ data, mask, filled }, i) => (i === 0 || filled === 0 ? [NOTHING, NOTHING] : [bytesOf(data).slice(), mask.slice()])),
      };
    },
    async push({ data, mask, count }) {
      for (let row = 0; row < count;) {
        const taken = Math.min(count - row, TILE_EDGE - base.filled);
        base.data.set(data.subarray(row * base.width * bands, (row + taken) * base.width * bands), base.filled * base.width * bands);
        if (mask === undefined) base.mask.fill(255, base.filled * base.width, (base.filled + taken) * base.width);
        else base.mask.set(mask.subarray(row * base.width, (row + taken) * base.width), base.filled * base.width);
        base.filled += taken;
        row += taken;
        if (base.filled === TILE_EDGE) await finish(0);
      }
    },
  };
}

const NOTHING = new Uint8Array(0);

function bytesOf({ buffer, byteOffset, byteLength }: TypedArray): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Bytes that a pyramid holds. */
export function pyramidMemory(levels: readonly ZoomTiles[], pixelBytes: number): number {
  return levels.reduce((sum, { left, right }) => sum + (right - left + 1) * TILE_EDGE ** 2 * (pixelBytes + 1), 0);
}

function tileOf(level: Level, column: number, bands: number): Raster {
  const rowLength = TILE_EDGE * bands;
  const data = level.data.slice(0, TILE_EDGE * rowLength);
  const mask = new Uint8Array(TILE_EDGE * TILE_EDGE);
  for (let row = 0; row < TILE_EDGE; row++) {
    const at = row * level.width + column * TILE_EDGE;
    data.set(level.data.subarray(at * bands, at * bands + rowLength), row * rowLength);
    mask.set(level.mask.subarray(at, at + TILE_EDGE), row * TILE_EDGE);
  }
  return { data, mask, width: TILE_EDGE, height: TILE_EDGE, bands, layout: 'pixel' };
}

/** Reduces a row of tiles into its half of the row of tiles above. */
function halve(level: Level, above: Level, reduction: Reduction): void {
  const { bands } = reduction;
  const half = TILE_EDGE / 2;
  const down = (level.y % 2) * half;
  const right = level.left * half - above.left * TILE_EDGE;
  for (let row = 0; row < half; row++) {
    const [upper, lower] = [2 * row * level.width, (2 * row + 1) * level.width];
    const target = (down + row) * above.width + right;
    reduceRows(level.data, upper * bands, level.data, lower * bands, level.width, above.data, target * bands, reduction, {
      upper: level.mask, upperStart: upper, lower: level.mask, lowerStart: lower, target: above.mask, targetStart: target,
    });
  }
}
