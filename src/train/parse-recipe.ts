import { parse } from 'yaml';
import { nearestName } from '../card/index.js';
import { InvalidFileError, InvalidOptionError } from '../errors.js';
import { contradiction, unfitToFinalise } from './contradictions.js';
import type { Recipe, RecipeStage } from './recipe.js';
import { RECIPE_FIELDS, type Field, type List, type Section } from './recipe-fields.js';

type Tree = Record<string, unknown>;

/** Where keys of earlier recipes went. */
const MOVED: Readonly<Record<string, string>> = {
  'training.rate': 'optimizer.lr', 'training.decay': 'optimizer.decay', 'training.augment': 'augment',
  'training.class_weights': 'loss.class_weights', 'training.label_smoothing': 'loss.label_smoothing', 'training.dice': 'loss.dice',
};

/**
 * Reads a recipe and applies `key.key=value` settings.
 * @throws {InvalidFileError} for a recipe with unknown, missing or wrong keys
 * @throws {InvalidOptionError} for a setting of a key that recipes do not have
 */
export function parseRecipe(text: string, file: string, settings: readonly string[] = []): Recipe {
  const recipe = readYaml(text, file);
  for (const [from, to] of Object.entries(MOVED)) moveKey(recipe, from, to);
  for (const setting of settings) applySetting(recipe, setting);
  displaceShares(recipe, settings.map(settingPath));
  for (const section of ['data', 'split', 'network', 'training', 'optimizer', 'schedule', 'loss', 'augment', 'card']) recipe[section] ??= {};
  recipe['stages'] ??= [];
  const faults = faultsOf(recipe, RECIPE_FIELDS, '');
  const bySettings = faults.filter(({ path }) => settings.some((setting) => path === settingPath(setting) || path.startsWith(`${settingPath(setting)}.`)));
  if (bySettings.length > 0) throw new InvalidOptionError('--set', `expected ${bySettings.map(({ text: fault }) => fault).join('; and ')}`);
  const gaps = ['network', 'training', 'optimizer'].every((section) => isTree(recipe[section])) && Array.isArray(recipe['stages']) ? missing(recipe as unknown as Recipe) : [];
  const wrong = [...faults.map(({ text: fault }) => fault), ...gaps];
  if (wrong.length > 0) throw new InvalidFileError(file, `expected ${wrong.join('; and ')}`);
  const found = withDefaults(recipe as unknown as Recipe);
  const unfitSetting = unfitToFinalise(found, settings.map((setting) => [settingPath(setting), parse(setting.slice(setting.indexOf('=') + 1)) as unknown] as const));
  if (unfitSetting !== undefined) throw new InvalidOptionError('--set', unfitSetting);
  const unfit = contradiction(found);
  if (unfit === undefined) return found;
  // What is right without the settings is made wrong by them.
  throw settings.length > 0 && isRight(text, file) ? new InvalidOptionError('--set', unfit) : new InvalidFileError(file, unfit);
}

function isRight(text: string, file: string): boolean {
  try {
    parseRecipe(text, file);
    return true;
  } catch {
    return false;
  }
}

/** The seed of everything that is drawn, the optimizer and the schedule are said in every recorded recipe. */
function withDefaults(recipe: Recipe): Recipe {
  return {
    ...recipe,
    training: { ...recipe.training, seed: recipe.training.seed ?? 1 },
    optimizer: { ...recipe.optimizer, name: recipe.optimizer.name ?? 'adamw' },
    schedule: { ...recipe.schedule, name: recipe.schedule.name ?? 'one-cycle' },
    loss: { ...recipe.loss, name: recipe.loss.name ?? 'cross-entropy' },
  };
}

function readYaml(text: string, file: string): Tree {
  let recipe: unknown;
  try {
    recipe = parse(text);
  } catch (cause) {
    throw new InvalidFileError(file, `expected a recipe in YAML, found ${(cause as Error).message.split('\n')[0] ?? ''}`, { cause });
  }
  if (!isTree(recipe)) throw new InvalidFileError(file, 'expected a recipe in YAML, found none');
  return recipe;
}

function moveKey(recipe: Tree, from: string, to: string): void {
  const [section, key] = from.split('.') as [string, string];
  const holder = recipe[section];
  if (!isTree(holder) || holder[key] === undefined) return;
  const found = holder[key];
  delete holder[key];
  const [target, inner] = to.split('.') as [string, string | undefined];
  if (inner === undefined) recipe[target] ??= found;
  else ((recipe[target] ??= {}) as Tree)[inner] ??= found;
}

/** `optimizer.lr=0.003`, `split.validation=[a, b]`, `stages.head.epochs=2`, `stages.0.epochs=2`. */
function applySetting(recipe: Tree, setting: string): void {
  const equals = setting.indexOf('=');
  if (equals < 1) throw new InvalidOptionError('--set', `expected key=value such as training.epochs=3, found ${setting}`);
  const given = setting.slice(0, equals).trim();
  const path = settingPath(setting).split('.');
  let value: unknown;
  try {
    value = parse(setting.slice(equals + 1));
  } catch (cause) {
    throw new InvalidOptionError('--set', `expected a value in YAML for ${given}, found ${setting.slice(equals + 1)}`, { cause });
  }
  let holder: Tree = recipe;
  let node: Field | Section | List | undefined = RECIPE_FIELDS;
  for (let depth = 0; depth < path.length; depth++) {
    let key = path[depth]!;
    if (node.kind === 'list') {
      key = stageKey(holder as unknown as readonly RecipeStage[], key);
      node = node.of;
    } else if (node.kind === 'section') {
      const known: readonly string[] = Object.keys(node.fields);
      node = node.fields[key];
      if (node === undefined) throw unknownSetting(path.slice(0, depth), key, known);
    }
    if (depth === path.length - 1) { holder[key] = value; return; }
    const inner: Tree = isTree(holder[key]) || Array.isArray(holder[key]) ? holder[key] as Tree : {};
    // A copy: YAML's anchors share one object between places.
    holder[key] = Array.isArray(inner) ? [...inner as unknown as unknown[]] : { ...inner };
    holder = holder[key] as Tree;
  }
}

/** A split file that is set takes the place of the recipe's own shares and groups; what is set beside it stays, and is refused. */
function displaceShares(recipe: Tree, paths: readonly string[]): void {
  const { split } = recipe;
  if (!paths.includes('split.file') || !isTree(split) || split['file'] === null) return;
  for (const key of ['seed', 'validation', 'test']) if (!paths.includes(`split.${key}`) && !paths.includes('split')) delete split[key];
}

/** The key that a setting is for, where it is now. */
function settingPath(setting: string): string {
  const given = setting.slice(0, setting.indexOf('=')).trim();
  const moved = Object.entries(MOVED).find(([from]) => given === from || given.startsWith(`${from}.`));
  return moved === undefined ? given : moved[1] + given.slice(moved[0].length);
}

function stageKey(stages: readonly RecipeStage[], key: string): string {
  const place = stages.findIndex((stage, index) => stage.name === key || String(index) === key);
  if (place < 0) throw new InvalidOptionError('--set', `expected a stage of the recipe (${stages.map((stage, index) => stage.name ?? String(index)).join(', ') || 'it has none'}), found ${key}`);
  return String(place);
}

function unknownSetting(path: readonly string[], key: string, known: readonly string[]): InvalidOptionError {
  const near = nearestName(key, known);
  return new InvalidOptionError('--set', `expected a key of a recipe, found ${[...path, key].join('.')}`, { advice: near === undefined ? `${path.length === 0 ? 'a recipe' : path.join('.')} has ${known.join(', ')}` : `did you mean ${[...path, near].join('.')}?` });
}

interface Fault { readonly path: string; readonly text: string }

/** Everything that is wrong with the keys in this part of a recipe. */
function faultsOf(found: unknown, node: Field | Section | List, path: string): Fault[] {
  if (node.kind === 'value') return node.allows(found) ? [] : [{ path, text: `${path} ${node.expected}, found ${show(found)}` }];
  if (node.kind === 'list') {
    if (!Array.isArray(found)) return [{ path, text: `${path} as a list, found ${show(found)}` }];
    return found.flatMap((item: unknown, index) => faultsOf(item, node.of, `${path}.${isTree(item) && typeof item['name'] === 'string' ? item['name'] : index}`));
  }
  if (!isTree(found)) return [{ path, text: `${path === '' ? 'a recipe' : path} to have ${Object.keys(node.fields).join(', ')}, found ${show(found)}` }];
  const dot = path === '' ? '' : `${path}.`;
  return Object.entries(found).flatMap(([key, item]): Fault[] => {
    const field = node.fields[key];
    if (field === undefined) {
      const known = Object.keys(node.fields);
      const near = nearestName(key, known);
      return [{ path: `${dot}${key}`, text: near === undefined ? `${path === '' ? 'a recipe' : path} to have ${known.join(', ')}, found ${key}` : `a key of a recipe, found ${dot}${key}: did you mean ${dot}${near}?` }];
    }
    if (item === undefined || item === null) { delete found[key]; return []; }
    return faultsOf(item, field, `${dot}${key}`);
  });
}

function missing(recipe: Recipe): string[] {
  const needed: readonly (readonly [string, unknown, string])[] = [
    ['name', recipe.name, 'in lower case letters, digits and hyphens'], ['task', recipe.task, 'tagger, classifier or segmenter'],
    ['network.architecture', recipe.network.architecture, 'as the name of a network'],
    ...(recipe.stages.length > 0 && recipe.stages.every((stage) => stage.epochs !== undefined) ? [] : [['training.epochs', recipe.training.epochs, 'above 0'] as const]),
    ['training.batch', recipe.training.batch, 'above 0'],
    ...(recipe.stages.length > 0 && recipe.stages.every((stage) => stage.lr !== undefined || stage.optimizer?.lr !== undefined) ? [] : [['optimizer.lr', recipe.optimizer.lr, 'above 0'] as const]),
    ...(recipe.task === 'segmenter' ? [['training.patch', recipe.training.patch, 'above 0'] as const] : [['network.size', recipe.network.size, 'above 0'] as const]),
  ];
  return needed.flatMap(([key, found, expected]) => (found === undefined ? [`${key} ${expected}, found none`] : []));
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value) ?? 'none';
}
