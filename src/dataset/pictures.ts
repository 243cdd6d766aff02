import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { InvalidFileError } from '../errors.js';
import { openZip } from './zip.js';

/** Pictures of a folder or a ZIP archive, by the name that a table calls them by: the file's name without its ending. */
export interface PictureSource {
  /** Name → path inside the folder or archive. */
  readonly paths: ReadonlyMap<string, string>;
  read(name: string): Promise<Uint8Array>;
  close(): Promise<void>;
}

const ENDINGS = new Set(['.jpg', '.jpeg', '.png']);

/**
 * Opens a folder of JPEGs or PNGs (with folders in it) or a ZIP archive of them.
 * @throws {InvalidFileError} if there is no picture, or two of the same name.
 */
export async function openPictures(path: string): Promise<PictureSource> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new InvalidFileError(path, 'expected a folder or ZIP archive of pictures, found nothing');
  const archive = found.isDirectory() ? undefined : await openZip(path);
  const files = archive?.names ?? (await readdir(path, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name)).sort();
  const paths = new Map<string, string>();
  for (const file of files) {
    if (!ENDINGS.has(extname(file).toLowerCase())) continue;
    const name = basename(file, extname(file));
    const other = paths.get(name);
    if (other !== undefined) throw new InvalidFileError(path, `expected one picture per name, found ${other} and ${file}`);
    paths.set(name, file);
  }
  if (paths.size === 0) throw new InvalidFileError(path, 'expected JPEG or PNG pictures, found none');
  return {
    paths,
    read: async (name) => {
      const file = paths.get(name);
      if (file === undefined) throw new InvalidFileError(path, `expected a picture called ${name}, found none`);
      return archive === undefined ? readFile(file) : archive.read(file);
    },
    close: async () => archive?.close(),
  };
}
