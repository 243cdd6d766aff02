import { describe, expect, it } from 'vitest';
import { cardFromMetadata, deepnessMetadata, parseCard } from '../../src/card/index.js';

const classes = ['land', 'water'].map((name, value) => ({ value, name, color_hint: '#123456' }));
const map = {
  card_version: 1, name: 'lakes', task: 'semantic-segmentation', file: 'model.onnx', receptive_field: 100,
  input: { bands: ['red', 'green', 'blue'], dim_order: 'bchw', shape: [-1, 3, 256, 256], data_type: 'float32', gsd: 0.3, value_scaling: { scale: 1 / 127.5, mean: [1, 1, 1] } },
  output: { dim_order: 'bchw', activation: 'none', classes },
};

describe('metadata for Deepness', () => {
  it('says every key as JSON, in centimetres and percent', () => {
    const found = deepnessMetadata(parseCard(map, 'card.json'));
    // As its model_base.py reads them: json.loads, then str, float, int or a dictionary.
    expect(Object.fromEntries(Object.entries(found).map(([key, value]) => [key, JSON.parse(value) as unknown]))).toEqual({
      model_type: 'Segmentor', class_names: { 0: 'land', 1: 'water' }, resolution: 30, tile_size: 256, tiles_overlap: 40, standardization_mean: [0.5, 0.5, 0.5], standardization_std: [0.5, 0.5, 0.5],
    });
  });

  it('gives the same card back', () => {
    const card = parseCard(map, 'card.json');
    const again = cardFromMetadata(deepnessMetadata(card), { input: { name: 'x', type: 'float32', shape: [-1, 3, 256, 256] }, output: { name: 'y', shape: [-1, 2, 256, 256] }, lastOperator: 'Softmax' }, 'lakes.onnx')!.card;
    expect(again).toMatchObject({ task: 'semantic-segmentation', input: { gsd: 0.3, value_scaling: { scale: 1 / 255, mean: [0.5, 0.5, 0.5], stddev: [0.5, 0.5, 0.5] } }, output: { classes: [{ name: 'land' }, { name: 'water' }] } });
  });

  it('names no kind for answers per chip, and no classes for features', () => {
    const chips = { ...map, task: 'multi-label-classification', receptive_field: undefined, input: { ...map.input, window: 512, value_scaling: undefined, gsd: undefined }, output: { ...map.output, dim_order: 'bc' } };
    expect(deepnessMetadata(parseCard(JSON.parse(JSON.stringify(chips)), 'card.json'))).toEqual({ class_names: '{"0":"land","1":"water"}', tile_size: '512' });
    const features = { ...chips, task: 'embedding', output: { dim_order: 'bc', activation: 'none', classes: [], features: { name: 'features', dimensions: 8 } } };
    expect(deepnessMetadata(parseCard(JSON.parse(JSON.stringify(features)), 'card.json'))).toEqual({ model_type: '"Recognition"', tile_size: '512' });
  });
});
