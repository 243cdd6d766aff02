import type { Command } from 'commander';
import type { DemoResult } from '../src/tasks/demo.js';
import { execute } from './execute.js';

export function registerDemo(program: Command): void {
  program.command('demo')
    .description('the main job from end to end on one scene: tiles, mosaic, theme map, tags, features, search')
    .argument('[scene]', 'GeoTIFF, JPEG, PNG or WebP (default: the aerial scene that ships with tilewright)')
    .option('-o, --output <folder>', 'where the results go', 'demo')
    .option('--json', 'print the result as JSON')
    .action(async (scene: string | undefined, flags: { readonly output: string; readonly json?: boolean }) => {
      const { demo } = await import('../src/tasks/demo.js');
      await execute((context) => demo({ output: flags.output, ...(scene === undefined ? {} : { scene }) }, context), { json: flags.json, print });
    });
}

function print(result: DemoResult): void {
  const lines = result.steps.flatMap(({ command, seconds, outcome, files }) => [
    `$ ${command}`,
    `  ${outcome} (${seconds.toFixed(1)} s)`,
    ...files.map((file) => `  → ${file}`),
  ]);
  process.stdout.write(`${lines.join('\n')}\n\n${result.steps.filter(({ done }) => done).length} of ${result.steps.length} steps in ${result.seconds.toFixed(1)} s; look into ${result.output}/\n`);
}
