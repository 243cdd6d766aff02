import type { LayersModel, Tensor } from '@tensorflow/tfjs';
import { readdirSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { findArchitecture, type Network, type Tensorflow } from '../../models/architectures/index.js';
import { seededRandom, type ChipSamples, type Split } from '../../src/samples/index.js';
import { memoryChips } from './memory-samples.js';
import {
  chipLearner, chipPixels, chooseLayers, findRate, fit, getValues, ratesOf, receptiveField, setValues, splitFrozen, storeFeatures, suggestRates, trainedWeights,
  type FitStage, type Learner, type Stage,
} from '../../src/train/index.js';
import { setTrainingMode } from '../../src/train/training-mode.js';
import { unetReceptiveField } from '../../models/architectures/index.js';
import { scratch } from '../places.js';
import { plainTensorflow } from './engines.js';

const folder = scratch();
const vgg3 = findArchitecture('vgg3-dropout')!;
const SPLIT: Split = { train: Int32Array.of(0, 1, 2, 3, 4, 5, 6, 7), validation: Int32Array.of(8, 9, 10), test: new Int32Array(0) };
let tf: Tensorflow;
let chips: ChipSamples;
beforeAll(async () => {
  tf = await plainTensorflow();
  const random = seededRandom(4);
  const pixels = Uint8Array.from({ length: 11 * 8 * 8 * 3 }, () => Math.floor(random() * 256));
  const targets = Uint8Array.from({ length: 22 }, () => (random() < 0.5 ? 1 : 0));
  chips = memoryChips({ size: 8, names: Array.from({ length: 11 }, (_, i) => `c${i}`), tags: ['a', 'b'], pixels, targets, groups: new Array<string>(11).fill('') }, { fingerprint: 'made-up' });
});

function small(): Network {
  return vgg3.build(tf, { outputs: 2, activation: 'sigmoid', size: 8, width: 0.1, normalization: 'unit', seed: 3 });
}

const stage = (changes: Partial<Stage>): Stage => ({
  name: 'a', epochs: 2, batch: 4, patch: undefined, size: 8, freeze: [], patience: undefined, optimizer: { name: 'sgd', lr: 0.1, momentum: 0.9 }, schedule: { name: 'constant' }, loss: { name: 'cross-entropy' }, augment: { turns: false }, ...changes,
});
const learnerOf = (network: Pick<Network, 'logits' | 'scores'>, input = chipPixels(chips, { turns: false })): Learner =>
  chipLearner(tf, network, chips, SPLIT, input, { task: 'tagger', batch: 4, seed: 1, loss: { name: 'cross-entropy' }, threshold: 0.5 });
const opened = (network: Network, one: Stage, learner = learnerOf(network)): FitStage => ({ stage: one, open: () => Promise.resolve({ model: network.logits, learner }) });
const weightsOf = (model: LayersModel, layer: string): number[] => Array.from(model.getLayer(layer).getWeights()[0]!.dataSync());

describe('stages', () => {
  it('leave frozen layers as they are, train the others, and begin where the one before ended', async () => {
    const network = small();
    const before = { block1: weightsOf(network.logits, 'block1_conv1'), fc1: weightsOf(network.logits, 'fc1') };
    const result = await fit(tf, [opened(network, stage({ name: 'head', freeze: ['block1', 'block2_*', 'block3'], epochs: 1 }))], { architecture: vgg3, seed: 1 });
    expect(weightsOf(network.logits, 'block1_conv1')).toEqual(before.block1);
    expect(weightsOf(network.logits, 'fc1')).not.toEqual(before.fc1);
    const other = small();
    let begun: number[] = [];
    const two = await fit(tf, [opened(other, stage({ name: 'head', freeze: ['block1', 'block2_*', 'block3'], epochs: 1 })), { stage: stage({ name: 'all', epochs: 1 }), open: (begin) => { begun = Array.from(begin!.at(-1)!); return Promise.resolve({ model: other.logits, learner: learnerOf(other) }); } }], { architecture: vgg3, seed: 1 });
    expect(begun).toEqual(Array.from(result.weights.at(-1)!));
    expect(weightsOf(other.logits, 'block1_conv1')).not.toEqual(before.block1);
    expect(two.history.map((record) => record.stage ?? 0)).toEqual([0, 1]);
  });

  it('have rates for all, from the first stage of the network to its head, or by name', () => {
    const { logits } = small();
    const weights = trainedWeights(logits, chooseLayers(vgg3, logits, ['block1'], 'freeze'));
    const rateOf = (rate: Parameters<typeof ratesOf>[3], layer: string): number => ratesOf(vgg3, logits, weights, rate)[weights.findIndex((weight) => weight.layer.name === layer)]!;
    expect(weights.some((weight) => weight.layer.name.startsWith('block1'))).toBe(false);
    expect([rateOf([0.01, 1], 'block2_conv1'), rateOf([0.01, 1], 'block3_conv2'), rateOf([0.01, 1], 'fc1'), rateOf([0.01, 1], 'logits')]).toEqual([0.01, expect.closeTo(0.1, 9), 1, 1]);
    expect([rateOf({ head: 0.5, '*conv2': 0.2, '*': 0.1 }, 'fc1'), rateOf({ head: 0.5, '*conv2': 0.2, '*': 0.1 }, 'block2_conv2'), rateOf({ head: 0.5, '*conv2': 0.2, '*': 0.1 }, 'block2_conv1')]).toEqual([0.5, 0.2, 0.1]);
    expect(() => rateOf({ head: 0.5 }, 'fc1')).toThrow('optimizer.lr: expected a rate for every trained layer, found none for block2_conv1');
    expect(() => chooseLayers(vgg3, logits, ['blok1'], 'freeze')).toThrow('freeze: expected a stage of vgg3-dropout, a layer, or a pattern that fits some, found blok1');
    expect([...chooseLayers(vgg3, logits, ['block1', '!*_conv2'], 'freeze')]).toEqual(['block1_conv1', 'block1_conv1_relu', 'block1_conv2_relu', 'block1_pool', 'block1_dropout']);
  });

  it('drop other places at every step, and the same again from the same seed', () => {
    const run = (seed: number): number[][] => {
      const { logits } = small();
      const mode = setTrainingMode(tf, logits, new Set(), seed);
      const x = tf.ones([1, 8, 8, 3]);
      return [0, 1, 0].map((step) => { mode.at(step); return Array.from((logits.apply(x, { training: true }) as Tensor).dataSync()); });
    };
    const [first, second, again] = run(5);
    expect(first).not.toEqual(second);
    expect(again).toEqual(first);
    expect(run(5)[1]).toEqual(second);
    expect(run(6)[0]).not.toEqual(first);
  });

  it('keep normalisation that is frozen at its statistics', async () => {
    const architecture = findArchitecture('resnet-chips')!;
    const network = architecture.build(tf, { outputs: 2, activation: 'sigmoid', size: 8, widths: [2, 3], blocks: [0, 1], seed: 1 });
    const statistics = (): number[][] => network.logits.getLayer('stem_bn').getWeights().map((weight) => Array.from(weight.dataSync()));
    const before = statistics();
    await fit(tf, [opened(network, stage({ freeze: ['stem', 'stage1'], epochs: 1 }))], { architecture, seed: 1 });
    expect(statistics()).toEqual(before);
    await fit(tf, [opened(network, stage({ epochs: 1 }))], { architecture, seed: 1 });
    expect(statistics()).not.toEqual(before);
  });
});

describe('features of frozen layers', () => {
  it('computed once give the losses and weights of the plain way, dropout included', async () => {
    const freeze = ['block1', 'block2', 'block3', '!block3_dropout'];
    const plain = small();
    // Dropout after frozen blocks belongs to what is trained; that inside of them must not be there.
    const begin = getValues(plain.logits);
    const withoutInner = (network: Network): Network => { for (const name of ['block1_dropout', 'block2_dropout']) (network.logits.getLayer(name) as unknown as { rate: number }).rate = 0; return network; };
    const slow = await fit(tf, [opened(withoutInner(plain), stage({ freeze, epochs: 3 }))], { architecture: vgg3, seed: 7 });
    const network = withoutInner(small());
    setValues(tf, network.logits, begin);
    const split = splitFrozen(tf, network, chooseLayers(vgg3, network.logits, freeze, 'freeze'))!;
    expect([split.layer, split.shape]).toEqual(['block3_pool', [1, 1, 13]]);
    const places = Int32Array.from([...SPLIT.train, ...SPLIT.validation]);
    let computed = 0;
    const options = { folder, onProgress: (done: number) => { computed = done; } };
    const store = await storeFeatures(split, chips, places, options);
    expect(computed).toBe(11);
    const fast = await fit(tf, [opened(network, stage({ freeze, epochs: 3 }), learnerOf(split.trained, store))], { architecture: vgg3, seed: 7 });
    store.close();
    fast.history.forEach((record, index) => {
      expect(record.loss).toBeCloseTo(slow.history[index]!.loss, 5);
      expect(record.validationLoss).toBeCloseTo(slow.history[index]!.validationLoss, 5);
    });
    fast.weights.forEach((values, place) => values.forEach((value, at) => expect(value).toBeCloseTo(slow.weights[place]![at]!, 4)));
    computed = 0;
    (await storeFeatures(split, chips, places, options)).close();
    expect(computed).toBe(0);
    expect(readdirSync(folder).filter((name) => name.startsWith('features-')).length).toBe(1);
  });
});

describe('what a network sees', () => {
  it('is at least what is known of U-Nets, and not much more', () => {
    const unet = findArchitecture('unet')!;
    for (const widths of [[1, 1], [1, 1, 1], [1, 1, 1, 1]]) {
      const known = unetReceptiveField({ widths });
      const found = receptiveField(unet.build(tf, { outputs: 2, widths }).scores);
      expect(found).toBeGreaterThanOrEqual(known);
      expect(found).toBeLessThanOrEqual(known * 1.25);
    }
  });
});

describe('an epoch of chips', () => {
  it('shows each of them once, the last batch with what is left; steps of their own number are whole batches', () => {
    const input = { shape: [1], write: (out: Float32Array, offset: number, chip: number) => { out[offset] = chip; } };
    const split = { train: Int32Array.from({ length: 7 }, (_, at) => at), validation: new Int32Array(0), test: new Int32Array(0) };
    const seven = { ...chips, count: 7, targets: new Uint8Array(7 * chips.tags.length) };
    const learner = (batch: number, steps?: number): Learner => chipLearner(tf, small(), seven, split, input, { task: 'tagger', batch, seed: 1, loss: { name: 'cross-entropy' }, threshold: 0.5, ...(steps === undefined ? {} : { steps }) });
    const shown = (of: Learner, epoch: number): number[][] => Array.from({ length: of.stepsPerEpoch }, (_, step) => Array.from(of.batch(epoch, step).x));
    const three = shown(learner(3), 0);
    expect(three.map((chips) => chips.length)).toEqual([3, 3, 1]);
    expect(three.flat().sort()).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(shown(learner(3), 0)).toEqual(three);
    expect(shown(learner(3), 1)).not.toEqual(three);
    expect(shown(learner(7), 0).map((chips) => chips.length)).toEqual([7]);
    expect(shown(learner(3, 4), 0).map((chips) => chips.length)).toEqual([3, 3, 3, 3]);
  });
});

describe('the search for a rate', () => {
  it('suggests the steepest place and a tenth of the lowest', () => {
    const points = Array.from({ length: 61 }, (_, i) => { const x = -6 + i / 10; return { rate: 10 ** x, loss: 0, smooth: x < -1 ? 1 - 1 / (1 + Math.exp(-3 * (x + 3))) : (x + 1) * 5 }; });
    const { steepest, tenthOfLowest } = suggestRates(points).suggested!;
    expect(Math.log10(steepest)).toBeCloseTo(-3, 1);
    expect(Math.log10(tenthOfLowest)).toBeCloseTo(-2, 1);
  });

  it('suggests nothing where the loss never falls', () => {
    const rising = Array.from({ length: 61 }, (_, i) => ({ rate: 10 ** (-7 + i / 8), loss: 0, smooth: 1 + i / 100 }));
    expect(suggestRates(rising)).toEqual({});
    // Noise of a thousandth is no fall.
    expect(suggestRates(rising.map((point, i) => ({ ...point, smooth: 1 - Math.sin(i) / 2000 })))).toEqual({});
  });

  it('puts the weights back', async () => {
    const network = small();
    const before = getValues(network.logits);
    const found = await findRate(tf, { model: network.logits, learner: learnerOf(network) }, stage({}), { architecture: vgg3, seed: 1, steps: 15, from: 1e-5, to: 1 });
    expect(found.points.length).toBeGreaterThan(5);
    expect(getValues(network.logits)).toEqual(before);
  });
});
