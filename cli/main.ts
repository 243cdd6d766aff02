#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { readFileSync } from 'node:fs';
import { EXIT } from '../src/errors.js';
import { registerClassify } from './classify.js';
import { registerDemo } from './demo.js';
import { registerDoctor } from './doctor.js';
import { registerEmbed } from './embed.js';
import { registerEvaluate } from './evaluate.js';
import { report } from './execute.js';
import { registerInfo } from './info.js';
import { registerModels } from './models.js';
import { registerMosaic } from './mosaic.js';
import { registerSearch } from './search.js';
import { registerSegment } from './segment.js';
import { registerTile } from './tile.js';
import { registerTrain } from './train.js';

/** A command adds itself: `register*(program)` in the file of its name. */
const COMMANDS: readonly ((program: Command) => void)[] = [
  registerInfo,
  registerTile,
  registerMosaic,
  registerSegment,
  registerClassify,
  registerEmbed,
  registerSearch,
  registerTrain,
  registerEvaluate,
  registerModels,
  registerDoctor,
  registerDemo,
];

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };

const program = new Command('tilewright')
  .description('Slice large rasters into patches, run a model over them, stitch the answers back.')
  .version(manifest.version)
  .option('--debug', 'show where an error comes from')
  .showHelpAfterError('(--help shows the options)')
  .exitOverride();

const wanted = process.argv.slice(2).find((word) => Object.hasOwn(COMMANDS, word));
for (const load of wanted === undefined ? Object.values(COMMANDS) : [COMMANDS[wanted]!]) (await load())(program);
program.commands.forEach(prepare);

function prepare(command: Command): void {
  command.exitOverride().option('--debug', 'show where an error comes from').showHelpAfterError('(--help shows the options)');
  command.commands.forEach(prepare);
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
  else report(error);
}
