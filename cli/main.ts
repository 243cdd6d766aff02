#!/usr/bin/env node
import './interrupt.js';
import { Command, CommanderError, Help } from 'commander';
import { readFileSync } from 'node:fs';
import { EXIT } from '../src/errors.js';
import { report } from './execute.js';

type Register = (program: Command) => void;

/** A command adds itself: `register*(program)` in the file of its name. Only what is asked for is loaded. */
const COMMANDS: Readonly<Record<string, () => Promise<Register>>> = {
  info: async () => (await import('./info.js')).registerInfo,
  tile: async () => (await import('./tile.js')).registerTile,
  mosaic: async () => (await import('./mosaic.js')).registerMosaic,
  convert: async () => (await import('./convert.js')).registerConvert,
  segment: async () => (await import('./segment.js')).registerSegment,
  vectorize: async () => (await import('./vectorize.js')).registerVectorize,
  classify: async () => (await import('./classify.js')).registerClassify,
  embed: async () => (await import('./embed.js')).registerEmbed,
  index: async () => (await import('./index.js')).registerIndex,
  search: async () => (await import('./search.js')).registerSearch,
  dataset: async () => (await import('./dataset.js')).registerDataset,
  train: async () => (await import('./train.js')).registerTrain,
  evaluate: async () => (await import('./evaluate.js')).registerEvaluate,
  models: async () => (await import('./models.js')).registerModels,
  doctor: async () => (await import('./doctor.js')).registerDoctor,
  demo: async () => (await import('./demo.js')).registerDemo,
};

const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };

const program = new Command('tilewright')
  .description('Slice large rasters into patches, run a model over them, stitch the answers back.')
  .version(manifest.version)
  .option('--debug', 'show where an error comes from')
  // One line, as all other errors; commands inherit it.
  .configureOutput({ outputError: (text, write) => write(`tilewright: ${text.replace(/^error: /, '').trim().replace(/\s*\n\s*/g, ' ')} (--help shows the options)\n`) })
  .exitOverride();

const wanted = process.argv.slice(2).find((word) => Object.hasOwn(COMMANDS, word));
for (const load of wanted === undefined ? Object.values(COMMANDS) : [COMMANDS[wanted]!]) (await load())(program);
program.commands.forEach(prepare);

function prepare(command: Command): void {
  command.configureHelp({ optionDescription: (option) => `${new Help().optionDescription(option)}${option.mandatory ? ' (required)' : ''}` });
  command.exitOverride().option('--debug', 'show where an error comes from').hook('preAction', (_, asked) => refuseOptionsAsValues(asked));
  command.commands.forEach(prepare);
}

/** An option whose value was forgotten would take the next option for it: `--xyz --dry-run`. */
function refuseOptionsAsValues(command: Command): void {
  for (const option of command.options) {
    const value: unknown = command.getOptionValue(option.attributeName());
    if (typeof value === 'string' && command.options.some(({ long }) => long === value)) command.error(`option '${option.flags}' lacks its value: found the option ${value}`);
  }
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
  else report(error);
}
