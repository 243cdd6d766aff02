import { stat } from 'node:fs/promises';
import { InvalidFileError, InvalidOptionError } from '../errors.js';
import { loadModel, type TestTimeAugmentation } from '../predict/index.js';
import { describeData, type FoundData } from '../dataset/index.js';
import type { TaskContext } from '../run/index.js';
import { listData } from './dataset/open.js';
import { evaluateChips } from './evaluate/chips.js';
import { evaluateMaps } from './evaluate/maps.js';
import { evaluateRecipe, type RecipeScores } from './evaluate/recipe.js';
import { recordedSplit } from './evaluate/recorded.js';
import type { EvaluateResult } from './evaluate/result.js';

export type { EvaluateResult } from './evaluate/result.js';

export interface EvaluateOptions {
  /** Name of a shipped model, a model folder, or an ONNX file. */
  readonly model: string;
  /** Data with their truth: folder, table, archive or description … */
  readonly data?: string;
  /** … or one scene and its truth raster, with a legend where the raster has no class names. */
  readonly scene?: string;
  readonly truth?: string;
  readonly classes?: string;
  /** Keys of the description of the data (or of the recipe) with other values. */
  readonly set?: readonly string[];
  /**
   * A split made by `dataset split`, and which part of it. Without a split: of the parts that the data have themselves, else of those that
   * the model's training made of them, and the data are then read as its recipe says. Default: everything.
   */
  readonly split?: string;
  readonly part?: 'train' | 'validation' | 'test';
  /** Tags: probability from which on a tag counts, for all tags. Default: the card's. */
  readonly threshold?: number;
  readonly tta?: TestTimeAugmentation;
  /** Folder for charts and the sheet of the worst errors. Default: none are drawn. */
  readonly output?: string;
  /** Samples on the sheet. Default 12. */
  readonly worst?: number;
  /** Engine threads. Default: all cores. */
  readonly threads?: number;
  readonly overwrite?: boolean;
  /** A recipe whose test part is scored, as `train` did it; `data` is then the folder of the recipe's paths. */
  readonly recipe?: string;
}

/**
 * Scores a model on data whose truth is known, beside answers that need no model: chips by the same predictor that `classify` uses,
 * maps through the whole of `segment`.
 * @throws {InvalidFileError} with all faults of the data; {@link ModelError} if the model's classes are not those of the data
 */
export async function evaluate(options: EvaluateOptions & { readonly recipe: string }, context?: TaskContext): Promise<RecipeScores>;
export async function evaluate(options: EvaluateOptions, context?: TaskContext): Promise<EvaluateResult | RecipeScores>;
export async function evaluate(options: EvaluateOptions, context: TaskContext = {}): Promise<EvaluateResult | RecipeScores> {
  if (options.recipe !== undefined) {
    if (options.data === undefined) throw new InvalidOptionError('--data', 'expected the folder that the recipe\'s paths start from, found none');
    refuseBesideRecipe(options);
    return evaluateRecipe({ model: options.model, recipe: options.recipe, data: options.data, ...(options.set === undefined ? {} : { set: options.set }) }, context);
  }
  const model = await loadModel(options.model);
  const recorded = await recordedSplit(options, model);
  const found = recorded?.found ?? await dataOf(options);
  const asked = recorded === undefined ? options : { ...options, recorded: recorded.file };
  const { task, output } = model.card;
  const classNames = output.classes.map(({ name }) => name);
  // A table of tags is read by the model's tags: others are unknown, and the order is the model's.
  const known: FoundData = found.description.table !== undefined || found.description.class_folders === true
    ? { ...found, description: { class_names: classNames, ...found.description } } : found;
  if (task === 'semantic-segmentation') {
    const data = await listData({ data: found, ...(options.set === undefined ? {} : { set: options.set }) });
    try {
      return await evaluateMaps(asked, model, data, context);
    } finally {
      await data.list.close();
    }
  }
  if (task === 'multi-label-classification' || task === 'classification') return evaluateChips(asked, model, known, context);
  throw new InvalidOptionError('--model', `${model.card.name} has no classes to score, its task is ${task}`);
}

/** @throws {InvalidOptionError} for what would do nothing: a recipe says what is scored, and its scores are those of `train` */
function refuseBesideRecipe({ scene, truth, classes, split, part, threshold, tta, output }: EvaluateOptions): void {
  const idle = Object.entries({ '--scene': scene, '--truth': truth, '--classes': classes, '--split': split, '--part': part === 'test' ? undefined : part, '--threshold': threshold, '--tta': tta, '--output': output }).find(([, value]) => value !== undefined);
  if (idle !== undefined) throw new InvalidOptionError(idle[0], 'expected nothing of the kind beside --recipe, which scores the recipe\'s test part as train does', { advice: 'leave one of the two out' });
}

async function dataOf(options: EvaluateOptions): Promise<FoundData> {
  const { data, scene, truth, classes } = options;
  if (data !== undefined && scene === undefined) return describeData(data, options.set);
  if (scene === undefined || truth === undefined || data !== undefined) throw new InvalidOptionError('--data', 'expected either --data, or --scene with --truth');
  for (const file of [scene, truth]) if ((await stat(file).catch(() => undefined)) === undefined) throw new InvalidFileError(file, 'there is no such file');
  return { folder: '', by: 'scene and truth', description: { scenes: [{ scene, truth }], unknown_colors: 'ignore', ...(classes === undefined ? {} : { classes }) } };
}
