import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { InvalidOptionError } from '../errors.js';
import type { SceneProfile } from '../raster/index.js';
import { checkSpace } from './output.js';

/** The path with links resolved as far as it exists. */
export async function trueName(path: string): Promise<string> {
  const full = resolve(path);
  const found = await realpath(full).catch(() => undefined);
  if (found !== undefined || dirname(full) === full) return found ?? full;
  return join(await trueName(dirname(full)), basename(full));
}

/** Whether two names lead to one file, links of both kinds included. */
export async function isSameFile(a: string, b: string): Promise<boolean> {
  if (await trueName(a) === await trueName(b)) return true;
  const [one, other] = await Promise.all([a, b].map((path) => stat(path).catch(() => undefined)));
  return one !== undefined && other !== undefined && one.dev === other.dev && one.ino === other.ino;
}

export interface InputFile {
  readonly path: string;
  /** What it is, for messages: `the scene`. */
  readonly what: string;
}

/**
 * Refuses an output that is one of the files that are read, and inputs that lie in the folder for unfinished files, which is
 * removed at the end.
 * @throws {InvalidOptionError}
 */
export async function refuseInputs(output: string, partial: string, inputs: readonly InputFile[], option = '-o'): Promise<void> {
  const folder = await trueName(partial) + sep;
  for (const { path, what } of inputs) {
    if (await isSameFile(output, path)) throw new InvalidOptionError(option, `${output} is ${what}`, { advice: 'give the output a name of its own' });
    if ((await trueName(path)).startsWith(folder)) {
      throw new InvalidOptionError(option, `${what} lies in ${partial}, the folder for unfinished files, which is removed at the end`);
    }
  }
}

/**
 * Refuses outputs that are files of a mosaic, or would become one because they lie in the folder that is the scene.
 * @param outputs with the options that name them
 * @throws {InvalidOptionError}
 */
export async function refuseMembers(
  outputs: readonly (readonly [option: string, path: string | undefined])[], scene: string, profile: Pick<SceneProfile, 'files'>,
): Promise<void> {
  if (profile.files === undefined) return;
  const files = new Set(await Promise.all(profile.files.map(trueName)));
  const isFolder = await stat(scene).then((found) => found.isDirectory(), () => false);
  const folder = isFolder ? await trueName(scene) : undefined;
  for (const [option, path] of outputs) {
    if (path === undefined) continue;
    const name = await trueName(path);
    if (files.has(name)) throw new InvalidOptionError(option, `${path} is one of the files of the scene`, { advice: 'give every output a name of its own' });
    if (folder !== undefined && dirname(name) === folder) throw new InvalidOptionError(option, `${path} lies in the folder of the scene and would become a part of it`, { advice: 'write it elsewhere' });
  }
}

/**
 * Refuses a folder for outputs that holds the scene, or files of it, at any depth: replacing what an earlier run wrote there could
 * remove them.
 * @throws {InvalidOptionError}
 */
export async function refuseSceneInFolder(option: string, folder: string, profile: Pick<SceneProfile, 'source' | 'files'>): Promise<void> {
  const inside = await trueName(folder) + sep;
  for (const path of [profile.source, ...profile.files ?? []]) {
    if ((await trueName(path)).startsWith(inside)) throw new InvalidOptionError(option, `${folder} holds ${path}, which is read`, { advice: 'choose another folder' });
  }
}

/** Masks and overviews of GDAL beside a raster. Those of a file that is replaced would be taken for the new one's. */
export function oldSidecars(output: string): string[] {
  return ['.msk', '.msk.ovr', '.ovr'].map((ending) => `${output}${ending}`);
}

/**
 * Checks before a run that its disk has room for all that it will write.
 * @param folder where it writes, or will: the folder need not exist yet
 * @param bytes needed in all, by the plan
 * @param begun folder of an unfinished run, whose files are there already
 * @throws {OutputError} that says what is needed and what is free
 */
export async function checkRoom(folder: string, bytes: number, begun?: string): Promise<void> {
  const there = begun === undefined ? 0 : await folderBytes(begun);
  await checkSpace(await existing(resolve(folder)), Math.max(0, bytes - there));
}

/** The nearest folder that exists. */
async function existing(folder: string): Promise<string> {
  const found = await stat(folder).catch(() => undefined);
  return found !== undefined || dirname(folder) === folder ? folder : await existing(dirname(folder));
}

/** Bytes of all files in a folder and below; 0 where there is none. */
async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(entries.map(async (entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? await folderBytes(path) : (await stat(path).catch(() => undefined))?.size ?? 0;
  }));
  return sizes.reduce((sum, size) => sum + size, 0);
}
