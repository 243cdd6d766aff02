import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CardScore } from '../../card/index.js';
import { ModelError } from '../../errors.js';
import type { TaskContext } from '../../run/index.js';
import { loadModel } from '../../predict/index.js';
import { readRecipe } from '../train.js';
import { areChips, loadSamples } from '../train/samples.js';
import { answerChips, confuseClasses, confuseMaps, scoreClasses, scoreClassifier, scoredSamples, scoreTags } from '../train/scores.js';

export interface EvaluateRecipeOptions {
  /** Name of a shipped model, or a model folder as `train` writes it. */
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
  const recipe = await readRecipe(options);
  const { card, file } = await loadModel(options.model, { precision: 'float32' });
  const model = await readFile(file);
  const cache = await mkdtemp(join(tmpdir(), 'tilewright-evaluate-'));
  try {
    const loaded = await loadSamples(recipe, { data: options.data, cacheFolder: cache, fullSize: true }, context);
    try {
      const found = card.output.classes.map((item) => item.name);
      if (found.join() !== loaded.outputs.join()) throw new ModelError(options.model, `expected the classes of the data (${loaded.outputs.join(', ')}), found ${found.join(', ')}`);
      const scored = scoredSamples(loaded.split, areChips(loaded) ? 'chips' : 'pictures', recipe.training);
      if (!areChips(loaded)) {
        const matrix = await confuseMaps(model, loaded, scored, { multiple: card.input.multiple_of ?? 1, receptiveField: card.receptive_field ?? 512 }, context);
        return { model: options.model, scores: scoreClasses(loaded, scored, matrix) };
      }
      const answers = await answerChips(model, loaded, scored.places, context);
      const scores = recipe.task === 'tagger' ? scoreTags(loaded, scored, answers, card.output.classes.map((item) => item.threshold ?? 0.5)) : scoreClassifier(loaded, scored, confuseClasses(loaded, scored, answers));
      return { model: options.model, scores };
    } finally {
      await loaded.samples.close();
    }
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
}
