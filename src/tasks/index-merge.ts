import { copyFile, rm, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { InvalidOptionError } from '../errors.js';
import { PARTS_FOLDER, addToIndex, checkParts, hasIndex, readManifest, refuseOtherModel, sameEntries } from '../index-store/index.js';
import type { Addition, IndexManifest, IndexSource } from '../index-store/index.js';
import { checkFolder, checkSpace, fingerprintOf, isSameFile, makeFolder, openJournal } from '../run/index.js';
import type { TaskContext } from '../run/index.js';

export interface IndexMergeOptions {
  /** Folders of indexes, at least one. */
  readonly indexes: readonly string[];
  /** Folder of the new index. */
  readonly output: string;
  /** Replaces an index that is there. */
  readonly overwrite?: boolean;
}

export interface IndexMergeResult {
  readonly index: string;
  readonly count: number;
  readonly sources: number;
  readonly warnings: readonly string[];
}

/**
 * Joins indexes of one model and layer. The same scene, embedded in the same way, comes once, also where copies of its file have
 * other times: then entries and vectors are compared. The checksums of all parts are looked at.
 * @throws {InvalidOptionError} if models or layers differ, two scenes have one name, or the output is there
 * @throws {InvalidFileError} if one is no index, or has a bad part
 */
export async function indexMerge(options: IndexMergeOptions, context: TaskContext = {}): Promise<IndexMergeResult> {
  const { indexes, output } = options;
  if (indexes.length === 0) throw new InvalidOptionError('merge', 'expected indexes, got none');
  const manifests: IndexManifest[] = [];
  for (const index of indexes) {
    if (await isSameFile(index, output)) throw new InvalidOptionError('-o', `${output} is one of the indexes that are joined`, { advice: 'give the new one a folder of its own' });
    const manifest = await readManifest(index);
    if (manifests[0] !== undefined) refuseOtherModel(index, manifest, manifests[0]);
    manifests.push(manifest);
  }
  await refuseOutput(options);
  const warnings: string[] = [];
  const chosen = await chooseSources(indexes, manifests, warnings, context.signal);
  await checkSpace(join(resolve(output), '..'), 2.5 * chosen.reduce((sum, { parts }) => sum + parts.reduce((all, { bytes }) => all + bytes, 0), 0));
  const journal = await openJournal({ folder: `${resolve(output)}.partial`, identity: { task: 'index merge/1', parts: fingerprintOf(chosen.flatMap(({ parts }) => parts.map(({ sha256 }) => sha256))) }, restart: true });
  let finished = false;
  try {
    const from = join(journal.folder, PARTS_FOLDER);
    await rm(from, { recursive: true, force: true });
    await makeFolder(from);
    for (const { index, parts } of chosen) {
      for (const part of parts) await copyFile(join(index, part.file), join(from, basename(part.file)));
    }
    await checkParts(journal.folder, { parts: chosen.flatMap(({ parts }) => parts), ...(context.signal === undefined ? {} : { signal: context.signal }) });
    const additions: Addition[] = chosen.map(({ source, parts }) => ({ source, parts }));
    const merged = await addToIndex(output, additions, {
      from, empty: { ...manifests[0]!, count: 0, sources: [], parts: [] }, replace: true, ...(context.signal === undefined ? {} : { signal: context.signal }),
    });
    await journal.complete();
    finished = true;
    return { index: output, count: merged.count, sources: merged.sources.length, warnings };
  } finally {
    if (!finished) await journal.close();
  }
}

interface Chosen extends Addition {
  /** Folder of the index it comes from. */
  readonly index: string;
}

async function chooseSources(indexes: readonly string[], manifests: readonly IndexManifest[], warnings: string[], signal?: AbortSignal): Promise<Chosen[]> {
  const chosen = new Map<string, Chosen>();
  for (const [i, manifest] of manifests.entries()) {
    for (const source of manifest.sources) {
      const known = chosen.get(source.name);
      const one: Chosen = { index: indexes[i]!, source, parts: manifest.parts.filter((part) => part.source === source.name) };
      if (known === undefined) {
        chosen.set(source.name, one);
        continue;
      }
      const same = howEmbedded(known.source) === howEmbedded(source)
        && (known.source.fingerprint === source.fingerprint || await sameEntries(known, one, manifest.dimensions, signal));
      if (!same) {
        throw new InvalidOptionError('merge', `${known.index} and ${indexes[i]} have different entries of the name ${source.name} (${known.source.path} and ${source.path})`, { advice: 'take one out with tilewright index remove, or rename the file and embed it again' });
      }
      warnings.push(`${source.name} is in ${known.index} and ${indexes[i]}: its entries are taken once`);
    }
  }
  return [...chosen.values()];
}

/** Equal for sources that were embedded in the same way, wherever their files lie, and whatever their state was. */
function howEmbedded({ path: _path, fingerprint: _fingerprint, ...source }: IndexSource): string {
  return JSON.stringify(source);
}

async function refuseOutput({ output, overwrite }: IndexMergeOptions): Promise<void> {
  if (await hasIndex(output)) {
    if (!overwrite) throw new InvalidOptionError('-o', `${output} is there`, { advice: 'add --overwrite to replace it' });
  } else if ((await stat(output).catch(() => undefined)) !== undefined) {
    throw new InvalidOptionError('-o', `${output} is there and is no index`, { advice: 'choose a new folder' });
  }
  await checkFolder(join(resolve(output), '..'));
}
