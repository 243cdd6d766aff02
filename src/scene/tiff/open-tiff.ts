import { InvalidFileError } from '../../errors.js';
import { datumNote } from '../../georef/index.js';
import type { SceneProfile } from '../../raster/index.js';
import type { ByteSource } from '../byte-source.js';
import { createScene } from '../create-scene.js';
import type { BlockScene, SceneCaches } from '../create-scene.js';
import { fingerprint } from '../fingerprint.js';
import { defaultCacheBytes } from '../memory.js';
import { nodataOfType, parseNodata } from '../nodata.js';
import { readAuxXml, readSidecars } from '../sidecars.js';
import { createTiffBlocks } from './blocks.js';
import { alphaBand, readPalette } from './colours.js';
import { readTiffHeader } from './directory.js';
import type { Directory, TiffHeader } from './directory.js';
import { bandNames, categoryNames, classNames, parseGdalMetadata } from './gdal-metadata.js';
import { readGeoreference } from './georeference.js';
import { readPicture, sampleType } from './picture.js';
import type { TiffPicture } from './picture.js';
import { COMPRESSION_NAMES, PHOTOMETRIC, SUBFILE, TAG } from './tags.js';

const IDENTITY = [0, 1, 0, 0, 0, 1] as const;

export interface OpenTiffOptions {
  /** Bytes of decoded blocks to keep. Default: {@link defaultCacheBytes}. */
  readonly cacheBytes?: number;
  readonly caches?: SceneCaches;
}

/**
 * Opens a GeoTIFF (classic or BigTIFF, either byte order). Its first picture is the scene; reduced pictures and masks are
 * found by their subfile types.
 * @throws {InvalidFileError} if it is damaged, or of a kind that is not read
 */
export async function openTiff(source: ByteSource, options: OpenTiffOptions = {}): Promise<BlockScene> {
  const header = await readTiffHeader(source);
  const directory = header.directories[0]!;
  const picture = await readPicture(directory, source.url);
  const dtype = sampleType(picture, source.url);
  const others = await sortDirectories(header, source.url, picture);
  const notes = [...header.notes, ...others.notes];
  const nodata = await readNodata(directory, dtype, notes);
  const pixels = await createTiffBlocks(source, header, directory, picture, dtype, nodata ?? 0);
  const mask = others.mask === undefined
    ? undefined
    : await createTiffBlocks(source, header, others.mask.directory, others.mask.picture, 'uint8', 0);
  const alpha = alphaBand(picture);
  const profile: SceneProfile = {
    source: source.url,
    format: 'GTiff',
    width: picture.width,
    height: picture.height,
    bands: picture.samples,
    dtype,
    ...(picture.bits % 8 === 0 && picture.bits !== 24 ? {} : { bits: picture.bits }),
    ...await placed(source, directory, notes),
    ...(nodata === undefined ? {} : { nodata }),
    ...(alpha === undefined ? {} : { alphaBand: alpha }),
    maskSource: mask !== undefined ? 'internal' : nodata !== undefined ? 'nodata' : alpha !== undefined ? 'alpha' : 'none',
    ...await described(source, directory, picture),
    compression: COMPRESSION_NAMES.get(picture.compression) ?? String(picture.compression),
    blockWidth: pixels.blockWidth,
    blockHeight: pixels.blockHeight,
    overviews: others.overviews,
    bytes: source.size,
    fingerprint: await fingerprint(source),
    notes,
  };
  return createScene({
    profile,
    pixels: () => Promise.resolve(pixels),
    ...(mask === undefined ? {} : { mask }),
    cacheBytes: options.cacheBytes ?? defaultCacheBytes(profile),
    ...(options.caches === undefined ? {} : { caches: options.caches }),
    close: () => source.close(),
  });
}

interface Others {
  readonly mask?: { readonly directory: Directory; readonly picture: TiffPicture };
  readonly overviews: SceneProfile['overviews'];
  readonly notes: readonly string[];
}

/** What the directories after the first one are. A damaged one among them is a note, not an error. */
async function sortDirectories(header: TiffHeader, url: string, first: TiffPicture): Promise<Others> {
  let mask: Others['mask'];
  const overviews: { width: number; height: number }[] = [];
  const notes: string[] = [];
  let pages = 0;
  for (const directory of header.directories.slice(1)) {
    try {
      const kind = await directory.number(TAG.newSubfileType) ?? 0;
      const picture = await readPicture(directory, url);
      const isMask = (kind & SUBFILE.mask) !== 0 || picture.photometric === PHOTOMETRIC.mask;
      const sameSize = picture.width === first.width && picture.height === first.height;
      if (isMask && sameSize && (kind & SUBFILE.reduced) === 0 && picture.samples === 1) mask ??= { directory, picture };
      else if (!isMask && (kind & SUBFILE.reduced) !== 0) overviews.push({ width: picture.width, height: picture.height });
      else if (!isMask) pages++;
    } catch (error) {
      if (!(error instanceof InvalidFileError)) throw error;
      notes.push(`one of its further directories is damaged and was ignored (${error.message.slice(url.length + 2)})`);
    }
  }
  if (pages > 0) notes.push(`only the first of ${pages + 1} pictures in the file is read`);
  overviews.sort((a, b) => b.width - a.width);
  return { ...(mask === undefined ? {} : { mask }), overviews, notes };
}

async function readNodata(directory: Directory, dtype: SceneProfile['dtype'], notes: string[]): Promise<number | undefined> {
  const text = await directory.text(TAG.gdalNodata);
  if (text === undefined) return undefined;
  const parsed = parseNodata(text);
  const value = parsed === undefined ? undefined : nodataOfType(parsed, dtype);
  if (value === undefined && text.trim() !== '') notes.push(`nodata "${text.trim()}" cannot be a value of ${dtype} and was ignored`);
  return value;
}

/** Transform and CRS: the file's own tags first, then what stands beside it. */
async function placed(source: ByteSource, directory: Directory, notes: string[]): Promise<Pick<SceneProfile, 'transform' | 'crs'>> {
  const inside = await readGeoreference(directory);
  notes.push(...inside.notes);
  let { transform, crs } = inside;
  if (source.path !== undefined && (transform === undefined || crs === undefined)) {
    const beside = await readSidecars(source.path);
    notes.push(...beside.notes);
    if (transform === undefined && beside.transform !== undefined) {
      transform = beside.transform;
      notes.push('the transform comes from the world file beside it');
    }
    if (crs === undefined && beside.crs !== undefined) {
      crs = beside.crs;
      notes.push('the coordinate system comes from the .prj beside it');
    }
  }
  // Some writers store "pixel coordinates" as a transform; without a CRS that is no place.
  if (crs === undefined && transform !== undefined && IDENTITY.every((value, i) => value === transform?.[i])) transform = undefined;
  const datum = datumNote(crs);
  if (datum !== undefined) notes.push(datum);
  return { ...(transform === undefined ? {} : { transform }), ...(crs === undefined ? {} : { crs }) };
}

async function described(source: ByteSource, directory: Directory, picture: TiffPicture): Promise<Pick<SceneProfile, 'bandNames' | 'palette' | 'classNames'>> {
  const xml = await directory.text(TAG.gdalMetadata);
  const items = xml === undefined ? [] : parseGdalMetadata(xml);
  const names = bandNames(items, picture.samples);
  const palette = await readPalette(directory, picture);
  let classes = classNames(items);
  if (classes === undefined && source.path !== undefined) classes = categoryNames(await readAuxXml(source.path) ?? '');
  return {
    ...(names === undefined ? {} : { bandNames: names }),
    ...(palette === undefined ? {} : { palette }),
    ...(classes === undefined ? {} : { classNames: classes }),
  };
}

