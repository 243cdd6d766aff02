import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InvalidOptionError, ModelError, OutputError } from '../../src/errors.js';
import { loadModel } from '../../src/predict/index.js';
import { importModel, listModels, showModel } from '../../src/tasks/models.js';
import { hasShared, root, scratch, shared } from '../places.js';

const folder = scratch();
const fixture = (name: string): string => join(root, 'fixtures', 'predict', name);

function cardFile(name: string, classes: number, over: object = {}): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify({
    task: 'semantic-segmentation',
    input: { bands: ['red', 'green', 'blue'], dim_order: 'bchw', shape: [-1, 3, -1, -1], data_type: 'float32' },
    output: { dim_order: 'bchw', activation: 'none', classes: Array.from({ length: classes }, (_, value) => ({ value, name: `class ${value}`, color_hint: '#405060' })) },
    ...over,
  }));
  return path;
}

describe('models import', () => {
  it('makes a folder that loads, with the file as it was, and finds out the multiple', async () => {
    const output = join(folder, 'multiple');
    const result = await importModel({ file: fixture('multiple4.onnx'), card: cardFile('six.json', 6), output });
    expect(result).toMatchObject({ output, card: { name: 'multiple4', file: 'model.onnx', input: { multiple_of: 4 } } });
    expect(result.notes.join()).toMatch(/input\.multiple_of is 4/);
    // Samples come out as they are, so they are no probabilities, and the result says so.
    expect(result.notes.join()).toMatch(/scores reach from .* is output\.activation softmax or sigmoid\?/);
    expect(readFileSync(join(output, 'model.onnx'))).toEqual(readFileSync(fixture('multiple4.onnx')));
    expect((await loadModel(output)).card).toEqual(result.card);
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('finds out the margin', async () => {
    const result = await importModel({ file: fixture('crop2.onnx'), card: cardFile('three.json', 3), output: join(folder, 'crop'), name: 'cropped' });
    expect(result.card).toMatchObject({ name: 'cropped', output: { margin: 2 } });
    expect(result.card.input.multiple_of).toBeUndefined();
  });

  it('writes nothing where file and card do not fit', async () => {
    const output = join(folder, 'unfit');
    await expect(importModel({ file: fixture('identity.onnx'), card: cardFile('two.json', 2), output })).rejects.toBeInstanceOf(ModelError);
    await expect(importModel({ file: fixture('lopsided.onnx'), card: cardFile('three.json', 3), output })).rejects.toThrow(/output\.margin/);
    await expect(importModel({ file: fixture('identity.onnx'), output })).rejects.toThrow(/says nothing about its bands and classes/);
    expect(existsSync(output)).toBe(false);
  });

  it('replaces only model folders, and only when told', async () => {
    const options = { file: fixture('crop2.onnx'), card: cardFile('three.json', 3), output: join(folder, 'again') };
    await importModel(options);
    await expect(importModel(options)).rejects.toBeInstanceOf(InvalidOptionError);
    await importModel({ ...options, overwrite: true });
    const other = join(folder, 'photos');
    mkdirSync(other);
    writeFileSync(join(other, 'mine.jpg'), 'x');
    await expect(importModel({ ...options, output: other, overwrite: true })).rejects.toThrow(/has other files in it \(mine\.jpg\)/);
    await expect(importModel({ ...options, output: join(other, 'mine.jpg'), overwrite: true })).rejects.toBeInstanceOf(OutputError);
  });

  it.skipIf(!hasShared('weights/deepness_dummy'))('reads Deepness metadata without a card', async () => {
    const result = await importModel({ file: join(shared, 'weights', 'deepness_dummy', 'seg_one_output_sigmoid_bsx1x512x512.onnx'), output: join(folder, 'coffee') });
    expect(result.card.output.classes.map(({ name }) => name)).toEqual(['Coffee']);
    const shown = await showModel({ model: join(folder, 'coffee') });
    expect(shown).toMatchObject({ cardFrom: 'file', card: result.card });
  });
});

describe('models list', () => {
  it('lists what is in models/zoo, each loadable', async () => {
    const result = await listModels();
    expect(result.zoo).toBe(join(root, 'models', 'zoo'));
    expect(result.broken).toEqual([]);
    for (const { name } of result.models) expect((await showModel({ model: name })).card.name).toBe(name);
  });
});
