import { basename } from 'node:path';
import { TilewrightError } from '../../errors.js';
import type { Size } from '../../raster/index.js';
import { openFileSource } from '../byte-source.js';
import type { ByteSource } from '../byte-source.js';
import type { Sidecars } from '../sidecars.js';
import { readTiffHeader } from './directory.js';
import { readImages } from './pages.js';
import type { TiffImage } from './pages.js';

/** Masks and reduced copies in files of their own, beside a raster of any format. */
export interface SideImages {
  readonly mask?: TiffImage;
  readonly overviews: readonly TiffImage[];
  readonly maskOverviews: readonly TiffImage[];
  /** Names of the files that are of use, and the open file of the mask. */
  readonly names: readonly string[];
  readonly maskFile?: ByteSource;
  readonly notes: readonly string[];
  readonly close: () => Promise<void>;
}

export interface SideImageNeeds {
  /** Whether a mask is wanted; a file's own goes first. */
  readonly mask: boolean;
  readonly overviews: boolean;
}

/**
 * Opens `<file>.msk` (with copies in itself or in `<file>.msk.ovr`) and `<file>.ovr`, which GDAL writes as TIFFs. One that
 * cannot be read, or does not fit, is told in the notes.
 */
export async function openSideImages(beside: Sidecars, size: Size, wanted: SideImageNeeds): Promise<SideImages> {
  const open: ByteSource[] = [];
  const notes: string[] = [];
  const names: string[] = [];
  const images = async (path: string | undefined): Promise<TiffImage[]> => {
    if (path === undefined) return [];
    try {
      const source = await openFileSource(path);
      open.push(source);
      const found = await readImages(source, await readTiffHeader(source));
      names.push(basename(path));
      return found;
    } catch (error) {
      if (!(error instanceof TilewrightError)) throw error;
      notes.push(`${basename(path)} beside it cannot be read and was ignored (${error.message})`);
      return [];
    }
  };
  const stored = wanted.mask ? await images(beside.mask) : [];
  const mask = stored[0];
  const fits = mask !== undefined && mask.picture.width === size.width && mask.picture.height === size.height;
  if (mask !== undefined && !fits) {
    notes.push(`the mask beside it has ${mask.picture.width} × ${mask.picture.height} pixels and was ignored`);
    names.pop();
  }
  const maskOverviews = fits ? [...stored.slice(1), ...await images(beside.maskOverviews)] : [];
  const overviews = wanted.overviews ? (await images(beside.overviews)).filter(({ picture }) => picture.width < size.width || picture.height < size.height) : [];
  return {
    ...(fits ? { mask, maskFile: mask.source } : {}), overviews, maskOverviews, names, notes,
    close: async () => { await Promise.all(open.map((source) => source.close())); },
  };
}
