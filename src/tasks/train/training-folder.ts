import { open, readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, InvalidOptionError, TilewrightError } from '../../errors.js';
import { lockFolder, makeFolder } from '../../run/index.js';
import { isCheckpoint, type Origin } from '../../train/index.js';
import { CHECKPOINT, refuseOther } from './origin.js';

/** What training, or the search for its rate, leaves in a folder before there is a checkpoint; the lock of a killed run with it. */
const BEFORE_CHECKPOINT = /^(lock(\..*)?|.*\.samples(\.[^/]*)?|features-[^/]*\.bin(\.[^/]*)?|checkpoint\.bin\.partial|lr-finder\.(csv|png)(\.partial)?)$/;
/** Pictures in `maps`. */
const MAP = /^(truth|picture|epoch-\d+)\.png(\.partial)?$/;

/**
 * Makes the folder of a training and takes it for this process, so that two trainings never mix in it. A folder in which training
 * has not left its checkpoint may hold nothing that would be written over.
 * @returns the function that gives it back, after an error where there was one.
 * @throws {InvalidOptionError} if it is a file, or there are other files in it
 * @throws {OutputError} if another training is at work there
 * @throws {InvalidFileError} if the checkpoint there is of another training
 */
export async function openTrainingFolder(folder: string, origin: Origin): Promise<(error?: unknown) => Promise<void>> {
  await refuseStranger(folder);
  await refuseOther(folder, origin);
  const isNew = await stat(folder).catch(() => undefined) === undefined;
  await makeFolder(folder);
  const giveBack = await lockFolder(folder);
  return async (error) => {
    const isEmpty = isNew && isRefusal(error) && await removeBeginnings(folder);
    await giveBack();
    if (isEmpty) await rmdir(folder).catch(() => undefined);
  };
}

/** Whether a training ended for what it was asked for, and will end so again: nothing of it is of use. */
export function isRefusal(error: unknown): boolean {
  return error instanceof TilewrightError && (error.exitCode === EXIT.usage || error.exitCode === EXIT.input);
}

/**
 * Removes what a training leaves in a folder before there is a checkpoint, but for its lock, and the folder if nothing else is in it.
 * @returns whether there was no checkpoint
 */
export async function removeBeginnings(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch((): string[] => []);
  if (names.includes(CHECKPOINT)) return false;
  for (const name of names) if (BEFORE_CHECKPOINT.test(name) && !name.startsWith('lock')) await rm(join(folder, name), { force: true });
  const maps = join(folder, 'maps');
  for (const name of await readdir(maps).catch((): string[] => [])) if (MAP.test(name)) await rm(join(maps, name), { force: true });
  await rmdir(maps).catch(() => undefined);
  await rmdir(folder).catch(() => undefined);
  return true;
}

/** @throws {InvalidOptionError} for a file, and a folder with files that no training made */
export async function refuseStranger(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException): string[] => {
    if (error.code === 'ENOENT') return [];
    if (error.code === 'ENOTDIR') throw new InvalidOptionError('-o', `expected a folder, found the file ${folder}`, { advice: 'choose another name' });
    throw error;
  });
  if (names.includes(CHECKPOINT) && await startsAsCheckpoint(join(folder, CHECKPOINT))) return;
  for (const name of names.sort()) {
    if (BEFORE_CHECKPOINT.test(name)) continue;
    if (name === 'maps' && (await readdir(join(folder, name)).catch(() => [''])).every((map) => MAP.test(map))) continue;
    throw new InvalidOptionError('-o', `${folder}: expected an empty folder or one of an earlier training, found ${name} and no checkpoint of a training`, { advice: 'choose another folder, or move its files away' });
  }
}

async function startsAsCheckpoint(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(64), 0, 64, 0);
    return isCheckpoint(buffer.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}
