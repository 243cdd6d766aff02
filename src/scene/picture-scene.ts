import { tmpdir } from 'node:os';
import { InvalidFileError } from '../errors.js';
import { bytesPerSample } from '../raster/index.js';
import type { DataType, Rgba, SceneProfile } from '../raster/index.js';
import { datumNote } from '../georef/index.js';
import type { BlockRaster } from './block-raster.js';
import type { ByteSource } from './byte-source.js';
import { createScene } from './create-scene.js';
import type { BlockScene, SceneCaches } from './create-scene.js';
import { fingerprint } from './fingerprint.js';
import type { SceneLevel } from './level.js';
import { describeBands } from './describe-bands.js';
import { defaultCacheBytes } from './memory.js';
import { AUX_FIRST, WORLD_FIRST, choosePlace } from './place.js';
import { readRemoteSidecars } from './remote/remote-sidecars.js';
import { readSidecars } from './sidecars.js';
import type { Sidecars } from './sidecars.js';
import { createTiffBlocks } from './tiff/blocks.js';
import { overviewSizes, tiffLevels } from './tiff/levels.js';
import { openSideImages } from './tiff/side-images.js';
import { maskSourceOf } from './tiff/open-tiff.js';

/** Pictures with more pixels are decoded into a file. */
export const DEFAULT_IN_MEMORY_BYTES = 64 * 2 ** 20;

export interface PictureOptions {
  readonly cacheBytes?: number;
  readonly caches?: SceneCaches;
  /**
   * Folder for decoded copies of large JPEG and PNG files, which have no random access. Copies in it are kept and used
   * again. Default: a folder in the system's temporary folder, from which they are removed at close.
   */
  readonly cacheDir?: string;
  /** Pictures up to so many bytes of pixels are decoded into memory, larger ones into a file. Default 64 MB. */
  readonly inMemoryBytes?: number;
}

/** Whether a picture is decoded into memory. */
export function fitsMemory(header: Pick<PictureHeader, 'width' | 'height' | 'bands' | 'dtype'>, options: PictureOptions): boolean {
  return decodedBytes(header) <= (options.inMemoryBytes ?? DEFAULT_IN_MEMORY_BYTES);
}

/** What a picture format's header says. */
export interface PictureHeader {
  readonly format: string;
  readonly compression: string;
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly dtype: DataType;
  readonly bits?: number;
  readonly nodata?: number;
  readonly bandNodata?: readonly (number | undefined)[];
  readonly alphaBand?: number;
  /** Whether its first bands are red, green and blue. */
  readonly isRgb: boolean;
  readonly palette?: readonly Rgba[];
  readonly notes: readonly string[];
}

/** Decoded pixels, and what has to be done when they are no longer needed. */
export interface DecodedPicture {
  readonly raster: BlockRaster;
  readonly release: () => Promise<void>;
}

/** Bytes of all pixels of a picture. */
export function decodedBytes(header: Pick<PictureHeader, 'width' | 'height' | 'bands' | 'dtype'>): number {
  return header.width * header.height * header.bands * bytesPerSample(header.dtype);
}

/** Decoding once into a file: its bytes, and the bytes that come per second on an ordinary processor. */
export interface CopyCost { readonly bytes: number; readonly bytesPerSecond: number }

/** What a plan says of a picture that is decoded once into a file. */
export function copyNote(format: string, { bytes, bytesPerSecond }: CopyCost, folder: string | undefined): string {
  return `a ${format} has no random access: its pixels are decoded once, in about ${Math.max(1, Math.round(bytes / bytesPerSecond))} s, into ${folder === undefined ? 'a temporary file' : 'a file'} of ${Math.ceil(bytes / 1e6)} MB in ${folder ?? tmpdir()}`;
}

/** Neither deflate nor Huffman codes make pixels more than about a thousand times smaller. */
const MAX_RATIO = 1040;

/**
 * Refuses a header that claims more pixels than the file can hold, before anything is allocated for them.
 * @throws {InvalidFileError}
 */
export function checkClaim(source: ByteSource, header: Pick<PictureHeader, 'width' | 'height' | 'bands' | 'dtype'>): void {
  const bytes = decodedBytes(header);
  if (bytes <= source.size * MAX_RATIO * BITS_PER_BYTE) return;
  throw new InvalidFileError(source.url, `it claims ${header.width} × ${header.height} pixels, more than its ${source.size} bytes can hold`, { advice: 'the file is damaged' });
}

/** Pixels of one bit take a byte each once they are decoded. */
const BITS_PER_BYTE = 8;

/** What some picture formats have of their own. */
export interface OwnParts {
  /** Reduced pictures that the decoder can make by itself. */
  readonly levels?: readonly SceneLevel[];
  readonly mask?: BlockRaster;
}

/**
 * A scene of a format that can only be decoded from its beginning: georeference, mask, reduced copies from files beside it;
 * pixels decoded once, at the first read. `blockSize` is that of the decoded copy.
 */
export async function createPictureScene(
  source: ByteSource, header: PictureHeader, options: PictureOptions, blockSize: { readonly width: number; readonly height: number },
  decode: (fingerprint: string) => Promise<DecodedPicture>, own: OwnParts = {},
): Promise<BlockScene> {
  const beside: Sidecars = source.path === undefined ? await readRemoteSidecars(source) : await readSidecars(source.path, source.neighbours);
  const side = await openSideImages(beside, header, { mask: own.mask === undefined, overviews: true });
  try {
    const { bands, dtype, nodata, bandNodata, alphaBand, palette } = header;
    const notes = [...header.notes, ...beside.notes, ...side.notes];
    const used = new Set(side.names);
    const place = choosePlace({}, beside, header.format === 'PNG' ? WORLD_FIRST : AUX_FIRST, used, notes);
    const inside = {
      ...(nodata === undefined ? {} : { nodata }), ...(bandNodata === undefined ? {} : { bandNodata }),
      ...(alphaBand === undefined ? {} : { alphaBand }), ...(palette === undefined ? {} : { palette }),
    };
    const described = describeBands({ bands, dtype }, inside, beside.pam, used, notes);
    const mask = own.mask ?? (side.mask === undefined ? undefined : await createTiffBlocks(side.mask, 'uint8', 0));
    const datum = datumNote(place.crs);
    const print = await fingerprint(source, {
      inside, taken: { ...place, ...described },
      ...(side.maskFile === undefined ? {} : { mask: side.maskFile }),
    });
    const profile: SceneProfile = {
      source: source.url,
      format: header.format,
      width: header.width,
      height: header.height,
      bands, dtype,
      ...(header.bits === undefined ? {} : { bits: header.bits }),
      ...place, ...described,
      ...(header.isRgb ? { photometric: 'rgb' as const } : {}),
      maskSource: own.mask !== undefined ? 'internal' : mask !== undefined ? 'external' : maskSourceOf(described, dtype),
      compression: header.compression,
      blockWidth: blockSize.width,
      blockHeight: blockSize.height,
      overviews: overviewSizes(side.overviews),
      bytes: source.size,
      fingerprint: print,
      ...(used.size === 0 ? {} : { sidecars: [...used].sort() }),
      notes: [...notes, ...(datum === undefined ? [] : [datum])],
    };
    let decoded: Promise<DecodedPicture> | undefined;
    return createScene({
      profile,
      pixels: async () => {
        decoded ??= decode(print);
        return (await decoded).raster;
      },
      ...(mask === undefined ? {} : { mask }),
      levels: [...tiffLevels(side.overviews, side.maskOverviews, { bands, dtype, fill: described.nodata ?? 0 }), ...own.levels ?? []],
      cacheBytes: options.cacheBytes ?? defaultCacheBytes(profile),
      ...(options.caches === undefined ? {} : { caches: options.caches }),
      close: async () => {
        const picture = await decoded?.catch(() => undefined);
        await picture?.release();
        await side.close();
        await source.close();
      },
    });
  } catch (error) {
    await side.close();
    throw error;
  }
}
