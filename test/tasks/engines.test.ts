import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { findArchitecture, type NetworkOptions, type Tensorflow } from '../../models/architectures/index.js';
import { createCog } from '../../src/cog/index.js';
import { crsFromEpsg } from '../../src/georef/index.js';
import { loadModel } from '../../src/predict/index.js';
import { openScene } from '../../src/scene/index.js';
import { classify } from '../../src/tasks/classify.js';
import { doctor } from '../../src/tasks/doctor.js';
import { embed } from '../../src/tasks/embed.js';
import { openEngine } from '../../src/tasks/engines/open.js';
import { segment } from '../../src/tasks/segment.js';
import { TENSORFLOW_FOLDER_VARIABLE, exportOnnx, saveLayers } from '../../src/train/index.js';
import { scratch } from '../places.js';
import { readCsv } from '../chips/read-csv.js';
import { nativeTensorflow, plainTensorflow } from '../train/engines.js';
import { themeModel } from './theme-models.js';

const folder = scratch();
let made = 0;
const fresh = (name: string): string => join(folder, `${made++}-${name}`);

const native = await nativeTensorflow();
const skipped = native === undefined ? ' (skipped: the native engine is not installed, npm run setup:tensorflow)' : '';
let tf: Tensorflow;
beforeAll(async () => { tf = native ?? await plainTensorflow(); });

/** A model folder as training writes it, with made-up weights. */
async function modelFolder(architecture: string, options: Partial<NetworkOptions>, card: { readonly input?: object; readonly output?: object; readonly task: string }): Promise<string> {
  const network = findArchitecture(architecture)!.build(tf, { outputs: 3, normalization: 'signed', ...options });
  const place = fresh(architecture);
  mkdirSync(place);
  writeFileSync(join(place, 'model.onnx'), exportOnnx({ name: architecture, outputs: { scores: network.scores, ...(network.features === undefined ? {} : { features: network.features }) } }));
  await saveLayers(tf, network.scores, join(place, 'layers'));
  const size = options.size ?? -1;
  const features = network.features?.outputs[0]?.shape[1];
  writeFileSync(join(place, 'card.json'), JSON.stringify({
    card_version: 1, name: architecture, task: card.task, file: 'model.onnx', input: { name: 'image', bands: ['red', 'green', 'blue'], dim_order: 'bhwc', shape: [-1, size, size, 3], data_type: 'uint8', ...card.input },
    output: {
      name: 'scores', dim_order: card.task === 'semantic-segmentation' ? 'bchw' : 'bc', activation: 'none', classes: ['a', 'b', 'c'].map((name, value) => ({ value, name, color_hint: '#808080' })),
      ...(features === undefined || features === null ? {} : { features: { name: 'features', dimensions: features } }), ...card.output,
    },
  }));
  return place;
}

function noise(count: number): Uint8Array {
  let state = 5;
  return Uint8Array.from({ length: count }, () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24);
}

async function writeScene(width: number, height: number): Promise<string> {
  const path = fresh('scene.tif');
  const writer = await createCog({ width, height, bands: 3, dtype: 'uint8', scratch: `${path}.scratch`, transform: [500_000, 2, 0, 4_000_000, 0, -2], crs: crsFromEpsg(32633)! });
  await writer.write(noise(width * height * 3), height);
  await writer.finish(path);
  await writer.abort();
  return path;
}

async function read(path: string): Promise<ArrayLike<number>> {
  const scene = await openScene(path);
  const { data } = await scene.read({ x: 0, y: 0, width: scene.profile.width, height: scene.profile.height });
  await scene.close();
  return data;
}

function farthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs(a[i]! - b[i]!));
  return most;
}

describe(`the engine tensorflow${skipped}`, () => {
  const run = native === undefined ? it.skip : it;

  run.each([
    ['unet', { widths: [4, 6, 8], batchNorm: true, normalization: 'none' }, { task: 'semantic-segmentation' }, 48, ['scores', 'classes']],
    ['resnet-chips', { size: 24, widths: [4, 6], blocks: [1, 1], activation: 'sigmoid', normalization: 'none' }, { task: 'multi-label-classification' }, 24, ['scores', 'features']],
    ['resnet-chips', { size: 24, widths: [4, 6], blocks: [1, 1], normalization: 'none' }, { task: 'classification', input: { window: 48 } }, 48, ['scores', 'features']],
    ['resnet-chips', { size: 24, widths: [4, 6], blocks: [1, 1], normalization: 'none' }, { task: 'classification', input: { window: 60 } }, 60, ['scores']],
    ['vgg3-dropout', { size: 16, width: 0.1, normalization: 'unit' }, { task: 'classification' }, 16, ['scores', 'features']],
    ['resnet50', { size: 32, width: 1 / 32, variant: 'torch', head: { pool: 'average-max', dense: [8], dropout: [0.25, 0.5], batchNorm: true } }, { task: 'classification' }, 32, ['scores', 'features']],
  ] as const)('gives the numbers of onnxruntime within 1e-4: %s %j %j', async (architecture, options, card, edge, outputs) => {
    const model = await loadModel(await modelFolder(architecture, options, card));
    const data = noise(2 * edge * edge * 3);
    const answers = [];
    for (const engine of ['onnxruntime', 'tensorflow'] as const) {
      const predictor = await openEngine(model, { engine, outputs, patch: { width: edge, height: edge }, threads: 1 });
      answers.push(await predictor.predict({ data: data.slice(), count: 2, width: edge, height: edge, bands: 3 }));
      expect(predictor.device).toMatch(engine === 'tensorflow' ? /^tensorflow \((cpu|gpu)\)$/ : /^cpu$/);
      await predictor.close();
    }
    const [onnx, layers] = answers;
    expect([layers!.width, layers!.height]).toEqual([onnx!.width, onnx!.height]);
    expect(farthest(layers!.scores!, onnx!.scores!)).toBeLessThan(1e-4);
    if (onnx!.features !== undefined) expect(farthest(layers!.features!, onnx!.features)).toBeLessThan(1e-4 * Math.max(1, ...onnx!.features));
    if (onnx!.classes !== undefined) expect(layers!.classes!.filter((id, i) => id !== onnx!.classes![i]).length).toBeLessThan(onnx!.classes.length / 1000);
  });

  run('gives the vectors of a network that ends with them, as imports without a classifier do', async () => {
    const { features } = findArchitecture('resnet-chips')!.build(tf, { outputs: 3, normalization: 'none', size: 24, widths: [4, 6], blocks: [1, 1] });
    const place = fresh('features');
    mkdirSync(place);
    writeFileSync(join(place, 'model.onnx'), exportOnnx({ name: 'features', outputs: { features: features! } }));
    await saveLayers(tf, features!, join(place, 'layers'));
    writeFileSync(join(place, 'card.json'), JSON.stringify({
      card_version: 1, name: 'features', task: 'embedding', file: 'model.onnx', input: { name: 'image', bands: ['red', 'green', 'blue'], dim_order: 'bhwc', shape: [-1, 24, 24, 3], data_type: 'uint8' },
      output: { name: 'features', dim_order: 'bc', activation: 'none', classes: [], features: { name: 'features', dimensions: 6 } },
    }));
    const model = await loadModel(place);
    const vectors = [];
    for (const engine of ['onnxruntime', 'tensorflow'] as const) {
      const predictor = await openEngine(model, { engine, outputs: ['features'], patch: { width: 24, height: 24 }, threads: 1 });
      vectors.push((await predictor.predict({ data: noise(2 * 24 * 24 * 3), count: 2, width: 24, height: 24, bands: 3 })).features!);
      await predictor.close();
    }
    expect(vectors[0]!.length).toBe(12);
    expect(farthest(vectors[1]!, vectors[0]!)).toBeLessThan(1e-4 * Math.max(1, ...vectors[0]!));
  });

  run('makes the maps, tags and vectors that onnxruntime makes', async () => {
    const scene = await writeScene(200, 150);
    const maps = await modelFolder('unet', { widths: [4, 6, 8], normalization: 'none' }, { task: 'semantic-segmentation', input: { multiple_of: 4 } });
    const [one, other] = [fresh('a.tif'), fresh('b.tif')];
    const probabilities = [fresh('pa.tif'), fresh('pb.tif')] as const;
    await segment({ scene, model: maps, output: one, patchSize: 64, overlap: 16, probabilities: probabilities[0] });
    const result = await segment({ scene, model: maps, output: other, patchSize: 64, overlap: 16, probabilities: probabilities[1], engine: 'tensorflow' });
    expect(result).toMatchObject({ device: expect.stringContaining('tensorflow') as string, precision: 'float32' });
    // Bytes are probability × 255: one step where a value lies between two.
    expect(farthest(await read(probabilities[0]), await read(probabilities[1]))).toBeLessThanOrEqual(1);
    const [mapA, mapB] = [await read(one), await read(other)];
    expect(Array.from(mapA).filter((id, i) => id !== mapB[i]).length).toBeLessThan(mapA.length / 1000);

    const chips = await modelFolder('vgg3', { size: 16, width: 0.1, normalization: 'unit' }, { task: 'classification' });
    const tables = [fresh('tags'), fresh('tags')] as const;
    await classify({ input: scene, model: chips, output: tables[0], tables: ['csv'] });
    await classify({ input: scene, model: chips, output: tables[1], tables: ['csv'], engine: 'tensorflow' });
    expect(farthest(await read(join(tables[0], 'probabilities.tif')), await read(join(tables[1], 'probabilities.tif')))).toBeLessThan(1e-4);
    expect(readCsv(readFileSync(join(tables[1], 'chips.csv'), 'utf8')).length).toBe(readCsv(readFileSync(join(tables[0], 'chips.csv'), 'utf8')).length);

    const index = fresh('index');
    await embed({ inputs: [scene], model: chips, index });
    const again = (await embed({ inputs: [await writeScene(64, 64)], model: chips, index, append: true, engine: 'tensorflow' })) as { readonly added: number };
    expect(again.added).toBe(16);
  });
});

describe('--engine tensorflow refuses with one line', () => {
  it('models without layers, and options that are of the ONNX form', async () => {
    const scene = await writeScene(40, 40);
    const theme = themeModel(tf, folder, { architecture: 'theme-cnn', size: 20, width: 0.2 });
    await expect(classify({ input: scene, model: theme, output: fresh('tags'), engine: 'tensorflow' })).rejects.toThrow(/has no layers beside its graph \(layers\/model\.json\)/);
    await expect(segment({ scene, model: theme, output: fresh('map.tif'), stride: 1, engine: 'tensorflow' })).rejects.toMatchObject({ exitCode: 2, message: expect.stringMatching(/^--stride: /) as string });
    await expect(classify({ input: scene, model: theme, output: fresh('tags'), engine: 'tensorflow', device: 'cuda' })).rejects.toMatchObject({ exitCode: 2, message: expect.stringMatching(/^--device: /) as string });
    await expect(classify({ input: scene, model: theme, output: fresh('tags'), engine: 'tensorflow', precision: 'int8' })).rejects.toThrow(/^--precision: /);
    await expect(embed({ inputs: [scene], model: theme, index: fresh('index'), engine: 'tensorflow', layer: 'x' })).rejects.toThrow(/^--layer: /);
  });

  it('a machine without TensorFlow, and says what to do', async () => {
    const before = process.env[TENSORFLOW_FOLDER_VARIABLE];
    process.env[TENSORFLOW_FOLDER_VARIABLE] = fresh('nothing');
    try {
      const { training, engines } = await doctor();
      // Where the official package is in node_modules there is nothing to refuse.
      if (training.engine !== 'javascript') return;
      expect(engines).toMatchObject({ tensorflow: { usable: false, advice: expect.stringContaining('setup:tensorflow') as string } });
      const model = await modelFolder('vgg3', { size: 16, width: 0.1 }, { task: 'classification' });
      const refused = classify({ input: await writeScene(40, 40), model, output: fresh('tags'), engine: 'tensorflow' });
      await expect(refused).rejects.toMatchObject({ exitCode: 4, message: expect.stringMatching(/^the engine tensorflow is not here: .*not installed/) as string, advice: expect.stringContaining('npm run setup:tensorflow') as string });
    } finally {
      if (before === undefined) delete process.env[TENSORFLOW_FOLDER_VARIABLE];
      else process.env[TENSORFLOW_FOLDER_VARIABLE] = before;
    }
  });

  it('layers that are damaged', async () => {
    if (native === undefined) return;
    const model = await modelFolder('vgg3', { size: 16, width: 0.1 }, { task: 'classification' });
    rmSync(join(model, 'layers/weights.bin'));
    await expect(classify({ input: await writeScene(40, 40), model, output: fresh('tags'), engine: 'tensorflow' })).rejects.toMatchObject({ exitCode: 3, message: expect.stringMatching(/its layers in .* cannot be read/) as string });
  });
});
