import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { createCog } from '../../src/cog/index.js';
import { evaluate, type EvaluateResult } from '../../src/tasks/evaluate.js';
import { scratch } from '../places.js';
import { bandMeans } from './chip-models.js';
import { brightestBand } from './known-models.js';

const folder = scratch();
const scored = async (options: Parameters<typeof evaluate>[0]): Promise<EvaluateResult> => (await evaluate(options)) as EvaluateResult;
const chip = async (file: string, r: number, g: number, b: number): Promise<unknown> => sharp({ create: { width: 16, height: 16, channels: 3, background: { r, g, b } } }).png().toFile(file);

describe('evaluate', () => {
  it.each([['--tta', { tta: 'd4' }], ['--part', { part: 'validation' }], ['--split', { split: 'split.json' }], ['--threshold', { threshold: 0.3 }], ['--output', { output: 'out' }]] as const)('refuses %s beside a recipe, where it would do nothing', async (option, given) => {
    await expect(evaluate({ model: 'aerial-chips', data: folder, recipe: 'recipe.yaml', ...given })).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining(`${option}: expected nothing of the kind beside --recipe`) as string });
  });

  it('scores chips by tags as counted by hand, beside baselines, and names likely label errors', async () => {
    const base = join(folder, 'chips');
    mkdirSync(join(base, 'p'), { recursive: true });
    // Probabilities are the bands ÷ 255, tags from 0.4 on.
    await chip(join(base, 'p/a.png'), 255, 0, 0);
    await chip(join(base, 'p/b.png'), 255, 255, 0);
    await chip(join(base, 'p/c.png'), 0, 204, 0);
    await chip(join(base, 'p/d.png'), 250, 0, 0);
    writeFileSync(join(base, 'tags.csv'), 'image_name,tags\na,red\nb,red\nc,green\nd,green\n');
    const model = bandMeans(folder, { name: 'tagger', card: { output: { dim_order: 'bc', activation: 'none', classes: ['red', 'green', 'blue'].map((name, value) => ({ value, name, color_hint: '#808080', threshold: 0.4 })) } } });
    const result = await scored({ model, data: base, output: join(folder, 'drawn') });
    // a: red for red; b: red, green for red; c: green for green; d: red for green. F2 = 5h / (4t + p).
    expect(result).toMatchObject({ task: 'tags', n: 4, miou: null, accuracy: 9 / 12 });
    expect(result.f2).toBeCloseTo((1 + 5 / 6 + 1 + 0) / 4, 12);
    expect(result.perClass.map(({ support }) => support)).toEqual([2, 2, 0]);
    expect(result.perClass[0]).toMatchObject({ precision: 2 / 3, recall: 1 });
    expect(Object.keys(result.baselines)).toEqual(['most frequent of these samples (red)', 'all tags', expect.stringMatching(/^best constant tags of these samples \(/), 'prior']);
    expect(result.baselines['all tags']!.f2).toBeCloseTo(5 / 7, 12);
    expect(result.worst[0]).toMatchObject({ name: 'd', differs: '+red 0.98 -green 0.00', suspect: true });
    expect(result.files).toHaveLength(2);
    const turned = await scored({ model, data: base, tta: 'd4' });
    expect(turned.f2).toBeCloseTo(result.f2!, 12);
    await expect(evaluate({ model, data: base, set: ['class_names=[red,green,blue,zebra]'] })).rejects.toThrow('found none called zebra');
  });

  it('does not call labels wrong where the model hardly prefers another class', async () => {
    const base = join(folder, 'unsure');
    mkdirSync(join(base, 'p'), { recursive: true });
    // All about one half: 0.49 or 0.51 of red and of green, never two to one.
    for (const [name, red] of [['a', 130], ['b', 126], ['c', 124], ['d', 129]] as const) await chip(join(base, `p/${name}.png`), red, 255 - red, 0);
    writeFileSync(join(base, 'tags.csv'), 'image_name,tags\na,red\nb,green\nc,red\nd,green\n');
    const model = bandMeans(folder, { name: 'unsure', card: { output: { dim_order: 'bc', activation: 'none', classes: ['red', 'green', 'blue'].map((name, value) => ({ value, name, color_hint: '#808080', threshold: 0.5 })) } } });
    const result = await scored({ model, data: base });
    expect(result.worst.filter(({ differs }) => differs !== '').map(({ name }) => name).sort()).toEqual(['c', 'd']);
    expect(result.suspects).toBe(0);
  });

  it('takes tags that the model does not have for faults', async () => {
    const base = join(folder, 'unknown');
    mkdirSync(join(base, 'p'), { recursive: true });
    await chip(join(base, 'p/a.png'), 255, 0, 0);
    writeFileSync(join(base, 'tags.csv'), 'image_name,tags\na,purple\n');
    await expect(evaluate({ model: bandMeans(folder, { name: 'other' }), data: base })).rejects.toThrow(/^other: expected data with its 3 tags \(red, light green, blue, bright\), found only others in .*: purple$/);
    writeFileSync(join(base, 'tags.csv'), 'image_name,tags\na,red blue purple\n');
    const model = bandMeans(folder, { name: 'some', card: { output: { dim_order: 'bc', activation: 'none', classes: ['red', 'green', 'blue'].map((name, value) => ({ value, name, color_hint: '#808080' })) } } });
    await expect(evaluate({ model, data: base })).rejects.toMatchObject({ message: expect.stringContaining('1 × unknown tag (purple in line 2)') as string, advice: 'mend or leave out these files' });
  });

  it('scores maps through the whole of segment: pictures with masks, and a scene with its truth', async () => {
    const model = brightestBand(folder);
    const [width, height] = [40, 24];
    // The model says red, green, blue in thirds; the truth calls the last quarter of each row red.
    const third = (i: number): number => Math.floor((3 * (i % width)) / width);
    const truth = Uint8Array.from({ length: width * height }, (_, i) => (i % width >= 30 ? 0 : third(i)));
    const pixels = Uint8Array.from({ length: width * height * 3 }, (_, at) => (third(Math.floor(at / 3)) === at % 3 ? 200 : 20));
    const base = join(folder, 'maps');
    mkdirSync(join(base, 'images'), { recursive: true });
    mkdirSync(join(base, 'masks'));
    const colors = [[255, 0, 0], [0, 255, 0], [0, 0, 255]];
    writeFileSync(join(base, 'classes.json'), JSON.stringify({ classes: ['red', 'green', 'blue'].map((name, i) => ({ name, color: colors[i] })) }));
    await sharp(pixels, { raw: { width, height, channels: 3 } }).png().toFile(join(base, 'images/a.png'));
    await sharp(Buffer.from(Array.from(truth).flatMap((id) => colors[id]!)), { raw: { width, height, channels: 3 } }).png().toFile(join(base, 'masks/a.png'));
    const result = await scored({ model, data: base, output: join(folder, 'drawn-maps') });
    const confusion = [0, 1, 2].map((t) => [0, 1, 2].map((p) => Array.from(truth).filter((id, i) => id === t && third(i) === p).length));
    expect(result.confusion).toEqual(confusion);
    expect(result.accuracy).toBeCloseTo(30 / 40, 12);
    const iou = [0, 1, 2].map((c) => confusion[c]![c]! / (confusion[c]!.reduce((a, b) => a + b, 0) + confusion.reduce((sum, row) => sum + row[c]!, 0) - confusion[c]![c]!));
    expect(result.miou).toBeCloseTo(iou.reduce((a, b) => a + b, 0) / 3, 12);
    expect(result.worst[0]).toMatchObject({ name: 'a', differs: 'red taken for blue in 25.0 %' });
    expect(result.files).toHaveLength(3);

    for (const [name, bands, data] of [['scene.tif', 3, pixels], ['truth.tif', 1, truth]] as const) {
      const writer = await createCog({ width, height, bands, dtype: 'uint8', scratch: join(folder, `scratch-${name}`), ...(bands === 1 ? { classNames: ['red', 'green', 'blue'] } : {}) });
      await writer.write(data, height);
      await writer.finish(join(folder, name));
      await writer.abort();
    }
    const scene = await scored({ model, scene: join(folder, 'scene.tif'), truth: join(folder, 'truth.tif'), tta: 'd4' });
    expect([scene.accuracy, scene.miou, scene.n, scene.pixels]).toEqual([result.accuracy, result.miou, 1, width * height]);
  });
});
