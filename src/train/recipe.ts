import { parse } from 'yaml';
import { InvalidFileError, InvalidOptionError } from '../errors.js';
import type { AugmentOptions } from './augment.js';

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
  readonly augment?: AugmentOptions;
  /** `layers` folder of a model with the same network, to start from its weights. Default: random ones. */
  readonly start_from?: string;
  readonly class_weights?: 'sqrt' | 'equal';
  /** Segmenters: whether every pixel is shown as often, or every group of pictures. Default `area`. */
  readonly sampling?: 'area' | 'group';
  /** Segmenters: share of a pixel's target that is spread over all classes. */
  readonly label_smoothing?: number;
  /** Segmenters: weight of the Dice loss beside the cross-entropy. */
  readonly dice?: number;
  /** Share of the moving average of the weights that stays per step; the model is that average. */
  readonly average?: number;
  /** Which epoch's weights the model has. Default `best`, by the validation score. */
  readonly keep?: 'best' | 'last';
  /** Segmenters: after training, offsets of the logits are chosen on the validation pictures. Default false. */
  readonly calibrate?: boolean;
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
  training: ['epochs', 'batch', 'patch', 'rate', 'decay', 'seed', 'patience', 'augment', 'start_from', 'class_weights', 'sampling', 'label_smoothing', 'dice', 'average', 'keep', 'calibrate', 'threshold'],
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
  return trainingFault(recipe) ?? augmentFault(recipe);
}

function trainingFault({ task, training }: Recipe): string | undefined {
  for (const key of ['label_smoothing', 'average'] as const) if (training[key] !== undefined && !within(training[key], 0, 1)) return `expected training.${key} from 0 to below 1, found ${String(training[key])}`;
  if (training.dice !== undefined && !within(training.dice, 0, Infinity)) return `expected training.dice from 0, found ${String(training.dice)}`;
  for (const key of ['sampling', 'label_smoothing', 'dice', 'calibrate'] as const) if (task === 'tagger' && training[key] !== undefined) return `expected training.${key} for a segmenter only, found it for a tagger`;
  if (training.sampling !== undefined && training.sampling !== 'area' && training.sampling !== 'group') return `expected training.sampling area or group, found ${String(training.sampling)}`;
  if (training.calibrate !== undefined && typeof training.calibrate !== 'boolean') return `expected training.calibrate true or false, found ${String(training.calibrate)}`;
  if (training.keep !== undefined && training.keep !== 'best' && training.keep !== 'last') return `expected training.keep best or last, found ${String(training.keep)}`;
  if (training.keep === 'last' && training.patience !== undefined) return 'expected training.patience with training.keep best only, found keep last';
  return undefined;
}

function augmentFault({ task, training }: Recipe): string | undefined {
  const augment = training.augment ?? {};
  const known = [...SHARES, 'turns', 'zoom'];
  const unknown = Object.keys(augment).find((key) => !known.includes(key));
  if (unknown !== undefined) return `expected training.augment to have ${known.join(', ')}, found ${unknown}`;
  if (augment.turns !== undefined && typeof augment.turns !== 'boolean') return `expected training.augment.turns true or false, found ${String(augment.turns)}`;
  for (const key of SHARES) if (augment[key] !== undefined && !within(augment[key], 0, key === 'gamma' ? Infinity : 1)) return `expected training.augment.${key} from 0${key === 'gamma' ? '' : ' to below 1'}, found ${String(augment[key])}`;
  const { zoom } = augment;
  if (zoom === undefined) return undefined;
  if (task === 'tagger') return 'expected training.augment.zoom for a segmenter only, found it for a tagger';
  if (!Array.isArray(zoom) || zoom.length !== 2 || !within(zoom[0], 0.1, 10) || !within(zoom[1], 0.1, 10) || zoom[0] > zoom[1]) return `expected training.augment.zoom as [smallest, largest] between 0.1 and 10, found ${JSON.stringify(zoom)}`;
  return undefined;
}

/** Changes of the light that are given as a number. */
const SHARES = ['brightness', 'contrast', 'color', 'gamma'] as const;

/** A number from `low` to below `high`. */
function within(value: unknown, low: number, high: number): boolean {
  return typeof value === 'number' && value >= low && value < high;
}
