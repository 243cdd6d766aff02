import { allocate } from '../../raster/index.js';
import type { TypedArray } from '../../raster/index.js';
import { recycleBlock } from '../block-memory.js';
import type { BlockRaster } from '../block-raster.js';
import { blockCounts, derivedRaster } from '../block-raster.js';
import type { TiffPicture } from './picture.js';

/**
 * Complex numbers that stand band by band, as a picture of twice the width: a plane holds the real and the imaginary parts of
 * one complex band in turn.
 */
export function partsInRows(picture: TiffPicture): TiffPicture {
  return { ...picture, width: 2 * picture.width, tileWidth: 2 * picture.tileWidth, samples: picture.samples / 2 };
}

/** The raster of the complex numbers, from that of {@link partsInRows}: both parts of all bands together in one plane. */
export function joinParts(rows: BlockRaster): BlockRaster {
  const { planes: complexBands, dtype } = rows;
  const { across, down } = blockCounts(rows);
  return derivedRaster(rows, {
    width: rows.width / 2, blockWidth: rows.blockWidth / 2, bands: 2 * complexBands, planes: 1,
    runs: (keys) => keys.map((key) => [key]),
    decode: (run) => Promise.all(run.map(async (key) => {
      const planes = await Promise.all(Array.from({ length: complexBands }, async (_, plane) => (await rows.decode([key + plane * across * down]))[0]));
      const length = Math.max(...planes.map((plane) => plane?.length ?? 0));
      if (length === 0) return undefined;
      const out: TypedArray = allocate(dtype, length * complexBands);
      for (const [band, plane] of planes.entries()) {
        for (let i = 0; i < length; i += 2) {
          const to = i * complexBands + 2 * band;
          out[to] = plane === undefined ? rows.fill : plane[i]!;
          out[to + 1] = plane === undefined ? rows.fill : plane[i + 1]!;
        }
        if (plane !== undefined) recycleBlock(plane);
      }
      return out;
    })),
  });
}
