import { describe, expect, it } from 'vitest';
import { MLM_SCHEMA, stacItem } from '../../src/card/index.js';
import { loadModel } from '../../src/predict/index.js';

describe('a card as a STAC item', () => {
  it('says with the words of the machine-learning-model extension what goes in and comes out', async () => {
    const { card } = await loadModel('aerial-landcover');
    const item = stacItem(card, { datetime: '2026-01-01T00:00:00Z', files: [{ key: 'model', href: './model.onnx', bytes: 7, title: 'model' }] });
    expect(item).toMatchObject({
      type: 'Feature', stac_extensions: [MLM_SCHEMA], id: 'aerial-landcover',
      properties: {
        license: 'Apache-2.0', 'mlm:framework': 'ONNX', 'mlm:tasks': ['semantic-segmentation'],
        'mlm:input': [{ input: { shape: [-1, -1, -1, 3], dim_order: ['batch', 'height', 'width', 'bands'], data_type: 'uint8' }, bands: [{ name: 'red' }, { name: 'green' }, { name: 'blue' }] }],
        'mlm:output': [{ result: { shape: [-1, 5, -1, -1], dim_order: ['batch', 'class', 'height', 'width'], data_type: 'float32' } }],
      },
      assets: { model: { roles: ['mlm:model'], 'mlm:artifact_type': 'onnx', 'file:size': 7 } },
    });
  });

  it('writes scaling as mean and deviation of the samples as they come', () => {
    const card = {
      card_version: 1, name: 'm', task: 'classification', file: 'm.onnx',
      input: { bands: ['a', 'b'], dim_order: 'bchw', shape: [-1, 2, 8, 8], data_type: 'float32', value_scaling: { scale: 1 / 255, mean: [0.5, 0.25], stddev: [0.25, 0.5] } },
      output: { dim_order: 'bc', activation: 'none', classes: [{ value: 0, name: 'first one', color_hint: '#00aaff' }] },
    } as const;
    const item = stacItem(card, { datetime: '2026-01-01T00:00:00Z', files: [] }) as { properties: { 'mlm:input': { value_scaling: { type: string; mean: number; stddev: number }[] }[]; 'mlm:output': { 'classification:classes': object[] }[] } };
    // A licence that the card does not tell is none, not another one.
    expect(item.properties).not.toHaveProperty('license');
    const [a, b] = item.properties['mlm:input'][0]!.value_scaling;
    // (v / 255 − 0.5) / 0.25 = (v − 127.5) / 63.75
    expect(a!.mean).toBeCloseTo(127.5);
    expect(a!.stddev).toBeCloseTo(63.75);
    expect(b!.mean).toBeCloseTo(63.75);
    expect(b!.stddev).toBeCloseTo(127.5);
    expect(item.properties['mlm:output'][0]!['classification:classes']).toEqual([{ value: 0, name: 'first_one', title: 'first one', color_hint: '00AAFF' }]);
  });
});
