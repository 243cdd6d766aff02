import { TilewrightError } from '../../errors.js';
import type { DataType, SceneProfile } from '../../raster/index.js';
import type { BlockRaster } from '../block-raster.js';
import type { SceneLevel } from '../level.js';
import { createTiffBlocks } from './blocks.js';
import { colourConversion } from './colour-conversion.js';
import type { TiffImage } from './pages.js';
import { sampleType } from './picture.js';

/** What a reduced copy must agree with. */
export interface LevelFit {
  readonly bands: number;
  readonly dtype: DataType;
  readonly fill: number;
}

/** Reduced copies that have the scene's bands and type, largest first; each with the copy of the mask that has its size. */
export function tiffLevels(images: readonly TiffImage[], masks: readonly TiffImage[], fit: LevelFit): SceneLevel[] {
  return images.filter((image) => fits(image, fit)).map((image) => {
    const { width, height, tileWidth, tileHeight } = image.picture;
    const mask = masks.find(({ picture }) => picture.width === width && picture.height === height);
    return {
      width, height, blockWidth: tileWidth, blockHeight: tileHeight,
      pixels: () => opened(image, fit.dtype, fit.fill),
      ...(mask === undefined ? {} : { mask: () => opened(mask, 'uint8', 0) }),
    };
  }).sort((a, b) => b.width - a.width);
}

/** Sizes of reduced copies for the profile, largest first. */
export function overviewSizes(images: readonly TiffImage[]): SceneProfile['overviews'] {
  return images.map(({ picture }) => ({ width: picture.width, height: picture.height })).sort((a, b) => b.width - a.width);
}

function fits(image: TiffImage, fit: LevelFit): boolean {
  const bands = colourConversion(image.picture)?.bands ?? image.picture.samples;
  try {
    return bands === fit.bands && sampleType(image.picture, image.source.url) === fit.dtype;
  } catch (error) {
    if (error instanceof TilewrightError) return false;
    throw error;
  }
}

/** A copy that cannot be read is none: the next larger one, at last the scene itself, has its pixels too. */
async function opened(image: TiffImage, dtype: DataType, fill: number): Promise<BlockRaster | undefined> {
  try {
    return await createTiffBlocks(image, dtype, fill);
  } catch (error) {
    if (error instanceof TilewrightError) return undefined;
    throw error;
  }
}
