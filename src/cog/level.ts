import { allocate, bytesPerSample, viewAs, type DataType, type TypedArray } from '../raster/index.js';
import { blocksAcross, blocksDown, type LevelSize } from './layout.js';

/** One level of the pyramid while it is being filled: its current row of blocks. */
export interface Level {
  readonly number: number;
  readonly width: number;
  readonly height: number;
  readonly across: number;
  readonly down: number;
  /** Rows taken so far. */
  rows: number;
  /** The blocks of the current row of blocks, left to right; empty until its first row comes. */
  blocks: TypedArray[];
}

export interface BlockFormat {
  readonly size: number;
  readonly bands: number;
  readonly dtype: DataType;
  /** Shared blocks reach threads without copies, which would pile up there. Default: own. */
  readonly memory?: 'own' | 'shared';
}

/** A block of undefined content. */
export function newBlock({ size, bands, dtype, memory }: BlockFormat): TypedArray {
  const length = size * size * bands;
  return memory === 'shared' ? viewAs(dtype, new SharedArrayBuffer(length * bytesPerSample(dtype))) : allocate(dtype, length);
}

export function createLevel(number: number, size: LevelSize, blockSize: number): Level {
  return {
    number,
    ...size,
    across: blocksAcross(size, blockSize),
    down: blocksDown(size, blockSize),
    rows: 0,
    blocks: [],
  };
}

/** Copies rows into the level's blocks. They must not pass the end of the row of blocks. */
export function fillBlocks(level: Level, format: BlockFormat, rows: TypedArray, firstRow: number, rowCount: number): void {
  const { size, bands } = format;
  const rowLength = level.width * bands;
  const blockRow = size * bands;
  const top = level.rows % size;
  for (let column = 0; column < level.across; column++) {
    const block = level.blocks[column]!;
    const left = column * blockRow;
    const length = Math.min(blockRow, rowLength - left);
    for (let row = 0; row < rowCount; row++) {
      const from = (firstRow + row) * rowLength + left;
      block.set(rows.subarray(from, from + length), (top + row) * blockRow);
    }
  }
}

/** Copies one row out of the level's blocks. */
export function rowOfBlocks(level: Level, format: BlockFormat, row: number, target: TypedArray): void {
  const { size, bands } = format;
  const rowLength = level.width * bands;
  const blockRow = size * bands;
  const start = (row % size) * blockRow;
  for (let column = 0; column < level.across; column++) {
    const left = column * blockRow;
    const length = Math.min(blockRow, rowLength - left);
    target.set(level.blocks[column]!.subarray(start, start + length), left);
  }
}

/** Repeats the last column and row of the scene over the rest of the blocks: it packs well and leaves no old bytes. */
export function padBlocks(level: Level, format: BlockFormat, rowCount: number): void {
  const { size, bands } = format;
  const blockRow = size * bands;
  const inLast = (level.width - (level.across - 1) * size) * bands;
  if (inLast < blockRow) padColumns(level.blocks[level.across - 1]!, blockRow, inLast, bands, rowCount);
  for (const block of level.blocks) {
    for (let row = rowCount; row < size; row++) block.copyWithin(row * blockRow, (rowCount - 1) * blockRow, rowCount * blockRow);
  }
}

function padColumns(block: TypedArray, blockRow: number, used: number, bands: number, rowCount: number): void {
  for (let row = 0; row < rowCount; row++) {
    const start = row * blockRow;
    if (bands === 1) block.fill(block[start + used - 1]!, start + used, start + blockRow);
    else for (let i = start + used, end = start + blockRow; i < end; i++) block[i] = block[i - bands]!;
  }
}
