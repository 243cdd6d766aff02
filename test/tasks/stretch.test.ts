import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createCog } from '../../src/cog/index.js';
import { parseCard } from '../../src/card/index.js';
import { fullWindow } from '../../src/raster/index.js';
import type { Raster, Scene } from '../../src/raster/index.js';
import { openScene } from '../../src/scene/index.js';
import { segment } from '../../src/tasks/segment.js';
import { applyStretch, parseStretch } from '../../src/tasks/model-input/stretch.js';
import { folderStretch } from '../../src/tasks/model-input/folder-stretch.js';
import { root, scratch } from '../places.js';
import { brightestBand } from './known-models.js';

/** What NumPy says of the 16-bit scene; made by `fixtures/model-input/make_stretch.py`. */
interface Golden {
  readonly valid: number;
  readonly percentile: { readonly low: readonly number[]; readonly high: readonly number[]; readonly sums: readonly number[] };
  readonly 'minmax 0 3000': { readonly sums: readonly number[] };
  readonly 'brightest after percentile': readonly number[];
}

const place = join(root, 'fixtures', 'model-input');
const golden = JSON.parse(readFileSync(join(place, 'stretch.json'), 'utf8')) as Golden;
const folder = scratch();
const model = brightestBand(folder);
const card = parseCard(JSON.parse(readFileSync(join(model, 'card.json'), 'utf8')), 'card');

async function readAll(scene: Scene): Promise<Raster> {
  return scene.read(fullWindow(scene.profile));
}

/** Sums per band over the pixels with data. */
function sumsOf(raster: Raster): number[] {
  const sums = new Array<number>(raster.bands).fill(0);
  raster.data.forEach((value, i) => { if (raster.mask![Math.floor(i / raster.bands)] !== 0) sums[i % raster.bands]! += value; });
  return sums;
}

describe('stretch', () => {
  it('takes percentiles of the valid pixels per band, as NumPy does, and gives its bytes', async () => {
    const opened = await openScene(join(place, 'scene.tif'));
    const { scene, stretch } = await applyStretch(opened, card, parseStretch('percentile:2,98'));
    stretch!.bands.forEach(({ factor, offset }, band) => {
      expect(-offset / factor).toBeCloseTo(golden.percentile.low[band]!, 8);
      expect((255 - offset) / factor).toBeCloseTo(golden.percentile.high[band]!, 8);
    });
    const raster = await readAll(scene);
    expect(raster.data).toBeInstanceOf(Uint8Array);
    expect(raster.mask!.filter((value) => value !== 0)).toHaveLength(golden.valid);
    expect(sumsOf(raster)).toEqual(golden.percentile.sums);
    await scene.close();
  });

  it('maps two given values to 0 and 255', async () => {
    const { scene } = await applyStretch(await openScene(join(place, 'scene.tif')), card, parseStretch('minmax:0,3000'));
    expect(sumsOf(await readAll(scene))).toEqual(golden['minmax 0 3000'].sums);
    await scene.close();
  });

  it('gives every window the values that the whole scene has there', async () => {
    const { scene } = await applyStretch(await openScene(join(place, 'scene.tif')), card, parseStretch('percentile:2,98'));
    const whole = await readAll(scene);
    const part = await scene.read({ x: 11, y: 7, width: 20, height: 9 }, { bands: [2, 0], into: new Uint8Array(360).fill(9) });
    for (let y = 0; y < 9; y++) {
      for (let x = 0; x < 20; x++) {
        const at = ((y + 7) * whole.width + x + 11) * 3;
        expect([...part.data.slice((y * 20 + x) * 2, (y * 20 + x) * 2 + 2)]).toEqual([whole.data[at + 2], whole.data[at]]);
      }
    }
    await scene.close();
  });

  it('takes samples of float scenes that are no numbers for missing', async () => {
    const path = join(folder, 'float.tif');
    const writer = await createCog({ width: 4, height: 1, bands: 1, dtype: 'float32', scratch: `${path}.scratch` });
    await writer.write(Float32Array.of(0, 0.5, Number.NaN, 2), 1);
    await writer.finish(path);
    await writer.abort();
    const { scene } = await applyStretch(await openScene(path), card, parseStretch('minmax:0,1'));
    const { data, mask } = await readAll(scene);
    expect([...data]).toEqual([0, 128, 0, 255]);
    expect([...mask!]).toEqual([255, 255, 0, 255]);
    await scene.close();
  });

  it('leaves alpha alone', async () => {
    const path = join(folder, 'alpha.tif');
    const writer = await createCog({ width: 2, height: 1, bands: 4, dtype: 'uint8', alphaBand: 3, scratch: `${path}.scratch` });
    await writer.write(Uint8Array.of(0, 40, 100, 255, 10, 20, 30, 255), 1);
    await writer.finish(path);
    await writer.abort();
    for (const rule of ['minmax:0,100', 'scale:2.55,0']) {
      const { scene, stretch } = await applyStretch(await openScene(path), card, parseStretch(rule));
      expect([...(await readAll(scene)).data]).toEqual([0, 102, 255, 255, 26, 51, 77, 255]);
      expect(stretch!.bands[3]).toEqual({ band: 4, factor: 1, offset: 0 });
      await scene.close();
    }
  });

  it('brings a 16-bit scene to an 8-bit model, and records how', async () => {
    const output = join(folder, 'map.tif');
    const result = await segment({ scene: join(place, 'scene.tif'), model, output, stretch: parseStretch('percentile:2,98') });
    expect(result.classes.map(({ pixels }) => pixels)).toEqual(golden['brightest after percentile']);
    expect(result.stretch).toMatchObject({ kind: 'percentile', dtype: 'uint8' });
    expect(result.stretch!.bands).toHaveLength(3);
  });

  it('refuses 16 bits without a rule, and says which there are', async () => {
    await expect(segment({ scene: join(place, 'scene.tif'), model, output: join(folder, 'none.tif') })).rejects.toMatchObject({
      code: 'MODEL', message: expect.stringContaining('uint16') as string, advice: expect.stringContaining('--stretch') as string,
    });
  });

  it.each(['', 'percentile', 'percentile:2', 'percentile:98,2', 'percentile:-1,98', 'percentile:2,101', 'minmax:3,3', 'minmax:a,b', 'scale:0,1', 'gamma:1,2', 'minmax:1,2,3'])('refuses %j', (text) => {
    expect(() => parseStretch(text)).toThrow(/--stretch/);
  });

  it('takes percentiles of a folder of chips once over all of them: those of the scene that they were cut from', async () => {
    const scene = await openScene(join(place, 'scene.tif'));
    const paths: string[] = [];
    for (const [x, y, width, height] of [[0, 0, 20, 37], [20, 0, 33, 11], [20, 11, 33, 26]] as const) {
      const path = join(folder, `chip-${paths.length}.tif`);
      const { data } = await scene.read({ x, y, width, height });
      const writer = await createCog({ width, height, bands: 3, dtype: 'uint16', nodata: 0, scratch: `${path}.scratch` });
      await writer.write(data, height);
      await writer.finish(path);
      await writer.abort();
      paths.push(path);
    }
    await scene.close();
    const stretch = await folderStretch(paths, card, parseStretch('percentile:2,98'));
    stretch.bands.forEach(({ factor, offset }, band) => {
      expect(-offset / factor).toBeCloseTo(golden.percentile.low[band]!, 8);
      expect((255 - offset) / factor).toBeCloseTo(golden.percentile.high[band]!, 8);
    });
  });
});
