import { open } from 'node:fs/promises';
import { bytesPerSample, viewAs } from '../raster/index.js';
import type { BlockRaster } from './block-raster.js';
import { blockCounts } from './block-raster.js';
import type { ByteSource } from './byte-source.js';

export type SpoolShape = Pick<BlockRaster, 'width' | 'height' | 'bands' | 'dtype'>;

/** Edge of the tiles of a spool file. */
export const SPOOL_TILE = 256;

/** Length of a spool file: whole tiles, one after the other, row by row, uncompressed, in this machine's byte order. */
export function spoolBytes(shape: SpoolShape): number {
  const { across, down } = blockCounts({ ...shape, blockWidth: SPOOL_TILE, blockHeight: SPOOL_TILE });
  return across * down * tileBytes(shape);
}

/** Takes the rows of a picture in order and writes them as tiles; holds one row of tiles. */
export interface SpoolWriter {
  /** The bytes of one row of samples. */
  writeRow(row: Uint8Array): Promise<void>;
  /** Writes what is left and closes the file. */
  finish(): Promise<void>;
  /** Closes the file after an error. */
  abandon(): Promise<void>;
}

export async function createSpoolWriter(path: string, shape: SpoolShape): Promise<SpoolWriter> {
  const pixelBytes = shape.bands * bytesPerSample(shape.dtype);
  const { across } = blockCounts({ ...shape, blockWidth: SPOOL_TILE, blockHeight: SPOOL_TILE });
  const tiles = new Uint8Array(across * tileBytes(shape));
  const handle = await open(path, 'w', 0o600);
  let filled = 0;
  const flush = async (): Promise<void> => {
    if (filled === 0) return;
    // All of them, or an error: a plain write may end early on a full disk.
    await handle.writeFile(tiles);
    tiles.fill(0);
    filled = 0;
  };
  return {
    writeRow: async (row) => {
      for (let tile = 0; tile < across; tile++) {
        const from = tile * SPOOL_TILE * pixelBytes;
        const part = row.subarray(from, Math.min(from + SPOOL_TILE * pixelBytes, row.length));
        tiles.set(part, tile * tileBytes(shape) + filled * SPOOL_TILE * pixelBytes);
      }
      filled++;
      if (filled === SPOOL_TILE) await flush();
    },
    finish: async () => {
      await flush();
      await handle.close();
    },
    abandon: () => handle.close(),
  };
}

/** Reads a finished spool file. */
export function spoolRaster(source: ByteSource, shape: SpoolShape): BlockRaster {
  const bytes = tileBytes(shape);
  return {
    ...shape,
    blockWidth: SPOOL_TILE,
    blockHeight: SPOOL_TILE,
    planes: 1,
    fill: 0,
    runs: (keys) => keys.map((key) => [key]),
    decode: async (run) => Promise.all(run.map(async (key) => {
      const data = await source.read(key * bytes, bytes);
      return viewAs(shape.dtype, data.buffer);
    })),
  };
}

function tileBytes(shape: SpoolShape): number {
  return SPOOL_TILE * SPOOL_TILE * shape.bands * bytesPerSample(shape.dtype);
}
