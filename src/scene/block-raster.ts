import type { DataType, TypedArray } from '../raster/index.js';

/**
 * Pixels that are stored in blocks of one size, all bands together (`planes` 1) or each band on its own (`planes` =
 * bands). Blocks are numbered plane by plane, row by row: `(plane * down + row) * across + column`.
 */
export interface BlockRaster {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly dtype: DataType;
  readonly blockWidth: number;
  readonly blockHeight: number;
  /** 1, or one per band. */
  readonly planes: number;
  /** What stands in blocks that the file leaves out. */
  readonly fill: number;
  /** Splits blocks, given in rising order, into runs that are best read in one go. */
  runs(blocks: readonly number[]): number[][];
  /**
   * Decodes the blocks of one run. A block is `blockWidth` wide, pixel-interleaved within its plane, and has at least the
   * rows that lie in the raster; `undefined` for one that the file leaves out.
   * @throws {InvalidFileError} naming the block, if it cannot be decoded
   */
  decode(run: readonly number[]): Promise<(TypedArray | undefined)[]>;
  /**
   * Reads rows of one block into memory of the caller, where pixels lie in a file on this machine as they are in memory; what is read this
   * way needs no cache but the system's. Gives the samples, `blockWidth` wide, as a view of `memory`, which starts a buffer and has room for them;
   * `undefined` for a block that the file leaves out.
   * @throws {InvalidFileError} naming the block, if the file ends before them
   */
  readonly readRows?: (block: number, firstRow: number, rows: number, memory: Uint8Array) => Promise<TypedArray | undefined>;
}

/** Blocks per row and per column of a raster. */
export function blockCounts(raster: Pick<BlockRaster, 'width' | 'height' | 'blockWidth' | 'blockHeight'>): { across: number; down: number } {
  return { across: Math.ceil(raster.width / raster.blockWidth), down: Math.ceil(raster.height / raster.blockHeight) };
}

/** Samples of a pixel within one plane. */
export function samplesPerBlockPixel(raster: Pick<BlockRaster, 'bands' | 'planes'>): number {
  return raster.planes === 1 ? raster.bands : 1;
}

/** A raster made from another one's blocks. Rows as they are stored are not what it has. */
export function derivedRaster(from: BlockRaster, parts: Partial<BlockRaster> & Pick<BlockRaster, 'decode'>): BlockRaster {
  const { readRows: _, ...rest } = from;
  return { ...rest, ...parts };
}
