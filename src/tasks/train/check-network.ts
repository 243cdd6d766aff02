import { InvalidOptionError } from '../../errors.js';
import { architectureOf, buildNetworks, chooseLayers, ratesOf, resolveStages, squareWeights, trainedWeights, type Network, type Recipe, type Stage, type Tensorflow } from '../../train/index.js';

/** Outputs of the network that is looked at: how many there will be, only the data say. */
const OUTPUTS = 2;

/**
 * Builds a recipe's network once, before any data are read, and sees that every stage's layers, rates and sizes are some of it:
 * a name that means nothing in the last stage is not found out after hours of the first.
 * @throws {InvalidOptionError} naming the key
 */
export function checkNetwork(tf: Tensorflow, recipe: Recipe): void {
  const architecture = architectureOf(recipe);
  const stages = resolveStages(recipe);
  const keyOf = (stage: Stage, key: keyof Recipe['stages'][number], otherwise: string): string => {
    const index = stages.indexOf(stage);
    return recipe.stages[index]?.[key] === undefined ? otherwise : `stages.${stage.name}.${key}`;
  };
  for (const stage of stages) {
    if (recipe.task !== 'segmenter' && stage.size! < architecture.smallest) throw new InvalidOptionError(keyOf(stage, 'size', 'network.size'), `expected at least ${architecture.smallest} pixels for ${architecture.name}, found ${stage.size!}`);
  }
  const networks = buildNetworks(tf, recipe, OUTPUTS, stages[0]!.size);
  const { training, shipped, multiple } = networks;
  try {
    for (const stage of stages) {
      if (recipe.task === 'segmenter' && stage.patch! % multiple !== 0) {
        throw new InvalidOptionError(keyOf(stage, 'patch', 'training.patch'), `expected a multiple of ${multiple} pixels, which this ${architecture.name} halves to whole numbers, found ${stage.patch!}`, { advice: `take ${Math.max(multiple, Math.round(stage.patch! / multiple) * multiple)}` });
      }
      const frozen = chooseLayers(architecture, training.logits, stage.freeze, keyOf(stage, 'freeze', 'freeze'));
      const weights = trainedWeights(training.logits, frozen);
      if (weights.length === 0) throw new InvalidOptionError(keyOf(stage, 'freeze', 'freeze'), `expected layers that are trained in stage ${stage.name}, found all frozen`);
      ratesOf(architecture, training.logits, weights, stage.optimizer.lr, keyOf(stage, 'lr', 'optimizer.lr'));
      squareWeights(architecture, training.logits, weights, stage.loss.l2);
    }
    checkSizes(tf, recipe, stages, training);
  } finally {
    training.scores.dispose();
    if (shipped !== training) shipped.scores.dispose();
  }
}

/** The weights of one stage go on in the next: its network must have the same, whatever its size. */
function checkSizes(tf: Tensorflow, recipe: Recipe, stages: readonly Stage[], first: Network): void {
  const wanted = shapesOf(first);
  for (const size of new Set(stages.map((stage) => stage.size))) {
    if (size === stages[0]!.size) continue;
    const { training, shipped } = buildNetworks(tf, recipe, OUTPUTS, size);
    const same = shapesOf(training) === wanted;
    training.scores.dispose();
    if (shipped !== training) shipped.scores.dispose();
    const stage = stages.find((one) => one.size === size)!;
    if (!same) throw new InvalidOptionError(`stages.${stage.name}.size`, `expected ${stages[0]!.size!} pixels in every stage, since the weights behind network.head.pool flatten depend on the size, found ${size!}`, { advice: 'with --set network.head.pool=average they do not' });
  }
}

function shapesOf({ logits }: Network): string {
  return logits.getWeights().map(({ shape }) => shape.join('×')).join(' ');
}
