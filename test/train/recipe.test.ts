import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseRecipe, resolveStages, totalEpochs } from '../../src/train/index.js';
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
    const recipe = parseRecipe(text, 'r.yaml', ['training.epochs=3', 'augment.turns=false', 'split.validation=[a, b]', 'split.test=[]', 'name=other', 'optimizer.lr=0.5', 'network.head.dense=[3]']);
    expect([recipe.training.epochs, recipe.augment.turns, recipe.split.validation, recipe.name, recipe.optimizer.lr, recipe.network.head]).toEqual([3, false, ['a', 'b'], 'other', 0.5, { dense: [3] }]);
  });

  it('are split by shares or by groups, not by both', () => {
    expect(() => parseRecipe(text, 'r.yaml', ['split.validation=[a]', 'split.test=0.1'])).toThrow(/both as shares or both as names of groups, found one of each; take one away, for example with --set split\.test=null/);
    expect(parseRecipe(text, 'r.yaml', ['split.validation=[a]', 'split.test=null']).split.validation).toEqual(['a']);
  });

  it('take a split file that is set instead of their own shares, and refuse what is set beside it', () => {
    expect(parseRecipe(text, 'r.yaml').split.validation).toBeDefined();
    expect(parseRecipe(text, 'r.yaml', ['split.file=split.json']).split).toEqual({ file: 'split.json' });
    for (const settings of [['split.file=s.json', 'split.seed=3'], ['split.test=0.2', 'split.file=s.json'], ['split={file: s.json, test: 0.2}', 'split.file=t.json']]) {
      expect(() => parseRecipe(text, 'r.yaml', settings)).toThrow(/--set: expected split\.file alone, found split\.(seed|test) as well; take one away, for example with --set split\.file=null/);
    }
  });

  it('keep the meaning of earlier keys', () => {
    const recipe = parseRecipe(maps, 'r.yaml', ['training.rate=0.5', 'training.decay=0.1', 'training.augment={gamma: 0.1}', 'training.augment.color=0.2', 'training.dice=1', 'training.label_smoothing=0.2', 'training.class_weights=equal']);
    expect([recipe.optimizer.lr, recipe.optimizer.decay, recipe.augment, recipe.loss]).toEqual([0.5, 0.1, { gamma: 0.1, color: 0.2 }, { name: 'cross-entropy', class_weights: 'equal', dice: 1, label_smoothing: 0.2 }]);
    const old = text.replace(/^(optimizer|schedule|augment): .*\n/gm, '').replace('  batch: 128\n', '  batch: 128\n  rate: 0.004\n  decay: 0.03\n  augment: { turns: true }\n');
    expect(parseRecipe(old, 'r.yaml')).toEqual(parseRecipe(text, 'r.yaml'));
  });

  it('fill stages up from the other sections, and let each of their keys be set', () => {
    const file = readFileSync(join(folder, 'planet-resnet50.yaml'), 'utf8');
    const recipe = parseRecipe(file, 'r.yaml', ['stages.head128.epochs=2', 'stages.3.optimizer.decay=0', 'stages.all128.augment.rotate=0']);
    const stages = resolveStages(recipe);
    expect(stages.map((stage) => [stage.name, stage.size, stage.epochs, stage.batch, stage.optimizer.lr])).toEqual([
      ['head128', 128, 2, 64, 0.01], ['all128', 128, 5, 64, [0.00001, 0.002]], ['head256', 256, 5, 32, 0.005], ['all256', 256, 5, 32, [0.00001, 0.001]],
    ]);
    expect([stages[3]!.optimizer.decay, stages[1]!.augment.rotate, stages[0]!.augment.rotate, totalEpochs(recipe)]).toEqual([0, 0, 10, 17]);
    expect(() => parseRecipe(file, 'r.yaml', ['stages.tail.epochs=2'])).toThrow('--set: expected a stage of the recipe (head128, all128, head256, all256), found tail');
    expect(() => parseRecipe(file, 'r.yaml', ['stages.head128.freze=[a]'])).toThrow(expect.objectContaining({ advice: 'did you mean stages.head128.freeze?' }));
  });

  it.each([
    ['training.epoch=3', '--set: expected a key of a recipe, found training.epoch'],
    ['epochs', '--set: expected key=value such as training.epochs=3, found epochs'],
    ['training.epochs=0', '--set: expected training.epochs as a whole number above 0, found 0'],
    ['network.architecture=resnet', '--set: expected network.architecture resnet-chips, vgg3,'],
    ['optimizer.lr=fast', '--set: expected optimizer.lr above 0, [low, high], or {name: rate}, found fast'],
    ['optimizer.lr=[1]', '--set: expected optimizer.lr above 0, [low, high], or {name: rate}, found [1]'],
    ['schedule.name=twice', '--set: expected schedule.name constant, one-cycle, cosine or plateau, found twice'],
    ['stages=[{name: a}, {name: a}]', '--set: expected stages of different names, found a twice'],
    ['stages=[{nam: a}]', '--set: expected a key of a recipe, found stages.0.nam: did you mean stages.0.name?'],
    ['name=My Model', '--set: expected name in lower case letters, digits and hyphens, found My Model'],
  ])('refuse %s', (setting, message) => {
    expect(() => parseRecipe(text, 'r.yaml', [setting])).toThrow(message);
  });

  const maps = readFileSync(join(folder, 'segmenter.yaml'), 'utf8');
  it.each([
    ['loss.label_smoothing=1', 'expected loss.label_smoothing from 0 to below 1, found 1'],
    ['training.average=1', 'expected training.average from 0 to below 1, found 1'],
    ['loss.dice=-1', 'expected loss.dice from 0, found -1'],
    ['training.calibrate=1', 'expected training.calibrate true or false, found 1'],
    ['training.keep=first', 'expected training.keep best or last, found first'],
    ['training.sampling=class', 'expected training.sampling area or group, found class'],
        ['augment.gamma=-0.1', 'expected augment.gamma from 0, found -0.1'],
    ['augment.color=2', 'expected augment.color from 0 to below 1, found 2'],
    ['augment.turns=1', 'expected augment.turns true or false, found 1'],
    ['augment.zoom=1.5', 'expected augment.zoom as [smallest, largest] between 0.1 and 10, found 1.5'],
    ['augment.zoom=[2, 1]', 'expected augment.zoom as [smallest, largest] between 0.1 and 10, found [2,1]'],
  ])('refuse %s for a segmenter', (setting, message) => {
    expect(() => parseRecipe(maps, 'r.yaml', [setting])).toThrow(`--set: ${message}`);
  });

  it('refuse what only segmenters have for a tagger, and patience where the last epoch is kept', () => {
    for (const setting of ['loss.dice=0.5', 'training.sampling=group', 'training.calibrate=true', 'training.patch=8']) {
      expect(() => parseRecipe(text, 'r.yaml', [setting])).toThrow(`expected ${setting.split('=')[0]!} for a segmenter only, found it for a tagger`);
    }
    expect(() => parseRecipe(maps, 'r.yaml', ['training.keep=last', 'training.patience=3'])).toThrow('expected training.patience with training.keep best only, found keep last');
  });

  it.each([
    ['data.chip=100', 'expected data.chip as a multiple of network.size (32), so that chips are reduced by a whole factor, found 100'],
    ['split={validation: 0.5, test: 0.5}', 'expected split.validation and split.test below 1 together, so that something is left to train on, found 0.5 and 0.5'],
    ['split={validation: [a, b], test: [b]}', 'expected split.validation and split.test of different groups, found b in both'],
    ['network.head={dense: [8], dropout: [0.1, 0.2, 0.3]}', 'expected network.head.dropout with at most 2 shares'],
    ['stages=[{name: last, patch: 8}]', 'expected stages.last.patch for a segmenter only, found it for a tagger'],
  ])('refuse keys that do not go together: %s', (setting, message) => {
    expect(() => parseRecipe(text, 'r.yaml', [setting])).toThrow(`--set: ${message}`);
  });

  it('refuse sizes of later stages that chips cannot be reduced to, and keys of chips for a segmenter', () => {
    expect(() => parseRecipe(text, 'r.yaml', ['data.chip=64', 'stages=[{name: small}, {name: large, size: 48}]'])).toThrow('expected data.chip as a multiple of stages.large.size (48)');
    expect(() => parseRecipe(maps, 'r.yaml', ['data.chip=64'])).toThrow('expected data.chip for a tagger or classifier only, found it for a segmenter');
    expect(() => parseRecipe(text, 'r.yaml', ['network.weights=a.h5', 'training.start_from=b'])).toThrow('expected network.weights or training.start_from, found both; take one away');
  });

  it.each([
    ['data.threshold=0', 'data.threshold as a whole number from 1 to 255, found 0'], ['data.least_share=1.5', 'data.least_share from 0 to 1, found 1.5'], ['data.bands=[3, 2, 0]', 'data.bands as three band numbers from 1, found [3,2,0]'],
    ['data.range=[9, 9]', 'data.range as [low, high], the lower first, found [9,9]'], ['data.limit=0', 'data.limit as a whole number above 0, found 0'], ['training.batch=2.5', 'training.batch as a whole number above 0, found 2.5'],
    ['training.threshold=1.5', 'training.threshold from 0 to 1, or per-tag, found 1.5'], ['network.widths=[8, 0]', 'network.widths as a list of whole numbers above 0, found [8,0]'], ['split.validation=1', 'split.validation as a share from 0 to below 1, or a list of groups, found 1'],
  ])('refuse values out of range: %s', (setting, message) => {
    expect(() => parseRecipe(text, 'r.yaml', [setting])).toThrow(`--set: expected ${message}`);
  });

  it('refuse what chooses, where everything is trained on', () => {
    const final = 'training.finalise=true';
    // The recipe's own split is for the trainings before; one that is asked for is not.
    expect(parseRecipe(maps, 'r.yaml', [final]).training.finalise).toBe(true);
    for (const [setting, found] of [['split.validation=0.3', 'split.validation with training.finalise, which trains on everything and chooses nothing, found 0.3'], ['split.test=[a]', 'split.test'], ['split={}', 'split with'], ['training.monitor=loss', 'training.monitor'], ['training.keep=best', 'training.keep']]) {
      expect(() => parseRecipe(maps, 'r.yaml', [final, setting!])).toThrow(expect.objectContaining({ exitCode: 2, message: expect.stringContaining(`--set: expected no ${found!}`) as string }));
    }
    expect(() => parseRecipe(maps, 'r.yaml', [final, 'split.validation=null', 'training.keep=last'])).not.toThrow();
    expect(() => parseRecipe(text, 'r.yaml', [final])).toThrow(expect.objectContaining({ exitCode: 2, message: expect.stringContaining('found training.threshold per-tag; take it away with --set training.threshold=null') as string }));
    const staged = readFileSync(join(folder, 'planet-resnet50.yaml'), 'utf8');
    expect(() => parseRecipe(staged, 'r.yaml', [final, 'training.keep=null', 'training.patience=2', 'stages.all256.patience=3'])).toThrow('found training.patience, stages.all256.patience; take it away with --set training.patience=null --set stages.all256.patience=null');
  });

  it('say whether the recipe or the settings are at fault', () => {
    expect(() => parseRecipe(text, 'r.yaml', ['split={validation: 0.6, test: 0.5}'])).toThrow(expect.objectContaining({ exitCode: 2, message: expect.stringContaining('--set: expected split.validation and split.test below 1 together') as string }));
    const wrong = text.replace(/^split:(\n  .*)+/m, 'split: { validation: 0.6, test: 0.5 }');
    expect(() => parseRecipe(wrong, 'r.yaml', ['training.epochs=3'])).toThrow(expect.objectContaining({ exitCode: 3, message: expect.stringContaining('r.yaml: expected split.validation and split.test below 1 together') as string }));
  });

  it('tell everything that is wrong with their keys at once, and what is missing', () => {
    const faulty = 'name: x\ntask: tagger\nnetwork: { architecture: vgg3, size: 32, sizes: 4 }\noptimizer: { lr: fast }\ntraining: { epoch: 3 }\n';
    expect(() => parseRecipe(faulty, 'r.yaml')).toThrow('r.yaml: expected a key of a recipe, found network.sizes: did you mean network.size?; and optimizer.lr above 0, [low, high], or {name: rate}, found fast; and a key of a recipe, found training.epoch: did you mean training.epochs?; and training.epochs above 0, found none; and training.batch above 0, found none');
  });

  it('refuse keys that they do not have, and text that is no YAML', () => {
    expect(() => parseRecipe(`${text}\nextra: 1\n`, 'r.yaml')).toThrow('r.yaml: expected a recipe to have name, task, data, split, network, training, optimizer, schedule, loss, augment, stages, card, found extra');
    expect(() => parseRecipe(text.replace('  epochs:', '  epoch:'), 'r.yaml')).toThrow('r.yaml: expected a key of a recipe, found training.epoch: did you mean training.epochs?');
    expect(() => parseRecipe(text.replace('augment:', 'augmnt:'), 'r.yaml')).toThrow('r.yaml: expected a key of a recipe, found augmnt: did you mean augment?');
    expect(() => parseRecipe(text, 'r.yaml', ['augment.blur=1'])).toThrow('--set: expected a key of a recipe, found augment.blur');
    expect(() => parseRecipe('a: [', 'r.yaml')).toThrow('r.yaml: expected a recipe in YAML');
  });
});
