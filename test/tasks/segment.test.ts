import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createCog } from '../../src/cog/index.js';
import { Interrupted } from '../../src/errors.js';
import { crsFromEpsg } from '../../src/georef/index.js';
import type { Blend } from '../../src/stitch/index.js';
import type { Progress } from '../../src/run/index.js';
import { openScene } from '../../src/scene/index.js';
import { segment } from '../../src/tasks/segment.js';
import { vectorize } from '../../src/tasks/vectorize.js';
import { root, scratch } from '../places.js';
import { blurred, brightestBand, brightestBandInside, CLASSES, slow } from './known-models.js';

const folder = scratch();
let made = 0;
const fresh = (name: string): string => join(folder, `${made++}-${name}`);

interface Pixels { readonly width: number; readonly height: number; readonly data: Uint8Array }

/** Uncorrelated pixels, so that a pixel taken from a wrong place shows. */
function noise(width: number, height: number, seed = 1): Pixels {
  let state = seed;
  const data = Uint8Array.from({ length: width * height * 3 }, () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 24);
  return { width, height, data };
}

/** Broad fields with noise, as scenes are. */
function fields(width: number, height: number): Pixels {
  const { data } = noise(width, height, 7);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const band = (Math.floor(x / 37) + Math.floor(y / 29)) % 3;
      for (let b = 0; b < 3; b++) data[(y * width + x) * 3 + b] = (data[(y * width + x) * 3 + b]! >> 1) + (b === band ? 100 : 0);
    }
  }
  return { width, height, data };
}

async function writeScene(pixels: Pixels, nodata?: number): Promise<string> {
  const path = fresh('scene.tif');
  const writer = await createCog({
    width: pixels.width, height: pixels.height, bands: 3, dtype: 'uint8', scratch: `${path}.scratch`, blockSize: 64,
    transform: [500_000, 2, 0, 4_000_000, 0, -2], crs: crsFromEpsg(32633)!, ...(nodata === undefined ? {} : { nodata }),
  });
  await writer.write(pixels.data, pixels.height);
  await writer.finish(path);
  await writer.abort();
  return path;
}

function brightest({ data }: Pixels): Uint8Array {
  return Uint8Array.from({ length: data.length / 3 }, (_, p) => {
    const [r, g, b] = [data[p * 3]!, data[p * 3 + 1]!, data[p * 3 + 2]!];
    return r >= g && r >= b ? 0 : g >= b ? 1 : 2;
  });
}

async function readMap(path: string): Promise<Uint8Array> {
  const scene = await openScene(path);
  const { data } = await scene.read({ x: 0, y: 0, width: scene.profile.width, height: scene.profile.height });
  await scene.close();
  return data as Uint8Array;
}

const model = brightestBand(folder);

const sha = async (path: string): Promise<string> => createHash('sha256').update(await readFile(path)).digest('hex');

describe('segment', () => {
  it.each([
    [200, 131, 64, 16, 'linear'], [131, 200, 64, 33, 'hann'], [97, 64, 32, 8, 'crop'], [100, 100, 48, 0, 'linear'],
    [65, 65, 64, 16, 'linear'], [20, 13, 64, 16, 'linear'], [1, 1, 64, 16, 'linear'], [3, 700, 64, 16, 'linear'], [150, 90, 64, 63, 'none'],
  ] as const)('says of every pixel what the model says: %i × %i, patches of %i, overlap %i, %s', async (width, height, patchSize, overlap, blend: Blend) => {
    const pixels = noise(width, height);
    const output = fresh('map.tif');
    const result = await segment({ scene: await writeScene(pixels), model, output, patchSize, overlap, blend });
    expect(await readMap(output)).toEqual(brightest(pixels));
    expect(result.classes.reduce((sum, { pixels: count }) => sum + count, 0)).toBe(width * height);
    expect(existsSync(`${output}.partial`)).toBe(false);
  });

  it('keeps the georeference, names and colours of classes, and counts areas on the ground', async () => {
    const pixels = fields(150, 110);
    const output = fresh('map.tif');
    const result = await segment({ scene: await writeScene(pixels), model, output, patchSize: 64, overlap: 16 });
    const map = await openScene(output);
    expect(map.profile).toMatchObject({
      width: 150, height: 110, bands: 1, dtype: 'uint8', nodata: 255, transform: [500_000, 2, 0, 4_000_000, 0, -2], crs: { epsg: 32633 },
    });
    expect(map.profile.palette?.slice(0, 3)).toEqual([[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255]]);
    await map.close();
    expect(await readFile(`${output}.aux.xml`, 'utf8')).toContain('<Category>green</Category>');
    const truth = brightest(pixels);
    for (const [value, name] of CLASSES.entries()) {
      const count = truth.filter((id) => id === value).length;
      const entry = result.classes[value]!;
      expect(entry).toMatchObject({ id: value, name, pixels: count, share: count / truth.length });
      // UTM at its central meridian has scale 0.9996: a pixel of 2 m is 4 / 0.9996² m².
      expect(entry.areaHa! / ((count * 4) / 0.9996 ** 2 / 10_000)).toBeCloseTo(1, 4);
    }
    expect(result).toMatchObject({ width: 150, height: 110, patches: 6, strips: 2, resumedStrips: 0, device: 'cpu' });
  });

  it('gives the same bytes for any number of threads', async () => {
    const scene = await writeScene(fields(300, 200));
    const sums = new Set<string>();
    for (const threads of [1, 2, 3]) {
      const output = fresh('map.tif');
      await segment({ scene, model: blurred(folder), output, patchSize: 96, overlap: 32, threads });
      sums.add(await sha(output));
    }
    expect(sums.size).toBe(1);
  });

  it('uses the inside of models whose answer is smaller than their input, up to the outermost ring', async () => {
    const pixels = noise(130, 75);
    const output = fresh('map.tif');
    const result = await segment({ scene: await writeScene(pixels), model: brightestBandInside(folder, 5), output, patchSize: 64, overlap: 8 });
    expect(await readMap(output)).toEqual(brightest(pixels));
    expect(result.patches).toBe(3 * 2);
  });

  it('writes nodata where the scene has none, whatever the model says, and leaves it out of counts', async () => {
    const pixels = noise(200, 150);
    for (let y = 0; y < 150; y++) for (let x = 0; x < 200; x++) if (x < 90 || (x + y) % 11 === 0) pixels.data.fill(9, (y * 200 + x) * 3, (y * 200 + x) * 3 + 3);
    const output = fresh('map.tif');
    const result = await segment({ scene: await writeScene(pixels, 9), model, output, patchSize: 64, overlap: 16 });
    const expected = brightest(pixels).map((id, p) => (pixels.data[p * 3] === 9 && pixels.data[p * 3 + 1] === 9 && pixels.data[p * 3 + 2] === 9 ? 255 : id));
    expect(await readMap(output)).toEqual(expected);
    expect(result.classes.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
    expect(result.classes.reduce((sum, { pixels: count }) => sum + count, 0)).toBe(expected.filter((id) => id !== 255).length);
  });

  it('takes samples that are no numbers for missing, with and without further outputs', async () => {
    const [width, height] = [150, 100];
    const { data } = noise(width, height);
    const samples = Float32Array.from(data);
    for (let p = 0; p < width * height; p++) if (p % 7 === 0 || p % width > 120) samples[p * 3 + (p % 3)] = p % 2 === 0 ? Number.NaN : Number.POSITIVE_INFINITY;
    const path = fresh('float.tif');
    const writer = await createCog({ width, height, bands: 3, dtype: 'float32', scratch: `${path}.scratch`, blockSize: 64, overviews: 'none' });
    await writer.write(samples, height);
    await writer.finish(path);
    await writer.abort();
    const place = join(fresh('float-model'), '');
    await cp(brightestBand(folder), place, { recursive: true });
    const card = JSON.parse(await readFile(join(place, 'card.json'), 'utf8')) as { input: object };
    await writeFile(join(place, 'card.json'), JSON.stringify({ ...card, input: { ...card.input, scene_data_types: ['float32'] } }));
    const truth = brightest({ width, height, data });
    const expected = truth.map((id, p) => (p % 7 === 0 || p % width > 120 ? 255 : id));
    for (const more of [{}, { confidence: fresh('c.tif') }]) {
      const output = fresh('map.tif');
      await segment({ scene: path, model: place, output, patchSize: 64, overlap: 0, ...more });
      expect(await readMap(output)).toEqual(expected);
    }
  });

  it('makes a map without any class of a scene without any data', async () => {
    const output = fresh('map.tif');
    const pixels = { width: 70, height: 50, data: new Uint8Array(70 * 50 * 3).fill(9) };
    const result = await segment({ scene: await writeScene(pixels, 9), model, output, patchSize: 64, overlap: 16 });
    expect(new Set(await readMap(output))).toEqual(new Set([255]));
    expect(result.classes.map(({ pixels: count, share }) => [count, share])).toEqual([[0, 0], [0, 0], [0, 0]]);
    expect(result.seamScore).toBeNull();
  });

  it('hides the grid where the overlap is at least the receptive field: the map is that of one patch as large as the scene', async () => {
    const pixels = fields(300, 300);
    const scene = await writeScene(pixels);
    const difference = async (overlap: number, blend: Blend): Promise<number> => {
      const output = fresh('map.tif');
      await segment({ scene, model: blurred(folder), output, patchSize: 64, overlap, blend });
      const map = await readMap(output);
      return map.reduce((sum, id, p) => sum + (id === whole[p] ? 0 : 1), 0);
    };
    const one = fresh('whole.tif');
    await segment({ scene, model: blurred(folder), output: one, patchSize: 300, overlap: 0 });
    const whole = await readMap(one);
    expect(await difference(16, 'crop')).toBe(0); // the receptive field is 9: eight pixels from the border all is as in the middle
    expect(await difference(16, 'none')).toBeGreaterThan(0);
  });

  it('writes probabilities and confidence of the blended scores', async () => {
    const pixels = noise(100, 80);
    const [output, probabilities, confidence] = [fresh('map.tif'), fresh('p.tif'), fresh('c.tif')];
    const result = await segment({ scene: await writeScene(pixels), model, output, patchSize: 64, overlap: 16, probabilities, confidence });
    expect(result.files).toEqual([confidence, probabilities, `${output}.aux.xml`]);
    const [p, c] = [await readMap(probabilities), await readMap(confidence)];
    pixels.data.forEach((value, i) => expect(Math.abs(p[i]! - value / 3)).toBeLessThanOrEqual(0.51));
    c.forEach((value, i) => expect(value).toBe(Math.max(p[i * 3]!, p[i * 3 + 1]!, p[i * 3 + 2]!)));
    const scene = await openScene(probabilities);
    expect(scene.profile.bandNames).toEqual([...CLASSES]);
    await scene.close();
  });

  it('leaves no statistics of an earlier file beside probabilities', async () => {
    const [output, probabilities] = [fresh('map.tif'), fresh('p.tif')];
    const scene = await writeScene(noise(80, 60));
    await writeFile(`${probabilities}.aux.xml`, '<PAMDataset><PAMRasterBand band="1"><NoDataValue>7</NoDataValue></PAMRasterBand></PAMDataset>');
    await expect(segment({ scene, model, output, patchSize: 64, overlap: 16, probabilities })).rejects.toThrow(/aux\.xml exists/);
    await segment({ scene, model, output, patchSize: 64, overlap: 16, probabilities, overwrite: true });
    expect(existsSync(`${probabilities}.aux.xml`)).toBe(false);
    expect(existsSync(`${output}.aux.xml`)).toBe(true);
  });

  it('draws a preview', async () => {
    const preview = fresh('preview.png');
    await segment({ scene: await writeScene(fields(150, 110)), model, output: fresh('map.tif'), patchSize: 64, overlap: 16, preview });
    expect((await readFile(preview)).subarray(1, 4).toString()).toBe('PNG');
  });
});

describe('segment --vectors', () => {
  it.each(['geojson', 'fgb', 'parquet'])('writes the polygons that vectorize makes of the map: %s', async (ending) => {
    const scene = await writeScene(fields(150, 400));
    const model = blurred(folder);
    const options = { scene, model, patchSize: 64, overlap: 24, minArea: 60, simplify: 2 };
    const [output, vectors] = [fresh('map.tif'), fresh(`map.${ending}`)];
    const result = await segment({ ...options, output, vectors });
    expect(result.files).toContain(vectors);
    const again = fresh(`again.${ending}`);
    const { classes } = await vectorize({ map: output, output: again, minArea: 60, simplify: 2 });
    expect(classes.map(({ name }) => name)).toEqual(CLASSES);
    expect(await sha(vectors)).toBe(await sha(again));
    const exact = await vectorize({ map: output, output: again, overwrite: true });
    expect(exact.classes.map(({ id, pixels }) => [id, pixels])).toEqual(result.classes.filter(({ pixels }) => pixels > 0).map(({ id, pixels }) => [id, pixels]));
    exact.classes.forEach(({ id, areaHa }) => expect(areaHa).toBeCloseTo(result.classes[id]!.areaHa!, 9));
    const stopped = { ...options, output: fresh('map.tif'), vectors: fresh(`map.${ending}`) };
    for (const stage of ['segment', 'polygons']) {
      const controller = new AbortController();
      await expect(segment(stopped, { signal: controller.signal, onProgress: (progress) => { if (progress.stage === stage && progress.done > 1) controller.abort(); } })).rejects.toThrow(Interrupted);
      expect([existsSync(stopped.output), existsSync(stopped.vectors)]).toEqual([false, false]);
    }
    expect((await segment(stopped)).resumedStrips).toBe(result.strips);
    expect(await sha(stopped.vectors)).toBe(await sha(vectors));
  });

  it('refuses before the first patch what cannot be done', async () => {
    const scene = await writeScene(fields(70, 70));
    const options = { scene, model, output: fresh('map.tif') };
    await expect(segment({ ...options, vectors: fresh('a.shp') })).rejects.toThrow(/--vectors: expected a name that ends in \.geojson/);
    await expect(segment({ ...options, minArea: 5 })).rejects.toMatchObject({ code: 'INVALID_OPTION', advice: 'add --vectors <file>' });
    const nowhere = fresh('scene.tif');
    const writer = await createCog({ width: 70, height: 70, bands: 3, dtype: 'uint8', scratch: `${nowhere}.scratch` });
    await writer.write(fields(70, 70).data, 70);
    await writer.finish(nowhere);
    await writer.abort();
    await expect(segment({ ...options, scene: nowhere, vectors: fresh('a.fgb') })).rejects.toThrow('expected a georeferenced raster');
    expect(existsSync(`${options.output}.partial`)).toBe(false);
  });
});

describe('segment, stopped and started again', () => {
  it('goes on after an interruption at any strip, and gives the bytes of an uninterrupted run', async () => {
    const scene = await writeScene(fields(150, 400));
    const options = { scene, model: blurred(folder), patchSize: 64, overlap: 24, confidence: '' };
    const whole = { ...options, output: fresh('whole.tif'), confidence: fresh('whole-c.tif') };
    const { strips } = await segment(whole);
    expect(strips).toBeGreaterThan(5);
    for (const stop of [1, 3, strips - 1]) {
      const parts = { ...options, output: fresh('map.tif'), confidence: fresh('c.tif') };
      const controller = new AbortController();
      await expect(segment(parts, { signal: controller.signal, onProgress: ({ done }) => { if (done === stop) controller.abort(); } })).rejects.toThrow(Interrupted);
      expect(existsSync(parts.output)).toBe(false);
      const result = await segment(parts);
      // The strip after may have been on its way to the disk.
      expect([stop, stop + 1]).toContain(result.resumedStrips);
      expect(await sha(parts.output)).toBe(await sha(whole.output));
      expect(await sha(parts.confidence)).toBe(await sha(whole.confidence));
    }
  });

  it('survives kill -9 at arbitrary moments', async () => {
    const scene = await writeScene(fields(200, 900));
    const model = slow(folder, 60);
    const [whole, output] = [fresh('whole.tif'), fresh('map.tif')];
    const args = (path: string): string[] => [join(root, 'dist/cli/main.js'), 'segment', scene, '-m', model, '-o', path, '--patch-size', '64', '--overlap', '16', '--json'];
    await runCommand(args(whole));
    const journal = join(`${output}.partial`, 'journal.jsonl');
    for (const strips of [0, 2, 3, 7]) {
      expect(await runCommand(args(output), { journal, strips })).toBe('killed');
      expect(existsSync(output)).toBe(false);
    }
    const text = await runCommand(args(output));
    const result = JSON.parse(text) as { strips: number; resumedStrips: number };
    expect(result.resumedStrips).toBeGreaterThanOrEqual(7);
    expect(result.resumedStrips).toBeLessThan(result.strips);
    expect(await sha(output)).toBe(await sha(whole));
  });

  it('refuses to go on with other options, says which, and starts anew with --overwrite', async () => {
    const scene = await writeScene(fields(100, 300));
    const output = fresh('map.tif');
    const options = { scene, model: brightestBand(folder), output, patchSize: 64, overlap: 16 };
    const controller = new AbortController();
    await expect(segment(options, { signal: controller.signal, onProgress: () => controller.abort() })).rejects.toThrow(Interrupted);
    await expect(segment({ ...options, overlap: 8 })).rejects.toThrow(/another overlap \(was 16, now 8\)/);
    const other = await segment({ ...options, overlap: 8, overwrite: true });
    expect(other.resumedStrips).toBe(0);
    expect(other.overlap).toBe(8);
  });
});

describe('segment, stopped at its very end', () => {
  it('goes on when some files stand under their final names already', async () => {
    const scene = await writeScene(fields(150, 200));
    const model = brightestBand(folder);
    const whole = fresh('whole.tif');
    await segment({ scene, model, output: whole, patchSize: 64, overlap: 16 });
    const output = fresh('map.tif');
    const options = { scene, model, output, patchSize: 64, overlap: 16, preview: fresh('preview.png') };
    // The preview and the sidecar get their names, the map cannot: a folder that is not empty has its own.
    await expect(segment({ ...options, overwrite: true }, {
      onProgress: ({ done, total }) => { if (done === total && !existsSync(output)) mkdirSync(join(output, 'inside'), { recursive: true }); },
    })).rejects.toThrow();
    expect([existsSync(options.preview), existsSync(`${output}.aux.xml`)]).toEqual([true, true]);
    rmSync(output, { recursive: true });
    const result = await segment(options);
    expect(result.resumedStrips).toBe(result.strips);
    expect(await sha(output)).toBe(await sha(whole));
    expect((await readFile(options.preview)).subarray(1, 4).toString()).toBe('PNG');
  });

  it('leaves what somebody else put there meanwhile, keeps the finished map, and goes on when told how', async () => {
    const scene = await writeScene(fields(150, 200));
    const model = brightestBand(folder);
    const [whole, output] = [fresh('whole.tif'), fresh('map.tif')];
    await segment({ scene, model, output: whole, patchSize: 64, overlap: 16 });
    const options = { scene, model, output, patchSize: 64, overlap: 16, confidence: fresh('confidence.tif') };
    await expect(segment(options, { onProgress: ({ done, total }) => { if (done === total) writeFileSync(output, 'theirs'); } })).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining(`${output} exists, and did not when the run began`) as string, advice: expect.stringContaining('--overwrite') as string });
    expect(await readFile(output, 'utf8')).toBe('theirs');
    expect(existsSync(options.confidence)).toBe(false);
    expect(await sha(join(`${output}.partial`, 'finished-0.tif'))).toBe(await sha(whole));
    await expect(segment(options)).rejects.toThrow(`-o: ${output} exists`);
    expect(await readFile(output, 'utf8')).toBe('theirs');
    rmSync(output);
    expect((await segment(options)).resumedStrips).toBe(4);
    expect(await sha(output)).toBe(await sha(whole));
  });

  it('leaves overviews that somebody else put beside a map meanwhile', async () => {
    const scene = await writeScene(fields(150, 200));
    const model = brightestBand(folder);
    const output = fresh('map.tif');
    const options = { scene, model, output, patchSize: 64, overlap: 16, confidence: fresh('confidence.tif') };
    const meanwhile = { onProgress: ({ done, total }: Progress) => { if (done === total) writeFileSync(`${options.confidence}.ovr`, 'theirs'); } };
    await expect(segment(options, meanwhile)).rejects.toThrow(`${options.confidence}.ovr exists`);
    expect(await readFile(`${options.confidence}.ovr`, 'utf8')).toBe('theirs');
    expect(existsSync(output)).toBe(false);
    const result = await segment({ ...options, overwrite: true });
    expect(result.resumedStrips).toBe(result.strips);
    expect(existsSync(`${options.confidence}.ovr`)).toBe(false);
  });
});

describe('segment refuses, before anything is written', () => {
  it('outputs that are the scene, each other, in the unfinished folder, or of another kind than their names say', async () => {
    const scene = await writeScene(noise(40, 40));
    const before = await sha(scene);
    const model = brightestBand(folder);
    const output = fresh('map.tif');
    const all = { scene, model, output, overwrite: true };
    await expect(segment({ ...all, output: scene })).rejects.toThrow('-o: ' + scene + ' is the scene');
    await expect(segment({ ...all, confidence: output })).rejects.toThrow('--confidence');
    await expect(segment({ ...all, confidence: join(`${output}.partial`, 'c.tif') })).rejects.toThrow('unfinished files');
    await expect(segment({ ...all, preview: fresh('p.jpg') })).rejects.toThrow('--preview: expected a name that ends in .png');
    await expect(segment({ ...all, output: fresh('map.png') })).rejects.toThrow('-o: expected a name that ends in .tif or .tiff');
    await writeFile(`${output}.aux.xml`, 'mine');
    await expect(segment({ scene, model, output })).rejects.toThrow('aux.xml exists');
    expect(await sha(scene)).toBe(before);
  });

  it('a mask or overviews that lie where the map\'s would, unless told to replace them', async () => {
    const scene = await writeScene(noise(40, 40));
    const output = fresh('beside.tif');
    await writeFile(`${output}.msk`, 'mine');
    await expect(segment({ scene, model, output })).rejects.toThrow(/beside\.tif\.msk exists/);
    expect(await readFile(`${output}.msk`, 'utf8')).toBe('mine');
    await segment({ scene, model, output, overwrite: true });
    expect(existsSync(`${output}.msk`)).toBe(false);
  });

  it('an output that exists, unless told to replace it', async () => {
    const output = fresh('map.tif');
    await writeFile(output, 'mine');
    const options = { scene: await writeScene(noise(40, 40)), model: brightestBand(folder), output };
    await expect(segment(options)).rejects.toThrow('exists');
    expect(await readFile(output, 'utf8')).toBe('mine');
    await segment({ ...options, overwrite: true });
    expect((await readMap(output)).length).toBe(1600);
  });

  it('bands that do not fit the model, and takes those that are chosen', async () => {
    const pixels = noise(50, 50);
    const scene = await writeScene(pixels);
    const options = { scene, model: brightestBand(folder), patchSize: 64, overlap: 16 };
    await expect(segment({ ...options, output: fresh('map.tif'), bands: [1, 2] })).rejects.toThrow('takes 3 bands (red, green, blue), got 2');
    await expect(segment({ ...options, output: fresh('map.tif'), bands: [1, 2, 4] })).rejects.toThrow('has bands 1 to 3, got 4');
    const output = fresh('map.tif');
    await segment({ ...options, output, bands: [3, 2, 1] });
    const swapped = { ...pixels, data: pixels.data.map((_, i) => pixels.data[i - (i % 3) + 2 - (i % 3)]!) };
    expect(await readMap(output)).toEqual(brightest(swapped));
  });

  it('an overlap that is not smaller than the patch, a folder as output, too little memory', async () => {
    const options = { scene: await writeScene(noise(300, 300)), model: brightestBand(folder), patchSize: 64 };
    await expect(segment({ ...options, output: fresh('m.tif'), overlap: 64 })).rejects.toThrow('--overlap: expected less than the patch size 64, got 64');
    const place = fresh('folder.tif');
    await mkdir(place);
    await expect(segment({ ...options, output: place })).rejects.toThrow('found a folder');
    await expect(segment({ ...options, output: fresh('m.tif'), overlap: 16, memory: 10 * 1024 ** 2 })).rejects.toThrow(/--memory allows 10 MB/);
    await rm(place, { recursive: true });
  });

  it('nothing in a dry run but a plan', async () => {
    const output = fresh('map.tif');
    const plan = await segment({ scene: await writeScene(noise(300, 200)), model: brightestBand(folder), output, patchSize: 64, overlap: 16, dryRun: true });
    expect(plan).toMatchObject({ width: 300, height: 200, patches: 6 * 4, strips: 4, patchSize: 64, overlap: 16, blend: 'linear' });
    expect(plan.memory.peakBytes).toBe(plan.memory.parts.reduce((sum, { bytes }) => sum + bytes, 0));
    const drawn = await segment({ scene: await writeScene(noise(300, 200)), model: brightestBand(folder), output, preview: fresh('preview.png'), patchSize: 64, overlap: 16, dryRun: true });
    // Two pictures of the scene with all that is loaded to draw them.
    expect(drawn.memory.parts.at(-1)).toMatchObject({ name: expect.stringContaining('preview') as string });
    expect(drawn.memory.parts.at(-1)!.bytes).toBeGreaterThan(10 * 2 ** 20);
    expect(existsSync(output)).toBe(false);
    expect(existsSync(`${output}.partial`)).toBe(false);
  });
});

/** Runs the command line; killed with SIGKILL a moment after the journal has `strips` finished strips. */
async function runCommand(args: readonly string[], kill?: { readonly journal: string; readonly strips: number }): Promise<string> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', (data) => { out += String(data); });
  child.stderr.on('data', (data) => { err += String(data); });
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  while (kill !== undefined && child.exitCode === null) {
    const lines = (await readFile(kill.journal, 'utf8').catch(() => '')).split('\n').length - 1;
    if (lines > kill.strips) {
      await sleep(Math.random() * 30); // anywhere in the next strip: what it reads, writes or notes must not matter
      child.kill('SIGKILL');
      await ended;
      return 'killed';
    }
    await sleep(5);
  }
  const code = await ended;
  if (code !== 0) throw new Error(`exit code ${code}: ${err}`);
  return out;
}
