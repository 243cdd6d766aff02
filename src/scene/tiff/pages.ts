import { InvalidFileError, InvalidOptionError } from '../../errors.js';
import type { ByteSource } from '../byte-source.js';
import type { Directory, TiffHeader } from './directory.js';
import { readPicture } from './picture.js';
import type { TiffPicture } from './picture.js';
import { PHOTOMETRIC, SUBFILE, TAG } from './tags.js';

/** One directory of a file, and how its pixels are stored. */
export interface TiffImage {
  readonly source: ByteSource;
  readonly header: TiffHeader;
  readonly directory: Directory;
  readonly picture: TiffPicture;
}

/** A picture with what belongs to it: its mask, and reduced copies of both. */
export interface TiffPage {
  readonly main: TiffImage;
  readonly mask?: TiffImage;
  readonly overviews: readonly TiffImage[];
  readonly maskOverviews: readonly TiffImage[];
  readonly count: number;
  readonly notes: readonly string[];
}

/** Copies that hang on a picture by its SubIFD tag; more than a pyramid has levels. */
const MAX_SUB_IFDS = 64;

/**
 * One of the pictures of a file, by its number from 0. Masks and reduced copies follow their picture in the chain, or hang
 * on it as SubIFDs; they are told by the subfile type. A damaged directory after the page is a note, not an error.
 * @throws {InvalidFileError} if the page itself is damaged
 * @throws {InvalidOptionError} if there are fewer pages
 */
export async function readPage(source: ByteSource, header: TiffHeader, index: number): Promise<TiffPage> {
  const { url } = source;
  const notes: string[] = [];
  const pages: Directory[] = [];
  const followers: Directory[] = [];
  for (const [i, directory] of header.directories.entries()) {
    if (i > 0 && await belongsToAnother(directory)) {
      if (pages.length === index + 1) followers.push(directory);
    } else {
      pages.push(directory);
    }
  }
  const directory = pages[index];
  if (directory === undefined) {
    throw new InvalidOptionError('--page', `${url} has ${pages.length} picture${pages.length === 1 ? '' : 's'}, got ${index + 1}`);
  }
  const picture = await readPicture(directory, url);
  const overviews: TiffImage[] = [];
  const maskOverviews: TiffImage[] = [];
  let mask: TiffImage | undefined;
  for (const other of [...followers, ...await subDirectories(header, directory)]) {
    try {
      const image: TiffImage = { source, header, directory: other, picture: await readPicture(other, url) };
      const kind = await other.number(TAG.newSubfileType) ?? 0;
      const isMask = (kind & SUBFILE.mask) !== 0 || image.picture.photometric === PHOTOMETRIC.mask;
      const isReduced = (kind & SUBFILE.reduced) !== 0;
      const sameSize = image.picture.width === picture.width && image.picture.height === picture.height;
      if (isMask && sameSize && !isReduced && image.picture.samples === 1) mask ??= image;
      else if (isMask && isReduced) maskOverviews.push(image);
      else if (!isMask && isReduced) overviews.push(image);
    } catch (error) {
      if (!(error instanceof InvalidFileError)) throw error;
      notes.push(`one of its further directories is damaged and was ignored (${error.message.slice(url.length + 2)})`);
    }
  }
  if (pages.length > 1) notes.push(`this is picture ${index + 1} of ${pages.length} in the file`);
  return { main: { source, header, directory, picture }, ...(mask === undefined ? {} : { mask }), overviews, maskOverviews, count: pages.length, notes };
}

/** Whether a directory is a mask or a reduced copy. One that cannot be told is left to be damaged with its page. */
async function belongsToAnother(directory: Directory): Promise<boolean> {
  try {
    const kind = await directory.number(TAG.newSubfileType) ?? 0;
    return (kind & (SUBFILE.mask | SUBFILE.reduced)) !== 0 || await directory.number(TAG.photometric) === PHOTOMETRIC.mask;
  } catch (error) {
    if (!(error instanceof InvalidFileError)) throw error;
    return true;
  }
}

async function subDirectories(header: TiffHeader, directory: Directory): Promise<Directory[]> {
  const offsets = await directory.numbers(TAG.subIfds).catch(() => undefined) ?? [];
  const found: Directory[] = [];
  for (const offset of Array.from(offsets).slice(0, MAX_SUB_IFDS)) {
    const sub = offset === 0 ? undefined : await header.at(offset);
    if (sub !== undefined) found.push(sub);
  }
  return found;
}

/** All pictures of a file that holds nothing but reduced copies or a mask (`.ovr`, `.msk`). */
export async function readImages(source: ByteSource, header: TiffHeader): Promise<TiffImage[]> {
  const images: TiffImage[] = [];
  for (const directory of header.directories) images.push({ source, header, directory, picture: await readPicture(directory, source.url) });
  return images;
}
