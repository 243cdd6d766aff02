import { parse } from 'yaml';
import { InvalidFileError, InvalidOptionError } from '../errors.js';

/**
 * Everything that decides what a model becomes, as written in `models/recipes/*.yaml`. Keys are the ones of the file; each
 * can be overridden on the command line with `--set training.epochs=3`.
 */
export interface Recipe {
  /** Lower case, digits, hyphens. */
  readonly name: string;
  readonly task: 'tagger' | 'segmenter';
  readonly data: RecipeData;
  readonly split: RecipeSplit;
  readonly network: RecipeNetwork;
  readonly training: RecipeTraining;
  readonly card: RecipeCard;
}

/** Paths are relative to the data folder. Either a table and pictures, or pictures with masks and `classes.json`. */
export interface RecipeData {
  readonly table?: string;
  readonly pictures?: string;
  readonly classes?: string;
  /** Classes that are ignored. */
  readonly leave_out?: readonly string[];
  readonly swap_red_blue?: boolean;
  /** Pixels around each picture with a mask that are ignored. */
  readonly frame?: number;
  /** Taggers from masks: edge of the chips, step between them, and the share from which on a class is a tag. */
  readonly chip?: number;
  readonly stride?: number;
  readonly least_share?: number;
}

/** Shares with a seed, or names of groups. */
export interface RecipeSplit {
  readonly seed?: number;
  readonly validation: number | readonly string[];
  readonly test: number | readonly string[];
}

export interface RecipeNetwork {
  readonly architecture: 'unet' | 'resnet-chips';
  readonly widths?: readonly number[];
  readonly blocks?: readonly number[];
  readonly batch_norm?: boolean;
  readonly dropout?: number;
  /** Chips: edge of the input after reduction. */
  readonly size?: number;
  readonly reduce?: number;
}

export interface RecipeTraining {
  readonly epochs: number;
  readonly batch: number;
  readonly patch?: number;
  readonly rate: number;
  readonly decay?: number;
  readonly seed: number;
  readonly patience?: number;
  readonly augment?: { readonly turns?: boolean; readonly brightness?: number; readonly contrast?: number; readonly color?: number };
  /** `layers` folder of a model with the same network, to start from its weights. Default: random ones. */
  readonly start_from?: string;
  readonly class_weights?: 'sqrt' | 'equal';
  readonly threshold?: number;
}

/** What the model card says beyond what is measured. */
export interface RecipeCard {
  readonly description?: string;
  readonly bands?: readonly string[];
  readonly window?: number;
  readonly gsd?: number;
  readonly license?: string;
  readonly data_name?: string;
  readonly data_source?: string;
  readonly data_license?: string;
  readonly split?: string;
  readonly limits?: readonly string[];
  /** What the command alone does not tell about how the model came to be. */
  readonly course?: string;
  /** Name of the model that ends at the feature layer. Default: the recipe's name and `-features`. */
  readonly features_name?: string;
  readonly colors?: Readonly<Record<string, string>>;
}

const KEYS: Readonly<Record<string, readonly string[]>> = {
  data: ['table', 'pictures', 'classes', 'leave_out', 'swap_red_blue', 'frame', 'chip', 'stride', 'least_share'],
  split: ['seed', 'validation', 'test'],
  network: ['architecture', 'widths', 'blocks', 'batch_norm', 'dropout', 'size', 'reduce'],
  training: ['epochs', 'batch', 'patch', 'rate', 'decay', 'seed', 'patience', 'augment', 'start_from', 'class_weights', 'threshold'],
  card: ['description', 'bands', 'window', 'gsd', 'license', 'data_name', 'data_source', 'data_license', 'split', 'limits', 'course', 'features_name', 'colors'],
};

/**
 * Reads a recipe and applies `key.key=value` settings.
 * @throws {InvalidFileError} for a recipe with unknown, missing or wrong keys
 * @throws {InvalidOptionError} for a setting of a key that recipes do not have
 */
export function parseRecipe(text: string, file: string, settings: readonly string[] = []): Recipe {
  let recipe: Record<string, unknown>;
  try {
    recipe = parse(text) as Record<string, unknown>;
  } catch (cause) {
    throw new InvalidFileError(file, `expected a recipe in YAML, found ${(cause as Error).message.split('\n')[0] ?? ''}`, { cause });
  }
  if (typeof recipe !== 'object' || recipe === null) throw new InvalidFileError(file, 'expected a recipe in YAML, found none');
  for (const setting of settings) applySetting(recipe, setting);
  for (const key of Object.keys(recipe)) if (key !== 'name' && key !== 'task' && KEYS[key] === undefined) throw new InvalidFileError(file, `expected name, task, ${Object.keys(KEYS).join(', ')}, found ${key}`);
  for (const [section, keys] of Object.entries(KEYS)) {
    recipe[section] ??= {};
    const unknown = Object.keys(recipe[section] as object).find((key) => !keys.includes(key));
    if (unknown !== undefined) throw new InvalidFileError(file, `expected ${section} to have ${keys.join(', ')}, found ${unknown}`);
  }
  const checked = recipe as unknown as Recipe;
  const wrong = faultOf(checked);
  if (wrong !== undefined) throw new InvalidFileError(file, wrong);
  return checked;
}

function applySetting(recipe: Record<string, unknown>, setting: string): void {
  const equals = setting.indexOf('=');
  const path = setting.slice(0, equals).split('.');
  const [section, key, inner] = path;
  if (equals < 1 || path.length > 3) throw new InvalidOptionError('--set', `expected key=value such as training.epochs=3, found ${setting}`);
  const value: unknown = parse(setting.slice(equals + 1));
  if (key === undefined) {
    if (section !== 'name') throw new InvalidOptionError('--set', `expected name or a key inside ${Object.keys(KEYS).join(', ')}, found ${section!}`);
    recipe[section] = value;
    return;
  }
  if (!(KEYS[section!] ?? []).includes(key)) throw new InvalidOptionError('--set', `expected a key of a recipe, found ${section!}.${key}`, { advice: 'models/recipes has examples' });
  const target = (recipe[section!] ??= {}) as Record<string, unknown>;
  if (inner === undefined) target[key] = value;
  else target[key] = { ...(target[key] as object | undefined), [inner]: value };
}

function faultOf(recipe: Recipe): string | undefined {
  const positive = (value: unknown): boolean => typeof value === 'number' && value > 0;
  if (typeof recipe.name !== 'string' || !/^[a-z0-9-]+$/.test(recipe.name)) return `expected name in lower case letters, digits and hyphens, found ${String(recipe.name)}`;
  if (recipe.task !== 'tagger' && recipe.task !== 'segmenter') return `expected task tagger or segmenter, found ${String(recipe.task)}`;
  const architecture = recipe.task === 'tagger' ? 'resnet-chips' : 'unet';
  if (recipe.network.architecture !== architecture) return `expected network.architecture ${architecture} for a ${recipe.task}, found ${String(recipe.network.architecture)}`;
  const { training, data } = recipe;
  for (const key of ['epochs', 'batch', 'rate'] as const) if (!positive(training[key])) return `expected training.${key} above 0, found ${String(training[key])}`;
  if (recipe.task === 'segmenter' && !positive(training.patch)) return `expected training.patch above 0, found ${String(training.patch)}`;
  if (data.classes === undefined && (data.table === undefined || data.pictures === undefined)) return 'expected data.table and data.pictures, or data.classes, found neither';
  if (recipe.task === 'segmenter' && data.classes === undefined) return 'expected data.classes for a segmenter, found none';
  if (recipe.task === 'tagger' && !positive(recipe.network.size)) return `expected network.size above 0, found ${String(recipe.network.size)}`;
  if (recipe.split.validation === undefined || recipe.split.test === undefined) return 'expected split.validation and split.test, found none';
  return undefined;
}
