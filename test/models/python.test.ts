import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import * as ort from 'onnxruntime-node';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { exportOnnx } from '../../src/train/index.js';
import { train } from '../../src/tasks/train.js';
import { root, scratch } from '../places.js';
import { plainTensorflow } from '../train/engines.js';
import { OUTPUTS, shake, sizesOf, TINY_CASES } from './tiny-networks.js';

const run = promisify(execFile);
const folder = scratch();
/** No native engine, whether it is installed or not: these networks are tiny. */
process.env['TILEWRIGHT_TENSORFLOW'] = join(folder, 'nowhere');

/** A Python with onnx and onnxruntime, as a check of every network that is not kept in fixtures/train/exported. */
const python = process.env['TILEWRIGHT_PYTHON'] ?? 'python3';
let isThere = false;
beforeAll(async () => { isThere = await run(python, ['-c', 'import numpy, onnx, onnxruntime']).then(() => true, () => false); });
const WITHOUT = 'there is no Python with onnx and onnxruntime (TILEWRIGHT_PYTHON names one)';

interface Found { readonly opset: number; readonly metadata: readonly string[]; readonly outputs: Readonly<Record<string, { readonly shape: readonly number[]; readonly data: readonly number[] }>> }
interface Look { readonly file: string; readonly shape: readonly number[] }

/** What `onnx.checker` and Python's onnxruntime say of files; throws where a file is refused. */
async function inPython(looks: readonly Look[]): Promise<readonly Found[]> {
  const { stdout } = await run(python, [join(root, 'fixtures/train/check_onnx.py'), ...looks.map(({ file, shape }) => `${file}:${shape.join(',')}`)], { maxBuffer: 1 << 28 });
  return JSON.parse(stdout) as Found[];
}

/** Holds what onnxruntime-node gives for the script's samples to what Python's gave. */
async function holdEqual({ file, shape }: Look, { outputs }: Found): Promise<void> {
  const pixels = Uint8Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => (37 * i + Math.floor(i / 11)) % 256);
  const session = await ort.InferenceSession.create(file);
  const results = await session.run({ [session.inputNames[0]!]: new ort.Tensor('uint8', pixels, shape) });
  await session.release();
  expect(Object.keys(results).sort(), file).toEqual(Object.keys(outputs).sort());
  for (const [name, { shape: sizes, data }] of Object.entries(outputs)) {
    expect(results[name]!.dims, file).toEqual(sizes);
    const values = results[name]!.data as Float32Array;
    expect(data.reduce((worst, value, i) => Math.max(worst, Math.abs(values[i]! - value) / (1 + Math.abs(value))), 0), `${file} ${name}`).toBeLessThan(1e-5);
  }
}

describe('onnx.checker and onnxruntime in Python', () => {
  it('take every architecture as it is exported, and give its scores', async (context) => {
    if (!isThere) { context.skip(WITHOUT); return; }
    const tf = await plainTensorflow();
    const looks = TINY_CASES.map(([, architecture, options], i): Look => {
      const network = architecture.build(tf, { outputs: OUTPUTS, ...options });
      shake(tf, network.scores);
      const file = join(folder, `${architecture.name}-${i}.onnx`);
      writeFileSync(file, exportOnnx({ name: architecture.name, outputs: { scores: network.scores, ...(network.features === undefined ? {} : { features: network.features }) } }));
      const [height, width] = sizesOf(architecture, network, options).at(-1)!;
      network.scores.dispose();
      return { file, shape: [1, height, width, 3] };
    });
    const found = await inPython(looks);
    expect(found.length).toBe(TINY_CASES.length);
    for (const [i, look] of looks.entries()) await holdEqual(look, found[i]!);
  });

  it('take what train writes, with its metadata: a segmenter, a tagger and its features, a classifier', async (context) => {
    if (!isThere) { context.skip(WITHOUT); return; }
    const put = async (name: string, shade: (i: number) => number, edge = 16): Promise<void> => {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      await sharp(Buffer.from(Array.from({ length: edge * edge * 3 }, (_, i) => shade(Math.floor(i / 3)))), { raw: { width: edge, height: edge, channels: 3 } }).png().toFile(join(folder, name));
    };
    for (let i = 0; i < 8; i++) {
      await put(`maps/images/p${i}.png`, (at) => (at % 16 < 4 + i ? 40 : 200) + (at * 7) % 20);
      await put(`maps/masks/p${i}.png`, (at) => (at % 16 < 4 + i ? 0 : 255));
      await put(`folders/${i % 2 === 0 ? 'dark' : 'bright'}/p${i}.png`, (at) => (i % 2 === 0 ? 30 : 180) + (at * 5 + i) % 40);
      await put(`tags/chips/c${i}.png`, (at) => (i % 2 === 0 ? 30 : 180) + (at * 5 + i) % 40);
    }
    writeFileSync(join(folder, 'tags/tags.csv'), `image_name,tags\n${Array.from({ length: 8 }, (_, i) => `c${i},${i % 2 === 0 ? 'dark' : 'bright'}${i % 3 === 0 ? ' third' : ''}`).join('\n')}\n`);
    const small = ['training.epochs=1', 'training.batch=2', 'split={seed: 1, validation: 0.25, test: 0.25}'];
    const chips = [...small, 'network={architecture: resnet-chips, size: 8, widths: [2, 3], blocks: [0, 1]}'];
    for (const [recipe, data, set] of [
      ['segmenter', 'maps', [...small, 'network.widths=[2, 3]', 'training.patch=8']], ['tagger', 'tags', chips], ['classifier', 'folders', chips],
    ] as const) await train({ recipe: join(root, `models/recipes/${recipe}.yaml`), data: join(folder, data), output: join(folder, `trained-${recipe}`), set });
    const looks: Look[] = [
      { file: join(folder, 'trained-segmenter/model.onnx'), shape: [1, 8, 12, 3] }, { file: join(folder, 'trained-tagger/model.onnx'), shape: [2, 8, 8, 3] },
      { file: join(folder, 'trained-tagger/features/model.onnx'), shape: [2, 8, 8, 3] }, { file: join(folder, 'trained-classifier/model.onnx'), shape: [2, 8, 8, 3] },
    ];
    const found = await inPython(looks);
    for (const [i, look] of looks.entries()) await holdEqual(look, found[i]!);
    expect(found[0]!.metadata).toContain('class_names');
    const card = JSON.parse(readFileSync(join(folder, 'trained-tagger/card.json'), 'utf8')) as { output: { classes: readonly { name: string }[] } };
    expect(found[1]!.outputs['scores']!.shape).toEqual([2, card.output.classes.length]);
  });
});
