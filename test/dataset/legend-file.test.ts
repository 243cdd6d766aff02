import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { classColors } from '../../src/card/index.js';
import { parseDescription, readKeyFile, readMaskClasses } from '../../src/dataset/index.js';
import { IGNORE } from '../../src/samples/index.js';
import { openMaps } from '../../src/tasks/dataset/open.js';
import { scratch } from '../places.js';

const folder = scratch();
let files = 0;
const write = (text: string | object, ending = 'json'): string => { const file = join(folder, `legend${files++}.${ending}`); writeFileSync(file, typeof text === 'string' ? text : JSON.stringify(text)); return file; };
const read = async (text: string | object, ending?: string): ReturnType<typeof readMaskClasses> => readMaskClasses(write(text, ending));

describe('legends', () => {
  it.each<[string, string | object, string, string | undefined]>([
    ['names', { classes: [{ name: 'green', value: 2 }, { name: 'green', value: 3 }] }, 'expected every name once, found green in classes[0] (green) and classes[1] (green)', 'give each class a name of its own'],
    ['values', { classes: [{ name: 'a', value: 2 }, { name: 'b', value: 2 }] }, 'expected every value once, found 2 in classes[0] (a) and classes[1] (b)', undefined],
    ['colours', { classes: [{ name: 'a', color: [1, 2, 3] }, { name: 'b', color: [1, 2, 3] }] }, 'expected every color once, found 1, 2, 3 in classes[0] (a) and classes[1] (b)', undefined],
    ['values that are colours of others', { classes: [{ name: 'a', value: 1 }, { name: 'b', color: [1, 1, 1] }] }, 'expected every color in masks once, found 1, 1, 1', undefined],
    ['what is ignored', { classes: [{ name: 'a', value: 1 }, { name: 'b', value: 3 }], ignore: { value: 3 } }, 'expected ignore to be what no class has, found classes[1] (b) with the same value', 'leave it in one of the two; a class that is to be ignored can be named in leave_out'],
  ])('have %s once', async (_, text, message, advice) => {
    await expect(read(text)).rejects.toMatchObject({ message: expect.stringContaining(message) as string, ...(advice === undefined ? {} : { advice }) });
  });

  it.each<[object, string, string | undefined]>([
    [{ classes: [{ name: 'a', valeu: 1 }] }, 'expected classes[0] to have name, color, value, id, found valeu', 'did you mean value?'],
    [{ clases: [] }, 'expected the legend to have classes, ignore, found clases', 'did you mean classes?'],
    [{ classes: [{ name: 'a', value: 1, ignore: { value: 3 } }] }, 'expected classes[0] to have name, color, value, id, found ignore', undefined],
    [{ classes: [{ name: 'a', value: 1 }], ignore: { colour: [0, 0, 0] } }, 'expected ignore to have color, value, id, found colour', 'did you mean color?'],
    [{ classes: [{ name: 'a', value: 1 }], ignore: [{ value: 3 }] }, 'expected ignore to have color, value, id, found [{"value":3}]', 'write "ignore": {"color": [r, g, b]} or {"value": 255}'],
    [{ classes: [{ name: 'a', value: 1 }], ignore: { id: 3 } }, 'expected ignore to have a color or a value, found neither', undefined],
    [{ classes: [{ name: 'a', value: 1 }, { name: 'b', value: -1 }] }, 'expected value of classes[1] (b) to be a whole number from 0 to 65535, found -1', undefined],
    [{ classes: [{ name: 'a', value: '1' }] }, 'expected value of classes[0] (a) to be a whole number from 0 to 65535, found "1"', undefined],
    [{ classes: [{ name: 'a', color: [0, 0, 256] }] }, 'expected color of classes[0] (a) to be [r, g, b] with whole numbers from 0 to 255, found [0,0,256]', undefined],
    [{ classes: [{ name: ' ', value: 1 }] }, 'expected classes[0].name to be a name, found " "', undefined],
    [{ classes: [{ name: 'a', id: 4 }] }, 'expected classes[0] (a) to have a color or a value, found neither', '"id" is for rasters of ids in scenes; for masks of values write "value": 4'],
    [{ classes: ['a'] }, 'expected classes[0] to have name, color, value, id, found "a"', undefined],
    [{ classes: [] }, 'expected classes to be a list of classes, found []', undefined],
  ])('are refused with the item and the field: %j', async (text, message, advice) => {
    await expect(read(text)).rejects.toMatchObject({ exitCode: 3, message: expect.stringContaining(message) as string, ...(advice === undefined ? {} : { advice }) });
  });

  it('as CSV and key files have every name, colour and level once, and numbers in range', async () => {
    await expect(read('name,r,g,b\na,1,2,3\n\na,4,5,6\n', 'csv')).rejects.toThrow('expected every name once, found a in line 2 (a) and line 4 (a)');
    await expect(read('name,r,g,b\na,1,2,3\nb,1,2,3\n', 'csv')).rejects.toThrow('expected every color once, found 1, 2, 3 in line 2 (a) and line 3 (b)');
    await expect(read('name,r,g,b\na,1,2,300\n', 'csv')).rejects.toThrow('with numbers from 0 to 255, found "a,1,2,300" in line 2');
    await expect(read('name,r,g,b\na,1,,3\n', 'csv')).rejects.toThrow('found "a,1,,3" in line 2');
    await expect(readKeyFile(write('a\t1\na\t2\n', 'txt'))).rejects.toThrow('expected every name and grey level once, found a 2 again');
    expect(() => parseDescription({ images: 'i', masks: 'm', class_names: ['a', 'a'] }, 'dataset.yaml')).toThrow('expected class_names to be a list of names that differ, found ["a","a"]');
  });

  it('of values need no colours: they have them by name; keys for people are passed over', async () => {
    const { classes, ids } = await read({ note: 'mine', classes: [{ name: 'water', value: 7, hex: '#000' }, { name: 'forest', value: 3 }, { name: 'road', value: 4, color: [9, 9, 9] }], ignore: { value: 0 } });
    const hex = classes.slice(0, 2).map(({ color }) => `#${color.map((part) => part.toString(16).padStart(2, '0')).join('')}`);
    expect(hex).toEqual(classColors(['water', 'forest', 'road']).slice(0, 2).map((color) => color.toLowerCase()));
    expect(classes.map(({ inMask }) => inMask?.[0])).toEqual([7, 3, 4]);
    expect(classes[2]!.color).toEqual([9, 9, 9]);
    expect([...ids]).toEqual([[7, 0], [3, 1], [4, 2], [0, IGNORE]]);
  });

  it('say of rasters of ids what is left out: by value, by id, by place', async () => {
    const named = (more: (at: number) => object): string => write({ classes: ['a', 'b', 'c'].map((name, at) => ({ name, color: [at, 0, 0], ...more(at) })) });
    for (const [file, first] of [[named(() => ({})), 0], [named((at) => ({ id: at + 1 })), 1], [named((at) => ({ id: at, value: at + 5 })), 5]] as const) {
      expect([...(await readMaskClasses(file, ['b'])).ids]).toEqual([[first, 0], [first + 1, IGNORE], [first + 2, 1]]);
    }
  });

  it('give the pixels of a raster of ids their classes, also with one left out', async () => {
    const base = join(folder, 'ids');
    mkdirSync(base, { recursive: true });
    await sharp({ create: { width: 4, height: 1, channels: 3, background: { r: 9, g: 9, b: 9 } } }).png().toFile(join(base, 'scene.png'));
    await sharp(Buffer.from([1, 2, 3, 0]), { raw: { width: 4, height: 1, channels: 1 } }).toColourspace('b-w').png().toFile(join(base, 'truth.png'));
    writeFileSync(join(base, 'dataset.yaml'), 'scenes: [{ scene: scene.png, truth: truth.png }]\nclasses: legend.json\nleave_out: [b]\n');
    const maskOf = async (more: (at: number) => object, ignore: object): Promise<number[]> => {
      writeFileSync(join(base, 'legend.json'), JSON.stringify({ classes: ['a', 'b', 'c'].map((name, at) => ({ name, ...more(at) })), ignore }));
      const { samples } = await openMaps({ data: base, cacheFolder: join(folder, 'cache') });
      const mask = Array.from(samples.read(0).mask);
      await samples.close();
      return mask;
    };
    expect(await maskOf((at) => ({ id: at + 1, color: [at, 50, 0] }), { value: 0 })).toEqual([0, IGNORE, 1, IGNORE]);
    expect(await maskOf((at) => ({ value: at + 1 }), { value: 0 })).toEqual([0, IGNORE, 1, IGNORE]);
  });

  it('that are wrong end the opening of the data', async () => {
    const base = join(folder, 'data');
    for (const name of ['images', 'masks']) {
      mkdirSync(join(base, name), { recursive: true });
      await sharp({ create: { width: 4, height: 4, channels: 3, background: { r: 2, g: 2, b: 2 } } }).png().toFile(join(base, name, 'a.png'));
    }
    const open = (legend: object): ReturnType<typeof openMaps> => { writeFileSync(join(base, 'classes.json'), JSON.stringify(legend)); return openMaps({ data: base, cacheFolder: join(folder, 'cache') }); };
    await expect(open({ classes: [{ name: 'green', value: 2 }, { name: 'green', value: 3 }] })).rejects.toThrow(/classes\.json: expected every name once, found green/);
    const { samples } = await open({ classes: [{ name: 'bare', value: 1 }, { name: 'green', value: 2 }] });
    expect(samples.counts).toEqual([[0, 16]]);
    await samples.close();
  });
});
