import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, copyFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Tensorflow } from '../../models/architectures/index.js';
import { createCog } from '../../src/cog/index.js';
import { Interrupted } from '../../src/errors.js';
import { crsFromEpsg } from '../../src/georef/index.js';
import { openPredictor } from '../../src/predict/index.js';
import type { TypedArray } from '../../src/raster/index.js';
import { openScene } from '../../src/scene/index.js';
import { segment } from '../../src/tasks/segment.js';
import type { SegmentOptions } from '../../src/tasks/segment/setup.js';
import { root, scratch } from '../places.js';
import { plainTensorflow } from '../train/engines.js';
import { brightestBand } from './known-models.js';
import { THEMES, themeModel } from './theme-models.js';

const folder = scratch();
let made = 0;
const fresh = (name: string): string => join(folder, `${made++}-${name}`);
let tf: Tensorflow;
beforeAll(async () => { tf = await plainTensorflow(); });

interface Pixels { readonly width: number; readonly height: number; readonly bands: number; readonly data: TypedArray }

/** Fields of different colours and sizes with noise: themes differ from place to place. */
function landscape(width: number, height: number, bands = 3): Pixels & { readonly data: Uint8Array } {
  let state = 11;
  const data = Uint8Array.from({ length: width * height * bands }, (_, at) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const [x, y] = [Math.floor(at / bands) % width, Math.floor(at / bands / width)];
    return ((state >>> 25) + 50 * ((Math.floor(x / 13) + 2 * Math.floor(y / 9) + at % bands) % 3)) & 255;
  });
  return { width, height, bands, data };
}

async function writeScene({ width, height, bands, data }: Pixels, more: { readonly nodata?: number; readonly dtype?: 'uint8' | 'uint16' } = {}): Promise<string> {
  const path = fresh('scene.tif');
  const writer = await createCog({ width, height, bands, dtype: more.dtype ?? 'uint8', scratch: `${path}.scratch`, blockSize: 64, transform: [500_000, 2, 0, 4_000_000, 0, -2], crs: crsFromEpsg(32633)!, ...(more.nodata === undefined ? {} : { nodata: more.nodata }) });
  await writer.write(data, height);
  await writer.finish(path);
  await writer.abort();
  return path;
}

async function read(path: string): Promise<Pixels> {
  const scene = await openScene(path);
  const { width, height, bands } = scene.profile;
  const { data } = await scene.read({ x: 0, y: 0, width, height });
  await scene.close();
  return { width, height, bands, data };
}

/** numpy.pad's mode reflect. */
function mirrored(at: number, length: number): number {
  const period = 2 * (length - 1);
  const inside = ((at % period) + period) % period;
  return inside < length ? inside : period - inside;
}

/** The patch whose pixel `⌊size / 2⌋` is (x, y), cut out by hand. */
function patchAround({ width, height, bands, data }: Pixels, x: number, y: number, size: number): TypedArray {
  const patch = new (data.constructor as Uint8ArrayConstructor)(size * size * bands);
  const half = Math.floor(size / 2);
  for (let i = 0, to = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      const from = (mirrored(y - half + i, height) * width + mirrored(x - half + j, width)) * bands;
      for (let band = 0; band < bands; band++, to++) patch[to] = data[from + band]!;
    }
  }
  return patch;
}

/** Scores of every patch by the classifier as it is, `[pixels][classes]`: the middle of every square of `stride` pixels. */
async function patchByPatch(pixels: Pixels, model: string, size: number, stride = 1): Promise<{ readonly width: number; readonly scores: Float32Array[] }> {
  const predictor = await openPredictor(model, { outputs: ['scores'], patch: { width: size, height: size }, threads: 1 });
  const scores: Float32Array[] = [];
  let width = 0;
  for (let y = Math.floor(stride / 2); y < pixels.height; y += stride) {
    width = 0;
    for (let x = Math.floor(stride / 2); x < pixels.width; x += stride, width++) {
      scores.push((await predictor.predict({ data: patchAround(pixels, x, y, size), count: 1, width: size, height: size, bands: pixels.bands })).scores!.slice());
    }
  }
  await predictor.close();
  return { width, scores };
}

/** Classes equal but for ties; probabilities, which are bytes, within one step of them. */
function expectMap(map: Pixels, probabilities: Pixels | undefined, expected: readonly Float32Array[]): void {
  let ties = 0;
  expected.forEach((scores, at) => {
    const best = scores.indexOf(Math.max(...scores));
    if (map.data[at] !== best) {
      expect(scores[best]! - scores[map.data[at]!]!).toBeLessThan(1e-5);
      ties++;
    }
    if (probabilities !== undefined) scores.forEach((score, k) => expect(Math.abs(probabilities.data[at * THEMES.length + k]! / 255 - score)).toBeLessThan(0.5 / 255 + 1e-5));
  });
  expect(ties).toBeLessThan(expected.length / 100);
  expect(map.data.length).toBe(expected.length);
}

const sha = async (path: string): Promise<string> => createHash('sha256').update(await readFile(path)).digest('hex');

describe('segment --stride with a classifier of patches', () => {
  it.each([
    ['theme-cnn', { size: 20, width: 0.2 }, 31, 27, 1], ['theme-cnn', { size: 21, width: 0.2 }, 30, 35, 1], ['theme-cnn', { size: 20, width: 0.2 }, 90, 61, 4],
    ['theme-cnn', { size: 21, width: 0.2 }, 50, 47, 3], ['vgg3', { size: 16, width: 0.1 }, 37, 29, 2], ['theme-cnn', { size: 40, width: 0.2, input: { shape: [-1, 20, 20, 3], window: 40 } }, 43, 30, 1],
    ['theme-cnn', { size: 20, width: 0.2 }, 9, 12, 1],
  ] as const)('gives every pixel the class of the patch around it: %s %j, %i × %i, every %i pixels', async (architecture, options, width, height, stride) => {
    const network = 'input' in options ? { ...options, size: 20 } : options;
    const model = themeModel(tf, folder, { architecture, ...network });
    const pixels = landscape(width, height);
    const [output, probabilities] = [fresh('map.tif'), fresh('probabilities.tif')];
    const result = await segment({ scene: await writeScene(pixels), model, output, probabilities, stride, memory: 3e9 });
    const { width: columns, scores } = await patchByPatch(pixels, model, options.size, stride);
    const map = await read(output);
    expect([map.width, map.height]).toEqual([columns, scores.length / columns]);
    expectMap(map, await read(probabilities), scores);
    expect(result).toMatchObject({ patchSize: options.size, stride, overlap: 0 });
  });

  it('puts strides where they are on the ground, and counts their areas', async () => {
    const model = themeModel(tf, folder, { architecture: 'theme-cnn', size: 20, width: 0.2 });
    const pixels = landscape(90, 62);
    const output = fresh('map.tif');
    const result = await segment({ scene: await writeScene(pixels), model, output, stride: 4, preview: fresh('map.png') });
    const map = await openScene(output);
    // 90 pixels: middles 2, 6 … 86 and 90, which is beyond the last; 62: 2 … 58 and 62.
    expect(map.profile).toMatchObject({ width: 22, height: 15, transform: [500_000, 8, 0, 4_000_000, 0, -8], crs: { epsg: 32633 }, classNames: [...THEMES] });
    await map.close();
    const hectares = result.classes.reduce((sum, { areaHa }) => sum + areaHa!, 0);
    expect(hectares / ((22 * 15 * 64) / 0.9996 ** 2 / 10_000)).toBeCloseTo(1, 4);
  });

  it('leaves pixels without data out, whatever lies around them, and looks at what is stored there from elsewhere', async () => {
    const model = themeModel(tf, folder, { architecture: 'theme-cnn', size: 20, width: 0.2 });
    const pixels = landscape(50, 40);
    for (let y = 0; y < 40; y++) for (let x = 0; x < 50; x++) if ((x > 20 && x < 30) || y < 3) pixels.data.fill(9, (y * 50 + x) * 3, (y * 50 + x) * 3 + 3);
    for (const stride of [1, 3]) {
      const output = fresh('map.tif');
      await segment({ scene: await writeScene(pixels, { nodata: 9 }), model, output, stride });
      const { scores } = await patchByPatch(pixels, model, 20, stride);
      const map = await read(output);
      const masked = Array.from(map.data, (id) => id === 255);
      expect(masked).toEqual(Array.from({ length: map.data.length }, (_, at) => {
        const [x, y] = [(at % map.width) * stride + Math.floor(stride / 2), Math.floor(at / map.width) * stride + Math.floor(stride / 2)];
        return (x > 20 && x < 30) || y < 3;
      }));
      const seen = masked.flatMap((none, at) => (none ? [] : [at]));
      expectMap({ ...map, data: Uint8Array.from(seen, (at) => map.data[at]!) }, undefined, seen.map((at) => scores[at]!));
    }
  });

  it('takes four bands, and averages what it sees in mirrored patches', async () => {
    const model = themeModel(tf, folder, { architecture: 'theme-cnn', size: 20, width: 0.2, bands: 4 });
    const pixels = landscape(22, 18, 4);
    const scene = await writeScene(pixels);
    const output = fresh('map.tif');
    await segment({ scene, model, output, stride: 1 });
    expectMap(await read(output), undefined, (await patchByPatch(pixels, model, 20)).scores);
    const turned = fresh('turned.tif');
    await segment({ scene, model, output: turned, stride: 1, tta: 'd4' });
    const predictor = await openPredictor(model, { outputs: ['scores'], patch: { width: 20, height: 20 }, threads: 1 });
    const means: Float32Array[] = [];
    for (let at = 0; at < 22 * 18; at++) {
      const patch = patchAround(pixels, at % 22, Math.floor(at / 22), 20);
      const sum = new Float32Array(THEMES.length);
      for (let turn = 0; turn < 8; turn++) {
        const data = new Uint8Array(patch.length);
        for (let i = 0, to = 0; i < 20; i++) {
          for (let j = 0; j < 20; j++) {
            const [a, b] = [(turn & 1) !== 0 ? 19 - i : i, (turn & 2) !== 0 ? 19 - j : j];
            const from = (turn & 4) !== 0 ? b * 20 + a : a * 20 + b;
            for (let band = 0; band < 4; band++, to++) data[to] = patch[from * 4 + band]!;
          }
        }
        const { scores } = await predictor.predict({ data, count: 1, width: 20, height: 20, bands: 4 });
        scores!.forEach((score, k) => { sum[k]! += score / 8; });
      }
      means.push(sum);
    }
    await predictor.close();
    expectMap(await read(turned), undefined, means);
  });

  it('gives the same bytes in any number of blocks and threads, after an interruption, and polygons', async () => {
    const model = themeModel(tf, folder, { architecture: 'theme-cnn', size: 20, width: 0.2 });
    const scene = await writeScene(landscape(60, 1100));
    const whole = fresh('map.tif');
    const vectors = fresh('map.geojson');
    const { strips, patches } = await segment({ scene, model, output: whole, stride: 1, vectors });
    expect([strips, patches]).toEqual([3, 3]);
    expect(existsSync(vectors)).toBe(true);
    const output = fresh('map.tif');
    const stop = new AbortController();
    await expect(segment({ scene, model, output, stride: 1, threads: 1 }, { signal: stop.signal, onProgress: () => stop.abort() })).rejects.toThrow(Interrupted);
    await expect(segment({ scene, model, output, stride: 4 })).rejects.toThrow(/stride/);
    expect((await segment({ scene, model, output, stride: 1 })).resumedStrips).toBeGreaterThan(0);
    expect(await sha(output)).toBe(await sha(whole));
  });

  it('plans, and takes smaller blocks where memory is short', async () => {
    const model = themeModel(tf, folder, { architecture: 'theme-cnn', size: 20, width: 0.2 });
    const scene = await writeScene(landscape(600, 500));
    const plan = (await segment({ scene, model, output: fresh('map.tif'), stride: 1, dryRun: true }));
    expect(plan.stride).toBe(1);
    expect(plan).toMatchObject({ width: 600, height: 500, patchSize: 20 });
    expect(plan.memory.peakBytes).toBeGreaterThan(0);
  });
});

describe('segment --stride refuses with one line', () => {
  const refused = async (options: Partial<SegmentOptions>): Promise<string> => {
    const scene = await writeScene(landscape(40, 40));
    const output = fresh('map.tif');
    const error = await segment({ scene, output, model: '', ...options }).then(() => undefined, (cause: Error & { advice?: string }) => cause);
    expect(existsSync(output)).toBe(false);
    expect(existsSync(`${output}.partial`)).toBe(false);
    return `${error?.message ?? ''} | ${error?.advice ?? ''}`;
  };

  it('models and options that do not fit it', async () => {
    const theme = themeModel(tf, folder, { architecture: 'theme-cnn', size: 20, width: 0.2 });
    expect(await refused({ model: theme })).toMatch(/makes no maps, its task is classification \| .*--stride 1/);
    expect(await refused({ model: brightestBand(folder), stride: 1 })).toMatch(/--stride: is for classifiers of patches/);
    expect(await refused({ model: themeModel(tf, folder, { architecture: 'theme-cnn', size: 20, width: 0.2, task: 'multi-label-classification' }), stride: 1 })).toMatch(/no single class .* \| .*classify --overlap/);
    expect(await refused({ model: theme, stride: 1, overlap: 8 })).toMatch(/--overlap: is for models whose patches differ/);
    expect(await refused({ model: theme, stride: 1, blend: 'hann' })).toMatch(/--blend/);
    expect(await refused({ model: theme, stride: 1, precision: 'int8' })).toMatch(/--precision: with --stride/);
    expect(await refused({ model: theme, stride: 0 })).toMatch(/--stride: expected a whole number of pixels from 1, got 0/);
    expect(await refused({ model: theme, stride: 100 })).toMatch(/--stride: .*40 × 40 pixels, not one step of 100/);
    expect(await refused({ model: theme, stride: 1, patchSize: 30 })).toMatch(/--patch-size: .*no whole factor.*multiple of 20/);
    expect(await refused({ model: theme, stride: 1, patchSize: 10 })).toMatch(/--patch-size/);
  });

  it('networks with too many kinds of places, and layers that it cannot take apart', async () => {
    const deep = themeModel(tf, folder, { architecture: 'vgg16', size: 64, width: 1 / 64, head: { pool: 'average' } });
    expect(await refused({ model: deep, stride: 1 })).toMatch(/its layer block4_conv1 \(Conv\) has no dense form of a useful size: through zeros around the patch, \d+ × \d+ places/);
  });
});

describe('against ONNX Runtime in Python', () => {
  const golden = JSON.parse(readFileSync(join(root, 'fixtures/dense/dense.json'), 'utf8')) as { readonly cases: readonly { model: string; patch: number; width: number; height: number; scene: string; scores: number[] }[] };

  it.each(golden.cases.map((one) => [one.model, one] as const))('%s: scores of patches that were cut out one by one', async (_name, one) => {
    const place = fresh(one.model);
    mkdirSync(place);
    copyFileSync(join(root, 'fixtures/dense', `${one.model}.onnx`), join(place, 'model.onnx'));
    writeFileSync(join(place, 'card.json'), JSON.stringify({
      card_version: 1, name: one.model, task: 'classification', file: 'model.onnx', input: { name: 'image', bands: ['red', 'green', 'blue'], dim_order: 'bhwc', shape: [-1, one.patch, one.patch, 3], data_type: 'uint8' },
      output: { name: 'scores', dim_order: 'bc', activation: 'none', classes: THEMES.map((name, value) => ({ value, name, color_hint: '#808080' })) },
    }));
    const pixels: Pixels = { width: one.width, height: one.height, bands: 3, data: Uint8Array.from(Buffer.from(one.scene, 'hex')) };
    const output = fresh('map.tif');
    const probabilities = fresh('probabilities.tif');
    await segment({ scene: await writeScene(pixels), model: place, output, probabilities, stride: 1 });
    const scores = Array.from({ length: one.width * one.height }, (_, at) => Float32Array.from(one.scores.slice(at * 4, at * 4 + 4)));
    const map = await read(output);
    expect(new Set(map.data).size).toBeGreaterThan(2);
    expectMap(map, await read(probabilities), scores);
  });
});
