import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ModelCard } from '../../src/card/index.js';
import { seededRandom } from '../../src/samples/index.js';
import { datasetSplit } from '../../src/tasks/dataset-split.js';
import { evaluate } from '../../src/tasks/evaluate.js';
import { train, type TrainOptions } from '../../src/tasks/train.js';
import { scratch } from '../places.js';

const folder = scratch();
/** No native engine, whether it is installed or not: these networks are tiny. */
process.env['TILEWRIGHT_TENSORFLOW'] = join(folder, 'nowhere');

const CLASSES = [{ id: 0, name: 'Dark', color: [10, 20, 30] }, { id: 1, name: 'Bright', color: [200, 210, 220] }, { id: 2, name: 'Unlabeled', color: [155, 155, 155] }];

/** Pictures whose left part is dark and right part bright, with the masks that say so. */
beforeAll(async () => {
  writeFileSync(join(folder, 'classes.json'), JSON.stringify({ classes: CLASSES, ignore: { color: [0, 0, 0] } }));
  const random = seededRandom(5);
  for (const group of ['a', 'b', 'c']) {
    mkdirSync(join(folder, group, 'images'), { recursive: true });
    mkdirSync(join(folder, group, 'masks'), { recursive: true });
    for (const name of ['p1', 'p2']) {
      const [width, height, border] = [26, 22, 8 + Math.floor(random() * 10)];
      const pixels = Buffer.alloc(width * height * 3);
      const mask = Buffer.alloc(width * height * 3);
      for (let i = 0; i < width * height; i++) {
        const id = i % width < border ? 0 : 1;
        for (let band = 0; band < 3; band++) {
          pixels[i * 3 + band] = (id === 0 ? 40 : 190) + Math.floor(random() * 30);
          mask[i * 3 + band] = i === 0 ? 0 : CLASSES[id]!.color[band]!;
        }
      }
      const raw = { width, height, channels: 3 as const };
      await sharp(pixels, { raw }).png({ compressionLevel: 0 }).toFile(join(folder, group, 'images', `${name}.png`));
      await sharp(mask, { raw }).png({ compressionLevel: 0 }).toFile(join(folder, group, 'masks', `${name}.png`));
    }
  }
});

function recipe(name: string, text: string): string {
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, text);
  return file;
}

const MAPS = `
name: two-tone
task: segmenter
data: { classes: classes.json, leave_out: [Unlabeled], frame: 1 }
split: { validation: [b], test: [c] }
network: { architecture: unet, widths: [2, 3], batch_norm: true, reduce: 2 }
training: { epochs: 2, batch: 2, patch: 8, rate: 0.05, seed: 1 }
card: { description: Dark and bright., gsd: 2, license: CC0-1.0, limits: [Only a test.] }
`;

const TAGS = `
name: two-tags
task: tagger
data: { classes: classes.json, leave_out: [Unlabeled], chip: 8, stride: 4, least_share: 0.05 }
split: { validation: [b], test: [c] }
network: { architecture: resnet-chips, size: 4, widths: [2, 3], blocks: [0, 1] }
training: { epochs: 2, batch: 8, rate: 0.05, seed: 1, threshold: 0.5 }
card: { window: 8 }
`;

function options(name: string, text: string, set: readonly string[] = []): TrainOptions {
  return { recipe: recipe(name, text), data: folder, output: join(folder, `out-${name}`), set };
}

describe('train', () => {
  it('makes a segmenter with card, ONNX, layers, README and curves', async () => {
    const result = await train(options('maps', MAPS));
    expect(result).toMatchObject({ engine: 'javascript', epochs: 2 });
    const card = JSON.parse(readFileSync(join(result.output, 'card.json'), 'utf8')) as ModelCard;
    expect(card).toMatchObject({
      name: 'two-tone', task: 'semantic-segmentation', license: 'CC0-1.0',
      input: { dim_order: 'bhwc', shape: [-1, -1, -1, 3], multiple_of: 4, data_type: 'uint8' },
      output: { name: 'scores', dim_order: 'bchw', activation: 'none', classes: [{ value: 0, name: 'Dark', color_hint: '#0a141e' }, { value: 1, name: 'Bright' }] },
    });
    const scores = (card.scores ?? []).map((score) => [score.metric, score.of ?? 'model']);
    expect(scores).toContainEqual(['miou', 'model']);
    expect(scores.filter(([metric, of]) => metric === 'miou' && of?.startsWith('majority class of the training samples (')).length).toBe(1);
    expect((await evaluate({ model: result.output, recipe: join(folder, 'maps.yaml'), data: folder })).scores).toEqual(card.scores);
    for (const file of ['model.onnx', 'README.md', 'curves.png', 'history.csv', 'layers/model.json', 'layers/weights.bin']) expect(existsSync(join(result.output, file))).toBe(true);
  });

  it('scores the baseline over the classes that are there, as the model', async () => {
    // Unlabeled is in no mask: the mean is over Dark and Bright, of which the one that is never answered counts as 0.
    const { card } = await train(options('absent', MAPS, ['data.leave_out=[]', 'training.epochs=1']));
    expect(card.output.classes.map(({ name }) => name)).toEqual(['Dark', 'Bright', 'Unlabeled']);
    const baseline = (metric: string): number => card.scores!.find((score) => score.metric === metric && score.of?.startsWith('majority class'))!.value;
    expect(baseline('miou')).toBeCloseTo(baseline('pixel_accuracy') / 2, 3);
  });

  it('makes a tagger from masks, and the feature extractor beside it', async () => {
    const result = await train(options('tags', TAGS));
    expect(result.card).toMatchObject({ task: 'multi-label-classification', input: { shape: [-1, 4, 4, 3], window: 8 }, output: { dim_order: 'bc', features: { name: 'features', dimensions: 3 } } });
    const features = JSON.parse(readFileSync(join(result.output, 'features', 'card.json'), 'utf8')) as ModelCard;
    expect(features).toMatchObject({ name: 'two-tags-features', task: 'embedding', output: { classes: [], features: { dimensions: 3 } } });
    expect((await evaluate({ model: result.output, recipe: join(folder, 'tags.yaml'), data: folder })).scores).toEqual(result.card.scores);
    await expect(evaluate({ model: result.output, recipe: join(folder, 'tags.yaml'), data: folder, set: ['data.leave_out=[]'] })).rejects.toThrow('expected the classes of the data (Dark, Bright, Unlabeled), found Dark, Bright');
    expect((result.card.scores ?? []).map((score) => score.of).filter((of) => of !== undefined)).toContain('all ones');
  });

  const VARIED = ['training.augment={gamma: 0.3, zoom: [0.7, 1.5], color: 0.1}', 'training.sampling=group', 'training.label_smoothing=0.1', 'training.dice=0.5', 'training.average=0.9', 'training.keep=last', 'training.calibrate=true'];
  it.each([['plain', []], ['varied and averaged', VARIED]])('goes on after a stop and ends with the same numbers: %s', async (name, set) => {
    const whole = await train(options(`whole-${name}`, MAPS, ['training.epochs=3', ...set]));
    const controller = new AbortController();
    const stopped = options(`stopped-${name}`, MAPS, ['training.epochs=3', ...set]);
    await expect(train(stopped, { signal: controller.signal, onProgress: ({ stage, done }) => { if (stage === 'train' && done === 1) controller.abort(); } })).rejects.toThrow('interrupted');
    const resumed = await train(stopped);
    const lines = (output: string): string[] => readFileSync(join(output, 'history.csv'), 'utf8').split('\n').map((line) => line.split(',').filter((_, column) => column !== 5).join(','));
    expect(lines(resumed.output)).toEqual(lines(whole.output));
    expect(Buffer.compare(readFileSync(join(resumed.output, 'model.onnx')), readFileSync(join(whole.output, 'model.onnx')))).toBe(0);
  });

  it('takes the split of a file, and says when overlapping chips are split at random', async () => {
    const file = join(folder, 'halves.json');
    // The split that the recipe makes by groups, as a file of the other command.
    await datasetSplit({ data: folder, set: ['chip=8', 'stride=4', 'leave_out=[Unlabeled]', 'least_share=0.05'], by: 'group', validationGroups: ['b'], testGroups: ['c'], output: file, leaks: false });
    const text = TAGS.replace('split: { validation: [b], test: [c] }', 'split: { file: halves.json }');
    const notes: string[] = [];
    const context = { onProgress: ({ stage, detail }: { stage: string; detail?: string }): void => { if (stage === 'split') notes.push(detail ?? ''); } };
    const byFile = await train(options('by-file', text, ['training.epochs=1']), context);
    const byGroup = await train(options('by-group', TAGS, ['training.epochs=1']), context);
    expect(byFile.card.scores).toEqual(byGroup.card.scores);
    expect(byFile.card.data?.split).toContain('as in a file (halves.json)');
    expect(notes).toEqual([]);
    await expect(train(options('mixed', text, ['split.validation=0.2']))).rejects.toThrow('expected split.file alone, found split.validation as well');
    await expect(train(options('other-data', text, ['data.stride=2']))).rejects.toThrow('expected every sample of the data in it');
    await train(options('at-random', TAGS, ['training.epochs=1', 'split.validation=0.2', 'split.test=0.2']), context);
    expect(notes[0]).toContain('chips of 8 pixels every 4 overlap, and are split at random');
  });

  it('refuses a folder with files of others, and one that another training is at work in', async () => {
    const foreign = options('foreign', TAGS, ['training.epochs=1']);
    mkdirSync(foreign.output);
    for (const name of ['README.md', 'card.json', 'model.onnx']) writeFileSync(join(foreign.output, name), `mine: ${name}`);
    await expect(train(foreign)).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining('found README.md and no checkpoint of a training') as string });
    expect(readdirSync(foreign.output).sort()).toEqual(['README.md', 'card.json', 'model.onnx']);
    writeFileSync(join(foreign.output, 'checkpoint.bin'), 'mine as well');
    await expect(train(foreign)).rejects.toThrow('expected an empty folder or one of an earlier training');
    expect(readFileSync(join(foreign.output, 'model.onnx'), 'utf8')).toBe('mine: model.onnx');

    const twice = options('twice', TAGS, ['training.epochs=1']);
    const both = await Promise.allSettled([train(twice), train(twice)]);
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect((both.find(({ status }) => status === 'rejected') as PromiseRejectedResult).reason).toMatchObject({ code: 'OUTPUT', message: expect.stringContaining('at work on this output') as string });
    // The same training again is welcome: it has nothing left to do, and the folder was given back.
    expect(readdirSync(twice.output)).not.toContain('lock');
    expect((await train(twice)).epochs).toBe(1);
  });

  it('refuses the checkpoint of another run before anything is decoded, and says in what it differs', async () => {
    const first = options('other', TAGS, ['training.epochs=1']);
    await train(first);
    const stages: string[] = [];
    const again = (over: Partial<TrainOptions>): Promise<unknown> => train({ ...first, ...over }, { onProgress: ({ stage }) => stages.push(stage) });
    await expect(again({ set: ['training.epochs=1', 'training.rate=0.01', 'network.widths=[2, 4]'] })).rejects.toThrow('expected a checkpoint of the same data, network and options, found one with network.widths [2,3] instead of [2,4], optimizer.lr 0.05 instead of 0.01');
    await expect(again({ set: ['training.epochs=1', 'name=renamed', 'augment.rotate=5'] })).rejects.toThrow('found one of the recipe two-tags, with augment.rotate not set instead of 5');
    const moved = join(folder, 'moved');
    for (const group of ['a', 'b', 'c']) cpSync(join(folder, group), join(moved, group), { recursive: true });
    writeFileSync(join(moved, 'classes.json'), readFileSync(join(folder, 'classes.json')));
    const before = readdirSync(first.output).sort();
    writeFileSync(join(moved, 'a', 'images', 'p3.png'), readFileSync(join(moved, 'a', 'images', 'p2.png')));
    writeFileSync(join(moved, 'a', 'masks', 'p3.png'), readFileSync(join(moved, 'a', 'masks', 'p2.png')));
    await expect(again({ data: moved })).rejects.toThrow(`found one of other data: of ${folder} instead of ${moved}, 6 samples instead of 7`);
    expect(stages).toEqual([]);
    expect(readdirSync(first.output).sort()).toEqual(before);

    // A copy of the data with the dates of today is the same data; so much as one pixel makes it other data.
    for (const part of ['images', 'masks']) rmSync(join(moved, 'a', part, 'p3.png'));
    const bytes = readFileSync(join(moved, 'b', 'images', 'p1.png'));
    const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
    data[100]! ^= 1;
    await sharp(data, { raw: info }).png({ compressionLevel: 0 }).toFile(join(moved, 'b', 'images', 'p1.png'));
    await expect(again({ data: moved })).rejects.toThrow(`found one of other data: of ${folder} instead of ${moved}`);
    writeFileSync(join(moved, 'b', 'images', 'p1.png'), bytes);
    stages.length = 0;
    expect(await again({ data: moved })).toMatchObject({ epochs: 1 });
    expect(stages).toContain('decode');
  });

  it('refuses what is wrong in any stage of a recipe before data are read, and leaves no folder behind', async () => {
    const text = `${TAGS}stages:\n  - { name: first }\n  - { name: second, freeze: [stem] }\n`;
    const ask = (set: readonly string[]): Promise<unknown> => train({ ...options('staged', text, ['training.epochs=1', ...set]), data: join(folder, 'nowhere') });
    await expect(ask(['stages.second.freeze=[convolutions]'])).rejects.toThrow('stages.second.freeze: expected a stage of resnet-chips, a layer, or a pattern that fits some, found convolutions');
    await expect(ask(['stages.second.lr={stem: 0.1}'])).rejects.toThrow('expected a rate for every trained layer');
    await expect(ask(['stages.second.freeze=["*"]'])).rejects.toThrow('expected layers that are trained in stage second, found all frozen');
    await expect(ask(['network.batch_norm=true'])).rejects.toThrow('network.batch_norm: expected options that resnet-chips takes');
    await expect(ask(['network.weights=rsnet50'])).rejects.toMatchObject({ advice: 'did you mean resnet50?' });
    await expect(ask(['stages.second.freeze=[]'])).rejects.toThrow('nowhere');
    expect(existsSync(join(folder, 'out-staged'))).toBe(false);
  });

  it('refuses what does not fit the data before anything is decoded, with the key, and leaves no folder behind', async () => {
    const stages: string[] = [];
    const data = join(folder, 'three');
    for (const group of ['a', 'b', 'c']) cpSync(join(folder, group), join(data, group), { recursive: true });
    writeFileSync(join(data, 'classes.json'), readFileSync(join(folder, 'classes.json')));
    const ask = (text: string, set: readonly string[]): Promise<unknown> => train({ ...options('unfit', text, ['training.epochs=1', ...set]), data }, { onProgress: ({ stage }) => stages.push(stage) });
    await expect(ask(TAGS, ['split.validation=[B]'])).rejects.toMatchObject({ message: 'split.validation: expected groups of the data (a, b, c), found B', advice: 'did you mean b?' });
    await expect(ask(MAPS, ['split.test=[z]'])).rejects.toThrow('split.test: expected groups of the data (a, b, c), found z');
    await expect(ask(MAPS, ['split={validation: [a, b], test: [c]}'])).rejects.toThrow('split: expected pictures to train on, found all of them kept apart');
    await expect(ask(MAPS, ['loss.class_weights={Brigth: 2}'])).rejects.toMatchObject({ message: 'loss.class_weights: expected classes of the data (Dark, Bright), found Brigth', advice: 'did you mean Bright?' });
    await expect(ask(MAPS, ['card.colors={Unlabeled: "#000000", Dim: "#ffffff"}'])).rejects.toThrow('card.colors: expected classes of the data (Dark, Bright, Unlabeled), found Dim');
    await expect(ask(MAPS, ['data.leave_out=[Nothing]'])).rejects.toThrow('expected a class Nothing to leave out, found Dark, Bright, Unlabeled');
    await expect(ask(MAPS, ['training.calibrate=true', 'split={}', 'split.validation=0', 'split.test=0.2'])).rejects.toThrow('training.calibrate: expected pictures to choose on (split.validation) with true, found none');
    await expect(ask(MAPS, ['training.patch=9'])).rejects.toMatchObject({ message: 'training.patch: expected a multiple of 2 pixels, which this unet halves to whole numbers, found 9', advice: 'take 10' });
    expect(stages).toEqual([]);
    // Only the decoded pictures tell these.
    await expect(ask(MAPS, ['training.patch=64'])).rejects.toThrow('training.patch: expected at most 11 pixels, which the largest square in the pictures to train on, reduced by 2, has, found 64');
    await expect(ask(TAGS, ['training.batch=1000'])).rejects.toThrow(/training\.batch: expected at most the \d+ chips that are trained on, found 1000/);
    await expect(ask(TAGS, ['data.chip=24'])).rejects.toThrow('expected pictures of at least 24 pixels (data.chip) with classes in them, found none');
    expect(existsSync(join(folder, 'out-unfit'))).toBe(false);
  });

  it('refuses a chip size of dataset.yaml that does not fit the network, and weights of another network or number of classes', async () => {
    const data = join(folder, 'described');
    mkdirSync(data);
    writeFileSync(join(data, 'dataset.yaml'), `scenes: [{ scene: ../a/images/p1.png, truth: ../a/masks/p1.png }]\nclasses: ${join('..', 'classes.json')}\nchip: 10\n`);
    const undescribed = TAGS.replace(/^data: .*$/m, 'data: {}');
    await expect(train({ ...options('described', undescribed, ['split={}']), data })).rejects.toThrow("data.chip: expected a multiple of the network's input of 4 pixels, so that chips are reduced by a whole factor, found 10");
    expect(existsSync(join(folder, 'out-described'))).toBe(false);

    const earlier = await train(options('earlier', MAPS, ['training.epochs=1', 'training.steps=1']));
    const from = [`training.start_from=${join(earlier.output, 'layers')}`, 'training.epochs=1', 'training.steps=1'];
    await expect(train(options('later', MAPS, [...from, 'network.widths=[2, 4]']))).rejects.toThrow(/^training\.start_from: expected weights of the recipe's network \(unet\), found .* of 3 × 3 × 2 × 3 in .* where it has .* of 3 × 3 × 2 × 4$/);
    await expect(train(options('later', MAPS, [...from, 'data.leave_out=[]']))).rejects.toThrow("training.start_from: expected a network of the data's 3 classes (Dark, Bright, Unlabeled), found one of 2");
    expect(existsSync(join(folder, 'out-later'))).toBe(false);
    expect((await train(options('later', MAPS, from))).epochs).toBe(1);
  });

  it('refuses stages whose sizes change what the weights are', async () => {
    const text = `${TAGS.replace(/network: .*/, 'network: { architecture: vgg3, size: 8, head: { pool: flatten } }')}stages:\n  - { name: small }\n  - { name: large, size: 16 }\n`;
    await expect(train({ ...options('growing', text, ['data.chip=16']), data: join(folder, 'nowhere') })).rejects.toThrow('stages.large.size: expected 8 pixels in every stage, since the weights behind network.head.pool flatten depend on the size, found 16');
  });

  it('says first that it goes on, and counts only what is left', async () => {
    const seen: [string, number, string | undefined][] = [];
    const run = options('going-on', MAPS, ['training.epochs=3', 'training.steps=1']);
    const controller = new AbortController();
    await expect(train(run, { signal: controller.signal, onProgress: ({ stage, done }) => { if (stage === 'train' && done === 2) controller.abort(); } })).rejects.toThrow('interrupted');
    await train(run, { onProgress: ({ stage, done, detail }) => seen.push([stage, done, detail]) });
    expect(seen[0]).toEqual(['train', 2, 'going on after epoch 2 of an earlier run']);
    expect(seen.filter(([stage]) => stage === 'train').map(([, done]) => done)).toEqual([2, 2, 3]);
    await train(run, { onProgress: ({ stage, done, detail }) => seen.push([stage, done, detail]) });
    expect(seen.some(([, , detail]) => detail === 'all epochs were done by an earlier run: its model is written again')).toBe(true);
  });

  it('says which samples of different parts show the same ground', async () => {
    // Detailed ground that two folders share: the second picture lies 20 pixels further.
    const random = seededRandom(9);
    const ground = Float64Array.from({ length: 100 * 80 }, () => random() * 255);
    const data = join(folder, 'sharing');
    for (const [group, dx] of [['a', 0], ['b', 20], ['c', 0]] as const) {
      mkdirSync(join(data, group, 'images'), { recursive: true });
      mkdirSync(join(data, group, 'masks'), { recursive: true });
      const pixels = Buffer.from(Array.from({ length: 80 * 80 * 3 }, (_, at) => { const i = Math.floor(at / 3); return group === 'c' ? random() * 255 : ground[Math.floor(i / 80) * 100 + (i % 80) + dx]!; }));
      await sharp(pixels, { raw: { width: 80, height: 80, channels: 3 } }).png().toFile(join(data, group, 'images', 'p.png'));
      await sharp({ create: { width: 80, height: 80, channels: 3, background: { r: 10, g: 20, b: 30 } } }).png().toFile(join(data, group, 'masks', 'p.png'));
    }
    writeFileSync(join(data, 'classes.json'), readFileSync(join(folder, 'classes.json')));
    const notes: string[] = [];
    const context = { onProgress: ({ stage, detail }: { stage: string; detail?: string }): void => { if (stage === 'split') notes.push(detail ?? ''); } };
    await train({ ...options('sharing-run', MAPS, ['training.epochs=1', 'training.steps=1', 'network.reduce=1', 'data.leave_out=[]']), data }, context);
    expect(notes).toEqual([expect.stringContaining('note: 1 pair of samples of different parts show the same ground, so scores are too good: a/p and b/p (they look alike where laid over each other)')]);
  });

  it('says when samples are too many to be compared', async () => {
    const data = join(folder, 'many');
    for (const [group, count] of [['a', 46], ['b', 22], ['c', 1]] as const) {
      for (const kind of ['images', 'masks']) mkdirSync(join(data, group, kind), { recursive: true });
      for (let i = 0; i < count; i++) {
        const background = { r: i, g: group.charCodeAt(0), b: 30 };
        await sharp({ create: { width: 16, height: 16, channels: 3, background } }).png().toFile(join(data, group, 'images', `p${i}.png`));
        await sharp({ create: { width: 16, height: 16, channels: 3, background: { r: 10, g: 20, b: 30 } } }).png().toFile(join(data, group, 'masks', `p${i}.png`));
      }
    }
    writeFileSync(join(data, 'classes.json'), readFileSync(join(folder, 'classes.json')));
    const notes: string[] = [];
    const context = { onProgress: ({ stage, detail }: { stage: string; detail?: string }): void => { if (stage === 'split') notes.push(detail ?? ''); } };
    await train({ ...options('many-run', MAPS, ['training.epochs=1', 'training.steps=1', 'network.reduce=1', 'data.leave_out=[]']), data }, context);
    // 46 · 22 + 46 + 22
    expect(notes).toEqual(['note: samples without a known place (1,080 pairs, more than 1,000): whether those of different parts overlap was not looked at; dataset split compares more']);
  });

  it('reports all faults of the data at once, before training', async () => {
    const other = join(folder, 'faulty');
    mkdirSync(join(other, 'images'), { recursive: true });
    mkdirSync(join(other, 'masks'), { recursive: true });
    writeFileSync(join(other, 'classes.json'), readFileSync(join(folder, 'classes.json')));
    const flat = (width: number, value: number) => sharp({ create: { width, height: 8, channels: 3, background: { r: value, g: 20, b: 30 } } }).png();
    await flat(8, 10).toFile(join(other, 'images', 'size.png'));
    await flat(9, 10).toFile(join(other, 'masks', 'size.png'));
    await flat(8, 10).toFile(join(other, 'images', 'colour.png'));
    await flat(8, 77).toFile(join(other, 'masks', 'colour.png'));
    await flat(8, 10).toFile(join(other, 'images', 'alone.png'));
    writeFileSync(join(other, 'images', 'broken.png'), 'no picture');
    await flat(8, 10).toFile(join(other, 'masks', 'broken.png'));
    await expect(train({ ...options('faulty-run', MAPS, ['split={}']), data: other })).rejects.toThrow(
      /1 × picture without a mask \(images\/alone\.png\); 1 × file that cannot be decoded \(images\/broken\.png: .+\); 1 × colour of no class \(masks\/colour\.png: #4d141e in 64 pixels\); 1 × mask of another size \(images\/size\.png: picture 8×8, mask 9×8\)/,
    );
  });
});
