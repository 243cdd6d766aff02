import { copyFile, link, lstat, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { InvalidOptionError } from '../errors.js';
import { makeFolder, syncFile, syncFolder } from './output.js';

/** Which files of a run got their final names, one line each, in its folder for unfinished files. */
const PLACED = 'placed.jsonl';

/** A file that a run put under a final name, as it was then: a rename keeps these. */
interface Placed {
  readonly path: string;
  readonly temporary: string;
  readonly inode: number;
  readonly size: number;
  readonly modified: number;
}

/** A finished file that lacks its final name only. */
export interface Finished {
  readonly temporary: string;
  readonly path: string;
}

export interface Placing {
  /** The run's folder for unfinished files. */
  readonly partial: string;
  /** Whether files that are there may be replaced. */
  readonly overwrite: boolean;
  /** In the order in which they get their names; the one that says that all is there last. */
  readonly files: readonly Finished[];
  /** Further files that must not stay beside them: removed first, if they may be. */
  readonly stale?: readonly string[];
  /** The option that names the output, for messages. Default `-o`. */
  readonly option?: string;
}

/**
 * Gives a run's finished files their final names: fsync, rename, fsync of the folder, which is made if it is absent. What somebody
 * else put there since the run began is not replaced unless that is allowed; then nothing at all is renamed or removed, and the
 * finished files are kept.
 * @throws {InvalidOptionError} if an output is there that is not this run's
 */
export async function placeFiles({ partial, overwrite, files, stale = [], option = '-o' }: Placing): Promise<void> {
  const refuse = (path: string, temporary = files.at(-1)!.temporary): never => {
    throw new InvalidOptionError(option, `${path} exists, and did not when the run began; it is left as it is, the finished file is ${temporary}`, {
      advice: 'move one of the two away, or add --overwrite, and give the same command again',
    });
  };
  // Its presence keeps the folder.
  await (await open(join(partial, PLACED), 'a')).close();
  for (const { path, temporary } of files) if (!overwrite && !await mayReplace(partial, path)) refuse(path, temporary);
  for (const path of stale) if (!overwrite && !await mayReplace(partial, path)) refuse(path);
  for (const path of stale) await rm(path, { force: true });
  for (const { path, temporary } of files) {
    await makeFolder(dirname(resolve(path)));
    await syncFile(temporary);
    const isOwn = overwrite || await isPlaced(partial, path);
    if (!await place({ partial, temporary, path, replace: isOwn })) refuse(path, temporary);
    await syncFolder(dirname(resolve(path)));
  }
}

/** Whether a run is at the point where its files get their names, or was when it ended. */
export async function hasPlaced(partial: string): Promise<boolean> {
  return await stat(join(partial, PLACED)).then(() => true, () => false);
}

/** Whether the file of a final name, if there is one, was put there by the unfinished run of this folder. */
export async function mayReplace(partial: string, path: string): Promise<boolean> {
  const isThere = await lstat(path).then(() => true, () => false);
  return !isThere || await isPlaced(partial, path);
}

/** Ends what a kill between two steps of a placing leaves: a second name of a placed file, which must not be written through. */
export async function dropSecondNames(partial: string): Promise<void> {
  for (const { temporary } of await readPlaced(partial)) {
    const found = await lstat(temporary).catch(() => undefined);
    if (found !== undefined && found.nlink > 1) await rm(temporary, { force: true });
  }
}

async function isPlaced(partial: string, path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return false;
  return (await readPlaced(partial)).some((one) => one.path === resolve(path) && one.inode === found.ino && one.size === found.size && one.modified === found.mtimeMs);
}

async function readPlaced(partial: string): Promise<Placed[]> {
  const text = await readFile(join(partial, PLACED), 'utf8').catch(() => '');
  // The last line may have been cut off by a kill: then its file was not renamed yet.
  return text.split('\n').slice(0, -1).flatMap((line) => {
    try {
      return [JSON.parse(line) as Placed];
    } catch {
      return [];
    }
  });
}

interface Step {
  readonly partial: string;
  readonly temporary: string;
  readonly path: string;
  readonly replace: boolean;
}

/** `false`: another file has the name. */
async function place({ partial, temporary, path, replace }: Step): Promise<boolean> {
  await note(partial, temporary, path);
  try {
    await moveTo(temporary, path, replace);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST') return false;
    if (code !== 'EXDEV') throw error;
    // Another disk: copied beside its place first.
    const beside = `${path}.${process.pid}.tmp`;
    await copyFile(temporary, beside);
    await syncFile(beside);
    await note(partial, beside, path);
    try {
      await moveTo(beside, path, replace);
    } catch (again) {
      await rm(beside, { force: true });
      if ((again as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw again;
    }
    await rm(temporary, { force: true });
  }
  return true;
}

/** A link fails where the name is taken, a rename replaces: so nothing that appears at the last moment is lost. */
async function moveTo(temporary: string, path: string, replace: boolean): Promise<void> {
  if (!replace) {
    try {
      await link(temporary, path);
      await rm(temporary);
      return;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? '';
      if (code === 'EEXIST' || code === 'EXDEV') throw error;
      // Some file systems have no links: there the look above has to do.
    }
  }
  await rename(temporary, path);
}

async function note(partial: string, temporary: string, path: string): Promise<void> {
  const { ino, size, mtimeMs } = await stat(temporary);
  const placed: Placed = { path: resolve(path), temporary, inode: ino, size, modified: mtimeMs };
  const file = await open(join(partial, PLACED), 'a');
  try {
    await file.writeFile(`${JSON.stringify(placed)}\n`);
    await file.datasync();
  } finally {
    await file.close();
  }
}
