import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeModel, floatTensor, node, valueInfo } from '../../src/onnx/index.js';
import { openPredictor, turnBatch, turnsOf, withTurns, type Predictor } from '../../src/predict/index.js';
import { scratch } from '../places.js';

const folder = scratch();
const open: Predictor[] = [];
afterAll(() => Promise.all(open.map((predictor) => predictor.close())));

/** The score of a pixel is its left neighbour's first band (0 beyond the edge), the second score its own second band. */
async function leftNeighbour(): Promise<Predictor> {
  const place = join(folder, 'left');
  mkdirSync(place, { recursive: true });
  const weights = new Float32Array(2 * 3 * 9);
  weights[3] = 1; // first score: first band, row 1, column 0 of 3 × 3
  weights[27 + 9 + 4] = 1; // second score: second band, middle
  writeFileSync(join(place, 'model.onnx'), encodeModel({
    irVersion: 8, opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'left', node: [node('Conv', ['input', 'weights'], ['scores'], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] })], initializer: [floatTensor('weights', [2, 3, 3, 3], weights)],
      input: [valueInfo('input', 'float32', ['n', 3, 'h', 'w'])], output: [valueInfo('scores', 'float32', ['n', 2, 'h', 'w'])],
    },
  }));
  writeFileSync(join(place, 'card.json'), JSON.stringify({
    card_version: 1, name: 'left', task: 'semantic-segmentation', file: 'model.onnx',
    input: { bands: ['red', 'green', 'blue'], dim_order: 'bchw', shape: [-1, 3, -1, -1], data_type: 'float32' },
    output: { dim_order: 'bchw', activation: 'none', classes: [{ value: 0, name: 'a', color_hint: '#000000' }, { value: 1, name: 'b', color_hint: '#ffffff' }] },
  }));
  const predictor = await openPredictor(place, { outputs: ['scores'], patch: { width: 5, height: 3 }, threads: 1 });
  open.push(predictor);
  return predictor;
}

describe('looking in several ways', () => {
  it('has four and eight different ways, the first of which changes nothing', () => {
    expect(turnsOf('flips')).toHaveLength(4);
    expect(turnsOf('d4')).toHaveLength(8);
    fc.assert(fc.property(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 2, max: 6 }), (width, height) => {
      const batch = { data: Uint8Array.from({ length: width * height * 2 }, (_, i) => i), count: 1, width, height, bands: 2 };
      const seen = turnsOf('d4').map((turn) => turnBatch(batch, turn));
      expect(seen[0]!.data).toEqual(batch.data);
      expect(new Set(seen.map(({ data, width: w }) => `${w} ${data.join()}`)).size).toBe(8);
      for (const { data } of seen) expect([...data].sort((a, b) => a - b)).toEqual([...batch.data]);
    }));
  });

  it.each(['flips', 'd4'] as const)('%s: averages what belongs to the same pixel, in a window that is not square', async (kind) => {
    const plain = await leftNeighbour();
    const [width, height] = [5, 3];
    const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 37) % 200);
    const at = (x: number, y: number, band: number): number => (x < 0 || y < 0 || x >= width || y >= height ? 0 : data[(y * width + x) * 3 + band]!);
    const { scores } = await withTurns(plain, kind).predict({ data: data.slice(), count: 1, width, height, bands: 3 });
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        // Mirrored, the left neighbour is the right one; turned, it is the one above or below.
        const sideways = (at(x - 1, y, 0) + at(x + 1, y, 0)) / 2;
        const known = kind === 'flips' ? sideways : (sideways + (at(x, y - 1, 0) + at(x, y + 1, 0)) / 2) / 2;
        expect(scores![y * width + x]).toBeCloseTo(known, 3);
        expect(scores![width * height + y * width + x]).toBeCloseTo(at(x, y, 1), 3);
      }
    }
  });
});
