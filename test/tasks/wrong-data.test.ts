import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { datasetInfo } from '../../src/tasks/dataset-info.js';
import { listData } from '../../src/tasks/dataset/open.js';
import { train } from '../../src/tasks/train.js';
import { root, scratch } from '../places.js';

const folder = scratch();
process.env['TILEWRIGHT_TENSORFLOW'] = join(folder, 'nowhere');
let places = 0;

/** A folder with small pictures, and texts, of these names. */
async function place(pictures: readonly string[], texts: Readonly<Record<string, string>> = {}): Promise<string> {
  const base = join(folder, `p${places++}`);
  mkdirSync(base, { recursive: true });
  for (const [at, name] of pictures.entries()) {
    mkdirSync(join(base, name, '..'), { recursive: true });
    await sharp({ create: { width: 8, height: 8, channels: 3, background: { r: at * 7, g: 0, b: 0 } } }).png().toFile(join(base, name));
  }
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(base, name), text);
  return base;
}

/** What is said, and advised, where data are not what is wanted. */
async function said(work: Promise<unknown>): Promise<string> {
  const error = await work.then(() => new Error('none'), (caught: unknown) => caught) as { readonly message: string; readonly advice?: string };
  return `${error.message} | ${error.advice ?? ''}`;
}
const trained = (recipe: string, data: string): Promise<string> => said(train({ recipe: join(root, 'models/recipes', `${recipe}.yaml`), data, output: join(folder, `o${places++}`) }));

const CHIPS = ['chips/a.png', 'chips/b.png', 'chips/c.png'];
const TABLE = { 'tags.csv': 'image_name,tags\na,x\nb,y\nc,x\n' };

describe('data that are not what is wanted', () => {
  it('lack masks, or pictures', async () => {
    expect(await trained('segmenter', await place(['images/a.png', 'images/b.png']))).toContain('expected masks (a folder masks beside images), found none | a segmenter needs a mask of the same name for every picture');
    expect(await trained('segmenter', await place(['masks/a.png', 'masks/b.png']))).toContain('expected pictures (a folder images beside masks), found none');
  });

  it('are for another task', async () => {
    expect(await trained('segmenter', await place(['a/1.png', 'b/2.png']))).toContain('expected pictures with masks, which this recipe is for, found a folder of pictures per class | train a classifier on them: tilewright train classifier');
    const tagged = await place(CHIPS, TABLE);
    for (const recipe of ['segmenter', 'aerial-landcover']) expect(await trained(recipe, tagged)).toContain('expected pictures with masks, which this recipe is for, found chips with tags | train a tagger on them: tilewright train tagger');
  });

  it('are a picture or a legend', async () => {
    const base = await place(['images/a.png', 'masks/a.png'], { 'classes.json': '{}', 'class_dict.csv': 'name,r,g,b\nx,0,0,0\n' });
    expect(await said(listData({ data: join(base, 'images/a.png') }))).toContain(`found a picture | give the folder that holds it: ${join(base, 'images')}`);
    for (const name of ['classes.json', 'class_dict.csv']) expect(await said(listData({ data: join(base, name) }))).toContain(`found a legend | give its folder: ${base}`);
  });

  it('have a table without its first line, or with other columns', async () => {
    const advice = "| write image_name,tags as the first line of the table, with the pictures' names and their tags, which are separated by spaces";
    for (const first of ['a,x', 'file,label']) {
      const base = await place(CHIPS, { 'tags.csv': `${first}\nb,y\nc,x\n` });
      expect(await said(listData({ data: base }))).toContain(`tags.csv was seen, but its first line is "${first}", not image_name,tags ${advice}`);
    }
    const { problems } = await datasetInfo({ data: join(await place(CHIPS, { 'tags.csv': 'a,x\nb,y\nc,x\n' }), 'tags.csv') });
    expect(problems.filter(({ fault }) => fault)).toEqual([{ kind: 'table whose first line is a row: it must be image_name,tags', count: 1, examples: ['a is a picture'], fault: true }]);
  });
});

describe('a dataset.yaml that does not say of what kind the data are', () => {
  it('has that from what lies beside it', async () => {
    const tagged = await place(CHIPS, { ...TABLE, 'dataset.yaml': 'class_names: [y, x, z]\n' });
    for (const data of [tagged, join(tagged, 'dataset.yaml')]) {
      const { list, found } = await listData({ data });
      await list.close();
      expect(found).toMatchObject({ by: 'table of tags, dataset.yaml', description: { table: 'tags.csv', pictures: 'chips' } });
      expect(list.kind === 'chips' && list.tags).toEqual(['y', 'x', 'z']);
    }
    const empty = await place(['a/1.png', 'b/2.png'], { 'dataset.yaml': '' });
    expect((await listData({ data: empty })).found.description).toEqual({ class_folders: true });
    const masks = await place(['images/a.png', 'masks/a.png'], { 'dataset.yaml': 'class_names: [other, road]\nthreshold: 9\n' });
    expect((await listData({ data: masks })).found.description).toEqual({ images: 'images', masks: 'masks', threshold: 9, class_names: ['other', 'road'] });
  });
});
