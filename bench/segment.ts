/**
 * `segment` against the bare engine, its memory, and what blending and patch size do to a map.
 *
 *     node dist/bench/segment.js speed|memory|blend [scene.tif] [--model aerial-landcover] [--rounds 5] [--threads 2]
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
import { createGrid, patchesOf } from '../src/grid/index.js';
import { loadModel } from '../src/predict/index.js';
import { openScene } from '../src/scene/index.js';
import { BLENDS } from '../src/stitch/index.js';
import type { SegmentResult } from '../src/tasks/segment.js';
import { compare, print, printMachine, runProcess } from './rounds.js';
import { stack } from './stack.js';

const here = dirname(fileURLToPath(import.meta.url));
const cli = join(here, '../cli/main.js');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    model: { type: 'string', default: 'aerial-landcover' }, rounds: { type: 'string', default: '5' }, threads: { type: 'string', default: '2' },
    'patch-size': { type: 'string', default: '512' },
  },
});
const [part = 'speed', scenePath = join(here, '../../../shared/data/scenes/dubai_tile7_rgb_tiled_jpeg_PLACEHOLDERGEOREF.tif')] = positionals;
const threads = Number(values.threads);
const patchSize = Number(values['patch-size']);
const folder = mkdtempSync(join(tmpdir(), 'tilewright-bench-'));

try {
  if (part !== 'bare') printMachine();
  if (part === 'speed') await speed();
  else if (part === 'memory') await memory();
  else if (part === 'blend') await blend();
  else if (part === 'bare') await bare();
  else throw new Error(`expected speed, memory or blend, got ${part}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function runSegment(scene: string, more: readonly string[] = []): Promise<SegmentResult & { wall: number; file: string }> {
  const file = join(folder, 'map.tif');
  const { stdout, seconds } = await runProcess(process.execPath, [
    cli, 'segment', scene, '-m', values.model, '--precision', 'float32', '-o', file, '--threads', String(threads), '--patch-size', String(patchSize), '--overwrite', '--json', ...more,
  ]);
  return { ...(JSON.parse(stdout) as SegmentResult), wall: seconds, file };
}

async function speed(): Promise<void> {
  const walls: number[] = [];
  await compare('wall time', {
    name: 'segment (from opening the scene to the finished map)',
    run: async () => {
      const result = await runSegment(scenePath);
      walls.push(result.wall);
      return result.seconds;
    },
  }, {
    name: 'bare onnxruntime-node (session and runs; patches already in memory)',
    run: async () => Number((await runProcess(process.execPath, [fileURLToPath(import.meta.url), 'bare', scenePath, '--model', values.model,
      '--threads', String(threads), '--patch-size', String(patchSize)])).stdout.trim().split('\n').at(-1)),
  }, Number(values.rounds));
  print(`  the whole segment process, start included: ${walls.map((wall) => wall.toFixed(1)).join(', ')} s`);
}

/** The same patches through the shipped ONNX file and nothing else. Prints its seconds. */
async function bare(): Promise<void> {
  const model = await loadModel(values.model);
  const scene = await openScene(scenePath);
  const { width, height } = scene.profile;
  const grid = createGrid({ width, height, patchSize, overlap: 64 });
  const patches: Uint8Array[] = [];
  for (const { window } of patchesOf(grid)) patches.push((await scene.read(window, { edge: 'reflect' })).data as Uint8Array);
  await scene.close();
  const ort = createRequire(import.meta.url)('onnxruntime-node') as typeof Ort;
  const started = performance.now();
  const session = await ort.InferenceSession.create(model.file, { intraOpNumThreads: threads, interOpNumThreads: 1 });
  const output = session.outputNames[0]!;
  for (const data of patches) {
    const results = await session.run({ [session.inputNames[0]!]: new ort.Tensor('uint8', data, [1, patchSize, patchSize, 3]) }, [output]);
    results[output]!.dispose();
  }
  print(String((performance.now() - started) / 1000));
}

async function memory(): Promise<void> {
  const once = await runSegment(scenePath);
  // Both copies are written the same way, so that they differ in height alone.
  const [copy, high] = [join(folder, 'once.tif'), join(folder, 'four-times.tif')];
  await stack(scenePath, copy, 1);
  await stack(scenePath, high, 4);
  // Peaks of two runs of one scene differ by some per cent, so medians of several are compared, taken in turn.
  const [ones, fours]: [SegmentResult[], SegmentResult[]] = [[], []];
  for (let round = 0; round < Number(values.rounds); round++) {
    ones.push(await runSegment(copy));
    fours.push(await runSegment(high));
  }
  const peaks = (results: readonly SegmentResult[]): number[] => results.map(({ peakRssBytes }) => peakRssBytes).sort((a, b) => a - b);
  const middle = (values: readonly number[]): number => values[Math.floor(values.length / 2)]!;
  const list = (values: readonly number[]): string => values.map((value) => (value / 1e6).toFixed(0)).join(', ');
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
  print(`peak RSS ${megabytes(once.peakRssBytes)}, predicted ${megabytes(once.predictedPeakBytes)}: ratio ${(once.predictedPeakBytes / once.peakRssBytes).toFixed(3)}`);
  print(`a copy of it: peak RSS ${list(peaks(ones))} MB; four copies below each other: ${list(peaks(fours))} MB, predicted ${megabytes(fours[0]!.predictedPeakBytes)}; ratio of the medians ${(middle(peaks(fours)) / middle(peaks(ones))).toFixed(3)}`);
}

async function blend(): Promise<void> {
  print('seam score (1.00: patch borders cannot be seen), overlap 64');
  for (const kind of BLENDS) {
    const { seamScore } = await runSegment(scenePath, ['--overlap', '64', '--blend', kind]);
    print(`  ${kind.padEnd(7)} ${seamScore?.toFixed(3) ?? 'none'}`);
  }
  const { seamScore } = await runSegment(scenePath, ['--overlap', '0', '--blend', 'none']);
  print(`  no overlap at all ${seamScore?.toFixed(3) ?? 'none'}`);
  print('share of pixels on which maps agree');
  for (const kind of ['linear', 'crop']) {
    const maps = new Map<number, string>();
    for (const size of [256, 512, 1024]) {
      const { file } = await runSegment(scenePath, ['--patch-size', String(size), '--blend', kind]);
      maps.set(size, join(folder, `${kind}-${size}.tif`));
      await runProcess('mv', [file, maps.get(size)!]);
    }
    for (const [a, b] of [[256, 512], [512, 1024], [256, 1024]] as const) {
      print(`  ${kind.padEnd(7)} ${a} and ${b}: ${(await agreement(maps.get(a)!, maps.get(b)!)).toFixed(4)}`);
    }
  }
}

async function agreement(a: string, b: string): Promise<number> {
  const [first, second] = [await openScene(a), await openScene(b)];
  const { width, height } = first.profile;
  let same = 0;
  for (let y = 0; y < height; y += 512) {
    const window = { x: 0, y, width, height: Math.min(512, height - y) };
    const [p, q] = [(await first.read(window)).data, (await second.read(window)).data];
    for (let i = 0; i < p.length; i++) if (p[i] === q[i]) same++;
  }
  await Promise.all([first.close(), second.close()]);
  return same / (width * height);
}
