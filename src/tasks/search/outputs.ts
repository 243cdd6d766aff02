import { stat } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import { InvalidOptionError } from '../../errors.js';
import type { OpenIndex } from '../../index-store/index.js';
import { checkOutput, isSameFile, refuseInputs, trueName } from '../../run/index.js';
import type { InputFile } from '../../run/index.js';
import { checkTableName } from './entry-table.js';

/** A file that will be written, and the option that names it. */
export type NamedOutput = readonly [option: string, path: string];

function namedOutputs({ output, sheet, map }: { readonly output?: string; readonly sheet?: string; readonly map?: string }): NamedOutput[] {
  const all = [['-o', output], ['--sheet', sheet], ['--map', map]] as const;
  return all.flatMap(([option, path]): NamedOutput[] => (path === undefined ? [] : [[option, path]]));
}

/**
 * The files that options ask for, looked at before anything else: tables by their endings, no two the same, none there unless it may
 * be replaced.
 * @throws {InvalidOptionError | OutputError}
 */
export async function checkedOutputs(options: { readonly output?: string; readonly sheet?: string; readonly map?: string; readonly overwrite?: boolean }): Promise<NamedOutput[]> {
  const outputs = namedOutputs(options);
  if (options.output !== undefined) checkTableName(options.output, '-o');
  await refuseEqualOutputs(outputs);
  for (const [option, path] of outputs) await checkOutput(path, { overwrite: options.overwrite ?? false, option });
  return outputs;
}

/**
 * Refuses outputs that are one file.
 * @throws {InvalidOptionError}
 */
async function refuseEqualOutputs(outputs: readonly NamedOutput[]): Promise<void> {
  for (const [i, [option, path]] of outputs.entries()) {
    for (const [other, before] of outputs.slice(0, i)) {
      if (await isSameFile(path, before)) throw new InvalidOptionError(option, `${path} is the file of ${other} as well`, { advice: 'give every output a name of its own' });
    }
  }
}

/**
 * Refuses outputs that are files of the index, its scenes or chips, or one of the further inputs.
 * @param partial folder for the unfinished files of an output
 * @throws {InvalidOptionError}
 */
export async function refuseIndexInputs(
  outputs: readonly NamedOutput[], index: Pick<OpenIndex, 'folder' | 'manifest'>, inputs: readonly InputFile[], partial: (output: string) => string = (output) => `${output}.partial`,
): Promise<void> {
  const own = await trueName(index.folder);
  const { model, sources } = index.manifest;
  const read: readonly InputFile[] = [
    { path: index.folder, what: 'the index' }, { path: model.source, what: 'the model' },
    ...sources.map(({ path, name }) => ({ path, what: `${name}, a scene of the index` })), ...inputs,
  ];
  const folders = await Promise.all(sources.map(async ({ path, kind }) => {
    const isFolder = await stat(path).then((found) => found.isDirectory(), () => false);
    return isFolder || kind === 'folder' ? [await trueName(isFolder ? path : dirname(path))] : [];
  }));
  const chips = new Set(folders.flat());
  // A model is a file, or a folder of files.
  const models = await Promise.all([model.source, ...inputs.map(({ path }) => path)].map(trueName));
  for (const [option, path] of outputs) {
    const name = await trueName(path);
    if (models.includes(dirname(name))) throw new InvalidOptionError(option, `${path} lies in the folder of the model`, { advice: 'write it elsewhere' });
    if (name.startsWith(own + sep)) throw new InvalidOptionError(option, `${path} lies in the folder of the index`, { advice: 'write it elsewhere' });
    if (chips.has(dirname(name))) throw new InvalidOptionError(option, `${path} lies in a folder whose pictures are in the index`, { advice: 'write it elsewhere' });
    await refuseInputs(path, partial(path), read, option);
  }
}
