import { InvalidOptionError } from '../../errors.js';
import { architectureOf, buildNetworks, chooseLayers, ratesOf, resolveStages, squareWeights, trainedWeights, type Recipe, type Tensorflow } from '../../train/index.js';

/** Outputs of the network that is looked at: how many there will be, only the data say. */
const OUTPUTS = 2;

/**
 * Builds a recipe's network once, before any data are read, and sees that every stage's layers, rates and sizes are some of it:
 * a name that means nothing in the last stage is not found out after hours of the first.
 * @throws {InvalidOptionError}
 */
export function checkNetwork(tf: Tensorflow, recipe: Recipe): void {
  const architecture = architectureOf(recipe);
  const stages = resolveStages(recipe);
  for (const { name, size } of stages) {
    if (recipe.task !== 'segmenter' && size! < architecture.smallest) throw new InvalidOptionError(recipe.stages.length === 0 ? 'network.size' : `stages.${name}.size`, `expected at least ${architecture.smallest} pixels for ${architecture.name}, found ${size!}`);
  }
  const { training, shipped } = buildNetworks(tf, recipe, OUTPUTS, stages[0]!.size);
  try {
    for (const stage of stages) {
      const frozen = chooseLayers(architecture, training.logits, stage.freeze, 'freeze');
      const weights = trainedWeights(training.logits, frozen);
      if (weights.length === 0) throw new InvalidOptionError('freeze', `expected layers that are trained in stage ${stage.name}, found all frozen`);
      ratesOf(architecture, training.logits, weights, stage.optimizer.lr);
      squareWeights(architecture, training.logits, weights, stage.loss.l2);
    }
  } finally {
    training.scores.dispose();
    if (shipped !== training) shipped.scores.dispose();
  }
}
