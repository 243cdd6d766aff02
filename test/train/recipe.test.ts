import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseRecipe } from '../../src/train/index.js';
import { root } from '../places.js';

const folder = join(root, 'models', 'recipes');
const text = readFileSync(join(folder, 'amazon-chips.yaml'), 'utf8');

describe('recipes', () => {
  it.each(readdirSync(folder))('%s is one', (file) => {
    const recipe = parseRecipe(readFileSync(join(folder, file), 'utf8'), file);
    expect([`${recipe.name}.yaml`, `my-${file}`.replace('.yaml', '') === recipe.name]).toContainEqual(recipe.name.startsWith('my-') ? true : file);
    expect(recipe.card.license).toBeTruthy();
    expect(recipe.card.limits!.length).toBeGreaterThan(0);
  });

  it('take other values for their keys, also for keys inside keys', () => {
    const recipe = parseRecipe(text, 'r.yaml', ['training.epochs=3', 'training.augment.turns=false', 'split.validation=[a, b]', 'name=other']);
    expect([recipe.training.epochs, recipe.training.augment?.turns, recipe.split.validation, recipe.name]).toEqual([3, false, ['a', 'b'], 'other']);
  });

  it.each([
    ['training.epoch=3', '--set: expected a key of a recipe, found training.epoch'],
    ['epochs', '--set: expected key=value such as training.epochs=3, found epochs'],
    ['training.epochs=0', 'r.yaml: expected training.epochs above 0, found 0'],
    ['network.architecture=unet', 'r.yaml: expected network.architecture resnet-chips for a tagger, found unet'],
    ['name=My Model', 'r.yaml: expected name in lower case letters, digits and hyphens, found My Model'],
  ])('refuse %s', (setting, message) => {
    expect(() => parseRecipe(text, 'r.yaml', [setting])).toThrow(message);
  });

  const maps = readFileSync(join(folder, 'segmenter.yaml'), 'utf8');
  it.each([
    ['training.label_smoothing=1', 'expected training.label_smoothing from 0 to below 1, found 1'],
    ['training.average=1', 'expected training.average from 0 to below 1, found 1'],
    ['training.dice=-1', 'expected training.dice from 0, found -1'],
    ['training.calibrate=1', 'expected training.calibrate true or false, found 1'],
    ['training.keep=first', 'expected training.keep best or last, found first'],
    ['training.sampling=class', 'expected training.sampling area or group, found class'],
    ['training.augment.blur=1', 'expected training.augment to have brightness, contrast, color, gamma, turns, zoom, found blur'],
    ['training.augment.gamma=-0.1', 'expected training.augment.gamma from 0, found -0.1'],
    ['training.augment.color=2', 'expected training.augment.color from 0 to below 1, found 2'],
    ['training.augment.turns=1', 'expected training.augment.turns true or false, found 1'],
    ['training.augment.zoom=1.5', 'expected training.augment.zoom as [smallest, largest] between 0.1 and 10, found 1.5'],
    ['training.augment.zoom=[2, 1]', 'expected training.augment.zoom as [smallest, largest] between 0.1 and 10, found [2,1]'],
  ])('refuse %s for a segmenter', (setting, message) => {
    expect(() => parseRecipe(maps, 'r.yaml', [setting])).toThrow(`r.yaml: ${message}`);
  });

  it('refuse what only segmenters have for a tagger, and patience where the last epoch is kept', () => {
    for (const setting of ['training.dice=0.5', 'training.label_smoothing=0.1', 'training.sampling=group', 'training.calibrate=true', 'training.augment.zoom=[0.5, 2]']) {
      expect(() => parseRecipe(text, 'r.yaml', [setting])).toThrow(`expected ${setting.split('=')[0]!} for a segmenter only, found it for a tagger`);
    }
    expect(() => parseRecipe(maps, 'r.yaml', ['training.keep=last', 'training.patience=3'])).toThrow('expected training.patience with training.keep best only, found keep last');
  });

  it('refuse keys that they do not have, and text that is no YAML', () => {
    expect(() => parseRecipe(`${text}\nextra: 1\n`, 'r.yaml')).toThrow('r.yaml: expected name, task, data, split, network, training, card, found extra');
    expect(() => parseRecipe('a: [', 'r.yaml')).toThrow('r.yaml: expected a recipe in YAML');
  });
});
