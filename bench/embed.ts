/**
 * `embed` against the bare engine, and its memory.
 *
 *     node dist/bench/embed.js speed|memory [scene.tif] [--model aerial-features] [--rounds 5] [--threads 2] [--overlap 128]
 *
 * The scene is by default tile 7 of the Dubai set (docs/benchmarks.md says where it comes from).
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type * as Ort from 'onnxruntime-node';
import type { ModelCard } from '../src/card/index.js';
import { createGrid, patchesOf } from '../src/grid/index.js';
import { loadModel } from '../src/predict/index.js';
import { openScene } from '../src/scene/index.js';
import type { EmbedResult } from '../src/tasks/embed.js';
import { compare, print, printMachine, runProcess } from './rounds.js';
import { stack } from './stack.js';

const here = dirname(fileURLToPath(import.meta.url));
const cli = join(here, '../cli/main.js');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'aerial-features' }, rounds: { type: 'string', default: '5' }, threads: { type: 'string', default: '2' },
    overlap: { type: 'string', default: '128' }, sessions: { type: 'string', default: '1' },
  },
});
const [part = 'speed', scenePath = join(here, '../../../shared/data/scenes/dubai_tile7_rgb_tiled_jpeg_PLACEHOLDERGEOREF.tif')] = positionals;
const threads = Number(values.threads);
const folder = mkdtempSync(join(tmpdir(), 'tilewright-bench-'));

try {
  if (part !== 'bare') printMachine();
  if (part === 'speed') await speed();
  else if (part === 'memory') await memory();
  else if (part === 'bare') await bare();
  else throw new Error(`expected speed or memory, got ${part}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function runEmbed(scene: string): Promise<EmbedResult> {
  const { stdout } = await runProcess(process.execPath, [
    cli, 'embed', scene, '-m', values.model, '--index', join(folder, 'index'), '--threads', String(threads), '--overlap', values.overlap, '--overwrite', '--json',
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
        '--threads', String(threads), '--overlap', values.overlap, '--sessions', String(sessions)])).stdout.trim().split('\n').at(-1)),
    }, Number(values.rounds));
  }
  print(`  ${chips[0]} chips`);
}

/** The same patches through the shipped ONNX file and nothing else. Prints its seconds. */
async function bare(): Promise<void> {
  const { file, card } = await loadModel(values.model);
  const { width: inputEdge } = patchInput(card);
  const edge = card.input.window ?? inputEdge;
  const scene = await openScene(scenePath);
  const { width, height } = scene.profile;
  const patches: Uint8Array[] = [];
  for (const { window } of patchesOf(createGrid({ width, height, patchSize: edge, overlap: Number(values.overlap) }))) patches.push((await scene.read(window, { edge: 'reflect' })).data as Uint8Array);
  await scene.close();
  // What the model is given: patches that are already reduced to its input.
  const inputs = patches.map((patch) => averaged(patch, edge, inputEdge));
  const ort = createRequire(import.meta.url)('onnxruntime-node') as typeof Ort;
  const started = performance.now();
  const many = Number(values.sessions);
  const vectors: Float32Array[] = [];
  let next = 0;
  await Promise.all(Array.from({ length: many }, async () => {
    const session = await ort.InferenceSession.create(file, { intraOpNumThreads: threads / many, interOpNumThreads: 1 });
    const features = card.output.features!.name;
    while (next < inputs.length) {
      const own = next++;
      const results = await session.run({ [session.inputNames[0]!]: inputOf(ort, inputs[own]!, inputEdge) }, [features]);
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

function inputOf(ort: typeof Ort, data: Uint8Array, edge: number): Ort.Tensor {
  return new ort.Tensor('uint8', data, [1, edge, edge, 3]);
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
