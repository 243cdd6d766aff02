import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidFileError } from '../errors.js';
import type { Scene, TypedArray } from '../raster/index.js';
import { decodePicture, isWidePng, swapRedBlue, type Picture } from './decode.js';

/** Opens rasters that are more than pictures (GeoTIFF); this room reads none itself. */
export type OpenScene = (path: string) => Promise<Scene>;

export interface ReadPictureOptions {
  readonly openScene: OpenScene;
  /** Three bands, from 1. Default: the first three, or the only one three times. */
  readonly bands?: readonly number[] | undefined;
  /** Samples that become 0 and 255; needed where they have more than 8 bits. */
  readonly range?: readonly [number, number] | undefined;
  readonly swapRedBlue?: boolean | undefined;
}

/**
 * Decodes a picture to three 8-bit bands: JPEG, PNG and WebP from their bytes, TIFF and PNG of 16 bits through {@link OpenScene}, with bands and range.
 * @throws {InvalidFileError} if it cannot be decoded, or has other samples than the options can deal with.
 */
export async function readPicture(bytes: Uint8Array, name: string, options: ReadPictureOptions): Promise<Picture> {
  const picture = isRaster(bytes)
    ? await withRaster(bytes, name, options.openScene, async (scene) => { const { width, height } = scene.profile; return { width, height, data: await readBands(scene, name, options, { x: 0, y: 0, width, height }) }; })
    : await decodePicture(bytes, name);
  return options.swapRedBlue === true ? swapRedBlue(picture) : picture;
}

interface Known {
  /** One byte per pixel, 0 where there is no data. Absent: there is everywhere. */
  readonly known?: Uint8Array;
}

/** A mask of colours. */
export interface ColourMask extends Picture, Known {}

/** A mask of one band with more than 8 bits: the stored values, `[height, width]`. */
export interface ValueMask extends Known {
  readonly width: number;
  readonly height: number;
  readonly values: TypedArray;
}

/**
 * Decodes a mask: to three 8-bit bands, as {@link readPicture}, or, where it has one band of more than 8 bits (as rasterio, NumPy and QGIS
 * write labels), to the values that are stored.
 * @throws {InvalidFileError} if it cannot be decoded, or has several bands of more than 8 bits
 */
export async function readMask(bytes: Uint8Array, name: string, openScene: OpenScene): Promise<ColourMask | ValueMask> {
  if (!isRaster(bytes)) return decodePicture(bytes, name);
  return withRaster(bytes, name, openScene, async (scene) => {
    const { width, height, bands, alphaBand, dtype, maskSource } = scene.profile;
    const window = { x: 0, y: 0, width, height };
    if (dtype === 'uint8') {
      const known = maskSource === 'none' ? undefined : (await scene.read(window, { bands: [0] })).mask;
      return { width, height, data: await readBands(scene, name, { openScene }, window), ...(known === undefined ? {} : { known }) };
    }
    if (bands - (alphaBand === undefined ? 0 : 1) !== 1 || alphaBand === 0) throw new InvalidFileError(name, `expected a mask of one band, or of 8-bit colours, found ${bands} bands of ${dtype}`, { advice: 'write colours with 8 bits per band' });
    const { data, mask } = await scene.read(window, { bands: [0] });
    return { width, height, values: data, ...(mask === undefined ? {} : { known: mask }) };
  });
}

/** Files that are more than pictures: their samples may have more than 8 bits. */
function isRaster(bytes: Uint8Array): boolean {
  return isTiff(bytes) || isWidePng(bytes);
}

function isTiff(bytes: Uint8Array): boolean {
  const [a, b, c, d] = bytes;
  return (a === 0x49 && b === 0x49 && (c === 42 || c === 43) && d === 0) || (a === 0x4d && b === 0x4d && c === 0 && (d === 42 || d === 43));
}

/** Readers of rasters take files; the bytes may come from an archive. */
async function withRaster<T>(bytes: Uint8Array, name: string, openScene: OpenScene, use: (scene: Scene) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'tilewright-picture-'));
  try {
    const [kind, ending] = isTiff(bytes) ? ['TIFF', 'tif'] : ['PNG', 'png'];
    const file = join(folder, `picture.${ending}`);
    await writeFile(file, bytes);
    const scene = await openScene(file).catch((cause: unknown) => { throw new InvalidFileError(name, `expected a ${kind} that can be decoded, found none`, { cause }); });
    try {
      return await use(scene);
    } finally {
      await scene.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Three bands of a window of a scene as bytes, `[height, width, 3]`; pixels without data are 0.
 * @throws {InvalidFileError} if the scene has no such bands, or samples of more than 8 bits and no range is given.
 */
export async function readBands(scene: Scene, name: string, options: ReadPictureOptions, window: { readonly x: number; readonly y: number; readonly width: number; readonly height: number }): Promise<Uint8Array> {
  const { profile } = scene;
  const colours = profile.alphaBand === undefined ? profile.bands : profile.bands - 1;
  const wanted = options.bands ?? (colours >= 3 ? [1, 2, 3] : [1, 1, 1]);
  if (wanted.length !== 3 || wanted.some((band) => band < 1 || band > profile.bands)) {
    throw new InvalidFileError(name, `expected three bands from 1 to ${profile.bands}, got ${wanted.join(', ')}`);
  }
  if (profile.dtype !== 'uint8' && options.range === undefined) {
    throw new InvalidFileError(name, `expected 8-bit samples, found ${profile.dtype}`, { advice: 'say which values become 0 and 255: --set range=[LOW,HIGH]' });
  }
  const different = [...new Set(wanted)];
  const raster = await scene.read(window, { bands: different.map((band) => band - 1) });
  const places = wanted.map((band) => different.indexOf(band));
  const [low, high] = options.range ?? [0, 255];
  const scale = 255 / (high - low);
  const plain = options.range === undefined;
  const pixels = window.width * window.height;
  const out = new Uint8Array(pixels * 3);
  for (let i = 0; i < pixels; i++) {
    if (raster.mask !== undefined && raster.mask[i] === 0) continue;
    for (let band = 0; band < 3; band++) {
      const value = raster.data[i * different.length + places[band]!]!;
      out[i * 3 + band] = plain ? value : Math.min(255, Math.max(0, Math.round((value - low) * scale)));
    }
  }
  return out;
}
