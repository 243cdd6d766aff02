/**
 * Theme maps by a classifier of patches: its dense form against the patches one by one.
 *
 *     node dist/bench/dense.js [scene.tif] [--architecture theme-cnn] [--size 28] [--edge 300] [--stride 1] [--rounds 3] [--threads 2]
 *
 * Both sides read the scene, run the same classifier (made-up weights) by the same engine and threads, and take the most likely class; the
 * scene is by default the demo's. Scores of the dense map are its probabilities as floats, from the same predictor as `segment` uses.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { findArchitecture } from '../models/architectures/index.js';
import { createGrid, patchesOf, patchesOfStrip } from '../src/grid/index.js';
import { loadModel, openPredictor, withDense } from '../src/predict/index.js';
import { openScene } from '../src/scene/index.js';
import { predictGroupOf } from '../src/tasks/chips/strips.js';
import { segment } from '../src/tasks/segment.js';
import { predictPatch } from '../src/tasks/segment/run.js';
import { prepareSegment } from '../src/tasks/segment/setup.js';
import { exportOnnx } from '../src/train/index.js';
import { compare, print, printMachine } from './rounds.js';
import { clipTo } from './window-scene.js';

const here = dirname(fileURLToPath(import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    architecture: { type: 'string', default: 'theme-cnn' }, size: { type: 'string', default: '28' }, edge: { type: 'string', default: '300' }, stride: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' }, threads: { type: 'string', default: '2' }, themes: { type: 'string', default: '10' },
  },
});
const [scenePath = join(here, '../../assets/demo/dubai-crop.tif')] = positionals;
const [size, edge, stride, threads, themes] = [values.size, values.edge, values.stride, values.threads, values.themes].map(Number) as [number, number, number, number, number];
const folder = mkdtempSync(join(tmpdir(), 'tilewright-bench-'));

try {
  printMachine();
  const model = await makeModel();
  const area = await clipTo(scenePath, { x: 400, y: 400, width: edge, height: edge }, join(folder, 'area.tif'));
  const middles = Math.ceil((edge - Math.floor(stride / 2)) / stride);
  print(`${values.architecture}, patches of ${size} pixels, ${themes} themes; ${edge} × ${edge} pixels, every ${stride}: ${middles ** 2} patches; ${threads} threads`);
  const scores = { patches: new Float32Array(0) as Float32Array, dense: new Float32Array(0) as Float32Array };
  const whole: number[] = [];
  const ratio = await compare('from a scene and a model that are open to the class of every pixel', {
    name: 'patch by patch, 16 side by side as classify reads them', run: async () => { const found = await patchByPatch(model, area, middles); scores.patches = found.scores; return found.seconds; },
  }, {
    name: 'the dense form, as segment runs it', run: async () => {
      const started = performance.now();
      await segment({ scene: area, model, output: join(folder, 'map.tif'), stride, threads, overwrite: true });
      whole.push((performance.now() - started) / 1000);
      return dense(model, area);
    },
  }, Number(values.rounds));
  scores.dense = await denseScores(model, area);
  report(scores, await mapIds(join(folder, 'map.tif')));
  print(`the dense form is ${ratio.toFixed(0)} times faster; a whole run of segment, with loading, converting and writing: ${whole.map((seconds) => seconds.toFixed(2)).join(', ')} s`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function makeModel(): Promise<string> {
  await tf.setBackend('cpu');
  (tf.backend() as { firstUse?: boolean }).firstUse = false;
  const network = findArchitecture(values.architecture)!.build(tf, { outputs: themes, size, normalization: 'signed' });
  const place = join(folder, 'model');
  mkdirSync(place);
  writeFileSync(join(place, 'model.onnx'), exportOnnx({ name: values.architecture, outputs: { scores: network.scores } }));
  writeFileSync(join(place, 'card.json'), JSON.stringify({
    card_version: 1, name: values.architecture, task: 'classification', file: 'model.onnx', input: { name: 'image', bands: ['red', 'green', 'blue'], dim_order: 'bhwc', shape: [-1, size, size, 3], data_type: 'uint8' },
    output: { name: 'scores', dim_order: 'bc', activation: 'none', classes: Array.from({ length: themes }, (_, value) => ({ value, name: `theme-${value}`, color_hint: '#808080' })) },
  }));
  return place;
}

/** Scores of all patches, `[patches, themes]`: those of `classify` with a stride, in groups side by side, beyond the scene reflected. */
async function patchByPatch(model: string, area: string, middles: number): Promise<{ readonly scores: Float32Array; readonly seconds: number }> {
  const scene = await openScene(area);
  const predictor = await openPredictor(model, { outputs: ['scores'], patch: { width: size, height: size }, threads });
  const half = Math.floor(size / 2);
  const places = Array.from({ length: middles }, (_, i) => i * stride + Math.floor(stride / 2) - half);
  const grid = createGrid({ width: edge + size, height: edge + size, patchSize: size, overlap: 0 });
  const source = { scene, predictor, grid, bands: [0, 1, 2], kind: 'scores' as const };
  const all = new Float32Array(middles ** 2 * themes);
  const group = 16;
  await predictGroupOf(source, patchesOfStrip(grid, 0).slice(0, 1));
  const started = performance.now();
  const rows = places.map(async (y, row) => {
    for (let column = 0; column < middles; column += group) {
      const patches = places.slice(column, column + group).map((x, i) => ({ ...patchesOfStrip(grid, 0)[0]!, index: i, window: { x, y, width: size, height: size } }));
      (await predictGroupOf(source, patches)).forEach((found, i) => all.set(found!, (row * middles + column + i) * themes));
    }
  });
  await Promise.all(rows);
  const seconds = (performance.now() - started) / 1000;
  await predictor.close();
  await scene.close();
  return { scores: all, seconds };
}

/** Seconds for all blocks of the dense form, read, predicted and decided. */
async function dense(model: string, area: string): Promise<number> {
  const scene = await openScene(area);
  const setup = await prepareSegment({ scene: area, model, output: join(folder, 'map.tif'), stride, threads }, scene);
  const patches = [...patchesOf(setup.grid)];
  await predictPatch(setup, patches[0]!);
  const started = performance.now();
  await Promise.all(patches.map((patch) => predictPatch(setup, patch)));
  const seconds = (performance.now() - started) / 1000;
  await setup.predictor.close();
  await scene.close();
  return seconds;
}

/** Scores of the dense form in one window, `[themes, patches]`. */
async function denseScores(model: string, area: string): Promise<Float32Array> {
  const scene = await openScene(area);
  const middles = Math.ceil((edge - Math.floor(stride / 2)) / stride);
  const window = { x: Math.floor(stride / 2) - Math.floor(size / 2), y: Math.floor(stride / 2) - Math.floor(size / 2), width: (middles - 1) * stride + size, height: (middles - 1) * stride + size };
  const { data, width, height, bands } = await scene.read(window, { edge: 'reflect' });
  const converted = withDense(await loadModel(model), { patch: size, stride, dtype: 'uint8' });
  const predictor = await openPredictor(converted.model, { outputs: ['scores'], patch: { width, height }, threads });
  const { scores } = await predictor.predict({ data, count: 1, width, height, bands });
  await predictor.close();
  await scene.close();
  return scores!.slice();
}

async function mapIds(path: string): Promise<Uint8Array> {
  const map = await openScene(path);
  const { data } = await map.read({ x: 0, y: 0, width: map.profile.width, height: map.profile.height });
  await map.close();
  return data as Uint8Array;
}

function report(scores: { readonly patches: Float32Array; readonly dense: Float32Array }, ids: Uint8Array): void {
  let [worst, other, widest] = [0, 0, 0];
  for (let at = 0; at < ids.length; at++) {
    const one = scores.patches.subarray(at * themes, (at + 1) * themes);
    one.forEach((score, k) => { worst = Math.max(worst, Math.abs(score - scores.dense[k * ids.length + at]!)); });
    const best = one.indexOf(Math.max(...one));
    if (best === ids[at]) continue;
    other++;
    widest = Math.max(widest, one[best]! - one[ids[at]!]!);
  }
  print(`scores: largest difference ${worst.toExponential(1)}; classes: ${other} of ${ids.length} pixels differ${other === 0 ? '' : `, all of them ties (scores within ${widest.toExponential(1)})`}; ${new Set(ids).size} themes occur`);
}
