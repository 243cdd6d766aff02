import { InvalidFileError, InvalidOptionError } from '../errors.js';
import { openFileSource } from './byte-source.js';
import type { ByteSource } from './byte-source.js';
import type { BlockScene } from './create-scene.js';
import { isJpeg, openJpeg } from './jpeg.js';
import type { PictureOptions } from './picture-scene.js';
import { openPng } from './png.js';
import { isPng } from './png-header.js';
import { isTiff } from './tiff/directory.js';
import { isWebp } from './tiff/webp-block.js';
import { openTiff } from './tiff/open-tiff.js';
import { openWebp } from './webp.js';

export interface OpenSceneOptions extends PictureOptions {
  /** Which picture of a file that holds several (TIFF), from 0. Default 0. */
  readonly page?: number;
  /**
   * Bytes of decoded blocks that the scene keeps for later reads. Default: enough to read strips of 1024 rows patch by
   * patch without decoding a block twice, at most 256 MB (`defaultCacheBytes`). `stripCacheBytes` tells what another
   * strip height needs, `readMemory` what the scene then holds in all.
   */
  readonly cacheBytes?: number;
}

/** Enough to tell the formats apart. */
const MAGIC_BYTES = 16;

/**
 * Opens a raster by what its bytes say it is, whatever its name: GeoTIFF, JPEG, PNG or WebP. Reads headers and sidecars, no
 * pixels.
 * @throws {InvalidFileError} if there is no such file, or it is of another kind, damaged, or not supported
 */
export async function openScene(source: string, options: OpenSceneOptions = {}): Promise<BlockScene> {
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(source)) {
    throw new InvalidFileError(source, 'expected the path of a file; remote scenes are not read', { advice: 'download it first' });
  }
  const bytes = await openFileSource(source);
  try {
    return await openSource(bytes, options);
  } catch (error) {
    await bytes.close();
    throw error;
  }
}

async function openSource(source: ByteSource, options: OpenSceneOptions): Promise<BlockScene> {
  const magic = await source.read(0, MAGIC_BYTES);
  if (isTiff(magic)) return openTiff(source, options);
  if ((options.page ?? 0) > 0) throw new InvalidOptionError('--page', `${source.url} holds one picture, got ${options.page! + 1}`);
  if (isJpeg(magic)) return openJpeg(source, options);
  if (isPng(magic)) return openPng(source, options);
  if (isWebp(magic)) return openWebp(source, options);
  throw new InvalidFileError(source.url, `expected a GeoTIFF, JPEG, PNG or WebP, found ${describe(magic)}`);
}

/** What a file of an unknown kind starts with, in words. */
function describe(magic: Uint8Array): string {
  const isText = magic.every((byte) => (byte >= 32 && byte < 127) || byte === 9 || byte === 10 || byte === 13 || byte >= 0xc2);
  const text = Buffer.from(magic).toString('utf8').replace(/\s+/g, ' ').trim();
  if (isText && text !== '') return `text that begins with "${text}"`;
  return `bytes ${Buffer.from(magic.subarray(0, 8)).toString('hex').replace(/(..)(?=.)/g, '$1 ')}`;
}
