import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { findArchitecture, type HeadOptions, type Network, type Tensorflow } from '../../models/architectures/index.js';
import { exportOnnx, mapTensors, setForeignWeights, sizesOfFile, type ForeignTensor, type MappedTensors } from '../../src/train/index.js';
import { root } from '../places.js';
import { plainTensorflow } from './engines.js';

let tf: Tensorflow;
beforeAll(async () => { tf = await plainTensorflow(); });

/** Names, shapes and answers of the real libraries' networks with made-up weights: fixtures/mappings/make_torch.py, make_keras.py. */
interface Golden {
  readonly library: string;
  readonly architecture: string;
  readonly tensors: readonly (readonly [name: string, shape: readonly number[], low: number, high: number])[];
  readonly answers: readonly { readonly height: number; readonly width: number; readonly logits: readonly number[]; readonly features?: { readonly count: number; readonly first: readonly number[]; readonly sum: number } }[];
}

const places = join(root, 'fixtures/mappings');
const cases = readdirSync(places).filter((name) => name.endsWith('.json')).sort().map((name) => [name.slice(0, -5), JSON.parse(readFileSync(join(places, name), 'utf8')) as Golden] as const);

/** Heads of the VGGs in the fixtures, which are smaller than the real ones. */
const HEAD: HeadOptions = { pool: 'flatten', dense: [16, 12] };

/** The values of fixtures/mappings/weights.py. */
function values(place: number, count: number, low: number, high: number): Float32Array {
  const out = new Float32Array(count);
  const seed = (place + 1) * 7919;
  for (let i = 0; i < count; i++) {
    let h = (Math.imul(i, 0x9e3779b1) + seed) | 0;
    h ^= h >>> 16;
    h = Math.imul(h, 0x85ebca6b);
    h ^= h >>> 13;
    h = Math.imul(h, 0xc2b2ae35);
    h ^= h >>> 16;
    out[i] = low + (high - low) * ((h >>> 0) / 2 ** 32);
  }
  return out;
}

function tensorsOf({ tensors }: Golden): ForeignTensor[] {
  return tensors.map(([name, shape, low, high], place) => ({ name, shape, floats: () => Promise.resolve(values(place, shape.reduce((a, b) => a * b, 1), low, high)) }));
}

async function load(golden: Golden, tensors = tensorsOf(golden)): Promise<{ readonly network: Network; readonly mapped: MappedTensors; readonly taken: number }> {
  const architecture = findArchitecture(golden.architecture)!;
  const mapped = mapTensors(architecture, tensors, 'weights.pth');
  const { outputs, ...sizes } = sizesOfFile(mapped);
  const network = architecture.build(tf, { outputs: outputs!, ...sizes, variant: mapped.mapping.variant, initial: 'zeros', ...(golden.architecture.startsWith('vgg') ? { head: HEAD } : {}) });
  return { network, mapped, taken: await setForeignWeights(tf, network.scores, mapped, { head: 'load' }) };
}

function picture(height: number, width: number): Float32Array {
  return Float32Array.from({ length: height * width * 3 }, (_, at) => ((Math.floor(at / 3 / width) * 31 + (Math.floor(at / 3) % width) * 17 + (at % 3) * 7) % 256) / 127.5 - 1);
}

/** The largest difference as a share of the largest number. */
function difference(found: ArrayLike<number>, expected: readonly number[]): number {
  const scale = Math.max(1, ...expected.map(Math.abs));
  return Math.max(...expected.map((value, at) => Math.abs(value - found[at]!))) / scale;
}

/** Large networks whose rules others in the list hold as well; with `npm run test:full`. */
const SLOW: readonly string[] = ['keras-vgg19', 'timm-resnet50', 'timm-vgg16', 'torchvision-resnet34', 'torchvision-vgg19'];

const small = cases.find(([name]) => name === 'torchvision-mobilenet-v2')!;

describe('weights of other libraries', () => {
  it('are there for each family and library', () => {
    expect(cases.map(([name]) => name)).toEqual([
      'keras-mobilenet-v1', 'keras-mobilenet-v2', 'keras-resnet50', 'keras-vgg16', 'keras-vgg19', 'timm-mobilenet-v1', 'timm-mobilenet-v2', 'timm-resnet50', 'timm-vgg16',
      'torchvision-mobilenet-v2', 'torchvision-resnet18', 'torchvision-resnet34', 'torchvision-resnet50', 'torchvision-squeezenet', 'torchvision-vgg16', 'torchvision-vgg19',
    ]);
  });

  it.each(cases.filter(([name]) => !SLOW.includes(name) || process.env['TILEWRIGHT_TEST_FULL'] !== undefined))('%s: give the scores and features that they give there', async (_, golden) => {
    const { network, mapped, taken } = await load(golden);
    // ResNets have the same names in both.
    expect(mapped.mapping.naming).toBe(golden.library === 'timm' && golden.architecture === 'resnet50' ? 'torchvision' : golden.library);
    expect(taken).toBe(golden.tensors.filter(([name]) => !name.endsWith('num_batches_tracked')).length);
    const session = await ort.InferenceSession.create(exportOnnx({ name: 'test', input: 'float32', outputs: { logits: network.logits, features: network.features! } }));
    for (const { height, width, logits, features } of golden.answers) {
      const results = await session.run({ image: new ort.Tensor('float32', picture(height, width), [1, height, width, 3]) });
      expect(difference(results['logits']!.data as Float32Array, logits)).toBeLessThan(1e-4);
      if (features === undefined) continue;
      const found = results['features']!.data as Float32Array;
      expect(found.length).toBe(features.count);
      expect(difference(found, features.first)).toBeLessThan(1e-4);
      expect(found.reduce((sum, value) => sum + value, 0) / features.sum).toBeCloseTo(1, 4);
    }
    await session.release();
    network.scores.dispose();
  });

  it('give other numbers in the other library\'s variant: paddings and epsilons matter', async () => {
    const golden = small[1];
    const architecture = findArchitecture('mobilenet-v2')!;
    const network = architecture.build(tf, { outputs: 10, width: 0.5, variant: 'keras', initial: 'zeros' });
    await setForeignWeights(tf, network.scores, mapTensors(architecture, tensorsOf(golden), 'weights.pth'), { head: 'load' });
    const session = await ort.InferenceSession.create(exportOnnx({ name: 'test', input: 'float32', outputs: { logits: network.logits } }));
    const { height, width, logits } = golden.answers[0]!;
    const results = await session.run({ image: new ort.Tensor('float32', picture(height, width), [1, height, width, 3]) });
    expect(difference(results['logits']!.data as Float32Array, logits)).toBeGreaterThan(0.01);
    await session.release();
    network.scores.dispose();
  });

  it('go into the encoder of a U-Net or under another head, whose layers stay as they are', async () => {
    const golden = cases.find(([name]) => name === 'torchvision-resnet18')![1];
    for (const [name, own] of [['unet-resnet18', 'decoder5_a'], ['resnet18', 'logits']] as const) {
      const architecture = findArchitecture(name)!;
      const network = architecture.build(tf, { outputs: 3, variant: 'torch', initial: 'zeros' });
      const layer = network.scores.getLayer(own);
      layer.setWeights(layer.getWeights().map((weight) => tf.fill(weight.shape, 0.5)));
      const before = network.scores.getLayer(own).getWeights()[0]!.dataSync<'float32'>().slice();
      const taken = await setForeignWeights(tf, network.scores, mapTensors(architecture, tensorsOf(golden), 'weights.pth'), { head: 'keep' });
      expect(taken).toBe(golden.tensors.filter(([tensor]) => !/num_batches_tracked|^fc\./.test(tensor)).length);
      expect(network.scores.getLayer(own).getWeights()[0]!.dataSync()).toEqual(before);
      // features.0 of the file: [out, in, height, width]
      expect(network.scores.getLayer('conv1_conv').getWeights()[0]!.dataSync()[64]).toBe(values(0, 49 * 3 + 64, golden.tensors[0]![2], golden.tensors[0]![3])[49]);
      network.scores.dispose();
    }
  });

  it('may be called after where the network was kept: module., model.', async () => {
    const golden = small[1];
    const { taken } = await load(golden, tensorsOf(golden).map((tensor) => ({ ...tensor, name: `module.${tensor.name}` })));
    expect(taken).toBeGreaterThan(100);
  });

  it('that are missing, too many or of another shape are named, with both shapes, and nothing is set', async () => {
    const golden = small[1];
    const all = tensorsOf(golden);
    await expect(load(golden, all.filter(({ name }) => name !== 'features.3.conv.0.0.weight'))).rejects.toThrow(/weights\.pth: expected the weights of mobilenet-v2 as in torchvision, found that features\.3\.conv\.0\.0\.weight \(block_2_expand\/kernel, 1×1×16×96\) is missing/);
    await expect(load(golden, [...all, { ...all[0]!, name: 'features.19.weight' }])).rejects.toThrow(/features\.19\.weight \(16×3×3×3\) is of no layer of mobilenet-v2/);
    await expect(load(golden, all.map((tensor) => (tensor.name === 'features.0.0.weight' ? { ...tensor, shape: [16, 3, 5, 5] } : tensor)))).rejects.toThrow(/features\.0\.0\.weight is 16×3×5×5, expected 16×3×3×3 \(Conv1\/kernel\)/);
    const architecture = findArchitecture('mobilenet-v2')!;
    expect(() => mapTensors(architecture, [{ ...all[0]!, name: 'stem.weight' }], 'weights.pth')).toThrow('expected the weights of mobilenet-v2, such as Conv1/kernel (keras) or features.0.0.weight (torchvision) or conv_stem.weight (timm), found stem.weight');
    expect(() => mapTensors(findArchitecture('vgg3')!, all, 'weights.pth')).toThrow('expected an architecture that other libraries have weights for, found vgg3');
  });
});
