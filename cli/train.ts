import { Argument, type Command } from 'commander';
import { existsSync, readdirSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nearestName } from '../src/card/index.js';
import { InvalidOptionError } from '../src/errors.js';
import { leaveFolder } from '../src/run/index.js';
import { describeRates, findTrainingRate, type FindRateResult } from '../src/tasks/find-rate.js';
import { trainApart } from '../src/tasks/train-apart.js';
import type { TrainResult } from '../src/tasks/train.js';
import { durationText } from '../src/tasks/train/course.js';
import { execute } from './execute.js';

interface Flags { recipe?: string; data: string; output: string; set: string[]; json?: boolean; findLr?: boolean | string; finalise?: boolean }

const RECIPES = fileURLToPath(new URL('../../models/recipes/', import.meta.url));

/** `tilewright train <recipe> --data folder -o folder` */
export function registerTrain(program: Command): void {
  program.command('train')
    .description('train a model by a recipe: a segmenter, tagger or classifier of your own, or one of the recipes that come with the project')
    .addArgument(new Argument('[recipe]', `a recipe of the project (${recipeNames().join(', ')})`))
    .option('--recipe <file>', 'a recipe of your own (YAML) instead')
    .requiredOption('--data <folder>', 'folder that the paths in the recipe start from')
    .requiredOption('-o, --output <folder>', 'folder for the model; a stopped run goes on from what is there')
    .option('--set <key=value>', 'another value for a key of the recipe, such as optimizer.lr=0.003 or stages.head.epochs=2; may be repeated', (value: string, all: string[]) => [...all, value], [])
    .option('--find-lr [stage]', 'look for a learning rate instead of training: a curve of losses over rates, and suggestions; by default for the first stage')
    .option('--finalise', 'train on everything, without validation and test: when all choices are made')
    .option('--json', 'print the result as JSON')
    .action(async (name: string | undefined, flags: Flags) => {
      const options = { recipe: recipeOf(name, flags), ...nameOf(name, flags), data: flags.data, output: flags.output, set: [...flags.set, ...(flags.finalise === true ? ['training.finalise=true'] : [])] };
      if (flags.findLr !== undefined && flags.findLr !== false) {
        const stage = typeof flags.findLr === 'string' ? flags.findLr : undefined;
        await execute((context) => findTrainingRate({ ...options, ...(stage === undefined ? {} : { stage }) }, context), { json: flags.json, print: printRate });
        return;
      }
      await execute((context) => trainApart(options, context), { json: flags.json, print: printResult, onLeave: () => leaveFolder(flags.output) });
    });
}

function recipeNames(): string[] {
  if (!existsSync(RECIPES)) return [];
  return readdirSync(RECIPES).filter((file) => file.endsWith('.yaml')).map((file) => file.slice(0, -'.yaml'.length)).sort();
}

/** Either a recipe by its file, or one of the project's by its name. */
function recipeOf(name: string | undefined, flags: Flags): string {
  if ((name === undefined) === (flags.recipe === undefined)) throw new InvalidOptionError('--recipe', `expected either the name of a recipe or a file, found ${name === undefined ? 'neither' : 'both'}`);
  if (flags.recipe !== undefined) return flags.recipe;
  const file = `${RECIPES}${name!}.yaml`;
  if (/^[a-z0-9-]+$/.test(name!) && existsSync(file)) return file;
  const near = nearestName(name!, recipeNames());
  throw new InvalidOptionError('recipe', `expected one of ${recipeNames().join(', ')}, found ${name!}`, { advice: near === undefined ? 'give a file of your own with --recipe' : `did you mean ${near}?` });
}

/** A start of the project's becomes a model of the output folder's name, unless the user says another. */
function nameOf(recipe: string | undefined, flags: Flags): { readonly name?: string } {
  if (recipe === undefined || flags.set.some((setting) => /^\s*name\s*=/.test(setting))) return {};
  const name = basename(resolve(flags.output)).normalize('NFKD').toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '');
  return name === '' ? {} : { name };
}

/** The scores that decide, by task. */
const MAIN = ['f2_samples', 'accuracy', 'pixel_accuracy', 'miou'];

function scoreLines({ card, scoredOn }: TrainResult): string[] {
  const scores = (card.scores ?? []).filter(({ metric }) => MAIN.includes(metric));
  if (scores.length === 0) return ['no scores: nothing was kept apart to measure on'];
  const of = (maker: string | undefined): string => scores.filter((score) => score.of === maker).map(({ metric, value }) => `${metric} ${value.toFixed(4)}`).join(', ');
  const makers = [...new Set(scores.flatMap(({ of: maker }) => (maker === undefined ? [] : [maker])))];
  return [`${of(undefined)} on ${scoredOn}`, ...makers.map((maker) => `  ${of(maker)}  ${maker}`)];
}

function printResult(result: TrainResult): void {
  process.stdout.write(`${scoreLines(result).join('\n')}\n${result.output}: the weights of epoch ${result.bestEpoch} of ${result.epochs}, trained in ${durationText(result.seconds)} with ${ENGINES[result.engine]}; see report.html\n`);
}

const ENGINES = { 'tensorflow-gpu': 'TensorFlow on a GPU', tensorflow: 'TensorFlow', javascript: 'plain JavaScript' } as const;

function printRate(result: FindRateResult): void {
  process.stdout.write(`${result.output}/lr-finder.png: ${describeRates(result)}\n`);
}
