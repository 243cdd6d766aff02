import type { Command } from 'commander';
import { formatInfo, info } from '../src/tasks/info.js';
import type { InfoOptions } from '../src/tasks/info.js';
import { execute } from './execute.js';
import { pageNumber } from './options.js';

type Flags = Omit<InfoOptions, 'scene'> & { readonly json?: boolean };

/** `tilewright info <scene>`: what a scene is; its pixels are read for a preview only. */
export function registerInfo(program: Command): void {
  program.command('info')
    .description('Tell what a scene is: size, bands, type, coordinates, nodata, blocks.')
    .argument('<scene>', 'a GeoTIFF, JPEG, PNG or WebP, a VRT or a folder of files on one grid, or a URL (https://, s3://)')
    .option('--page <number>', 'picture of a file that holds several, from 1', pageNumber)
    .option('--preview <file.png>', 'also draw it, in at most 1024 pixels along each edge')
    .option('--overwrite', 'replace an existing preview')
    .option('--json', 'print the result as JSON')
    .action(async (scene: string, { json, ...options }: Flags) => execute(
      (context) => info({ scene, ...options }, context),
      { json, print: (result) => process.stdout.write(`${formatInfo(result)}\n`) },
    ));
}
