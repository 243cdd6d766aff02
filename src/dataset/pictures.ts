import { basename, extname } from 'node:path';
import { InvalidFileError } from '../errors.js';
import { openArchive } from './archive.js';

/** Pictures of a folder or an archive, by the name that a table calls them by: the file's name without its ending. */
export interface PictureSource {
  /** Paths of files that are no pictures. */
  readonly others: readonly string[];
  /** Name (Unicode NFC) → path inside the folder or archive. */
  readonly paths: ReadonlyMap<string, string>;
  /** Names that several files have, with their paths; the first is taken. */
  readonly repeated: ReadonlyMap<string, readonly string[]>;
  read(name: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Endings of files that are pictures; everything else is left alone. */
export const PICTURE_ENDINGS: ReadonlySet<string> = new Set(['.jpg', '.jpeg', '.png', '.webp', '.tif', '.tiff']);

/**
 * Opens a folder of JPEGs, PNGs or TIFFs (with folders in it) or a ZIP or tar archive of them.
 * @throws {InvalidFileError} if there is no picture.
 */
export async function openPictures(path: string): Promise<PictureSource> {
  const archive = await openArchive(path);
  const others: string[] = [];
  const paths = new Map<string, string>();
  const repeated = new Map<string, readonly string[]>();
  for (const file of archive.names) {
    // macOS archives have a second file `._name` beside each.
    if (basename(file).startsWith('._')) continue;
    if (!PICTURE_ENDINGS.has(extname(file).toLowerCase())) { others.push(file); continue; }
    const name = basename(file, extname(file)).normalize('NFC');
    const other = paths.get(name);
    if (other === undefined) paths.set(name, file);
    else repeated.set(name, [...(repeated.get(name) ?? [other]), file]);
  }
  if (paths.size === 0) {
    await archive.close();
    throw new InvalidFileError(path, 'expected JPEG, PNG or TIFF pictures, found none');
  }
  return {
    paths, repeated, others,
    read: async (name) => {
      const file = paths.get(name);
      if (file === undefined) throw new InvalidFileError(path, `expected a picture called ${name}, found none`);
      return archive.read(file);
    },
    close: () => archive.close(),
  };
}
