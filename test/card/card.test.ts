import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cardFromMetadata, classColors, defaultColor, legend, nearestName, palette, parseCard, parseColor } from '../../src/card/index.js';
import type { GraphSummary } from '../../src/card/index.js';
import { ModelError } from '../../src/errors.js';

type Json = Record<string, unknown>;

function card(): Json {
  return {
    card_version: 1,
    name: 'land-cover',
    task: 'semantic-segmentation',
    file: 'model.onnx',
    input: { bands: ['red', 'green', 'blue'], dim_order: 'bhwc', shape: [-1, -1, -1, 3], data_type: 'uint8' },
    output: {
      dim_order: 'bhwc', activation: 'softmax',
      classes: [{ value: 1, name: 'water', color_hint: '#0000FF' }, { value: 0, name: 'land', color_hint: '#808000' }],
    },
  };
}

/** The card with one field changed; `undefined` removes it. */
function changed(path: string, value: unknown): Json {
  const whole = card();
  const steps = path.split('.');
  let place = whole;
  for (const step of steps.slice(0, -1)) place = place[step] as Json;
  const last = steps.at(-1) ?? '';
  if (value === undefined) delete place[last];
  else place[last] = value;
  return whole;
}

function messageOf(json: unknown): string {
  try {
    parseCard(json, 'card.json');
  } catch (error) {
    expect(error).toBeInstanceOf(ModelError);
    const { message, advice } = error as ModelError;
    return advice === undefined ? message : `${message} | ${advice}`;
  }
  return 'no error';
}

describe('parseCard', () => {
  it('takes a card and puts its classes in order', () => {
    const parsed = parseCard(card(), 'card.json');
    expect(parsed.output.classes.map(({ name }) => name)).toEqual(['land', 'water']);
    expect(palette(parsed)).toEqual([[128, 128, 0, 255], [0, 0, 255, 255]]);
    expect(legend(parsed)[1]).toEqual({ value: 1, name: 'water', color: [0, 0, 255, 255] });
  });

  it('keeps every field of a full card', () => {
    const full = {
      ...card(), description: 'd', architecture: 'U-Net', total_parameters: 12, receptive_field: 90, license: 'CC0-1.0', limits: ['none'],
      trained_with: 'tilewright train', data: { name: 'tiles', source: 's', license: 'l', split: 'p', fingerprint: 'f' },
      scores: [{ metric: 'miou', value: 0.4, on: 'tile 7', of: 'model' }],
      input: {
        name: 'x', bands: ['red', 'green'], dim_order: 'bchw', shape: [1, 2, 32, 32], data_type: 'float16', scene_data_types: ['uint8', 'uint16'],
        value_scaling: { scale: 0.5, mean: [1, 2], stddev: [3, 4] }, multiple_of: 8, window: 256, gsd: 0.3,
      },
      output: { name: 'y', dim_order: 'bchw', activation: 'sigmoid', classes: [{ value: 0, name: 'a', color_hint: '#000000' }, { value: 1, name: 'b', color_hint: '#ffffff' }], margin: 4, features: { name: 'z', dimensions: 8 } },
    };
    expect(parseCard(full, 'card.json')).toEqual(full);
  });

  const refused: readonly (readonly [string, unknown, RegExp])[] = [
    ['card_version', 2, /card field card_version must be 1, found 2/],
    ['name', 'Land Cover', /card field name must be lower case.*found "Land Cover" \| for example land-cover/],
    ['name', undefined, /card field name must be a text, it is missing/],
    ['task', 'segmentation', /card field task must be one of .*found "segmentation"/],
    ['file', '../model.onnx', /card field file must be a path inside the folder/],
    ['file', '/model.onnx', /card field file must be a path inside the folder/],
    ['clases', [], /card field clases is not known/],
    ['recptive_field', 3, /card field recptive_field is not known \| did you mean receptive_field\?/],
    ['receptive_field', 0, /receptive_field must be a whole number from 1, found 0/],
    ['input', 3, /card field input must be an object, found 3/],
    ['input.bands', [], /input\.bands must be a list with at least one band/],
    ['input.bands', ['red', 'red', 'blue'], /input\.bands must be a list of names that differ, found "red"/],
    ['input.band', 1, /input\.band is not known \| did you mean bands\?/],
    ['input.shape', [-1, -1, 3], /input\.shape must be a list of four sizes/],
    ['input.shape', [-1, 0, -1, 3], /input\.shape\[1\] must be a whole number above 0, or -1 where free, found 0/],
    ['input.shape', [-1, 3, -1, -1], /no error/],
    ['input.shape', [-1, 32, 32, 4], /input\.shape must be a shape with 3 bands/],
    ['input.data_type', 'float', /input\.data_type must be one of .*found "float" \| did you mean/],
    ['input.scene_data_types', ['byte'], /input\.scene_data_types\[0\] must be one of/],
    ['input.value_scaling', { scale: 0 }, /value_scaling\.scale must be a number that is not 0/],
    ['input.value_scaling', { mean: [1, 2] }, /value_scaling\.mean must be a list of 3 numbers, one per band/],
    ['input.value_scaling', { stddev: [1, 2, 0] }, /value_scaling\.stddev\[2\] must be a number above 0/],
    ['input.multiple_of', 1.5, /input\.multiple_of must be a whole number from 1/],
    ['input.window', 256, /input\.shape must be fixed and square where input\.window is given/],
    ['input.gsd', -1, /input\.gsd must be a number of metres above 0/],
    ['output.dim_order', 'bc', /output\.dim_order must be bhwc or bchw or bhw for task semantic-segmentation, found "bc"/],
    ['output.activation', 'relu', /output\.activation must be one of none, softmax, sigmoid/],
    ['output.classes', [], /output\.classes must be a list with at least one class/],
    ['output.classes', [{ value: 1, name: 'a', color_hint: '#000000' }], /output\.classes must be classes with the values 0 to 0, each once, found \[1\]/],
    ['output.classes', [{ value: 0, name: 'a', color_hint: 'red' }], /output\.classes\[0\]\.color_hint must be a colour like #1f77b4, found "red"/],
    ['output.classes', [{ value: 0, name: 'a', color_hint: '#000000' }, { value: 1, name: 'a', color_hint: '#000000' }], /output\.classes must be a list of names that differ/],
    ['output.classes', [{ value: 0, name: 'a', colour: '#000000' }], /output\.classes\[0\]\.colour is not known/],
    ['output.classes', [0, 1, 2].map((value) => ({ value, name: `c${value}`, color_hint: '#000000', threshold: 0.5 })), /output\.classes\[0\]\.threshold must be absent/],
    ['output.margin', -1, /output\.margin must be a whole number from 0/],
    ['output.scale', 2, /output\.scale must be absent/],
    ['output.features', { name: 'f' }, /output\.features\.dimensions must be a whole number from 1, it is missing/],
    ['scores', [{ metric: 'f2', value: 'high', on: 'x' }], /scores\[0\]\.value must be a number, found "high"/],
  ];
  for (const [field, value, message] of refused) {
    it(`says what is wrong with ${field} ${JSON.stringify(value) ?? 'missing'}`, () => {
      const json = changed(field, value);
      if (message.source === 'no error') (json['input'] as Json)['dim_order'] = 'bchw';
      expect(messageOf(json)).toMatch(message);
    });
  }

  it('refuses what is nested deeper than it could be written', () => {
    const deep = JSON.parse(`${'['.repeat(8000)}${']'.repeat(8000)}`) as unknown;
    expect(() => parseCard(changed('name', deep), 'card.json')).toThrow(ModelError);
  });

  it('takes thresholds for tags and for maps of one class', () => {
    const only = { value: 0, name: 'coffee', color_hint: '#654321', threshold: 0.3 };
    const one = changed('output.classes', [only]);
    expect(messageOf(one)).toMatch(/output\.activation must be sigmoid or none for one class/);
    (one['output'] as Json)['activation'] = 'sigmoid';
    expect(parseCard(one, 'card.json').output.classes).toEqual([only]);
  });

  it('refuses softmax for tags and embeddings without features', () => {
    const tags = { ...card(), task: 'multi-label-classification', output: { dim_order: 'bc', activation: 'softmax', classes: [{ value: 0, name: 'a', color_hint: '#000000' }] } };
    expect(messageOf(tags)).toMatch(/output\.activation must be sigmoid or none for tags/);
    expect(messageOf({ ...card(), task: 'embedding', output: { dim_order: 'bc', activation: 'none', classes: [] } })).toMatch(/output\.features must be an object with name and dimensions/);
  });

  it('never throws anything but a ModelError of one line, whatever the JSON', () => {
    fc.assert(fc.property(fc.jsonValue(), fc.constantFrom('input', 'output', 'name', 'task', 'data', 'scores'), (value, field) => {
      for (const json of [value, changed(field, value)]) {
        try {
          parseCard(json, 'card.json');
        } catch (error) {
          expect(error).toBeInstanceOf(ModelError);
          expect((error as Error).message.split('\n')).toHaveLength(1);
        }
      }
    }), { numRuns: 300 });
  });
});

describe('nearestName', () => {
  it('finds what was meant, and nothing where nothing is near', () => {
    expect(nearestName('activaton', ['activation', 'classes'])).toBe('activation');
    expect(nearestName('dimorder', ['dim_order'])).toBe('dim_order');
    expect(nearestName('xyzzyx', ['activation', 'classes'])).toBeUndefined();
  });
});

describe('classColors', () => {
  const hueOf = (color: string): 'red' | 'green' | 'blue' => {
    const [red, green, blue] = parseColor(color);
    return green >= red && green >= blue ? 'green' : blue >= red ? 'blue' : 'red';
  };

  it('draws usual kinds of land cover in their colours, whatever else is in the name', () => {
    const names = ['forest', 'Bare soil', 'water', 'vegetation', 'buildings', 'Swimming_Pool', 'green roof', 'agricultural land', 'roads'];
    const colors = classColors(names);
    expect(names.map((name, i) => [name, hueOf(colors[i]!)])).toEqual([
      ['forest', 'green'], ['Bare soil', 'red'], ['water', 'blue'], ['vegetation', 'green'], ['buildings', 'red'], ['Swimming_Pool', 'blue'], ['green roof', 'red'], ['agricultural land', 'red'], ['roads', 'blue'],
    ]);
    // Grey, and the colour of fields rather than of land.
    expect([colors[8], colors[7]]).toEqual(['#5c5f66', '#e0b43c']);
    expect(new Set(colors).size).toBe(names.length);
  });

  it('gives every class a colour of its own, whatever the names', () => {
    for (const names of [['lake', 'river', 'sea', 'pond', 'water'], ['a', 'b', 'water', 'c', 'd', 'building', 'e'], Array.from({ length: 60 }, (_, i) => `class ${i}`), ['', 'x', '森林', '__proto__', 'constructor']]) {
      const colors = classColors(names);
      expect(colors.every((color) => /^#[0-9a-f]{6}$/.test(color))).toBe(true);
      expect(new Set(colors).size).toBe(names.length);
    }
  });

  it('does not take colours of land cover for other classes beside it', () => {
    const [water, , , , , other] = classColors(['water', 'a', 'b', 'c', 'd', 'e']).map(parseColor);
    expect(Math.hypot(water![0] - other![0], water![1] - other![1], water![2] - other![2])).toBeGreaterThan(60);
  });
});

describe('defaultColor', () => {
  it('gives 255 colours, none twice', () => {
    const colors = Array.from({ length: 255 }, (_, i) => defaultColor(i));
    expect(new Set(colors).size).toBe(255);
    for (const color of colors) expect(color).toMatch(/^#[0-9a-f]{6}$/);
  });
});

describe('cardFromMetadata', () => {
  const graph: GraphSummary = { input: { name: 'x', type: 'float32', shape: [-1, 3, 512, 512] }, output: { name: 'y', shape: [-1, 2, 512, 512] }, lastOperator: 'Softmax' };

  it('reads the card inside the file', () => {
    const found = cardFromMetadata({ tilewright_card: JSON.stringify(card()) }, graph, 'm.onnx');
    expect(found?.origin).toBe('tilewright');
    expect(found?.card.name).toBe('land-cover');
    expect(() => cardFromMetadata({ tilewright_card: '{' }, graph, 'm.onnx')).toThrow(/metadata tilewright_card must be JSON/);
  });

  it('finds nothing where nothing is said', () => {
    expect(cardFromMetadata({ author: 'me' }, graph, 'm.onnx')).toBeUndefined();
  });

  it('reads what Deepness writes, in all its ways', () => {
    for (const class_names of ['{"0": "land", "1": "water"}', '["land", "water"]', '[{"0": "land"}, {"1": "water"}]', "{0: 'land', 1: 'water'}"]) {
      const found = cardFromMetadata({ model_type: '"Segmentor"', class_names, resolution: '50' }, graph, 'some model.onnx');
      expect(found?.card).toMatchObject({
        name: 'some-model', task: 'semantic-segmentation', file: 'some model.onnx',
        input: { dim_order: 'bchw', shape: [-1, 3, 512, 512], gsd: 0.5, value_scaling: { scale: 1 / 255 } },
        output: { activation: 'none', dim_order: 'bchw' },
      });
      expect(found?.card.output.classes.map(({ name }) => name)).toEqual(['land', 'water']);
    }
  });

  it('divides by 255 unless means are for samples from 0 to 255', () => {
    const of = (mean: string, std: string): unknown => cardFromMetadata({ model_type: '"Segmentor"', standardization_mean: mean, standardization_std: std }, graph, 'm.onnx')?.card.input.value_scaling;
    expect(of('[0.5, 0.4, 0.3]', '[0.2, 0.2, 0.2]')).toEqual({ scale: 1 / 255, mean: [0.5, 0.4, 0.3], stddev: [0.2, 0.2, 0.2] });
    expect(of('[104, 117, 123]', '[1, 1, 1]')).toEqual({ mean: [104, 117, 123], stddev: [1, 1, 1] });
  });

  it('takes one channel as one class, with its threshold', () => {
    const one = { ...graph, output: { name: 'y', shape: [-1, 1, 512, 512] } };
    const found = cardFromMetadata({ model_type: '"Segmentor"', class_names: '[{"0": "Coffee"}]', seg_thresh: '0.3' }, one, 'm.onnx');
    expect(found?.card.output.classes).toMatchObject([{ value: 0, name: 'Coffee', threshold: 0.3 }]);
    expect(cardFromMetadata({ model_type: '"Segmentor"', class_names: '["_background", "road"]' }, one, 'm.onnx')?.card.output.classes.map(({ name }) => name)).toEqual(['road']);
  });

  it('sees the margin of a smaller output and the scale of a regression', () => {
    const smaller = { ...graph, output: { name: 'y', shape: [1, 2, 484, 484] } };
    expect(cardFromMetadata({ model_type: '"Segmentor"' }, smaller, 'm.onnx')?.card.output.margin).toBe(14);
    const one = { ...graph, output: { name: 'y', shape: [-1, 1, 512, 512] } };
    for (const type of ['"Regressor"', '"Regression"']) {
      expect(cardFromMetadata({ model_type: type, reg_output_scaling: '1.1' }, one, 'm.onnx')?.card).toMatchObject({ task: 'regression', output: { scale: 1.1, classes: [{ name: 'value' }] } });
    }
  });

  it('refuses what it cannot read in one line', () => {
    const of = (metadata: Record<string, string>, summary = graph): string => {
      try {
        cardFromMetadata(metadata, summary, 'm.onnx');
      } catch (error) {
        expect(error).toBeInstanceOf(ModelError);
        return (error as Error).message;
      }
      return 'no error';
    };
    expect(of({ model_type: '"Detector"' })).toMatch(/model_type "Detector" is not run here/);
    expect(of({ model_type: '"Segmentor"', class_names: '{"0": "a", "2": "b"}' })).toMatch(/class_names must be names by class number from 0 without gaps/);
    expect(of({ model_type: '"Segmentor"', class_names: '["a", "b", "c"]' })).toMatch(/class_names has 3 names for an output of 2 channels/);
    expect(of({ model_type: '"Segmentor"', resolution: '"fine"' })).toMatch(/metadata resolution must be a number/);
    expect(of({ model_type: '"Segmentor"', standardization_mean: '[1, 2]' })).toMatch(/standardization_mean must be a list of 3 numbers/);
    expect(of({ model_type: '"Regression"' }, { ...graph, output: { name: 'y', shape: [-1, 224] } })).toMatch(/its output has the shape \[free, 224\]/);
    expect(of({ model_type: '"Segmentor"' }, { ...graph, input: { name: 'x', type: 'float32', shape: [3, 512, 512] } })).toMatch(/must have four axes/);
  });
});
