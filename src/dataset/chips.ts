import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { throwIfAborted } from '../errors.js';
import type { ChipSet } from '../samples/index.js';
import { averageSquares, decodePicture, swapRedBlue, type Picture } from './decode.js';
import { openPictures } from './pictures.js';
import { collectProblems } from './problems.js';
import { parseTagTable } from './tags.js';

export interface LoadChipsOptions {
  /** Table `image_name,tags`. */
  readonly table: string;
  /** Folder or ZIP archive of the pictures. */
  readonly pictures: string;
  /** Edge that chips are reduced to, in pixels. */
  readonly size: number;
  /** For pictures that have red and blue the wrong way round. Default false. */
  readonly swapRedBlue?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Pictures decoded at a time: enough to keep sharp's threads busy. */
const AT_A_TIME = 32;

/**
 * Reads a table and its pictures. Pictures without a row are left aside; a row without a picture, or a picture that cannot be
 * decoded, is a fault, and all faults are reported together.
 * @throws {InvalidFileError}
 */
export async function loadChips(options: LoadChipsOptions): Promise<ChipSet> {
  const { size } = options;
  const table = parseTagTable(await readFile(options.table, 'utf8'), options.table);
  const source = await openPictures(options.pictures);
  const problems = collectProblems();
  const bytes = size * size * 3;
  const pixels = new Uint8Array(table.names.length * bytes);
  try {
    for (const name of table.names) if (!source.paths.has(name)) problems.add('row without a picture', name);
    problems.throwIfAny(options.pictures);
    for (let start = 0; start < table.names.length; start += AT_A_TIME) {
      throwIfAborted(options.signal);
      await Promise.all(table.names.slice(start, start + AT_A_TIME).map(async (name, offset) => {
        try {
          const picture = await toSize(await decodePicture(await source.read(name), name), size);
          pixels.set((options.swapRedBlue === true ? swapRedBlue(picture) : picture).data, (start + offset) * bytes);
        } catch {
          problems.add('picture that cannot be decoded', name);
        }
      }));
      options.onProgress?.(Math.min(table.names.length, start + AT_A_TIME), table.names.length);
    }
    problems.throwIfAny(options.pictures);
  } finally {
    await source.close();
  }
  return { size, names: table.names, tags: table.tags, pixels, targets: table.targets, groups: table.names.map(() => '') };
}

/** Reduced by averaging where the factor is whole, else by sharp's cubic kernel. */
async function toSize(picture: Picture, size: number): Promise<Picture> {
  if (picture.width === picture.height && picture.width % size === 0) return averageSquares(picture, picture.width / size);
  const raw = { width: picture.width, height: picture.height, channels: 3 as const };
  return { width: size, height: size, data: await sharp(picture.data, { raw }).resize(size, size, { fit: 'fill', kernel: 'cubic' }).raw().toBuffer() };
}
