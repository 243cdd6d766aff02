import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CardScore, ModelCard } from '../../card/index.js';
import { ModelError } from '../../errors.js';
import type { TaskContext } from '../../run/index.js';
import { mapShape, parseRecipe } from '../../train/index.js';
import { loadSamples } from '../train/samples.js';
import { scoreClasses, scoreTags } from '../train/scores.js';

export interface EvaluateRecipeOptions {
  /** Folder with `card.json` and `model.onnx`, as `train` writes it. */
  readonly model: string;
  /** The recipe whose test data are used. */
  readonly recipe: string;
  /** Folder that the recipe's paths start from. */
  readonly data: string;
  /** Keys of the recipe with other values. */
  readonly set?: readonly string[];
}

export interface RecipeScores {
  readonly model: string;
  readonly scores: readonly CardScore[];
}

/** Scores a trained model again, on the test part of a recipe's data, through its ONNX file. */
export async function evaluateRecipe(options: EvaluateRecipeOptions, context: TaskContext = {}): Promise<RecipeScores> {
  const recipe = parseRecipe(await readFile(options.recipe, 'utf8'), options.recipe, options.set);
  const card = JSON.parse(await readFile(join(options.model, 'card.json'), 'utf8').catch((cause: unknown) => {
    throw new ModelError(options.model, 'expected a folder with card.json and model.onnx, found none', { cause });
  })) as ModelCard;
  const model = await readFile(join(options.model, card.file));
  const cache = await mkdtemp(join(tmpdir(), 'tilewright-evaluate-'));
  try {
    const samples = await loadSamples(recipe, options.data, cache, context);
    const found = card.output.classes.map((item) => item.name);
    if (found.join() !== samples.outputs.join()) throw new ModelError(options.model, `expected the classes of the data (${samples.outputs.join(', ')}), found ${found.join(', ')}`);
    const scores = samples.kind === 'chips' ? await scoreTags(recipe, model, samples, context) : await scoreClasses(recipe, model, samples, options.data, mapShape(recipe, found.length), context);
    return { model: options.model, scores };
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
}
