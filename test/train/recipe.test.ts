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

  it('refuse keys that they do not have, and text that is no YAML', () => {
    expect(() => parseRecipe(`${text}\nextra: 1\n`, 'r.yaml')).toThrow('r.yaml: expected name, task, data, split, network, training, card, found extra');
    expect(() => parseRecipe('a: [', 'r.yaml')).toThrow('r.yaml: expected a recipe in YAML');
  });
});
