import type { Command } from 'commander';
import { train, type TrainResult } from '../src/tasks/train.js';
import { execute } from './execute.js';

interface Flags { recipe: string; data: string; output: string; set: string[]; json?: boolean }

/** `tilewright train --recipe r.yaml --data folder -o folder` */
export function registerTrain(program: Command): void {
  program.command('train')
    .description('train a model by a recipe: a segmenter on pictures with masks, or a tagger on chips with tags')
    .requiredOption('--recipe <file>', 'recipe (YAML); models/recipes has those of the shipped models')
    .requiredOption('--data <folder>', 'folder that the paths in the recipe start from')
    .requiredOption('-o, --output <folder>', 'folder for the model; a stopped run goes on from what is there')
    .option('--set <key=value>', 'another value for a key of the recipe, such as training.epochs=3; may be repeated', (value: string, all: string[]) => [...all, value], [])
    .option('--json', 'print the result as JSON')
    .action(async (flags: Flags) => execute(
      (context) => train({ recipe: flags.recipe, data: flags.data, output: flags.output, set: flags.set }, context),
      { json: flags.json, print: printResult },
    ));
}

function printResult(result: TrainResult): void {
  process.stdout.write(`${result.output}: best of ${result.epochs} epochs is ${result.bestEpoch}, ${Math.round(result.seconds / 60)} minutes on ${result.engine}\n`);
}
