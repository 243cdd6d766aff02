import { chmod, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InvalidOptionError, OutputError } from '../../src/errors.js';
import { checkFolder, checkOutput, checkSpace, writeWhole } from '../../src/run/index.js';
import { scratch } from '../places.js';

const folder = scratch();

describe('checkOutput', () => {
  it('lets a new name pass in a folder that is not there yet, and makes nothing', async () => {
    await checkOutput(join(folder, 'a/b/map.tif'));
    expect(await readdir(folder)).toEqual([]);
  });

  it('refuses a file in a folder that is not there, where the folder is not the output', async () => {
    await expect(checkOutput(join(folder, 'a/b/map.tif'), { inFolderThere: true })).rejects.toThrow(/a\/b: no such folder to write into/);
    await checkOutput(join(folder, 'map.tif'), { inFolderThere: true });
    expect(await readdir(folder)).toEqual([]);
  });

  it('leaves making the folder to what writes there', async () => {
    await writeWhole(join(folder, 'c/d/small.txt'), 'text');
    expect(await readdir(join(folder, 'c/d'))).toEqual(['small.txt']);
  });

  it('refuses a file that exists unless it may be replaced, and a folder always', async () => {
    const path = join(folder, 'there.tif');
    await writeFile(path, '');
    await expect(checkOutput(path)).rejects.toThrow(InvalidOptionError);
    await checkOutput(path, { overwrite: true });
    await mkdir(join(folder, 'place'));
    await expect(checkOutput(join(folder, 'place'), { overwrite: true })).rejects.toThrow('found a folder');
  });
});

describe('checkFolder', () => {
  it('says at once where no folder can be made', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(checkFolder(join(folder, 'file/inside'))).rejects.toThrow(OutputError);
  });

  it.skipIf(process.platform !== 'linux')('does not wait for ever in /proc', async () => {
    await expect(checkFolder('/proc/nowhere')).rejects.toThrow(OutputError);
  });

  it.skipIf(process.getuid?.() === 0)('refuses a folder that is not writable', async () => {
    const path = join(folder, 'read-only');
    await mkdir(path);
    await chmod(path, 0o555);
    await expect(checkFolder(path)).rejects.toThrow('is not writable');
  });
});

describe('checkSpace', () => {
  it('says what is left and what is needed', async () => {
    await checkSpace(folder, 1);
    await expect(checkSpace(folder, 1e18)).rejects.toThrow(/the disk has \d+ MB left, about 1000000000000 MB are needed/);
  });
});

describe('writeWhole', () => {
  it('replaces a file and leaves no temporary one', async () => {
    const place = join(folder, 'whole');
    await mkdir(place);
    await writeWhole(join(place, 'a.json'), 'one');
    await writeWhole(join(place, 'a.json'), 'two');
    expect(await readdir(place)).toEqual(['a.json']);
    expect(await readFile(join(place, 'a.json'), 'utf8')).toBe('two');
  });
});
