import { beforeAll, describe, expect, it } from 'vitest';
import { unet, type Tensorflow } from '../../models/architectures/index.js';
import { seededRandom, stripsOf } from '../../src/samples/index.js';
import { mapLearner, predictPicture, predictWindows, receptiveField, sketchMap, type PredictedWindow } from '../../src/train/index.js';
import { plainTensorflow } from './engines.js';
import { memoryMaps } from './memory-samples.js';

let tf: Tensorflow;
beforeAll(async () => { tf = await plainTensorflow(); });

const [WIDTH, HEIGHT, CLASSES] = [75, 58, 3];
const random = seededRandom(3);
const picture = { name: 'p', group: '', width: WIDTH, height: HEIGHT, pixels: Uint8Array.from({ length: WIDTH * HEIGHT * 3 }, () => random() * 256), mask: Uint8Array.from({ length: WIDTH * HEIGHT }, () => random() * CLASSES) };
const samples = memoryMaps([picture], { classes: ['a', 'b', 'c'] });

async function all(windows: AsyncGenerator<PredictedWindow>): Promise<PredictedWindow[]> {
  const out: PredictedWindow[] = [];
  for await (const window of windows) out.push(window);
  return out;
}

describe('predicting in windows', () => {
  it.each([[[2, 3], 2], [[2, 3, 4], 4]] as const)('gives the probabilities of the whole at once, with levels of %j', async (widths, multiple) => {
    const network = unet(tf, { classes: CLASSES, widths });
    expect(receptiveField(network.scores)).toBeLessThan(WIDTH);
    const whole = predictPicture(tf, network, picture, multiple);
    const parts = await all(predictWindows(tf, network, samples, 0, { multiple, atOnce: 1, edge: 16 }));
    expect(parts.length).toBe(5 * 4);
    const seen = new Uint8Array(WIDTH * HEIGHT);
    let worst = 0;
    for (const { window, scores, mask } of parts) {
      for (let row = 0; row < window.height; row++) {
        for (let column = 0; column < window.width; column++) {
          const at = (window.y + row) * WIDTH + window.x + column;
          const own = row * window.width + column;
          seen[at]!++;
          expect(mask[own]).toBe(picture.mask[at]);
          for (let id = 0; id < CLASSES; id++) worst = Math.max(worst, Math.abs(scores[own * CLASSES + id]! - whole[at * CLASSES + id]!));
        }
      }
    }
    expect(seen.every((times) => times === 1)).toBe(true);
    expect(worst).toBeLessThan(1e-6);
  });

  it('takes pictures that fit as they are, to the last bit', async () => {
    const network = unet(tf, { classes: CLASSES, widths: [2, 3] });
    const parts = await all(predictWindows(tf, network, samples, 0, { multiple: 2 }));
    expect(parts.map(({ window }) => window)).toEqual([{ x: 0, y: 0, width: WIDTH, height: HEIGHT }]);
    expect(parts[0]!.scores).toEqual(predictPicture(tf, network, picture, 2));
    expect(parts[0]!.mask).toEqual(picture.mask);
  });

  it('ends between two windows when it is interrupted', async () => {
    const network = unet(tf, { classes: CLASSES, widths: [2, 3] });
    const control = new AbortController();
    let windows = 0;
    const run = async (): Promise<void> => { for await (const _ of predictWindows(tf, network, samples, 0, { multiple: 2, atOnce: 1, edge: 16, signal: control.signal })) { if (++windows === 2) control.abort(); } };
    await expect(run()).rejects.toMatchObject({ name: 'Interrupted' });
    expect(windows).toBe(2);
  });

  it('is what segmenters are validated by', async () => {
    const network = unet(tf, { classes: CLASSES, widths: [2, 3] });
    const learner = mapLearner(tf, network, samples, { train: Int32Array.of(0), validation: Int32Array.of(0), test: new Int32Array(0) }, { batch: 1, patch: 8, multiple: 2, seed: 1, loss: { name: 'cross-entropy' } });
    const { loss, map } = await learner.validate();
    const whole = predictPicture(tf, network, picture, 2);
    let sum = 0;
    picture.mask.forEach((id, at) => { sum -= Math.log(Math.max(1e-7, whole[at * CLASSES + id]!)); });
    expect(loss).toBeCloseTo(sum / picture.mask.length, 12);
    expect([map!.width, map!.height]).toEqual([WIDTH, HEIGHT]);
  });
});

describe('sketches of maps', () => {
  it('keep every pixel of small maps and the nearest of large ones, whatever the windows', () => {
    for (const [width, height] of [[5, 3], [2500, 7], [1024, 2], [3000, 1100]] as const) {
      const classes = Uint8Array.from({ length: width * height }, (_, at) => (at * 7) % 251);
      const [whole, parts] = [sketchMap(width, height), sketchMap(width, height)];
      whole.put({ x: 0, y: 0, width, height }, classes);
      for (let y = 0; y < height; y += 300) for (let x = 0; x < width; x += 333) {
        const box = { x, y, width: Math.min(333, width - x), height: Math.min(300, height - y) };
        parts.put(box, Uint8Array.from({ length: box.width * box.height }, (_, at) => classes[(y + Math.floor(at / box.width)) * width + x + (at % box.width)]!));
      }
      expect(parts.map).toEqual(whole.map);
      expect(Math.max(whole.map.width, whole.map.height)).toBe(Math.min(1024, Math.max(width, height)));
      if (width <= 1024) expect(whole.map.classes).toEqual(classes);
    }
  });
});

describe('strips', () => {
  it('are the picture from top to bottom', () => {
    const tall = { name: 't', group: '', width: 3000, height: 2000, pixels: new Uint8Array(3000 * 2000 * 3), mask: Uint8Array.from({ length: 3000 * 2000 }, (_, at) => at % 3) };
    const strips = [...stripsOf(memoryMaps([tall], { classes: ['a', 'b', 'c'] }), 0, 4)];
    expect(strips.length).toBeGreaterThan(1);
    expect(strips.slice(0, -1).every(({ height }) => height % 4 === 0)).toBe(true);
    expect(Buffer.concat(strips.map(({ mask }) => mask)).equals(tall.mask)).toBe(true);
  });
});
