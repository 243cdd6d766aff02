import { existsSync, linkSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InvalidOptionError } from '../../src/errors.js';
import { mayReplace, openJournal, placeFiles } from '../../src/run/index.js';
import { scratch } from '../places.js';

const base = scratch();
let made = 0;

/** A folder with an unfinished run in it, whose two files are finished. */
async function finishedRun(): Promise<{ readonly folder: string; readonly partial: string; readonly files: { readonly temporary: string; readonly path: string }[] }> {
  const folder = join(base, `run${made++}`);
  const partial = join(folder, 'map.tif.partial');
  await mkdir(partial, { recursive: true });
  const files = ['preview.png', 'map.tif'].map((name) => ({ temporary: join(partial, `finished-${name}`), path: join(folder, 'out', name) }));
  for (const { temporary } of files) writeFileSync(temporary, `mine: ${temporary}`);
  return { folder, partial, files };
}

const text = (path: string): string => readFileSync(path, 'utf8');

describe('placeFiles', () => {
  it('gives files their names, in a folder that it makes, and leaves no temporary one', async () => {
    const { partial, files } = await finishedRun();
    await placeFiles({ partial, overwrite: false, files });
    for (const { temporary, path } of files) {
      expect(text(path)).toBe(`mine: ${temporary}`);
      expect(existsSync(temporary)).toBe(false);
      expect(statSync(path).nlink).toBe(1);
      expect(await mayReplace(partial, path)).toBe(true);
    }
  });

  it.each(['preview.png', 'map.tif', 'map.tif.msk'])('refuses where somebody else put %s meanwhile, and touches nothing', async (name) => {
    const { folder, partial, files } = await finishedRun();
    await mkdir(join(folder, 'out'));
    const stranger = join(folder, 'out', name);
    writeFileSync(stranger, 'theirs');
    const stale = [join(folder, 'out', 'map.tif.msk')];
    const error: unknown = await placeFiles({ partial, overwrite: false, files, stale }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect((error as InvalidOptionError).message).toMatch(new RegExp(`^-o: ${stranger.replaceAll('.', '\\.')} exists, and did not when the run began; it is left as it is, the finished file is .*finished-`));
    expect((error as InvalidOptionError).advice).toContain('--overwrite');
    expect(text(stranger)).toBe('theirs');
    expect(await readdir(join(folder, 'out'))).toEqual([name]);
    for (const { temporary } of files) expect(text(temporary)).toBe(`mine: ${temporary}`);
    // A link to nothing is a file that somebody put there, too.
    await rm(stranger);
    symlinkSync('/nowhere/at/all', stranger);
    await expect(placeFiles({ partial, overwrite: false, files, stale })).rejects.toThrow('exists');
    await rm(stranger);
    await placeFiles({ partial, overwrite: false, files, stale });
    expect(await readdir(join(folder, 'out'))).toEqual(['map.tif', 'preview.png']);
  });

  it('replaces what is there when that is allowed', async () => {
    const { folder, partial, files } = await finishedRun();
    await mkdir(join(folder, 'out'));
    for (const { path } of files) writeFileSync(path, 'theirs');
    writeFileSync(join(folder, 'out', 'map.tif.ovr'), 'theirs');
    await placeFiles({ partial, overwrite: true, files, stale: [join(folder, 'out', 'map.tif.ovr')] });
    for (const { temporary, path } of files) expect(text(path)).toBe(`mine: ${temporary}`);
    expect(existsSync(join(folder, 'out', 'map.tif.ovr'))).toBe(false);
  });

  it('replaces what this run put there before it was killed, not what somebody changed since', async () => {
    const { partial, files } = await finishedRun();
    await placeFiles({ partial, overwrite: false, files: files.slice(0, 1) });
    const [{ temporary, path }] = files as [(typeof files)[number]];
    writeFileSync(temporary, 'mine, made again');
    await placeFiles({ partial, overwrite: false, files });
    expect(text(path)).toBe('mine, made again');
    writeFileSync(path, 'theirs, of another length');
    for (const one of files) writeFileSync(one.temporary, 'once more');
    await expect(placeFiles({ partial, overwrite: false, files })).rejects.toThrow('exists');
    expect(text(path)).toBe('theirs, of another length');
  });
});

describe('a journal whose run was stopped while files got their names', () => {
  it('keeps the folder also without a step, and ends a second name that a kill left', async () => {
    const { folder, partial, files } = await finishedRun();
    await rm(partial, { recursive: true });
    const journal = await openJournal({ folder: partial, identity: {} });
    for (const { temporary } of files) writeFileSync(temporary, 'mine');
    await placeFiles({ partial, overwrite: false, files });
    await journal.close();
    expect(existsSync(partial)).toBe(true);
    // Between the link and the removal of the first name.
    const [{ temporary, path }] = files as [(typeof files)[number]];
    linkSync(path, temporary);
    const again = await openJournal({ folder: partial, identity: {} });
    writeFileSync(temporary, 'half of the next');
    expect(text(path)).toBe('mine');
    await again.complete();
    expect(await readdir(folder)).toEqual(['out']);
  });
});
