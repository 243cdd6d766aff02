import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import type { ModelCard } from '../../src/card/index.js';
import { decodeModel } from '../../src/onnx/index.js';
import { root } from '../places.js';

const zoo = join(root, 'models', 'zoo');
const names = existsSync(zoo) ? readdirSync(zoo) : [];
/** What a shipped file may have at most, and all of them together, in bytes. */
const LARGEST = 25e6;
const LARGEST_TOGETHER = 60e6;

describe('shipped models', () => {
  it.each(['aerial-landcover', 'amazon-chips', 'aerial-chips', 'aerial-features'])('%s is there', (name) => {
    expect(names).toContain(name);
  });

  it('is small enough to be installed by everybody', () => {
    const sizes = names.flatMap((name) => readdirSync(join(zoo, name)).filter((file) => file.endsWith('.onnx')).map((file) => statSync(join(zoo, name, file)).size));
    expect(Math.max(...sizes)).toBeLessThan(LARGEST);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(LARGEST_TOGETHER);
  });

  it.each(names)('%s does what its card says', async (name) => {
    const card = JSON.parse(readFileSync(join(zoo, name, 'card.json'), 'utf8')) as ModelCard;
    expect(card.name).toBe(name);
    for (const text of [card.description, card.license, card.data?.license, card.data?.split, card.trained_with]) expect(text).toBeTruthy();
    expect(card.limits!.length).toBeGreaterThan(2);
    const file = join(zoo, name, card.file);
    expect(decodeModel(readFileSync(file)).graph.input[0]?.name).toBe(card.input.name);
    const size = card.input.shape[1] === -1 ? 4 * card.input.multiple_of! : card.input.shape[1];
    const session = await ort.InferenceSession.create(readFileSync(file));
    const out = await session.run({ image: new ort.Tensor('uint8', Uint8Array.from({ length: 2 * size * size * 3 }, (_, i) => (i * 7919) % 256), [2, size, size, 3]) });
    await session.release();
    if (card.task === 'embedding') {
      expect(Object.keys(out)).toEqual(['features']);
      expect(out['features']!.dims).toEqual([2, card.output.features!.dimensions]);
      return;
    }
    const scores = out['scores']!;
    expect(card.output.classes.map((item) => item.value)).toEqual(card.output.classes.map((_, index) => index));
    expect(scores.dims).toEqual(card.task === 'semantic-segmentation' ? [2, card.output.classes.length, size, size] : [2, card.output.classes.length]);
    expect((scores.data as Float32Array).every((value) => value >= 0 && value <= 1.000001)).toBe(true);
    if (card.output.features !== undefined) expect(out['features']!.dims).toEqual([2, card.output.features.dimensions]);
    expect(card.scores!.some((score) => score.of === undefined)).toBe(true);
    expect(card.scores!.some((score) => score.of !== undefined)).toBe(true);
  });

  it.each(names)('%s has a README with its name, and the scores of its card', (name) => {
    const readme = readFileSync(join(zoo, name, 'README.md'), 'utf8');
    const card = JSON.parse(readFileSync(join(zoo, name, 'card.json'), 'utf8')) as ModelCard;
    expect(readme.startsWith(`# ${name}\n`)).toBe(true);
    for (const score of card.scores ?? []) expect(readme).toContain(score.value.toFixed(3));
  });
});
