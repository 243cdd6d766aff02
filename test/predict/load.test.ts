import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ModelCard } from '../../src/card/index.js';
import { ModelError } from '../../src/errors.js';
import { decodeModel, encodeModel } from '../../src/onnx/index.js';
import { loadModel, openPredictor } from '../../src/predict/index.js';
import { hasShared, scratch, shared } from '../places.js';
import { answer, bandsFirst, chipCard, copyOf, fixture, mapCard, patches } from './cards.js';

const folder = scratch();

function write(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function refusal(path: string, card?: ModelCard): Promise<string> {
  const error: unknown = await loadModel(path, card === undefined ? {} : { card }).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(ModelError);
  const { message, advice } = error as ModelError;
  expect(message).not.toContain('\n');
  return advice === undefined ? message : `${message} | ${advice}`;
}

describe('loadModel finds the model and its card', () => {
  it('in a folder, by the card, and beside the ONNX file', async () => {
    const place = join(folder, 'model');
    mkdirSync(place);
    copyFileSync(fixture('identity.onnx'), join(place, 'model.onnx'));
    writeFileSync(join(place, 'card.json'), JSON.stringify(mapCard(3)));
    const [whole, byCard, byFile] = await Promise.all([place, join(place, 'card.json'), join(place, 'model.onnx')].map((path) => loadModel(path)));
    expect(whole?.card).toEqual(mapCard(3));
    expect(byCard?.fingerprint).toBe(whole?.fingerprint);
    expect(byFile?.fingerprint).toBe(whole?.fingerprint);
    expect(whole?.bytes).toBe(readFileSync(fixture('identity.onnx')).length);
  });

  it('in the metadata of the file, and changes its fingerprint with card and weights', async () => {
    const graph = decodeModel(readFileSync(fixture('identity.onnx')), 'identity');
    const withCard = (card: ModelCard): Uint8Array => encodeModel({ ...graph, metadataProps: [{ key: 'tilewright_card', value: JSON.stringify(card) }] });
    const found = await loadModel(write('own.onnx', withCard(mapCard(3))));
    expect(found.cardOrigin).toBe('tilewright');
    const other = await loadModel(write('other.onnx', withCard(mapCard(3, { gsd: 2 }))));
    const doubled = await loadModel(fixture('times_two.onnx'), { card: mapCard(3) });
    const same = await loadModel(fixture('identity.onnx'), { card: mapCard(3) });
    expect(new Set([found, other, doubled, same].map(({ fingerprint }) => fingerprint)).size).toBe(4);
    expect((await loadModel(fixture('identity.onnx'), { card: mapCard(3) })).fingerprint).toBe(same.fingerprint);
  });

  it('and its fingerprints stay where nothing changes that answers and vectors depend on', async () => {
    const card = mapCard(3);
    const load = (more: Partial<ModelCard>): ReturnType<typeof loadModel> => loadModel(fixture('identity.onnx'), { card: { ...card, ...more } });
    const plain = await load({});
    const said = await load({ description: 'd', limits: ['l'], license: 'MIT', scores: [{ metric: 'miou', value: 0.5, on: 'x' }], receptive_field: 3, int8: { file: 'a.onnx', metric: 'miou', value: 1, float32: 1, on: 'x', speedup: 1 }, output: { ...card.output, classes: card.output.classes.map((one) => ({ ...one, color_hint: '#010203' })) } });
    expect([said.fingerprint, said.featuresFingerprint]).toEqual([plain.fingerprint, plain.featuresFingerprint]);
    const renamed = await load({ output: { ...card.output, classes: card.output.classes.map((one) => ({ ...one, name: `${one.name}s` })) } });
    expect(renamed.fingerprint).not.toBe(plain.fingerprint);
    expect(renamed.featuresFingerprint).toBe(plain.featuresFingerprint);
    const scaled = await load({ input: { ...card.input, multiple_of: 2 } });
    expect([scaled.fingerprint === plain.fingerprint, scaled.featuresFingerprint === plain.featuresFingerprint]).toEqual([false, false]);
  });

  it('with weights in a file beside it', async () => {
    const graph = decodeModel(readFileSync(fixture('times_two.onnx')), 'times_two');
    write('weights.bin', new Uint8Array([9, 9, 9, 9, ...new Uint8Array(Float32Array.of(2).buffer)]));
    const apart = (location: string): Uint8Array => encodeModel({ ...graph, graph: { ...graph.graph, initializer: [{ name: 'two', dims: [1], dataType: 1, dataLocation: 1, externalData: [{ key: 'location', value: location }, { key: 'offset', value: '4' }, { key: 'length', value: '4' }] }] } });
    const model = await loadModel(write('apart.onnx', apart('weights.bin')), { card: mapCard(3) });
    const predictor = await openPredictor(model, { outputs: ['scores'] });
    const batch = patches(1, 4, 4);
    expect((await predictor.predict(copyOf(batch))).scores).toEqual(bandsFirst(batch, (value) => 2 * value));
    await predictor.close();
    expect(await refusal(write('gone.onnx', apart('gone.bin')), mapCard(3))).toMatch(/weights are in gone\.bin, which cannot be opened \| put gone\.bin beside the model/);
    expect(await refusal(write('outside.onnx', apart('../weights.bin')), mapCard(3))).toMatch(/outside of the model's folder/);
  });
});

describe('loadModel refuses in one line', () => {
  it('what is no model', async () => {
    expect(await refusal(join(folder, 'nothing-here'))).toMatch(/no model of this name is shipped, and no such file is there/);
    expect(await refusal(write('empty.onnx', ''))).toMatch(/expected an ONNX model, found an empty file/);
    expect(await refusal(write('text.onnx', 'this is not a model\n'))).toMatch(/expected an ONNX model/);
    expect(await refusal(write('pointer.onnx', 'version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 5\n'))).toMatch(/Git LFS pointer/);
    const whole = readFileSync(fixture('constant.onnx'));
    expect(await refusal(write('cut.onnx', whole.subarray(0, whole.length - 20)))).toMatch(/expected an ONNX model/);
    expect(await refusal(write('noise.onnx', Uint8Array.from({ length: 500 }, (_, i) => (i * 89 + 13) % 256)))).toMatch(/expected an ONNX model/);
    expect(await refusal(folder)).toMatch(/the folder has no card\.json/);
    expect(await refusal(write('card.json', '{'))).toMatch(/the card is not JSON/);
  });

  it('models of Keras and TensorFlow.js, and weights, with the command that imports them', async () => {
    const advice = (path: string, more = ''): string => ` | import it first, with the names of its classes: tilewright models import ${path}${more} --labels labels.txt -o my-model`;
    const keras = write('net.keras', 'x');
    expect(await refusal(keras)).toBe(`${keras}: expected a model folder or an ONNX model, found a model of Keras${advice(keras)}`);
    const weights = write('net.safetensors', 'x');
    expect(await refusal(weights)).toBe(`${weights}: expected a model folder or an ONNX model, found weights without a network${advice(weights, ' --architecture NAME')}`);
    mkdirSync(join(folder, 'tfjs'));
    const topology = write('tfjs/model.json', '{"format":"layers-model","modelTopology":{}}');
    for (const path of [topology, join(folder, 'tfjs')]) expect(await refusal(path)).toBe(`${topology}: expected a model folder or an ONNX model, found a model of TensorFlow.js${advice(topology)}`);
  });

  it('a file without a card', async () => {
    const alone = join(folder, 'alone');
    mkdirSync(alone);
    copyFileSync(fixture('identity.onnx'), join(alone, 'bare.onnx'));
    expect(await refusal(join(alone, 'bare.onnx'))).toMatch(/says nothing about its bands and classes \| .*models import/);
  });

  const wrong: readonly (readonly [string, string, ModelCard, RegExp])[] = [
    ['another sample type', 'identity.onnx', mapCard(3, { data_type: 'uint8' }), /input\.data_type says uint8, but the graph's input x takes float32/],
    ['another number of bands', 'identity.onnx', mapCard(3, { bands: ['a', 'b'], shape: [-1, 2, -1, -1] }), /the graph's input x is \[free, 3, free, free\]: 3 bands, not 2/],
    ['bands on the other side', 'identity_bhwc.onnx', mapCard(3, { shape: [-1, 3, -1, -1] }), /input\.shape says \[-1, 3, -1, -1\] \(bchw\)/],
    ['a fixed size called free', 'identity_fixed.onnx', mapCard(3), /input\.shape says \[-1, 3, -1, -1\] \(bchw\), but the graph's input x is \[1, 3, 16, 16\]/],
    ['another fixed size', 'identity_fixed.onnx', mapCard(3, { shape: [1, 3, 32, 32] }), /but the graph's input x is \[1, 3, 16, 16\]/],
    ['an input that is not there', 'identity.onnx', mapCard(3, { name: 'pixels' }), /input\.name says pixels, but the graph's inputs are: x/],
    ['an output that is not there', 'identity.onnx', mapCard(3, {}, { name: 'logits' }), /output\.name says logits, but the graph's outputs are: y/],
    ['features that are not there', 'band_means.onnx', chipCard(3, {}, { features: { name: 'pool5', dimensions: 3 } }), /features\.name says pool5, but no node of the graph gives it/],
  ];
  for (const [what, file, card, message] of wrong) {
    it(`a card with ${what}`, async () => {
      expect(await refusal(fixture(file), card)).toMatch(message);
    });
  }
});

describe('files of others', () => {
  const weights = 'weights/deepness_dummy';

  it.skipIf(!hasShared(weights))('reads Deepness metadata and runs the model', async () => {
    const model = await loadModel(join(shared, weights, 'dummy_regression_model_batched.onnx'));
    expect(model.card).toMatchObject({ task: 'regression', input: { gsd: 0.055 }, output: { scale: 1.1 } });
    const predictor = await openPredictor(model, { outputs: ['scores'] });
    const found = await predictor.predict(patches(1, 512, 512));
    expect(found.scores).toHaveLength(512 * 512);
    await predictor.close();
  });

  it.skipIf(!hasShared(weights))('runs a fixed input whose output is smaller', async () => {
    const model = await loadModel(join(shared, weights, 'seg_different_output_size_512_to_484.onnx'), { card: mapCard(2, { shape: [1, 3, 512, 512] }, { margin: 14 }) });
    const predictor = await openPredictor(model, { outputs: ['classes', 'scores'], patch: { width: 512, height: 512 } });
    const found = await predictor.predict(patches(2, 512, 512));
    expect([found.width, found.height, found.classes?.length]).toEqual([484, 484, 2 * 484 * 484]);
    await predictor.close();
  });

  it.skipIf(!hasShared(weights))('finds red with the red detector', async () => {
    // The graph is sigmoid(first band − a constant) of samples as they come, so more red is more of class 1.
    const card = mapCard(2, { shape: [-1, 3, 512, 512], value_scaling: { scale: 1 / 255 } });
    const model = await loadModel(join(shared, weights, 'one_output_sigmoid_red_detector.onnx'), { card });
    const predictor = await openPredictor(model, { outputs: ['scores'] });
    const red = patches(1, 512, 512, (i) => (i % 3 === 0 ? Math.floor(i / 3 / 512) % 256 : 77));
    const found = await predictor.predict(red);
    for (let y = 1; y < 256; y++) expect(found.scores?.[512 * 512 + y * 512]).toBeGreaterThan(found.scores?.[512 * 512 + (y - 1) * 512] ?? 1);
    await predictor.close();
  });

  it.skipIf(!hasShared(weights))('refuses more pixels out than in', async () => {
    const model = await loadModel(join(shared, weights, 'dummy_superresolution_model.onnx'), { card: mapCard(3, { shape: [1, 3, 64, 64] }) });
    await expect(openPredictor(model, { outputs: ['classes'] })).rejects.toThrow(/gives more pixels \(128×128\) than it takes \(64×64\)/);
  });

  const squeezenets: readonly (readonly [string, Partial<ModelCard['input']>, 'none' | 'softmax'])[] = [
    ['SqueezeNet_fp16.onnx', { shape: [1, 3, 224, 224], data_type: 'float16' }, 'none'],
    ['squeezenet1_1_f32_metadata.onnx', { shape: [-1, 3, 224, 224] }, 'softmax'],
  ];
  for (const [file, input, activation] of squeezenets) {
    it.skipIf(!hasShared(`weights/${file}`))(`${file} says what the reference says`, async () => {
      const card = chipCard(1000, { bands: ['blue', 'green', 'red'], value_scaling: { mean: [104, 117, 123] }, ...input }, { activation }, { task: 'classification' });
      const model = await loadModel(join(shared, 'weights', file), { card });
      const predictor = await openPredictor(model, { outputs: ['scores'], threads: 1 });
      // The reference's picture: (row * 31 + column * 17 + channel * 7) % 256, channels red, green, blue; here blue first.
      const data = Uint8Array.from({ length: 224 * 224 * 3 }, (_, i) => (Math.floor(i / 3 / 224) * 31 + (Math.floor(i / 3) % 224) * 17 + (2 - (i % 3)) * 7) % 256);
      const { scores } = await predictor.predict({ data, count: 1, width: 224, height: 224, bands: 3 });
      await predictor.close();
      const reference = JSON.parse(readFileSync(join(shared, 'weights', 'REFERENCE_OUTPUTS.json'), 'utf8')) as { entries: { file: string; results: { deterministic: { top5: { index: number; score: number }[] } } }[] };
      const top5 = reference.entries.find((entry) => entry.file === 'SqueezeNet_fp16.onnx')?.results.deterministic.top5 ?? [];
      expect(top5).toHaveLength(5);
      for (const { index, score } of top5) expect(Math.abs((scores?.[index] ?? 0) - score)).toBeLessThan(0.01);
    });
  }
});

describe('a sigmoid in the graph is not applied twice', () => {
  it('as the card says', async () => {
    const batch = patches(1, 4, 4);
    const plain = await answer('one_channel.onnx', mapCard(2), copyOf(batch), { outputs: ['scores'] });
    expect(plain.scores?.[16]).toBe(batch.data[0]);
  });
});
