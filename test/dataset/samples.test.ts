import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { strFromU8, strToU8, zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import {
  cacheKeys, colourToClass, createSampleFile, ignoreFrame, openSampleFile, openZip, parseTagTable, readMaskClasses, reduceMask, splitByGroup, splitRandomly, windowChips, type SampleFile,
} from '../../src/dataset/index.js';
import { IGNORE, seededRandom, shuffled } from '../../src/samples/index.js';
import { scratch } from '../places.js';
import { memoryMaps } from '../train/memory-samples.js';

const folder = scratch();

describe('tag tables', () => {
  it('sorts tags, keeps the order of rows, and takes tags in any order and rows without any', () => {
    const table = parseTagTable('image_name,tags\r\na,water clear\nb,\nc,clear  primary\n', 't.csv');
    expect(table.tags).toEqual(['clear', 'primary', 'water']);
    expect(table.names).toEqual(['a', 'b', 'c']);
    expect(Array.from(table.targets)).toEqual([1, 0, 1, 0, 0, 0, 1, 1, 0]);
  });

  it('names all faulty lines', () => {
    expect(() => parseTagTable('image_name,tags\na,x\na,y\nb,x,y\n', 't.csv')).toThrow('t.csv: expected a data set without faults, found 1 × name twice in the table (line 3 repeats a); 1 × line without two cells (line 4 has 3)');
    expect(() => parseTagTable('hello', 't.csv')).toThrow('expected a table with a first line image_name,tags, found "hello"');
  });
});

describe('chips', () => {
  it('reads stored and deflated members of an archive', async () => {
    const archive = join(folder, 'chips.zip');
    writeFileSync(archive, zipSync({ 'x/one.txt': [strToU8('one'.repeat(50)), { level: 0 }], 'x/two.txt': [strToU8('two'.repeat(50)), { level: 9 }], 'x/none.txt': new Uint8Array(0) }));
    const zip = await openZip(archive);
    expect(zip.names).toEqual(['x/one.txt', 'x/two.txt', 'x/none.txt']);
    expect(strFromU8(await zip.read('x/one.txt'))).toBe('one'.repeat(50));
    expect(strFromU8(await zip.read('x/two.txt'))).toBe('two'.repeat(50));
    expect((await zip.read('x/none.txt')).length).toBe(0);
    await expect(zip.read('x/three.txt')).rejects.toThrow('expected x/three.txt in the archive, found no such file');
    await zip.close();
  });

  it('refuses what is no archive', async () => {
    writeFileSync(join(folder, 'no.zip'), 'hello');
    await expect(openZip(join(folder, 'no.zip'))).rejects.toThrow('expected a ZIP archive, found no directory at its end');
  });

  it('cuts chips whose tags are the classes of enough pixels, and leaves out unknown ground', () => {
    const mask = new Uint8Array(8 * 4);
    for (let i = 0; i < 32; i++) mask[i] = i % 8 < 4 ? (i === 0 ? 1 : 0) : IGNORE;
    const picture = { name: 'p', group: 'g', width: 8, height: 4, pixels: new Uint8Array(96).fill(7), mask };
    const chips = windowChips(memoryMaps([picture], { classes: ['A', 'B'] }), { chip: 4, stride: 2, size: 2, truth: 'share', leastShare: 1 / 16 });
    expect([0, 1].map((index) => chips.nameOf(index))).toEqual(['g_p_x0_y0', 'g_p_x2_y0']);
    expect([chips.count, ...chips.targets]).toEqual([2, 1, 1, 1, 0]);
    const pixels = new Uint8Array(12);
    chips.read(1, pixels, 0);
    expect(pixels).toEqual(new Uint8Array(12).fill(7));
  });
});

describe('masks', () => {
  it('turns colours into ids, numbers classes anew when one is left out, and counts unknown colours', async () => {
    const file = join(folder, 'classes.json');
    writeFileSync(file, JSON.stringify({ classes: [{ id: 0, name: 'A', color: [1, 2, 3] }, { id: 1, name: 'B', color: [4, 5, 6] }, { id: 2, name: 'C', color: [7, 8, 9] }], ignore: { color: [0, 0, 0] } }));
    const table = await readMaskClasses(file, ['B']);
    expect(table.classes.map((item) => [item.id, item.name])).toEqual([[0, 'A'], [1, 'C']]);
    const { mask, unknown } = colourToClass(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0, 9, 9, 9, 9, 9, 9), table);
    expect(Array.from(mask)).toEqual([0, IGNORE, 1, IGNORE, IGNORE, IGNORE]);
    expect([...unknown]).toEqual([['#090909', 2]]);
    await expect(readMaskClasses(file, ['D'])).rejects.toThrow('expected a class D to leave out, found A, B, C');
  });

  it('reduces by the most frequent class, never to one that is not there', () => {
    expect(Array.from(reduceMask(Uint8Array.of(0, 2, 2, 2, 255, 255, 255, 1), 4, 2, 2))).toEqual([255, 2].map((value, i) => (i === 0 ? 0 : value)));
    fc.assert(fc.property(fc.array(fc.constantFrom(0, 1, 4, 255), { minLength: 16, maxLength: 16 }), (values) => {
      const out = reduceMask(Uint8Array.from(values), 4, 4, 2);
      out.forEach((value, i) => {
        const square = [0, 1, 4, 5].map((offset) => values[Math.floor(i / 2) * 8 + (i % 2) * 2 + offset]!);
        expect(square).toContain(value);
      });
    }));
  });

  it('ignores a frame, also one wider than the picture', () => {
    const mask = new Uint8Array(25);
    ignoreFrame(mask, 5, 5, 2);
    expect(mask.filter((value) => value === 0).length).toBe(1);
    expect(mask[12]).toBe(0);
    const narrow = new Uint8Array(6);
    ignoreFrame(narrow, 3, 2, 4);
    expect(narrow.every((value) => value === IGNORE)).toBe(true);
  });
});

describe('splits', () => {
  it('gives every sample to exactly one part, the same for the same seed', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 300 }), fc.integer(), (count, seed) => {
      const split = splitRandomly(count, { validation: 0.1, test: 0.2, seed });
      expect([...split.train, ...split.validation, ...split.test].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
      expect(splitRandomly(count, { validation: 0.1, test: 0.2, seed })).toEqual(split);
    }));
  });

  it('by group, and refuses groups that are not there or are used twice', () => {
    const groups = ['a', 'b', 'a', 'c'];
    expect(splitByGroup(groups, { validation: ['b'], test: ['c'] })).toEqual({ train: Int32Array.of(0, 2), validation: Int32Array.of(1), test: Int32Array.of(3) });
    expect(() => splitByGroup(groups, { validation: ['x'], test: [] })).toThrow('validation: expected a group of the data (a, b, c), found x');
    expect(() => splitByGroup(groups, { validation: ['b'], test: ['b'] })).toThrow('test: expected groups that are not in validation, found b');
  });

  it('refuses shares that leave nothing', () => {
    expect(() => splitRandomly(10, { validation: 0.5, test: 0.5, seed: 1 })).toThrow('expected shares that leave something to train on');
  });

  it('draws numbers that depend on every seed, and permutations', () => {
    expect(seededRandom(1, 2)()).not.toBe(seededRandom(1, 3)());
    expect(seededRandom(1, 2)()).not.toBe(seededRandom(2, 1)());
    expect([...shuffled(20, seededRandom(4))].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });
});

describe('a file of decoded samples', () => {
  it('has one fingerprint for the same samples, wherever the remarks say that they came from', async () => {
    const made = async (name: string, sample: number, at: string): Promise<SampleFile<{ readonly size: number }>> => {
      const writer = await createSampleFile<{ readonly size: number }>(join(folder, name), 'key');
      await writer.write(0, Uint8Array.of(sample, 2, 3));
      await writer.finish({ size: 1 }, [{ kind: 'pixel of no class', count: 1, examples: [at], fault: false }]);
      return openSampleFile<{ readonly size: number }>(join(folder, name), 'key')!;
    };
    const [here, there, other] = [await made('here', 1, 'here/a.png'), await made('there', 1, 'there/a.png'), await made('other', 9, 'here/a.png')];
    for (const file of [here, there, other]) file.close();
    expect(there.fingerprint).toBe(here.fingerprint);
    expect(other.fingerprint).not.toBe(here.fingerprint);
    expect(there.remarks[0]!.examples).toEqual(['there/a.png']);
  });
});

describe('the key of decoded samples', () => {
  it('changes with the options and with a file', async () => {
    mkdirSync(join(folder, 'c'), { recursive: true });
    const source = join(folder, 'c', 'source');
    writeFileSync(source, 'abc');
    const keys = await cacheKeys([source], { size: 4 });
    expect(await cacheKeys([source], { size: 4 })).toEqual(keys);
    const larger = await cacheKeys([source], { size: 5 });
    expect(larger.cache).not.toBe(keys.cache);
    expect(larger.data).not.toBe(keys.data);
    utimesSync(source, 1, 1);
    const touched = await cacheKeys([source], { size: 4 });
    expect(touched.cache).not.toBe(keys.cache);
    expect(touched.data).toBe(keys.data);
    writeFileSync(source, 'abcd');
    expect((await cacheKeys([source], { size: 4 })).data).not.toBe(keys.data);
  });
});
