import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classify, type ClassifyResult } from '../../src/tasks/classify.js';
import { embed } from '../../src/tasks/embed.js';
import { importModel } from '../../src/tasks/models.js';
import { PUBLIC_WEIGHTS, type PublicWeights } from '../../src/tasks/models/catalogue.js';
import { pullModel } from '../../src/tasks/models/pull.js';
import { train } from '../../src/tasks/train.js';
import { loadLayers, loadTensorflow } from '../../src/train/index.js';
import { readWeights } from '../../src/weights/index.js';
import { weightsServer } from '../download/weights-server.js';
import { hasShared, root, scratch, shared } from '../places.js';

const folder = scratch();
const PHOTO = join(shared, 'weights', 'photo_chelsea_cat_224.png');

/** Weights of SqueezeNet by torchvision's names with zeros and some ones, as a safetensors file. */
function madeUpFile(): string {
  const { tensors } = JSON.parse(readFileSync(join(root, 'fixtures/mappings/torchvision-squeezenet.json'), 'utf8')) as { tensors: [string, number[], number, number][] };
  const header: Record<string, object> = {};
  let at = 0;
  for (const [name, shape] of tensors) {
    const bytes = shape.reduce((a, b) => a * b, 4);
    header[name] = { dtype: 'F32', shape, data_offsets: [at, at + bytes] };
    at += bytes;
  }
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const values = Float32Array.from({ length: at / 4 }, (_, i) => (i % 97) / 970);
  const file = join(folder, 'squeezenet-made.safetensors');
  writeFileSync(file, Buffer.concat([length, text, Buffer.from(values.buffer)]));
  return file;
}

const made = madeUpFile();
const entry: PublicWeights = {
  name: 'made-up', architecture: 'squeezenet', description: 'SqueezeNet of nobody', url: 'http://127.0.0.1:59997/squeezenet-made.safetensors', top: true, license: 'CC0',
  checksum: { algorithm: 'sha256', digest: createHash('sha256').update(readFileSync(made)).digest('hex').slice(0, 8) },
};
const labels = join(folder, 'ten.txt');
writeFileSync(labels, Array.from({ length: 10 }, (_, i) => `kind ${i}`).join('\n'));
/** What the pretrained SqueezeNet of Caffe wants; its README says so. */
const caffe = join(folder, 'caffe.json');
writeFileSync(caffe, JSON.stringify({ input: { bands: ['blue', 'green', 'red'], value_scaling: { mean: [104, 117, 123] } } }));

describe('weights by name', () => {
  it('become a model folder with layers to train on from, and say what was assumed', async () => {
    const output = join(folder, 'made');
    const { card, notes } = await importModel({ file: made, architecture: 'squeezenet', labels, output });
    expect(readdirSync(output).sort()).toEqual(['card.json', 'layers', 'model.onnx']);
    expect(readdirSync(join(output, 'layers')).sort()).toEqual(['model.json', 'weights.bin']);
    expect(card).toMatchObject({
      name: 'squeezenet-made', task: 'classification', input: { shape: [-1, 224, 224, 3], bands: ['red', 'green', 'blue'], value_scaling: { scale: 1 / 255, mean: [0.485, 0.456, 0.406], stddev: [0.229, 0.224, 0.225] } },
      output: { features: { name: 'features', dimensions: 512 } },
    });
    expect(card.output.classes.map(({ name }) => name)).toEqual(Array.from({ length: 10 }, (_, i) => `kind ${i}`));
    expect(notes.join()).toContain("52 tensors by the names of torchvision,samples go in as torchvision's own weights expect them (torch)");
  });

  it('that do not fit, and options that mean nothing, are refused before anything is written', async () => {
    const output = join(folder, 'unfit');
    const ask = (over: object): Promise<unknown> => importModel({ file: made, architecture: 'squeezenet', output, ...over });
    await expect(ask({ architecture: 'resnet50' })).rejects.toThrow(/squeezenet-made\.safetensors: expected the weights of resnet50, such as conv1_conv\/kernel \(keras\) or conv1\.weight \(torchvision\), found features\.0\.weight/);
    await expect(ask({ architecture: 'squeezenett' })).rejects.toMatchObject({ exitCode: 2, advice: 'did you mean squeezenet?' });
    await expect(ask({ normalization: 'tf' })).rejects.toThrow('--normalization: expected one of none, unit, signed, caffe, torch, found tf');
    await expect(ask({ size: 12 })).rejects.toThrow('--size: expected at least 21 pixels for squeezenet, found 12');
    await expect(ask({ labels: 'imagenet' })).rejects.toThrow('imagenet: expected names of 10 classes, as the weights have, found 1000');
    await expect(importModel({ file: join(root, 'fixtures/predict/crop2.onnx'), normalization: 'torch' })).rejects.toThrow('--normalization: is for weights of an --architecture only');
    expect(existsSync(output)).toBe(false);
  });
});

describe('models pull', () => {
  it('knows addresses and checksums of VGG-16, VGG-19 and ResNet-50 of three libraries', () => {
    const names = PUBLIC_WEIGHTS.map(({ name }) => name);
    for (const name of ['vgg16', 'vgg16-notop', 'vgg19', 'vgg19-notop', 'resnet50', 'resnet50-notop', 'vgg16-torchvision', 'vgg19-torchvision', 'resnet50-torchvision', 'resnet50-timm']) expect(names).toContain(name);
    expect(PUBLIC_WEIGHTS.every(({ checksum }) => /^([0-9a-f]{8}|[0-9a-f]{32})$/.test(checksum.digest))).toBe(true);
  });

  it('fetches once, checks, makes a model; or takes a file at hand; or says what to do', async () => {
    const server = await weightsServer();
    server.files.set('mirror.safetensors', readFileSync(made));
    // The file has ten classes, the catalogue's have ImageNet's: without a classifier no names are asked for.
    const catalogue = [{ ...entry, top: false }];
    const cache = join(folder, 'cache');
    const ask = (over: object): ReturnType<typeof pullModel> => pullModel({ model: 'made-up', cache, output: join(folder, 'pulled'), overwrite: true, ...over }, {}, catalogue);
    await expect(ask({})).rejects.toMatchObject({ exitCode: 4, advice: expect.stringContaining('give it with --from') as string });
    const first = await ask({ url: `${server.url}/mirror.safetensors` });
    expect(first).toMatchObject({ file: join(cache, 'weights', 'squeezenet-made.safetensors'), fetchedBytes: readFileSync(made).length, card: { name: 'made-up', license: 'CC0', description: 'SqueezeNet of nobody' } });
    expect((await ask({})).fetchedBytes).toBe(0);
    expect(server.requests.length).toBe(1);
    writeFileSync(first.file, 'other');
    await expect(ask({})).rejects.toThrow('expected the weights that were fetched before, found a changed file');
    expect((await ask({ from: made })).file).toBe(first.file);
    expect(readFileSync(first.file).equals(readFileSync(made))).toBe(true);
    await expect(ask({ from: labels })).rejects.toThrow(/ten\.txt: expected the file whose sha256 begins with/);
    await expect(pullModel({ model: 'vgg61' })).rejects.toMatchObject({ exitCode: 2 });
  });
});

describe('a recipe that names weights of models pull', () => {
  const catalogue = [{ ...entry, top: false }];
  const recipe = join(folder, 'named.yaml');
  const data = join(folder, 'named-data');
  const before = process.env['TILEWRIGHT_CACHE'];
  beforeAll(async () => {
    process.env['TILEWRIGHT_CACHE'] = join(folder, 'named-cache');
    for (const name of ['dark', 'light']) {
      mkdirSync(join(data, name), { recursive: true });
      for (let i = 0; i < 4; i++) await sharp({ create: { width: 24, height: 24, channels: 3, background: { r: name === 'dark' ? 20 + i : 220 - i, g: 90, b: 60 } } }).png().toFile(join(data, name, `${name}${i}.png`));
    }
    writeFileSync(recipe, [
      'name: named', 'task: classifier', 'data: { class_folders: true }', 'split: { validation: 0.25, test: 0.25 }', 'network: { architecture: squeezenet, size: 24, normalization: torch, head: { pool: average }, weights: made-up }',
      'training: { epochs: 1, batch: 4 }', 'optimizer: { name: sgd, lr: 0.001 }', 'augment: { turns: false }', 'stages: [{ name: head, freeze: [conv1, "fire*"] }]', 'card: { license: CC0-1.0 }', '',
    ].join('\n'));
  });
  afterAll(() => { if (before === undefined) delete process.env['TILEWRIGHT_CACHE']; else process.env['TILEWRIGHT_CACHE'] = before; });

  it('is refused with the command that gets them, then finds them in the cache and begins with them', async () => {
    const options = { recipe, data, output: join(folder, 'named-out') };
    await expect(train(options, {}, catalogue)).rejects.toMatchObject({ exitCode: 3, advice: expect.stringContaining('tilewright models pull made-up, or from a file at hand with --from') as string });
    expect(existsSync(options.output)).toBe(false);
    const server = await weightsServer();
    server.files.set('mirror.safetensors', readFileSync(made));
    await pullModel({ model: 'made-up', url: `${server.url}/mirror.safetensors`, output: join(folder, 'named-pulled') }, {}, catalogue);
    const { output, card } = await train(options, {}, catalogue);
    expect(card.architecture).toContain('SqueezeNet');
    // Frozen layers are those of the file; torchvision's kernels are [out, in, height, width].
    const { tf } = await loadTensorflow();
    const network = await loadLayers(tf, join(output, 'layers'));
    const kernel = network.getLayer('fire9_squeeze1x1').getWeights()[0]!;
    const tensors = await readWeights(made);
    const theirs = await tensors.tensors.find(({ name }) => name === 'features.12.squeeze.weight')!.floats();
    const [, , inputs, filters] = kernel.shape as [number, number, number, number];
    const ours = kernel.dataSync();
    for (const [input, filter] of [[0, 0], [3, 5], [inputs - 1, filters - 1]] as const) expect(ours[input * filters + filter]).toBeCloseTo(theirs[filter * inputs + input]!, 6);
    await tensors.close();
    writeFileSync(join(folder, 'named-cache', 'weights', 'squeezenet-made.safetensors'), 'changed');
    await expect(train({ ...options, output: join(folder, 'named-again') }, {}, catalogue)).rejects.toThrow('expected the weights that were fetched before, found a changed file');
  });
});

describe.skipIf(!hasShared('weights/squeezenet1_1_statedict_zip.pth'))('the pretrained SqueezeNet', () => {
  const reference = JSON.parse(hasShared('weights/REFERENCE_OUTPUTS.json') ? readFileSync(join(shared, 'weights', 'REFERENCE_OUTPUTS.json'), 'utf8') : '{"entries":[]}') as {
    readonly entries: readonly { readonly file: string; readonly results: { readonly photo: { readonly top5: readonly { readonly index: number; readonly class: string; readonly score: number }[] } } }[];
  };
  /** Probabilities of the five likeliest classes of the photo, by Keras. */
  const expected = reference.entries.find(({ file }) => file === 'squeezenet1_1.keras')?.results.photo.top5 ?? [];

  it.each(['squeezenet1_1_statedict_zip.pth', 'squeezenet1_1.keras'])('of %s names the cat, with the scores of Keras', async (file) => {
    const output = join(folder, `cat-${file.split('.').at(-1)!}`);
    await importModel({ file: join(shared, 'weights', file), architecture: 'squeezenet', labels: 'imagenet', card: caffe, output });
    const { top } = await classify({ input: PHOTO, model: output, output: `${output}-tags`, top: 5 }) as ClassifyResult;
    expect(top?.[0]?.tags.map(({ name }) => name)).toEqual(['Egyptian cat', 'tiger cat', 'tabby', 'lynx', 'cheetah']);
    expect(expected.map((item) => item.class.replaceAll('_', ' '))).toEqual(top?.[0]?.tags.map(({ name }) => name));
    top?.[0]?.tags.forEach(({ score }, place) => expect(Math.abs(score - expected[place]!.score)).toBeLessThan(1e-4));
  });

  it('gives features to embed', async () => {
    const output = join(folder, 'cat-pth');
    const index = join(folder, 'cats');
    await embed({ inputs: [PHOTO], model: output, index });
    const session = await ort.InferenceSession.create(join(output, 'model.onnx'));
    expect(session.outputNames).toEqual(['scores', 'features']);
    await session.release();
    expect(existsSync(index)).toBe(true);
  });

  it('tells no more likeliest tags than there are', async () => {
    await expect(classify({ input: PHOTO, model: join(folder, 'cat-pth'), output: join(folder, 'none'), top: 1001 })).rejects.toThrow('--top: expected from 1 to 1000, the tags of the model, found 1001');
  });
});
