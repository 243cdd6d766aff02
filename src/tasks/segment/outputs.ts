import { extname, sep } from 'node:path';
import { InvalidOptionError } from '../../errors.js';
import type { SceneProfile } from '../../raster/index.js';
import { checkOutput, isSameFile, mayReplace, oldSidecars, refuseMembers, trueName } from '../../run/index.js';
import { FEATURE_ENDINGS } from '../../vector/index.js';
import type { SegmentOptions } from './setup.js';

/** Unfinished files and the journal of a run. */
export function partialFolder(output: string): string {
  return `${output}.partial`;
}

/** Class names and colours for QGIS and older GDALs, beside the map. */
export function sidecarOf(output: string): string {
  return `${output}.aux.xml`;
}

/**
 * Checks every file that a run will write, before anything is read: that it may be written, that its name fits its kind, and
 * that no two of them, and not the scene, are the same file. Files that an unfinished run of
 * this output gave their final names already are its own.
 * @throws {InvalidOptionError | OutputError}
 */
export async function checkOutputs(options: SegmentOptions): Promise<void> {
  const outputs: readonly (readonly [option: string, path: string | undefined, extensions: readonly string[]])[] = [
    ['-o', options.output, ['.tif', '.tiff']],
    ['-o', sidecarOf(options.output), ['.xml']],
    ['--probabilities', options.probabilities, ['.tif', '.tiff']],
    ['--confidence', options.confidence, ['.tif', '.tiff']],
    ['--preview', options.preview, ['.png']],
    ['--vectors', options.vectors, FEATURE_ENDINGS],
  ];
  const partial = await trueName(partialFolder(options.output));
  const taken = new Map([[await trueName(options.scene), 'the scene']]);
  const overwrite = (options.overwrite ?? false) || (options.dryRun ?? false);
  for (const [option, path, extensions] of outputs) {
    if (path === undefined) continue;
    if (!extensions.includes(extname(path).toLowerCase())) {
      throw new InvalidOptionError(option, `expected a name that ends in ${extensions.join(' or ')}, got ${path}`);
    }
    const name = await trueName(path);
    const other = taken.get(name);
    if (other !== undefined) throw new InvalidOptionError(option, `${path} is ${other}`, { advice: 'give every output a name of its own' });
    if (name.startsWith(partial + sep)) throw new InvalidOptionError(option, `${path} lies in the folder for unfinished files, which is removed at the end`);
    if (await isSameFile(path, options.scene)) throw new InvalidOptionError(option, `${path} is the scene`, { advice: 'give every output a name of its own' });
    taken.set(name, `the file of ${option}, too`);
    for (const one of [path, ...(extensions.includes('.tif') ? oldSidecars(path) : [])]) {
      await checkOutput(one, { overwrite: overwrite || await mayReplace(partialFolder(options.output), one), option, inFolderThere: true });
    }
  }
  if ((await trueName(options.scene)).startsWith(partial + sep)) {
    throw new InvalidOptionError('-o', `the scene lies in ${partialFolder(options.output)}, the folder for unfinished files, which is removed at the end`);
  }
}

/**
 * Checks that no output is a file that the scene is read from, or becomes one: a folder's mosaic has all rasters in it.
 * @throws {InvalidOptionError}
 */
export async function checkMembers(options: SegmentOptions, profile: SceneProfile): Promise<void> {
  await refuseMembers([
    ['-o', options.output], ['--probabilities', options.probabilities], ['--confidence', options.confidence], ['--preview', options.preview], ['--vectors', options.vectors],
  ], options.scene, profile);
}
