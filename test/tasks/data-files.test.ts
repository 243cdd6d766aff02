import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { IGNORE } from '../../src/samples/index.js';
import { datasetInfo } from '../../src/tasks/dataset-info.js';
import { listData, openChips, openMaps } from '../../src/tasks/dataset/open.js';
import { readRecipe } from '../../src/tasks/train.js';
import { loadSamples, type LoadedSamples } from '../../src/tasks/train/samples.js';
import { root, scratch } from '../places.js';

const folder = scratch();
const cacheFolder = join(folder, 'cache');
let places = 0;
const place = (): string => { const path = join(folder, `p${places++}`); mkdirSync(path, { recursive: true }); return path; };
const put = (base: string, name: string, bytes: Uint8Array | string): void => { mkdirSync(join(base, name, '..'), { recursive: true }); writeFileSync(join(base, name), bytes); };
const plain = async (red: number, width = 8, height = 8): Promise<Buffer> => sharp({ create: { width, height, channels: 3, background: { r: red, g: 0, b: 0 } } }).png().toBuffer();
/** What NumPy, Pillow and rasterio say of the files beside (`make_masks.py`). */
const fixture = join(root, 'fixtures/dataset');
const golden = JSON.parse(readFileSync(join(fixture, 'masks.json'), 'utf8')) as Record<string, number[]>;
const legend = (values: readonly number[], more: object = {}): string => JSON.stringify({ classes: values.map((value, id) => ({ name: `c${id}`, color: [id, id, 0], value })), ...more });

async function pair(mask: string, classes: string, width: number, height: number): Promise<string> {
  const base = place();
  put(base, 'classes.json', classes);
  put(base, 'images/a.png', await plain(9, width, height));
  mkdirSync(join(base, 'masks'));
  copyFileSync(join(fixture, mask), join(base, 'masks', `a.${mask.split('.')[1]!}`));
  return base;
}

describe('masks of more than 8 bits', () => {
  it('have the values that are stored: of PNGs, of TIFFs, and none where there is no data', async () => {
    const values = golden['labels_16.png']!;
    const png = await openMaps({ data: await pair('labels_16.png', legend([0, 1, 2, 300]), 4, 3), cacheFolder });
    expect(Array.from(png.samples.read(0).mask)).toEqual(values.map((value) => (value === 300 ? 3 : value)));
    await png.samples.close();
    const tif = await openMaps({ data: await pair('labels_16.tif', legend([2, 1, 0]), 4, 3), cacheFolder });
    expect(Array.from(tif.samples.read(0).mask)).toEqual(values.map((value) => (value === 300 ? IGNORE : 2 - value)));
    await tif.samples.close();
  });

  it('are refused where they have values of no class, where the legend has colours, and where they have colours themselves', async () => {
    await expect(openMaps({ data: await pair('labels_16.png', legend([0, 1, 2]), 4, 3), cacheFolder })).rejects.toThrow('1 × value of no class (masks/a.png: 300 in 2 pixels)');
    const colours = JSON.stringify({ classes: [{ name: 'a', color: [0, 0, 0] }, { name: 'b', color: [1, 1, 1] }] });
    await expect(openMaps({ data: await pair('labels_16.png', colours, 4, 3), cacheFolder })).rejects.toThrow('file that cannot be used: expected 8-bit colours, since the legend has colours, found one band of more than 8 bits, give every class of the legend the "value" that masks have for it (masks/a.png)');
    await expect(openMaps({ data: await pair('picture_16.png', legend([0, 1]), 4, 3), cacheFolder })).rejects.toThrow('expected a mask of one band, or of 8-bit colours, found 3 bands of uint16');
    await expect(openMaps({ data: await pair('labels_16.png', legend([0, -1]), 4, 3), cacheFolder })).rejects.toThrow('expected value of classes[1] (c1) to be a whole number from 0 to 65535, found -1');
  });

  it('without a legend are dark and bright by the values that are stored', async () => {
    const base = place();
    put(base, 'images/a.png', await plain(9, 4, 3));
    mkdirSync(join(base, 'masks'));
    copyFileSync(join(fixture, 'labels_16.png'), join(base, 'masks', 'a.png'));
    const { samples } = await openMaps({ data: base, set: ['threshold=2'], cacheFolder });
    expect(Array.from(samples.read(0).mask)).toEqual(golden['labels_16.png']!.map((value) => (value >= 2 ? 1 : 0)));
    await samples.close();
  });
});

describe('masks without a legend', () => {
  type Grey = readonly number[];
  const grey = (values: Grey): Promise<Buffer> => sharp(Buffer.from(values), { raw: { width: values.length, height: 1, channels: 1 } }).png().toBuffer();
  async function greys(...masks: readonly Grey[]): Promise<string> {
    const base = place();
    for (const [at, values] of masks.entries()) {
      put(base, `images/${at}.png`, await plain(9, values.length, 1));
      put(base, `masks/${at}.png`, await grey(values));
    }
    return base;
  }
  const classesOf = async (data: string, set: readonly string[] = []): Promise<number[][]> => {
    const { samples } = await openMaps({ data, set, cacheFolder });
    const all = Array.from({ length: samples.count }, (_, at) => Array.from(samples.read(at).mask));
    await samples.close();
    return all;
  };

  it.each<[string, Grey[], number[][]]>([
    ['0 and 255, also where one is dark all over', [[0, 0, 0], [0, 255, 0]], [[0, 0, 0], [0, 1, 0]]],
    ['0 and 1', [[0, 0, 0], [0, 1, 1]], [[0, 0, 0], [0, 1, 1]]],
    ['what JPEG makes of dark and bright', [[0, 1, 2, 3], [0, 3, 9, 90, 180, 250, 255]], [[0, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1]]],
    ['dark and less dark', [[30, 200]], [[0, 1]]],
  ])('are dark and bright with %s', async (_, masks, wanted) => { expect(await classesOf(await greys(...masks))).toEqual(wanted); });

  it('that went through JPEG may be dark all over', async () => {
    const base = await greys([0, 2, 1, 0]);
    put(base, 'images/j.png', await plain(9, 8, 8));
    put(base, 'masks/j.jpg', await sharp(Buffer.alloc(64, 3), { raw: { width: 8, height: 8, channels: 1 } }).jpeg().toBuffer());
    put(base, 'masks/0.png', await grey([0, 0, 0, 0]));
    expect((await classesOf(base)).flat().every((id) => id === 0)).toBe(true);
  });

  it.each<[string, Grey[], string]>([
    ['numbers of classes', [[1, 2], [2, 3]], '2 × file that cannot be used: expected a legend, or masks that are dark and bright: the masks hold 1, 2, 3, and no legend says what they are, write classes.json beside the folders: {"classes": [{"name": "…", "value": 1}, …]}'],
    ['numbers and 255 for none', [[0, 1, 2, 5, 255]], 'the masks hold 0, 1, 2, 5, 255, and no legend'],
    ['values below the threshold', [[0, 100]], 'the masks hold 0, 100, and no legend says what they are'],
  ])('are refused with %s', async (_, masks, message) => { await expect(classesOf(await greys(...masks))).rejects.toThrow(message); });

  it('are what a threshold and a legend say', async () => {
    const base = await greys([1, 2, 3]);
    expect(await classesOf(base, ['threshold=2'])).toEqual([[0, 1, 1]]);
    await expect(classesOf(base, ['class_names=[a,b,c]'])).rejects.toMatchObject({ message: expect.stringContaining('expected class_names of two classes, dark and bright, for masks without a legend, found 3: a, b, c') as string, advice: expect.stringContaining('{"name": "a", "value": 0}') as string });
    put(base, 'classes.json', JSON.stringify({ classes: [1, 2, 3].map((value) => ({ name: `c${value}`, value })) }));
    expect(await classesOf(base)).toEqual([[0, 1, 2]]);
  });
});

describe('pictures of more than 8 bits', () => {
  it('ask for their range, as TIFFs do, and become what NumPy makes of them', async () => {
    const base = place();
    for (const name of ['a', 'b']) { mkdirSync(join(base, name)); copyFileSync(join(fixture, 'picture_16.png'), join(base, name, `${name}.png`)); }
    await expect(openChips({ data: base, size: 3, cacheFolder })).rejects.toThrow('2 × picture that cannot be used: expected 8-bit samples, found uint16, say which values become 0 and 255: --set range=[LOW,HIGH] (a/a.png, b/b.png)');
    const maps = place();
    put(maps, 'classes.json', legend([0, 1, 2, 300]));
    for (const [from, to] of [['picture_16.png', 'images'], ['labels_16.png', 'masks']] as const) { mkdirSync(join(maps, to)); copyFileSync(join(fixture, from), join(maps, to, 'a.png')); }
    const { samples } = await openMaps({ data: maps, set: ['range=[1000,3000]'], cacheFolder });
    expect(Array.from(samples.read(0).pixels)).toEqual(golden['picture_16.png']);
    await samples.close();
  });
});

describe('colour profiles', () => {
  it('are not applied: neither to masks nor to pictures', async () => {
    const classes = JSON.stringify({ classes: [[200, 30, 40], [10, 180, 75], [60, 80, 210]].map((color, id) => ({ name: `c${id}`, color })) });
    const base = await pair('profile.png', classes, 2, 2);
    copyFileSync(join(fixture, 'profile.png'), join(base, 'images', 'a.png'));
    const { samples } = await openMaps({ data: base, cacheFolder });
    expect(Array.from(samples.read(0).pixels)).toEqual(golden['profile.png']);
    expect(Array.from(samples.read(0).mask)).toEqual([0, 1, 2, 0]);
    await samples.close();
  });
});

describe('the legend', () => {
  it('decides of decoded masks also by what it ignores', async () => {
    const base = await pair('labels_16.png', legend([0, 1, 2], { ignore: { color: [300, 300, 300] } }), 4, 3);
    const maskOf = async (): Promise<number[]> => { const { samples } = await openMaps({ data: base, set: ['unknown_colors=ignore'], cacheFolder }); const mask = Array.from(samples.read(0).mask); await samples.close(); return mask; };
    expect((await maskOf()).filter((id) => id === IGNORE)).toHaveLength(2);
    let key = '';
    const keyOf = async (more: object): Promise<string> => { put(base, 'classes.json', legend([0, 1, 2], more)); const { samples } = await openMaps({ data: base, set: ['unknown_colors=ignore'], cacheFolder, onKey: (found) => { key = found; return Promise.resolve(); } }); await samples.close(); return key; };
    const keys = [await keyOf({}), await keyOf({ ignore: { color: [9, 9, 9] } }), await keyOf({ ignore: { value: 8 } })];
    expect(new Set(keys).size).toBe(3);
  });
});


describe('folders of classes and parts', () => {
  const listed = async (files: readonly string[]): Promise<{ classes: readonly string[]; parts: number[] | undefined; of: (name: string) => string; remarks: readonly { kind: string; count: number; examples: readonly string[] }[] }> => {
    const base = place();
    for (const file of files) put(base, file, await plain(7));
    const { list, problems } = await listData({ data: base });
    await list.close();
    if (list.kind !== 'chips') throw new Error('no chips');
    const of = (name: string): string => list.tags.filter((_, tag) => list.targets[list.names.indexOf(name) * list.tags.length + tag] === 1).join();
    return { classes: list.tags, parts: list.parts === undefined ? undefined : [list.parts.train.length, list.parts.validation.length, list.parts.test.length], of, remarks: problems.all.map(({ kind, count, examples }) => ({ kind, count, examples })) };
  };

  it('may be called as a part where they hold pictures beside other classes', async () => {
    const vehicles = await listed(['bus/1.png', 'car/2.png', 'train/3.png', 'train/4.png']);
    expect([vehicles.classes, vehicles.parts, vehicles.of('train/3'), vehicles.remarks]).toEqual([['bus', 'car', 'train'], undefined, 'train', []]);
    const inside = await listed(['train/bus/1.png', 'train/test/2.png', 'val/bus/3.png', 'val/test/4.png']);
    expect([inside.classes, inside.parts, inside.of('train/test/2')]).toEqual([['bus', 'test'], [2, 2, 0], 'test']);
    const deeper = await listed(['set/bus/1.png', 'set/Test/2.png']);
    expect([deeper.classes, deeper.parts]).toEqual([['Test', 'bus'], undefined]);
  });

  it('of parts stay parts: pictures in them that have no class, and folders beside them, are told with their number', async () => {
    const published = await listed(['train/a/1.png', 'train/b/2.png', 'test/3.png', 'test/4.png']);
    expect([published.classes, published.parts]).toEqual([['a', 'b'], [2, 0, 0]]);
    expect(published.remarks).toEqual([{ kind: 'picture outside the folders of classes, left out', count: 2, examples: ['test/3.png', 'test/4.png'] }]);
    const more = await listed(['train/a/1.png', 'train/b/2.png', 'val/a/3.png', 'val/b/4.png', 'extra/a/5.png', 'extra/b/6.png', 'extra/b/7.png']);
    expect([more.classes, more.parts]).toEqual([['a', 'b'], [2, 2, 0]]);
    expect(more.remarks).toEqual([{ kind: 'picture outside the folders of parts (train, validate, test), in none of them', count: 3, examples: ['extra/a', 'extra/b'] }]);
  });
});

describe('tables of tags', () => {
  const names = ['chip ü 0', 'chip ü 1', 'chip ü 2'];
  const tagsOf = async (table: string, endings: readonly string[] = ['.png', '.png', '.png']): Promise<Record<string, string>> => {
    const base = place();
    for (const [at, name] of names.entries()) put(base, `chips/${name}${endings[at]!}`, await plain(at));
    put(base, 'tags.csv', table);
    const { list, problems } = await listData({ data: base });
    await list.close();
    if (list.kind !== 'chips') throw new Error('no chips');
    problems.throwIfAny('table');
    return Object.fromEntries(list.names.map((name, row) => [name, list.tags.filter((_, tag) => list.targets[row * list.tags.length + tag] === 1).join(' ')]));
  };
  const right = { 'chip ü 0': 'wald', 'chip ü 1': 'see wald', 'chip ü 2': '' };

  // As pandas writes and reads them: `to_csv(index=False)`, the same with quoting=csv.QUOTE_ALL, with empty lines, with a BOM and CRLF.
  it.each([
    ['plain', 'image_name,tags\nchip ü 0,wald\nchip ü 1,wald see\nchip ü 2,\n'],
    ['with every cell quoted', '"image_name","tags"\n"chip ü 0","wald"\n"chip ü 1","wald see"\n"chip ü 2",""\n'],
    ['with empty lines', 'image_name,tags\n\nchip ü 0,wald\n\nchip ü 1,wald see\n   \nchip ü 2,\n\n'],
    ['with a byte order mark and CRLF', '\uFEFFimage_name,tags\r\nchip ü 0,wald\r\nchip ü 1,wald see\r\nchip ü 2,\r\n'],
    ['with commas between tags', 'image_name,tags\nchip ü 0,wald\nchip ü 1,"wald, see"\nchip ü 2,\n'],
    ['with letters and marks apart', 'image_name,tags\nchip ü 0,wald\nchip ü 1,wald see\nchip ü 2,\n'.normalize('NFD')],
    ['with endings', 'image_name,tags\nchip ü 0.webp,wald\nchip ü 1.png,wald see\nchip ü 2.TIF,\n'],
    ['with more columns', 'id,image_name,split,tags\n1,chip ü 0,a,wald\n2,chip ü 1,a,wald see\n3,chip ü 2,b,\n'],
  ])('%s', async (_, table) => { expect(await tagsOf(table, ['.webp', '.png', '.tif'])).toEqual(right); });

  it.each([';', '|'])('are refused with tags parted by %s', async (between) => {
    const table = ['image_name,tags', `chip ü 0,"wald${between}see"`, `chip ü 1,wald ${between} see`, 'chip ü 2,wald'].join('\n');
    await expect(tagsOf(table)).rejects.toThrow(`2 × line whose tags are parted by ; or |, taken for one tag: part them by spaces (line 2 has wald${between}see, line 3 has ${between})`);
  });

  it('tell columns that are not read, and why a table is not understood', async () => {
    const base = place();
    for (const name of names) put(base, `chips/${name}.png`, await plain(1));
    put(base, 'tags.csv', 'id,image_name,tags\n1,chip ü 0,wald\n2,chip ü 1,see,x\n');
    const { list, problems } = await listData({ data: base });
    await list.close();
    expect(problems.all.filter(({ kind }) => !kind.startsWith('picture'))).toEqual([
      { kind: 'column of the table that is not read', count: 1, examples: ['id'], fault: false }, { kind: 'line without 3 cells', count: 1, examples: ['line 3 has 4'], fault: true },
    ]);
    put(base, 'tags.csv', 'image_name;tags\nchip ü 0;wald\n');
    await expect(listData({ data: base })).rejects.toMatchObject({ message: expect.stringContaining('tags.csv: expected cells parted by commas, found semicolons: "image_name;tags"') as string, advice: 'write the table with commas (CSV)' });
    put(base, 'tags.csv', 'file,label\nchip ü 0,wald\n');
    await expect(listData({ data: base })).rejects.toThrow('found pictures in one folder only, chips; tags.csv was seen, but its first line is "file,label", not image_name,tags');
  });
});

describe('truth that says nothing', () => {
  const MASKS = { classes: [{ name: 'low', color: [0, 0, 0] }, { name: 'high', color: [9, 0, 0] }], ignore: { color: [255, 0, 0] } };
  const load = async (data: string, text: string): Promise<LoadedSamples> => {
    put(data, 'recipe.yaml', text);
    return loadSamples(await readRecipe({ recipe: join(data, 'recipe.yaml') }), { data, cacheFolder, toTrain: true }, {});
  };
  const segmenter = 'name: maps\ntask: segmenter\ndata: { classes: classes.json }\nsplit: { validation: [b], test: null }\nnetwork: { architecture: unet, widths: [2, 3] }\ntraining: { epochs: 1, batch: 1, patch: 8, rate: 0.05 }\n';
  const maps = async (masks: Readonly<Record<string, number>>): Promise<string> => {
    const base = place();
    put(base, 'classes.json', JSON.stringify(MASKS));
    for (const [group, red] of Object.entries(masks)) { put(base, `${group}/images/p.png`, await plain(3)); put(base, `${group}/masks/p.png`, await plain(red)); }
    return base;
  };

  it('is refused before training, by part, and a fault for dataset info', async () => {
    const nothing = await maps({ a: 255, b: 255 });
    await expect(load(nothing, segmenter)).rejects.toMatchObject({ message: `${nothing}: expected masks with pixels of a class in the training pictures, found none: all of their pixels are ignored` });
    expect((await datasetInfo({ data: nothing })).problems).toContainEqual({ kind: 'truth without a single pixel of a class', count: 1, examples: ['all are ignored'], fault: true });
    const unchosen = await maps({ a: 9, b: 255 });
    await expect(load(unchosen, segmenter)).rejects.toThrow('expected masks with pixels of a class in the validation pictures, found none');
    const parts = await maps({ train: 9, val: 255 });
    expect((await datasetInfo({ data: parts })).problems).toContainEqual({ kind: 'validation part without a single pixel of a class', count: 1, examples: ['all are ignored'], fault: true });
  });

  it('of a class that is only kept apart is remarked on: of pixels and of chips', async () => {
    const kind = 'class without a sample to train on (only in validation or test): it is never learned';
    const apart = await maps({ a: 9, b: 0 });
    const loaded = await load(apart, segmenter);
    await loaded.samples.close();
    expect(loaded.remarks).toContainEqual({ kind, count: 1, examples: ['low'], fault: false });
    const chips = place();
    for (const file of ['train/a/1', 'train/b/2', 'val/a/3', 'val/c/4', 'test/d/5']) put(chips, `${file}.png`, await plain(5));
    expect((await datasetInfo({ data: chips })).problems).toContainEqual({ kind, count: 2, examples: ['c', 'd'], fault: false });
    const classes = await load(chips, 'name: chips\ntask: classifier\nnetwork: { architecture: vgg3, size: 8 }\ntraining: { epochs: 1, batch: 1, rate: 0.05 }\n');
    await classes.samples.close();
    expect(classes.remarks.filter((remark) => remark.kind === kind)).toEqual([{ kind, count: 2, examples: ['c', 'd'], fault: false }]);
  });
});

describe('chips that are not square', () => {
  it('are told to be squeezed, also when they were decoded before', async () => {
    const base = place();
    for (const [name, width] of [['a', 8], ['b', 16]] as const) put(base, `${name}/${name}.png`, await plain(5, width, 8));
    const remark = { kind: 'chip that is not square, squeezed to a square', count: 1, examples: ['b/b.png: 16 × 8'], fault: false };
    for (let times = 0; times < 2; times++) {
      const { samples, remarks } = await openChips({ data: base, size: 8, cacheFolder });
      await samples.close();
      expect(remarks).toEqual([remark]);
    }
    expect((await datasetInfo({ data: base })).problems).toContainEqual(remark);
  });
});
