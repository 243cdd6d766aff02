import type { Command } from 'commander';
import { formatInfo, info } from '../src/tasks/info.js';
import { execute } from './execute.js';

/** `tilewright info <scene>`: what a scene is, without reading its pixels. */
export function registerInfo(program: Command): void {
  program.command('info')
    .description('Tell what a scene is: size, bands, type, coordinates, nodata, blocks.')
    .argument('<scene>', 'a GeoTIFF, JPEG or PNG')
    .option('--json', 'print the result as JSON')
    .action((scene: string, options: { json?: boolean }) => execute(
      (context) => info({ scene }, context),
      { json: options.json, print: (result) => process.stdout.write(`${formatInfo(result)}\n`) },
    ));
}
