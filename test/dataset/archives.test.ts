import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { openArchive } from '../../src/dataset/index.js';
import { root, scratch } from '../places.js';

const folder = scratch();
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe('a folder', () => {
  it.skipIf(process.platform === 'win32')('gives files and folders that links lead to, and ends where a link leads back', async () => {
    const place = join(folder, 'linked');
    mkdirSync(join(folder, 'elsewhere', 'inner'), { recursive: true });
    mkdirSync(join(place, 'own'), { recursive: true });
    writeFileSync(join(folder, 'elsewhere', 'inner', 'far.txt'), 'far');
    writeFileSync(join(place, 'own', 'near.txt'), 'near');
    symlinkSync(join(folder, 'elsewhere'), join(place, 'more'));
    symlinkSync(join(folder, 'elsewhere', 'inner', 'far.txt'), join(place, 'one.txt'));
    symlinkSync(place, join(place, 'own', 'back'));
    symlinkSync(join(folder, 'nothing'), join(place, 'gone.txt'));
    const archive = await openArchive(place);
    expect(archive.names).toEqual(['more/inner/far.txt', 'one.txt', 'own/near.txt']);
    expect(text(await archive.read('one.txt'))).toBe('far');
  });
});

describe('archives', () => {
  it.each(['ustar', 'pax', 'gnu'])('reads a tar archive as Python writes it (%s), long names included, in any order', async (kind) => {
    const archive = await openArchive(join(root, `fixtures/dataset/${kind}.tar`));
    expect(archive.names).toHaveLength(4);
    expect(archive.names[1]).toBe(kind === 'ustar' ? `${'b'.repeat(90)}/two.txt` : `train-jpg/${'a'.repeat(120)}/${'ü'.repeat(10)}.txt`);
    expect(text(await archive.read('train-jpg/three.txt'))).toBe('three');
    expect(text(await archive.read(archive.names[1]!))).toBe('two'.repeat(400));
    expect(text(await archive.read('train-jpg/one.txt'))).toBe('one');
    expect((await archive.read('train-jpg/empty.txt')).length).toBe(0);
    await archive.close();
  });

  it('names a damaged member of a ZIP archive, and unpacks no more of it than the directory says', async () => {
    const whole = Buffer.from(zipSync({ 'a/long.txt': Buffer.from('tile '.repeat(2000)), 'fine.txt': Buffer.from('fine '.repeat(50)) }));
    const file = join(folder, 'damaged.zip');
    const directory = whole.lastIndexOf('a/long.txt') - 46;
    const data = whole.indexOf('a/long.txt') + 10;
    for (const damage of [(copy: Buffer): void => { copy.fill(0xff, data, data + 12); }, (copy: Buffer): void => { copy.writeUInt32LE(50, directory + 24); }]) {
      const copy = Buffer.from(whole);
      damage(copy);
      writeFileSync(file, copy);
      const archive = await openArchive(file);
      await expect(archive.read('a/long.txt')).rejects.toMatchObject({ code: 'INVALID_FILE', message: expect.stringContaining('expected a/long.txt to unpack to') as string });
      expect(text(await archive.read('fine.txt'))).toBe('fine '.repeat(50));
      await archive.close();
    }
  });

  it('refuses a cut archive and says what to do with kinds that cannot be read at any place', async () => {
    const whole = readFileSync(join(root, 'fixtures/dataset/gnu.tar'));
    const file = join(folder, 'x.tar');
    writeFileSync(file, whole.subarray(0, 3000));
    await expect(openArchive(file)).rejects.toThrow('bytes of a file in the archive, found');
    writeFileSync(file, Buffer.from([0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c, 0, 4]));
    await expect(openArchive(file)).rejects.toMatchObject({ advice: expect.stringContaining('7z x') as string });
    writeFileSync(file, Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]));
    await expect(openArchive(file)).rejects.toMatchObject({ advice: expect.stringContaining('gunzip') as string });
    writeFileSync(file, 'x'.repeat(2000));
    await expect(openArchive(file)).rejects.toThrow('expected a tar archive, found other content');
  });
});
