/**
 * Measures the choices in src/predict: how the engine is set up, how threads are laid out, what the fused graph costs.
 *
 *     npm run build && node dist/bench/engine.js [--rounds 2] [--sizes 256,512] [--only settings,layout,fused,chips]
 *
 * Every case is a process of its own (memory peaks are per process); rounds are interleaved and the medians printed. CPU
 * time per patch is robust against other work on the machine, wall time is not.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { env, InferenceSession, Tensor } from 'onnxruntime-node';
import type { ModelCard } from '../src/card/index.js';
import { loadModel, openPredictor, peakOfProcess } from '../src/predict/index.js';
import type { PredictorOutput } from '../src/predict/index.js';
import { residualBytes, unetBytes } from './networks.js';

interface Case {
  readonly group: 'settings' | 'layout' | 'fused' | 'chips';
  readonly name: string;
  readonly model: 'unet' | 'residual';
  /** Bare: onnxruntime-node alone on this thread, float32 in, logits out. Predictor: src/predict, uint8 in. */
  readonly by: 'bare' | 'predictor';
  readonly edge: number;
  readonly threads: number;
  /** Predictors side by side, with `threads` each. Default 1. */
  readonly side?: number;
  readonly batch?: number;
  readonly patches: number;
  readonly arena?: boolean;
  readonly pattern?: boolean;
  readonly spinning?: boolean;
  readonly outputs?: readonly PredictorOutput[];
}

interface Measured {
  readonly wall: number;
  readonly cpu: number;
  readonly peak: number;
}

const cores = availableParallelism();

function casesFor(sizes: readonly number[]): Case[] {
  const unet = { model: 'unet', threads: cores } as const;
  const patches = (edge: number): number => Math.max(2, Math.round((2 * 512 ** 2) / edge ** 2));
  const perSize = sizes.flatMap((edge): Case[] => [
    { ...unet, group: 'settings', name: 'arena and pattern (the engine\'s default)', by: 'bare', edge, patches: patches(edge), arena: true, pattern: true, spinning: true },
    { ...unet, group: 'settings', name: 'arena', by: 'bare', edge, patches: patches(edge), arena: true, spinning: true },
    { ...unet, group: 'settings', name: 'arena, no spinning (chosen)', by: 'bare', edge, patches: patches(edge), arena: true },
    { ...unet, group: 'settings', name: 'neither, no spinning', by: 'bare', edge, patches: patches(edge) },
    { ...unet, group: 'layout', name: `one worker, ${cores} threads (chosen)`, by: 'predictor', edge, patches: patches(edge), outputs: ['classes'] },
    { ...unet, group: 'layout', name: `${cores} workers, one thread each`, by: 'predictor', edge, threads: 1, side: cores, patches: patches(edge), outputs: ['classes'] },
    { ...unet, group: 'fused', name: 'bare onnxruntime, logits', by: 'bare', edge, patches: patches(edge), arena: true },
    { ...unet, group: 'fused', name: 'predictor, classes', by: 'predictor', edge, patches: patches(edge), outputs: ['classes'] },
    { ...unet, group: 'fused', name: 'predictor, scores', by: 'predictor', edge, patches: patches(edge), outputs: ['scores'] },
    { ...unet, group: 'fused', name: 'predictor, both', by: 'predictor', edge, patches: patches(edge), outputs: ['classes', 'scores'] },
  ]);
  const chips = { group: 'chips', model: 'residual', edge: 32, patches: 512 } as const;
  return [
    ...perSize,
    { ...chips, name: `bare, ${cores} threads, one at a time`, by: 'bare', threads: cores, batch: 1, arena: true },
    { ...chips, name: `bare, ${cores} threads, 64 at a time`, by: 'bare', threads: cores, batch: 64, arena: true },
    { ...chips, name: `predictor, ${cores} workers with one thread each (chosen)`, by: 'predictor', threads: cores, batch: 64, outputs: ['scores'] },
  ];
}

const card: ModelCard = {
  card_version: 1, name: 'bench', task: 'semantic-segmentation', file: 'unet.onnx',
  input: { bands: ['red', 'green', 'blue'], dim_order: 'bchw', shape: [-1, 3, -1, -1], data_type: 'float32', multiple_of: 4, value_scaling: { scale: 1 / 255 } },
  output: { dim_order: 'bchw', activation: 'softmax', classes: Array.from({ length: 6 }, (_, value) => ({ value, name: `class-${value}`, color_hint: '#808080' })) },
};
const chipCard: ModelCard = {
  ...card, task: 'multi-label-classification', file: 'residual.onnx',
  input: { bands: card.input.bands, dim_order: 'bchw', shape: [-1, 3, 32, 32], data_type: 'float32', value_scaling: { scale: 1 / 255 } },
  output: { dim_order: 'bc', activation: 'sigmoid', classes: Array.from({ length: 17 }, (_, value) => ({ value, name: `tag-${value}`, color_hint: '#808080' })) },
};

/** Runs one case in this process. */
async function measure(one: Case, folder: string): Promise<Measured> {
  const run = one.by === 'bare' ? await bare(one, folder) : await predictor(one, folder);
  await run(one.batch ?? 1);
  const started = performance.now();
  const before = process.cpuUsage();
  await run(one.patches);
  const used = process.cpuUsage(before);
  return { wall: (performance.now() - started) / one.patches, cpu: (used.user + used.system) / 1000 / one.patches, peak: peakOfProcess() };
}

async function bare(one: Case, folder: string): Promise<(patches: number) => Promise<void>> {
  env.logLevel = 'fatal';
  const session = await InferenceSession.create(join(folder, `${one.model}.onnx`), {
    intraOpNumThreads: one.threads, interOpNumThreads: 1, logSeverityLevel: 4,
    enableCpuMemArena: one.arena === true, enableMemPattern: one.pattern === true,
    extra: { session: { intra_op: { allow_spinning: one.spinning === true ? '1' : '0' } } },
  });
  const batch = one.batch ?? 1;
  const data = Float32Array.from({ length: batch * 3 * one.edge ** 2 }, (_, i) => ((i * 31) % 251) / 255);
  return async (patches) => {
    for (let done = 0; done < patches; done += batch) await session.run({ input: new Tensor('float32', data, [batch, 3, one.edge, one.edge]) });
  };
}

async function predictor(one: Case, folder: string): Promise<(patches: number) => Promise<void>> {
  const model = await loadModel(join(folder, `${one.model}.onnx`), { card: one.model === 'unet' ? card : chipCard });
  const options = { outputs: one.outputs ?? ['classes'], threads: one.threads, patch: { width: one.edge, height: one.edge } };
  const side = await Promise.all(Array.from({ length: one.side ?? 1 }, () => openPredictor(model, options)));
  const count = one.batch ?? 1;
  const samples = Uint8Array.from({ length: count * one.edge ** 2 * 3 }, (_, i) => (i * 31) % 251);
  return async (patches) => {
    const lanes = side.flatMap((own) => Array.from({ length: own.concurrency + 1 }, () => own));
    let left = Math.max(patches, side.length * count);
    await Promise.all(lanes.map(async (own) => {
      while (left > 0) {
        left -= count;
        await own.predict({ data: samples.slice(), count, width: one.edge, height: one.edge, bands: 3 });
      }
    }));
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] ?? 0 : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

function option(name: string, otherwise: string): string {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1] ?? otherwise;
}

function main(): void {
  const rounds = Number(option('rounds', '2'));
  const only = option('only', 'settings,layout,fused,chips').split(',');
  const cases = casesFor(option('sizes', '256,512').split(',').map(Number)).filter(({ group }) => only.includes(group));
  const folder = mkdtempSync(join(tmpdir(), 'tilewright-bench-'));
  try {
    writeFileSync(join(folder, 'unet.onnx'), unetBytes());
    writeFileSync(join(folder, 'residual.onnx'), residualBytes());
    const found = cases.map((): Measured[] => []);
    for (let round = 0; round < rounds; round++) {
      for (const [index, one] of cases.entries()) {
        const text = execFileSync(process.execPath, [fileURLToPath(import.meta.url), '--case', JSON.stringify(one), '--folder', folder], { encoding: 'utf8' });
        found[index]?.push(JSON.parse(text) as Measured);
      }
    }
    print(cases, found);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function print(cases: readonly Case[], found: readonly (readonly Measured[])[]): void {
  const lines = [`${cpus()[0]?.model.trim() ?? 'unknown processor'}, ${cores} cores, Node ${process.version}`];
  let heading = '';
  let base: { readonly wall: number; readonly cpu: number } | undefined;
  for (const [index, one] of cases.entries()) {
    const runs = found[index] ?? [];
    const wall = median(runs.map((run) => run.wall));
    const cpu = median(runs.map((run) => run.cpu));
    const peak = median(runs.map((run) => run.peak));
    const title = `${one.group}, ${one.edge}×${one.edge}`;
    if (title !== heading) {
      lines.push('', `${title.padEnd(58)} wall ms   ratio   cpu ms   ratio   peak MB`);
      heading = title;
      base = { wall, cpu };
    }
    lines.push(`  ${one.name.padEnd(56)}${wall.toFixed(1).padStart(8)}${(wall / (base?.wall ?? wall)).toFixed(2).padStart(8)}${cpu.toFixed(1).padStart(9)}${(cpu / (base?.cpu ?? cpu)).toFixed(2).padStart(8)}${(peak / 1e6).toFixed(0).padStart(10)}`);
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}

if (process.argv.includes('--case')) {
  const result = await measure(JSON.parse(option('case', '{}')) as Case, option('folder', '.'));
  process.stdout.write(JSON.stringify(result));
} else {
  main();
}
