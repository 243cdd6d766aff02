import { stat } from 'node:fs/promises';
import { InvalidOptionError } from '../errors.js';
import { lineChart } from '../picture/index.js';
import { makeFolder } from '../run/index.js';
import type { TaskContext } from '../run/index.js';
import { architectureOf, findRate, loadTensorflow, resolveStages, type FoundRate, writeWhole } from '../train/index.js';
import { readRecipe, type TrainOptions } from './train.js';
import { findBeginning } from './train/begin-weights.js';
import { checkNetwork } from './train/check-network.js';
import { loadSamples } from './train/samples.js';
import { openCourse } from './train/stages.js';
import { isRefusal, removeBeginnings } from './train/training-folder.js';

export interface FindRateOptions extends TrainOptions {
  /** Name or number of a stage. Default: the first. Later stages are tried on the weights that the first begins with. */
  readonly stage?: string;
  /** Default 100. */
  readonly steps?: number;
}

export interface FindRateResult extends FoundRate {
  readonly output: string;
  readonly stage: string;
}

/**
 * Looks for a learning rate: trains some steps with growing rates and writes `lr-finder.png` and `lr-finder.csv`. Nothing else
 * in the folder is touched.
 */
export async function findTrainingRate(options: FindRateOptions, context: TaskContext = {}): Promise<FindRateResult> {
  const recipe = await readRecipe(options);
  const stages = resolveStages(recipe);
  const place = options.stage === undefined ? 0 : stages.findIndex((stage, index) => stage.name === options.stage || String(index) === options.stage);
  const stage = stages[place];
  if (stage === undefined) throw new InvalidOptionError('--find-lr', `expected a stage of the recipe (${stages.map(({ name }) => name).join(', ')}), found ${options.stage!}`);
  const there = await stat(options.output).catch(() => undefined);
  if (there?.isDirectory() === false) throw new InvalidOptionError('-o', `expected a folder, found the file ${options.output}`, { advice: 'choose another name' });
  const { tf } = await loadTensorflow();
  checkNetwork(tf, recipe);
  const { begin, outputs } = await findBeginning(tf, recipe, options.data, context);
  const isNew = there === undefined;
  await makeFolder(options.output);
  const data = { data: options.data, cacheFolder: options.output, toTrain: true, ...(stage.size === undefined ? {} : { size: stage.size }), ...(outputs === undefined ? {} : { outputs }) };
  const first = await loadSamples(recipe, data, context).catch(async (error: unknown) => {
    if (isNew && isRefusal(error)) await removeBeginnings(options.output);
    throw error;
  });
  const course = openCourse(tf, { recipe, data, first, begin: (networks) => begin(tf, networks) }, context);
  try {
    const opened = await course.stages[place]!.open(undefined);
    const found = await findRate(tf, opened, stage, {
      architecture: architectureOf(recipe), seed: recipe.training.seed, signal: context.signal, ...(options.steps === undefined ? {} : { steps: options.steps }),
      onStep: (done, total) => { if (done % 10 === 0 || done === total) context.onProgress?.({ stage: 'rates', done, total, unit: 'steps' }); },
    });
    await writeWhole(options.output, 'lr-finder.csv', `rate,loss,smooth\n${found.points.map(({ rate, loss, smooth }) => `${rate},${loss},${smooth}`).join('\n')}\n`);
    await writeWhole(options.output, 'lr-finder.png', await lineChart({
      title: `${recipe.name}${stages.length > 1 ? `, stage ${stage.name}` : ''}: loss by learning rate`,
      subtitle: describeRates(found),
      xLabel: 'learning rate, as a power of ten', yLabel: 'loss (moving average)',
      series: [{ name: 'loss', points: shown(found).map(({ rate, smooth }) => ({ x: Math.log10(rate), y: smooth })) }],
      markers: (found.suggested === undefined ? [] : [found.suggested.steepest, found.suggested.tenthOfLowest]).map((rate) => ({ x: Math.log10(rate), label: '' })),
    }));
    return { output: options.output, stage: stage.name, ...found };
  } finally {
    await course.close();
  }
}

/** What was found, in one line. */
export function describeRates({ suggested }: Pick<FoundRate, 'suggested'>): string {
  if (suggested === undefined) return 'the loss did not fall at any rate: look at the data and the frozen layers, or try more steps';
  return `the loss falls most steeply at ${suggested.steepest.toPrecision(2)}; a tenth of the rate with the lowest loss is ${suggested.tenthOfLowest.toPrecision(2)}`;
}

/** The curve up to where the loss runs away: beyond, everything else would be flat. */
function shown({ points }: FoundRate): FoundRate['points'] {
  const finite = points.filter((point) => Number.isFinite(point.smooth));
  const highest = Math.max(...finite.slice(0, 10).map((point) => point.smooth)) * 1.5;
  const end = finite.findIndex((point, index) => index > 10 && point.smooth > highest);
  return end < 0 ? finite : finite.slice(0, end + 1);
}
