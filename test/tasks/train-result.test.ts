import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp, { type OutputInfo } from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadModel, openPredictor } from '../../src/predict/index.js';
import { seededRandom } from '../../src/samples/index.js';
import { classify, type ClassifyResult } from '../../src/tasks/classify.js';
import { datasetInfo } from '../../src/tasks/dataset-info.js';
import { embed } from '../../src/tasks/embed.js';
import { evaluate, type EvaluateResult } from '../../src/tasks/evaluate.js';
import { quantize } from '../../src/tasks/quantize.js';
import { search } from '../../src/tasks/search.js';
import { train, type TrainOptions, type TrainResult } from '../../src/tasks/train.js';
import { scratch } from '../places.js';

const folder = scratch();
process.env['TILEWRIGHT_TENSORFLOW'] = join(folder, 'nowhere');

/** Chips of noise, bright ones tagged `day`, dark ones `night`; more chips are other noise. */
async function chipData(name: string, count: number, seed: number): Promise<string> {
  const data = join(folder, name);
  mkdirSync(join(data, 'chips'), { recursive: true });
  const random = seededRandom(seed);
  const rows = ['image_name,tags'];
  for (let i = 0; i < count; i++) {
    const pixels = Buffer.from(Array.from({ length: 12 * 12 * 3 }, () => (i % 2) * 120 + Math.floor(random() * 120)));
    await sharp(pixels, { raw: { width: 12, height: 12, channels: 3 } }).png().toFile(join(data, 'chips', `c${i}.png`));
    rows.push(`c${i},${i % 2 === 1 ? 'day' : 'night'}${i === 0 ? ' rare' : ''}`);
  }
  writeFileSync(join(data, 'tags.csv'), `${rows.join('\n')}\n`);
  return data;
}

const TAGGER = `
name: my-tags
task: tagger
data: { table: tags.csv, pictures: chips, class_names: [day, night, rare] }
split: { seed: 1, validation: 0.2, test: 0.2 }
network: { architecture: resnet-chips, size: 8, widths: [2, 3], blocks: [0, 1] }
training: { epochs: 1, batch: 4, seed: 1, threshold: per-tag }
optimizer: { lr: 0.05 }
`;

let data: string;
let other: string;
beforeAll(async () => { data = await chipData('chips-a', 20, 3); other = await chipData('chips-b', 7, 4); });

async function trained(name: string, set: readonly string[], more: Partial<TrainOptions> = {}): Promise<TrainResult & { readonly readme: string; readonly report: string }> {
  const recipe = join(folder, `${name}.yaml`);
  writeFileSync(recipe, TAGGER);
  const result = await train({ recipe, data, output: join(folder, `out-${name}`), set, ...more });
  return { ...result, readme: readFileSync(join(result.output, 'README.md'), 'utf8'), report: readFileSync(join(result.output, 'report.html'), 'utf8') };
}

describe('what a training says of its model', () => {
  it('has the name that was given, says what was for what, and leaves out tags that no scored chip has', async () => {
    const { readme, card, scoredOn, report } = await trained('named', [], { name: 'day-night' });
    expect(card).toMatchObject({ name: 'day-night', data: { name: 'chips-a', split: 'at random with seed 1: 12 trained on, 4 for choices, 4 for the scores only' } });
    expect(readme.split('\n').slice(0, 4)).toEqual(['# day-night', '', 'Gives a chip any number of 3 tags.', '']);
    expect(readme).toContain('On 4 test chips; used for no choice, measured once');
    expect(scoredOn).toBe('4 test chips');
    expect(report).toContain('<title>day-night</title>');
    const scored = card.scores!.filter(({ metric }) => metric.startsWith('f2 ')).map(({ metric }) => metric);
    expect(scored.length).toBeLessThan(4);
    for (const tag of ['day', 'night', 'rare']) if (!scored.includes(`f2 ${tag}`)) expect(readme).toMatch(new RegExp(`In none of these samples: .*${tag}`));
  });

  it('does not speak of choices where nothing was chosen, nor of a test where there was none', async () => {
    const { readme, scoredOn, report } = await trained('plain', ['split.test=0', 'training.keep=last', 'training.threshold=0.5']);
    expect(readme).toContain('Split: at random with seed 1: 16 trained on, 4 for validation, on which nothing was chosen, none for a test.');
    expect(readme).toContain('On 4 validation chips, on which nothing was chosen; measured once');
    expect(readme).toContain('a tag counts from a probability of 0.5 on');
    expect(`${readme}${report}`).not.toContain('for choices');
    expect(scoredOn).toBe('4 validation chips, on which nothing was chosen');
    expect((await trained('chosen', ['split.test=0'])).scoredOn).toBe('4 validation chips (on which the epoch and thresholds were chosen, too)');
  });

  it('says that a model of everything has no scores', async () => {
    const { readme, card, scoredOn } = await trained('whole', ['training.finalise=true', 'training.threshold=0.5']);
    expect(card.scores).toEqual([]);
    expect(readme).toContain('Split: none: all 20 samples trained on.');
    expect(readme).toContain('## Scores\n\nNone: nothing was kept apart to measure on.');
    expect(scoredOn).toBe('nothing: no samples were kept apart');
  });

  it('lets evaluate know the chips again that it has seen, by their pixels, and no others', async () => {
    const { output } = await trained('seen', []);
    const noted = async (from: string, more: object = {}): Promise<string> => ((await evaluate({ model: output, data: from, ...more })) as EvaluateResult).warnings.join();
    expect(await noted(data)).toContain('the model knows 16 of these 20 chips by their pixels (12 were trained on, 4 were its validation samples): the scores are too good; score samples that it has not seen: --part test takes those');
    expect(await noted(other)).not.toContain('knows');
    // The same chips under other names, among others.
    for (const i of [1, 2, 3]) writeFileSync(join(other, 'chips', `copy${i}.png`), readFileSync(join(data, 'chips', `c${i}.png`)));
    writeFileSync(join(other, 'tags.csv'), `${readFileSync(join(other, 'tags.csv'), 'utf8')}copy1,day\ncopy2,night\ncopy3,day\n`);
    expect(await noted(other)).toMatch(/the model knows [123] of these 10 chips .* has not seen$/);
    writeFileSync(join(output, 'samples-seen.bin'), 'cut');
    await expect(evaluate({ model: output, data })).rejects.toThrow("samples-seen.bin: expected the digests of a training's samples, found something else");
  });

  it('is quantised by its own recipe; its index goes on, with the form that it was made with', async () => {
    const { output } = await trained('to-quantise', []);
    const [before, index] = [await loadModel(output), join(folder, 'index-quantised')];
    await embed({ model: output, index, inputs: [join(data, 'chips')] });
    const { file, int8 } = await quantize({ model: output, data, patches: 4 });
    expect([existsSync(file), int8.on]).toEqual([true, expect.stringContaining('4 validation chips') as string]);
    const after = await loadModel(output);
    expect([after.card.int8, after.fingerprint, after.featuresFingerprint]).toEqual([int8, before.fingerprint, before.featuresFingerprint]);
    // Chips of 12 pixels are reduced to 8 in both ways: the picture is its own nearest.
    expect((await search({ index, image: join(data, 'chips', 'c3.png'), k: 1 })).results[0]).toMatchObject({ id: 'chips/c3', distance: expect.closeTo(0, 5) as number });
    rmSync(join(output, 'recipe.yaml'));
    await expect(quantize({ model: output, data, overwrite: true })).rejects.toThrow('--recipe: expected the recipe that says what the data of');
  });

  it('says where a tagger is trained on one class per chip', async () => {
    const folders = join(folder, 'folders');
    for (const [i, name] of ['day', 'night', 'day', 'night', 'day', 'night', 'day', 'night'].entries()) {
      mkdirSync(join(folders, name), { recursive: true });
      writeFileSync(join(folders, name, `c${i}.png`), readFileSync(join(data, 'chips', `c${i}.png`)));
    }
    const recipe = join(folder, 'one-class.yaml');
    writeFileSync(recipe, TAGGER.replace(/data: .*/, 'data: { class_folders: true }'));
    const notes: string[] = [];
    await train({ recipe, data: folders, output: join(folder, 'out-one-class') }, { onProgress: ({ stage, detail }) => { if (stage === 'data') notes.push(detail ?? ''); } });
    expect(notes.join()).toContain('exactly one class, and a tagger decides on each class by itself');
  });

  it('lets evaluate score the part that it kept apart, with the scores of its card', async () => {
    const { output, card } = await trained('parts', ['network.size=12']);
    expect(JSON.parse(readFileSync(join(output, 'split.json'), 'utf8'))).toMatchObject({ format: 'tilewright-split', made: { by: 'training', seed: 1, validation: 0.2, test: 0.2 } });
    const part = async (name: 'train' | 'validation' | 'test', from = data): Promise<EvaluateResult> => (await evaluate({ model: output, data: from, part: name })) as EvaluateResult;
    const test = await part('test');
    expect(test).toMatchObject({ n: 4, part: 'the test part of its training', warnings: [] });
    expect(test.f2).toBe(card.scores!.find(({ metric, of }) => metric === 'f2_samples' && of === undefined)!.value);
    const names = (parts: EvaluateResult[]): string[] => parts.flatMap(({ worst }) => worst.map(({ name }) => name)).sort();
    const [trainPart, validation] = [await part('train'), await part('validation')];
    expect(names([trainPart, validation, test])).toEqual(Array.from({ length: 20 }, (_, i) => `c${i}`).sort());
    expect(trainPart.warnings.join()).toContain('the model knows 12 of these 12 chips by their pixels (12 were trained on): the scores are too good; score samples that it has not seen: --part test takes those');
    // The same file is a split for everybody.
    expect(await evaluate({ model: output, data, split: join(output, 'split.json') })).toMatchObject({ n: 4, f2: test.f2, part: 'the test part of split.json' });
    await expect(part('test', await chipData('chips-c', 6, 5))).rejects.toMatchObject({ message: expect.stringContaining('expected names of the data, each once, found 14 others') as string, advice: expect.stringContaining('not the data that the model was trained on') as string });
    const { output: whole } = await trained('no-test', ['training.finalise=true', 'training.threshold=0.5']);
    await expect(evaluate({ model: whole, data, part: 'test' })).rejects.toThrow('--part: expected a part that the model\'s training made, found no samples of these data for test');
  });

  it('tags chips smaller than its input as it was trained on them: enlarged, and says so', async () => {
    const { output } = await trained('larger', ['network.size=16']);
    const large = join(folder, 'enlarged');
    mkdirSync(large);
    for (let i = 0; i < 20; i++) await sharp(join(data, 'chips', `c${i}.png`)).resize(16, 16, { fit: 'fill', kernel: 'cubic' }).png().toFile(join(large, `c${i}.png`));
    const tags = async (input: string, name: string): Promise<{ readonly text: string; readonly warnings: readonly string[] }> => {
      const result = (await classify({ input, model: output, output: join(folder, name), tables: ['csv'] })) as ClassifyResult;
      return { text: readFileSync(join(folder, name, 'chips.csv'), 'utf8').split('\n').map((line) => line.split(',').filter((_, at) => at !== 3 && at !== 4).join()).join('\n'), warnings: result.warnings };
    };
    const [own, made] = [await tags(join(data, 'chips'), 'tags-own'), await tags(large, 'tags-made')];
    expect(own.text).toBe(made.text);
    expect(own.warnings).toEqual(['chips of 12 × 12 pixels are enlarged to 16 × 16, the input of my-tags']);
    expect(made.warnings).toEqual([]);
  });

  it('lets evaluate read data as the recipe does, where a part of its training is asked for', async () => {
    const folderData = join(folder, 'swapped');
    mkdirSync(join(folderData, 'p'), { recursive: true });
    // Two tables: only the recipe says which, and that red and blue are exchanged.
    const rows = ['image_name,tags'];
    for (let i = 0; i < 12; i++) {
      await sharp({ create: { width: 8, height: 8, channels: 3, background: i % 2 === 0 ? { r: 220, g: 20, b: i } : { r: i, g: 20, b: 220 } } }).png().toFile(join(folderData, 'p', `s${i}.png`));
      rows.push(`s${i},${i % 2 === 0 ? 'one' : 'two'}`);
    }
    for (const name of ['a.csv', 'b.csv']) writeFileSync(join(folderData, name), `${rows.join('\n')}\n`);
    const recipe = join(folder, 'swapped.yaml');
    writeFileSync(recipe, TAGGER.replace(/data: .*/, 'data: { table: b.csv, pictures: p, swap_red_blue: true }').replace('epochs: 1', 'epochs: 6'));
    const { output, card } = await train({ recipe, data: folderData, output: join(folder, 'out-swapped') });
    const found = (await evaluate({ model: output, data: folderData, part: 'test' })) as EvaluateResult;
    expect(found.f2).toBe(card.scores!.find(({ metric, of }) => metric === 'f2_samples' && of === undefined)!.value);
    await expect(evaluate({ model: output, data: folderData })).rejects.toThrow('expected one table image_name,tags, found a.csv, b.csv');
  });

  it('lets evaluate know pictures with masks again', async () => {
    const maps = join(folder, 'maps');
    const random = seededRandom(8);
    writeFileSync(join(folder, 'classes.json'), '{"classes": [{"name": "dark", "color": [0, 0, 0]}, {"name": "bright", "color": [255, 255, 255]}]}');
    for (const group of ['a', 'b', 'c']) {
      for (const kind of ['images', 'masks']) mkdirSync(join(maps, group, kind), { recursive: true });
      const bright = Uint8Array.from({ length: 24 * 16 }, (_, i) => (i % 24 < 9 ? 0 : 255));
      await sharp(Buffer.from(Array.from(bright).flatMap((value) => [value, value, value])), { raw: { width: 24, height: 16, channels: 3 } }).png().toFile(join(maps, group, 'masks', 'p.png'));
      await sharp(Buffer.from(Array.from(bright).flatMap((value) => [0, 1, 2].map(() => value / 2 + random() * 100))), { raw: { width: 24, height: 16, channels: 3 } }).png().toFile(join(maps, group, 'images', 'p.png'));
    }
    writeFileSync(join(maps, 'classes.json'), readFileSync(join(folder, 'classes.json')));
    const recipe = join(folder, 'maps.yaml');
    writeFileSync(recipe, 'name: maps\ntask: segmenter\ndata: { classes: classes.json }\nsplit: { validation: [b], test: [c] }\nnetwork: { architecture: unet, widths: [2, 2], reduce: 2 }\ntraining: { epochs: 1, steps: 1, batch: 1, patch: 8 }\noptimizer: { lr: 0.01 }\n');
    const { output } = await train({ recipe, data: maps, output: join(folder, 'out-maps') });
    const { warnings } = (await evaluate({ model: output, data: maps })) as EvaluateResult;
    expect(warnings.at(-1)).toContain('the model knows 2 of these 3 pictures by their pixels (1 were trained on, 1 were its validation samples)');
    expect(warnings.join()).not.toContain('no georeference'); // no map is kept
    const kept = (await evaluate({ model: output, data: maps, part: 'test' })) as EvaluateResult;
    expect([kept.n, kept.worst[0]!.name, kept.part, kept.warnings.join().includes('knows')]).toEqual([1, 'c/p', 'the test part of its training', false]);
    const alone = (await evaluate({ model: output, data: maps, set: ['images=c/images', 'masks=c/masks'] }).catch((error: unknown) => error)) as EvaluateResult;
    expect(alone.warnings.join()).not.toContain('knows');
    expect(alone.accuracy).toBe(kept.accuracy);
  });
});

describe('after every epoch', () => {
  it('classifiers of patches have a map of the first validation picture: what the model says of its patches', async () => {
    const data = join(folder, 'scenes');
    const random = seededRandom(21);
    const [width, height] = [40, 30];
    for (const group of ['a', 'b']) {
      for (const kind of ['images', 'masks']) mkdirSync(join(data, group, kind), { recursive: true });
      const border = group === 'a' ? 15 : 22;
      const bright = Uint8Array.from({ length: width * height }, (_, i) => (i % width < border ? 0 : 255));
      await sharp(Buffer.from(Array.from(bright).flatMap((value) => [value, value, value])), { raw: { width, height, channels: 3 } }).png().toFile(join(data, group, 'masks', 'p.png'));
      await sharp(Buffer.from(Array.from(bright).flatMap((value) => [0, 1, 2].map(() => value / 2 + random() * 100))), { raw: { width, height, channels: 3 } }).png().toFile(join(data, group, 'images', 'p.png'));
    }
    writeFileSync(join(data, 'classes.json'), '{"classes": [{"name": "dark", "color": [10, 0, 0]}, {"name": "bright", "color": [255, 255, 255]}]}'.replace('[10, 0, 0]', '[0, 0, 0]'));
    const recipe = join(folder, 'patches.yaml');
    writeFileSync(recipe, 'name: patches\ntask: classifier\ndata: { classes: classes.json, chip: 8, stride: 4, truth: centre }\nsplit: { validation: [b] }\nnetwork: { architecture: resnet-chips, size: 4, widths: [3, 4], blocks: [0, 1] }\ntraining: { epochs: 2, batch: 8, keep: last }\noptimizer: { lr: 0.02 }\n');
    const notes: string[] = [];
    const { output } = await train({ recipe, data, output: join(folder, 'out-patches') }, { onProgress: ({ detail }) => notes.push(detail ?? '') });
    // 9 × 6 validation patches: a map of no more, so one every 4 pixels.
    expect(notes.some((note) => note.includes('have the class of 9 × 6 patches, one every 4 pixels of the first validation scene'))).toBe(true);
    const read = async (name: string): Promise<{ data: Buffer; info: OutputInfo }> => sharp(join(output, 'maps', name)).raw().toBuffer({ resolveWithObject: true });
    const maps = await Promise.all(['truth.png', 'picture.png', 'epoch-001.png', 'epoch-002.png'].map(read));
    expect(maps.map(({ info }) => [info.width, info.height])).toEqual(Array.from({ length: 4 }, () => [36, 24]));
    const model = await loadModel(output);
    const predictor = await openPredictor(model, { outputs: ['scores'], patch: { width: 4, height: 4 } });
    const pixels = await sharp(join(data, 'b', 'images', 'p.png')).raw().toBuffer();
    const { data: map, info } = maps[3]!;
    for (let row = 0; row < 6; row++) {
      for (let column = 0; column < 9; column++) {
        // Patches of 8 pixels are means over squares of 2.
        const patch = Uint8Array.from({ length: 48 }, (_, at) => {
          const [band, x, y] = [at % 3, Math.floor(at / 3) % 4, Math.floor(at / 12)];
          const value = (dx: number, dy: number): number => pixels[((row * 4 + y * 2 + dy) * width + column * 4 + x * 2 + dx) * 3 + band]!;
          return Math.round((value(0, 0) + value(1, 0) + value(0, 1) + value(1, 1)) / 4);
        });
        const { scores } = await predictor.predict({ data: patch, count: 1, width: 4, height: 4, bands: 3 });
        const drawn = map[((row * 4 + 1) * info.width + column * 4 + 2) * info.channels]!;
        expect(drawn).toBe(scores![1]! > scores![0]! ? 255 : 0);
      }
    }
    await predictor.close();
    // The middle of a patch is its pixel (4, 4): the truth changes where the 22nd column of pixels is in the middle.
    expect(Array.from({ length: 36 }, (_, x) => maps[0]!.data[x * maps[0]!.info.channels]!)).toEqual(Array.from({ length: 36 }, (_, x) => (x + 2 < 22 ? 0 : 255)));
  });
});

describe('a training that cannot come to anything', () => {
  it('ends at the first loss that is no number, and leaves nothing behind', async () => {
    await expect(trained('wild', ['optimizer.lr=1e30', 'training.epochs=3'])).rejects.toThrow(/^optimizer\.lr: expected a rate with which the loss stays a number, found 1e\+30 and a loss of (NaN|Infinity) in step \d of epoch 1$/);
    expect(existsSync(join(folder, 'out-wild'))).toBe(false);
  });

  it('is refused for a single class; empty folders and classes that all have are told', async () => {
    const one = join(folder, 'one');
    mkdirSync(join(one, 'only'), { recursive: true });
    for (const i of [1, 3]) writeFileSync(join(one, 'only', `${i}.png`), readFileSync(join(data, 'chips', `c${i}.png`)));
    await expect(datasetInfo({ data: one })).rejects.toThrow('expected a folder of pictures per class, found pictures in one folder only, only');
    const recipe = join(folder, 'one.yaml');
    writeFileSync(recipe, TAGGER.replace('tagger', 'classifier').replace(/data: .*/, 'data: { class_folders: true }').replace(', threshold: per-tag', ''));
    await expect(train({ recipe, data: one, output: join(folder, 'out-one') })).rejects.toThrow('expected at least two classes for a classifier, found only only');
    mkdirSync(join(one, 'other', 'deep'), { recursive: true });
    mkdirSync(join(one, 'more'));
    writeFileSync(join(one, 'more', '2.png'), readFileSync(join(data, 'chips', 'c2.png')));
    expect((await datasetInfo({ data: one })).problems).toContainEqual({ kind: 'folder without a picture, no class', count: 1, examples: ['other/deep'], fault: false });
    const all = join(folder, 'all');
    mkdirSync(join(all, 'chips'), { recursive: true });
    for (const i of [1, 2]) writeFileSync(join(all, 'chips', `c${i}.png`), readFileSync(join(data, 'chips', `c${i}.png`)));
    writeFileSync(join(all, 'tags.csv'), 'image_name,tags\nc1,day always\nc2,always\n');
    expect((await datasetInfo({ data: all })).problems).toEqual([{ kind: 'class that every sample has: nothing can be learned of it', count: 1, examples: ['always'], fault: false }]);
  });
});
