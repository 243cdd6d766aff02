import type { Command } from 'commander';
import { evaluate, type EvaluateResult } from '../src/tasks/evaluate.js';
import { execute } from './execute.js';

interface Flags { model: string; recipe: string; data: string; set: string[]; json?: boolean }

/** `tilewright evaluate --model folder --recipe r.yaml --data folder` */
export function registerEvaluate(program: Command): void {
  program.command('evaluate')
    .description('score a trained model on the test part of a recipe\'s data, beside answers that need no model')
    .requiredOption('--model <folder>', 'folder with card.json and model.onnx')
    .requiredOption('--recipe <file>', 'recipe (YAML) that says what the test data are')
    .requiredOption('--data <folder>', 'folder that the paths in the recipe start from')
    .option('--set <key=value>', 'another value for a key of the recipe; may be repeated', (value: string, all: string[]) => [...all, value], [])
    .option('--json', 'print the result as JSON')
    .action(async (flags: Flags) => execute(
      (context) => evaluate({ model: flags.model, recipe: flags.recipe, data: flags.data, set: flags.set }, context),
      { json: flags.json, print: printResult },
    ));
}

function printResult(result: EvaluateResult): void {
  for (const score of result.scores) process.stdout.write(`${score.value.toFixed(4)}  ${score.metric}  ${score.of ?? 'model'}  (${score.on})\n`);
}
