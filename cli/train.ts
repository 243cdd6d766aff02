import { Argument, type Command } from 'commander';
import { fileURLToPath } from 'node:url';
import { InvalidOptionError } from '../src/errors.js';
import { train, type TrainResult } from '../src/tasks/train.js';
import { execute } from './execute.js';

interface Flags { recipe?: string; data: string; output: string; set: string[]; json?: boolean }

const TASKS = ['segmenter', 'tagger'];

/** `tilewright train segmenter|tagger --data folder -o folder`, or with `--recipe r.yaml` */
export function registerTrain(program: Command): void {
  program.command('train')
    .description('train a model: a segmenter on pictures with masks, or a tagger on chips with tags')
    .addArgument(new Argument('[task]', 'what to train, by the recipe that the project has for it').choices(TASKS))
    .option('--recipe <file>', 'recipe (YAML) instead; models/recipes has those of the shipped models')
    .requiredOption('--data <folder>', 'folder that the paths in the recipe start from')
    .requiredOption('-o, --output <folder>', 'folder for the model; a stopped run goes on from what is there')
    .option('--set <key=value>', 'another value for a key of the recipe, such as training.epochs=3; may be repeated', (value: string, all: string[]) => [...all, value], [])
    .option('--json', 'print the result as JSON')
    .action(async (task: string | undefined, flags: Flags) => execute(
      (context) => train({ recipe: recipeOf(task, flags), data: flags.data, output: flags.output, set: flags.set }, context),
      { json: flags.json, print: printResult },
    ));
}

/** Either a recipe by its file, or the project's own for a task. */
function recipeOf(task: string | undefined, flags: Flags): string {
  if ((task === undefined) === (flags.recipe === undefined)) {
    throw new InvalidOptionError('--recipe', `expected either a task (${TASKS.join(' or ')}) or a recipe, found ${task === undefined ? 'neither' : 'both'}`);
  }
  return flags.recipe ?? fileURLToPath(new URL(`../../models/recipes/${task!}.yaml`, import.meta.url));
}

function printResult(result: TrainResult): void {
  process.stdout.write(`${result.output}: best of ${result.epochs} epochs is ${result.bestEpoch}, ${Math.round(result.seconds / 60)} minutes on ${result.engine}\n`);
}
