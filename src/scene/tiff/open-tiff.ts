import { datumNote } from '../../georef/index.js';
import type { SceneProfile } from '../../raster/index.js';
import type { ByteSource } from '../byte-source.js';
import { createScene } from '../create-scene.js';
import type { BlockScene, SceneCaches } from '../create-scene.js';
import { describeBands } from '../describe-bands.js';
import type { BandDescription } from '../describe-bands.js';
import { fingerprint } from '../fingerprint.js';
import { defaultCacheBytes } from '../memory.js';
import { AUX_FIRST, choosePlace } from '../place.js';
import { readRemoteSidecars } from '../remote/remote-sidecars.js';
import { readSidecars } from '../sidecars.js';
import type { Sidecars } from '../sidecars.js';
import { createTiffBlocks } from './blocks.js';
import { colourConversion } from './colour-conversion.js';
import { readDescription } from './description.js';
import { readTiffHeader } from './directory.js';
import { readGeoreference } from './georeference.js';
import { overviewSizes, tiffLevels } from './levels.js';
import { readPage } from './pages.js';
import type { TiffImage, TiffPage } from './pages.js';
import { isWideInteger, sampleType } from './picture.js';
import { isSgiLog } from './sgi-log.js';
import { openSideImages } from './side-images.js';
import type { SideImages } from './side-images.js';
import { COMPRESSION_NAMES, PHOTOMETRIC_NAMES, TAG } from './tags.js';

export interface OpenTiffOptions {
  /** Bytes of decoded blocks to keep. Default: {@link defaultCacheBytes}. */
  readonly cacheBytes?: number;
  readonly caches?: SceneCaches;
  /** Which picture of the file, from 0. Default 0. */
  readonly page?: number;
}

/**
 * Opens one picture of a GeoTIFF (classic or BigTIFF, either byte order) with its mask, reduced copies and sidecars.
 * @throws {InvalidFileError} if it is damaged, or of a kind that is not read
 * @throws {InvalidOptionError} if the file has no such page
 */
export async function openTiff(source: ByteSource, options: OpenTiffOptions = {}): Promise<BlockScene> {
  const page = await readPage(source, await readTiffHeader(source), options.page ?? 0);
  sampleType(page.main.picture, source.url);
  const beside: Sidecars = source.path === undefined ? await remoteSidecars(page.main) : await readSidecars(source.path, source.neighbours);
  const side = await openSideImages(beside, page.main.picture, { mask: page.mask === undefined, overviews: page.overviews.length === 0 });
  try {
    return await openPage(page, options, beside, side);
  } catch (error) {
    await side.close();
    throw error;
  }
}

async function openPage(page: TiffPage, options: OpenTiffOptions, beside: Sidecars, side: SideImages): Promise<BlockScene> {
  const { source, picture } = page.main;
  const conversion = colourConversion(picture);
  const shape = { bands: conversion?.bands ?? picture.samples, dtype: sampleType(picture, source.url) };
  const notes = [...page.main.header.notes, ...page.notes, ...beside.notes, ...side.notes];
  const used = new Set(side.names);
  const inside = await readDescription(page.main, shape, conversion, notes);
  const bands = describeBands(shape, inside, beside.pam, used, notes);
  const georeference = await readGeoreference(page.main.directory);
  notes.push(...georeference.notes);
  const place = choosePlace(georeference, beside, AUX_FIRST, used, notes);
  const datum = datumNote(place.crs);
  if (datum !== undefined) notes.push(datum);
  notes.push(...await pixelNotes(page.main));

  const pixels = await createTiffBlocks(page.main, shape.dtype, bands.nodata ?? 0);
  const maskImage = page.mask ?? side.mask;
  const mask = maskImage === undefined ? undefined : await createTiffBlocks(maskImage, 'uint8', 0);
  const overviews = page.overviews.length > 0 ? page.overviews : side.overviews;
  const profile: SceneProfile = {
    source: source.url,
    format: 'GTiff',
    width: picture.width,
    height: picture.height,
    ...shape,
    ...(picture.bits % 8 === 0 && picture.bits !== 24 ? {} : { bits: picture.bits }),
    ...(picture.isComplex ? { isComplex: true } : {}),
    ...place, ...bands,
    maskSource: page.mask !== undefined ? 'internal' : mask !== undefined ? 'external' : maskSourceOf(bands, shape.dtype),
    compression: COMPRESSION_NAMES.get(picture.compression) ?? String(picture.compression),
    blockWidth: pixels.blockWidth,
    blockHeight: pixels.blockHeight,
    overviews: overviewSizes(overviews),
    bytes: source.size,
    fingerprint: await fingerprint(source, {
      inside: { ...(used.size === 0 ? place : georeference), ...inside }, taken: { ...place, ...bands }, page: options.page ?? 0,
      ...(side.maskFile === undefined ? {} : { mask: side.maskFile }),
    }),
    ...(page.count > 1 ? { page: { index: options.page ?? 0, count: page.count } } : {}),
    ...(used.size === 0 ? {} : { sidecars: [...used].sort() }),
    notes,
  };
  return createScene({
    profile,
    pixels: () => Promise.resolve(pixels),
    ...(mask === undefined ? {} : { mask }),
    levels: tiffLevels(overviews, page.mask === undefined ? side.maskOverviews : page.maskOverviews, { ...shape, fill: bands.nodata ?? 0 }),
    cacheBytes: options.cacheBytes ?? defaultCacheBytes(profile),
    ...(options.caches === undefined ? {} : { caches: options.caches }),
    close: async () => {
      await side.close();
      await source.close();
    },
  });
}

/** What marks missing pixels where no mask is stored. Alpha counts where its values have a meaning: 0 to 255, or to 65535. */
export function maskSourceOf(bands: BandDescription, dtype: SceneProfile['dtype']): 'nodata' | 'alpha' | 'none' {
  if (bands.nodata !== undefined) return 'nodata';
  return bands.alphaBand !== undefined && (dtype === 'uint8' || dtype === 'uint16') ? 'alpha' : 'none';
}

/** A file on a server that knows its place has all that it needs; each sidecar would cost a request. */
async function remoteSidecars({ source, directory }: TiffImage): Promise<Sidecars> {
  const { transform, crs } = await readGeoreference(directory);
  return transform !== undefined && crs !== undefined ? { notes: [] } : readRemoteSidecars(source);
}

/** What people should know of the samples. */
async function pixelNotes({ directory, picture }: TiffImage): Promise<string[]> {
  const orientation = await directory.number(TAG.orientation) ?? 1;
  return [
    ...(picture.isComplex ? ['complex numbers: the real and the imaginary parts are bands of their own'] : []),
    ...(isSgiLog(picture) ? [`values are logarithms of luminance${picture.samples === 3 ? ' and u\', v\' × 32768' : ''} (SGI LogLuv)`] : []),
    ...(PHOTOMETRIC_NAMES.has(picture.photometric) && !isSgiLog(picture) ? [`its colour space is ${PHOTOMETRIC_NAMES.get(picture.photometric)!}: bands are as stored, not RGB`] : []),
    ...(isWideInteger(picture) ? ['integers of 64 bits are read as doubles; one that no double equals is refused'] : []),
    ...(orientation > 1 && orientation <= 8 ? [`TIFF orientation ${orientation} is not applied: pixels are as stored`] : []),
  ];
}
