/**
 * `embed` against the bare engine, and its memory.
 *
 *     node dist/bench/embed.js speed|memory [scene.tif] [--model aerial-features] [--layer NAME] [--rounds 5] [--threads 2] [--overlap 128]
 *     node dist/bench/embed.js make <folder>: ResNet-50 with random weights as an extractor for chips of 224 pixels
 *
 * The scene is by default tile 7 of the Dubai set (docs/benchmarks.md says where it comes from).
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type * as Ort from 'onnxruntime-node';
import { findArchitecture } from '../models/architectures/index.js';
import type { ModelCard } from '../src/card/index.js';
import { createGrid, patchesOf } from '../src/grid/index.js';
import { TENSOR, encodeModel } from '../src/onnx/index.js';
import { openScene } from '../src/scene/index.js';
import type { EmbedResult } from '../src/tasks/embed.js';
import { loadExtractor } from '../src/tasks/embed/extractor.js';
import { exportOnnx, loadTensorflow } from '../src/train/index.js';
import { compare, print, printMachine, runProcess } from './rounds.js';
import { stack } from './stack.js';

const here = dirname(fileURLToPath(import.meta.url));
const cli = join(here, '../cli/main.js');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'aerial-features' }, rounds: { type: 'string', default: '5' }, threads: { type: 'string', default: '2' },
    overlap: { type: 'string', default: '128' }, sessions: { type: 'string', default: '1' }, layer: { type: 'string' },
  },
});
const [part = 'speed', scenePath = join(here, '../../../shared/data/scenes/dubai_tile7_rgb_tiled_jpeg_PLACEHOLDERGEOREF.tif')] = positionals;
const threads = Number(values.threads);
const layer = values.layer === undefined ? [] : ['--layer', values.layer];
const folder = mkdtempSync(join(tmpdir(), 'tilewright-bench-'));

try {
  if (part !== 'bare' && part !== 'make') printMachine();
  if (part === 'speed') await speed();
  else if (part === 'memory') await memory();
  else if (part === 'bare') await bare();
  else if (part === 'make') await make(scenePath);
  else throw new Error(`expected speed or memory, got ${part}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function runEmbed(scene: string): Promise<EmbedResult> {
  const { stdout } = await runProcess(process.execPath, [
    cli, 'embed', scene, '-m', values.model, '--index', join(folder, 'index'), '--threads', String(threads), '--overlap', values.overlap, '--overwrite', '--json', ...layer,
  ]);
  return JSON.parse(stdout) as EmbedResult;
}

/** One session with all threads, as one would write it; and one session for each thread, which suits small patches better. */
async function speed(): Promise<void> {
  const chips: number[] = [];
  for (const sessions of [1, threads]) {
    await compare('wall time', {
      name: 'embed (from opening the scene to the finished index)',
      run: async () => {
        const result = await runEmbed(scenePath);
        chips.push(result.added);
        return result.seconds;
      },
    }, {
      name: `bare onnxruntime-node (${sessions === 1 ? `one session of ${threads} threads` : `${sessions} sessions of one thread`}, loading and runs; patches already in memory)`,
      run: async () => Number((await runProcess(process.execPath, [fileURLToPath(import.meta.url), 'bare', scenePath, '--model', values.model,
        '--threads', String(threads), '--overlap', values.overlap, '--sessions', String(sessions), ...layer])).stdout.trim().split('\n').at(-1)),
    }, Number(values.rounds));
  }
  print(`  ${chips[0]} chips`);
}

/** The same patches through the shipped ONNX file and nothing else. Prints its seconds. */
async function bare(): Promise<void> {
  const { model: { graph, card } } = await loadExtractor({ model: values.model, ...(values.layer === undefined ? {} : { layer: values.layer }) });
  const { width: inputEdge } = patchInput(card);
  const edge = card.input.window ?? inputEdge;
  const scene = await openScene(scenePath);
  const { width, height } = scene.profile;
  const patches: Uint8Array[] = [];
  for (const { window } of patchesOf(createGrid({ width, height, patchSize: edge, overlap: Number(values.overlap) }))) patches.push((await scene.read(window, { edge: 'reflect' })).data as Uint8Array);
  await scene.close();
  // What the model is given: patches that are already reduced to its input.
  const inputs = patches.map((patch) => inputOf(averaged(patch, edge, inputEdge), inputEdge, card));
  const features = card.output.features!.name;
  const bytes = encodeModel({ ...graph, graph: { ...graph.graph, output: [{ name: features, type: { tensorType: { elemType: TENSOR.float32 } } }], valueInfo: [] } });
  const ort = createRequire(import.meta.url)('onnxruntime-node') as typeof Ort;
  const dims = card.input.dim_order === 'bhwc' ? [1, inputEdge, inputEdge, 3] : [1, 3, inputEdge, inputEdge];
  const started = performance.now();
  const many = Number(values.sessions);
  const vectors: Float32Array[] = [];
  let next = 0;
  await Promise.all(Array.from({ length: many }, async () => {
    const session = await ort.InferenceSession.create(bytes, { intraOpNumThreads: threads / many, interOpNumThreads: 1 });
    while (next < inputs.length) {
      const own = next++;
      const results = await session.run({ [session.inputNames[0]!]: new ort.Tensor(inputs[own]! instanceof Uint8Array ? 'uint8' : 'float32', inputs[own] as Float32Array, dims) }, [features]);
      vectors[own] = results[features]!.data as Float32Array;
    }
  }));
  print(String((performance.now() - started) / 1000));
}

function patchInput({ input }: ModelCard): { readonly width: number } {
  const width = input.dim_order === 'bhwc' ? input.shape[2] : input.shape[3];
  return { width: width > 0 ? width : input.window ?? 256 };
}

function averaged(patch: Uint8Array, edge: number, to: number): Uint8Array {
  const factor = edge / to;
  if (factor === 1) return patch;
  const out = new Uint8Array(to * to * 3);
  for (let y = 0; y < to; y++) {
    for (let x = 0; x < to; x++) {
      for (let band = 0; band < 3; band++) {
        let sum = 0;
        for (let row = y * factor; row < (y + 1) * factor; row++) for (let column = x * factor; column < (x + 1) * factor; column++) sum += patch[(row * edge + column) * 3 + band]!;
        out[(y * to + x) * 3 + band] = Math.round(sum / (factor * factor));
      }
    }
  }
  return out;
}

/** Samples as the graph takes them. */
function inputOf(data: Uint8Array, edge: number, { input }: ModelCard): Uint8Array | Float32Array {
  if (input.dim_order === 'bhwc') return input.data_type === 'uint8' ? data : Float32Array.from(data);
  const planes = new Float32Array(data.length);
  for (let i = 0; i < edge * edge; i++) for (let band = 0; band < 3; band++) planes[band * edge * edge + i] = data[3 * i + band]! * (input.value_scaling?.scale ?? 1) - (input.value_scaling?.mean?.[band] ?? 0);
  return planes;
}

async function make(place: string): Promise<void> {
  const { tf } = await loadTensorflow();
  const network = findArchitecture('resnet50')!.build(tf, { outputs: 2, size: 224 });
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, 'model.onnx'), exportOnnx({ name: 'resnet50-random', outputs: { features: network.features! } }));
  const card: ModelCard = {
    card_version: 1, name: 'resnet50-random', task: 'embedding', file: 'model.onnx',
    input: { name: 'image', bands: ['red', 'green', 'blue'], dim_order: 'bhwc', shape: [-1, 224, 224, 3], data_type: 'uint8', scene_data_types: ['uint8'] },
    output: { name: 'features', dim_order: 'bc', activation: 'none', classes: [], features: { name: 'features', dimensions: 2048 } },
  };
  writeFileSync(join(place, 'card.json'), JSON.stringify(card));
}

async function memory(): Promise<void> {
  const [copy, high] = [join(folder, 'once.tif'), join(folder, 'four-times.tif')];
  await stack(scenePath, copy, 1);
  await stack(scenePath, high, 4);
  for (const [name, path] of [['once', copy], ['four copies below each other', high]] as const) {
    const { peakRssBytes, added } = await runEmbed(path);
    print(`${name}: ${added} chips, peak RSS ${(peakRssBytes / 1e6).toFixed(0)} MB`);
  }
}
