import { readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { InvalidOptionError } from '../errors.js';
import { makeFolder, syncFolder } from '../run/index.js';
import { updateLocked, waitForLock } from './cache.js';
import { hasIndex, readManifest, writeManifest } from './manifest.js';
import { modelDifference } from './same-model.js';
import { PARTS_FOLDER } from './types.js';
import type { IndexManifest, IndexPart, IndexSource } from './types.js';

/** What an index of the first format had beside its manifest. */
const FIRST_FORMAT_FILES = ['vectors.f32', 'entries.jsonl'] as const;

/** A source with its parts, whose files lie in a folder outside the index. */
export interface Addition {
  readonly source: IndexSource;
  readonly parts: readonly IndexPart[];
}

export interface AddOptions {
  /** Folder of the files that {@link Addition.parts} name; on the disk of the index. They are moved from it. */
  readonly from: string;
  /** What the index is if there is none, or it is replaced: model, dimensions, metric, no entries. */
  readonly empty: IndexManifest;
  /** Throws away what is there. Default false: it is added to. */
  readonly replace?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Adds sources to an index, or makes one. Files of parts are moved first and `index.json` is replaced then: whenever the process
 * ends, readers find the index as it was, or with all that was added. Other processes that change the index are waited for.
 * @throws {InvalidOptionError} if the index has another model, or a source of the same name, which another process may have added.
 */
export async function addToIndex(folder: string, additions: readonly Addition[], options: AddOptions): Promise<IndexManifest> {
  await makeFolder(folder);
  const unlock = await waitForLock(folder, options.signal);
  try {
    const base = options.replace || !(await hasIndex(folder)) ? options.empty : await readManifest(folder);
    refuseOtherModel(folder, base, options.empty);
    for (const { source } of additions) refuseSameName(folder, base, source);
    const parts = additions.flatMap((one) => one.parts);
    await makeFolder(join(folder, PARTS_FOLDER));
    // Nothing is lost if this ends in the middle: what the manifest does not list does not count, and is removed by the next change.
    for (const part of parts) await rename(join(options.from, basename(part.file)), join(folder, part.file)).catch(ignoreMoved(folder, part));
    await syncFolder(join(folder, PARTS_FOLDER));
    const manifest = await replaceManifest(folder, {
      ...base, createdBy: options.empty.createdBy, sources: [...base.sources, ...additions.map(({ source }) => source)], parts: [...base.parts, ...parts],
      count: base.count + parts.reduce((sum, { rows }) => sum + rows, 0),
    }, options.signal);
    if (options.replace) for (const name of FIRST_FORMAT_FILES) await rm(join(folder, name), { force: true });
    return manifest;
  } finally {
    await unlock();
  }
}

/** A run that was killed between moving its files and the manifest finds them moved. */
function ignoreMoved(folder: string, part: IndexPart): (error: NodeJS.ErrnoException) => Promise<void> {
  return async (error) => {
    if (error.code !== 'ENOENT' || !(await readdir(join(folder, PARTS_FOLDER))).includes(basename(part.file))) throw error;
  };
}

/**
 * Takes a source out. The other parts stay as they are.
 * @returns the index as it is now.
 * @throws {InvalidOptionError} if there is no source of that name.
 */
export async function removeSource(folder: string, name: string, signal?: AbortSignal): Promise<IndexManifest> {
  const unlock = await waitForLock(folder, signal);
  try {
    const base = await readManifest(folder);
    const source = base.sources.find((one) => one.name === name || one.path === name);
    if (source === undefined) {
      throw new InvalidOptionError('remove', `${folder} has no scene ${name}`, { advice: base.sources.length === 0 ? 'it is empty' : `it has ${base.sources.slice(0, 5).map((one) => one.name).join(', ')}${base.sources.length > 5 ? ' …' : ''}` });
    }
    const parts = base.parts.filter((part) => part.source !== source.name);
    return await replaceManifest(folder, { ...base, sources: base.sources.filter((one) => one !== source), parts, count: parts.reduce((sum, { rows }) => sum + rows, 0) }, signal);
  } finally {
    await unlock();
  }
}

async function replaceManifest(folder: string, manifest: IndexManifest, signal: AbortSignal | undefined): Promise<IndexManifest> {
  await writeManifest(folder, manifest);
  const listed = new Set(manifest.parts.map(({ file }) => basename(file)));
  for (const name of await readdir(join(folder, PARTS_FOLDER)).catch(() => [])) {
    if (!listed.has(name) && /\.(parquet|tmp)$/.test(name)) await rm(join(folder, PARTS_FOLDER, name), { force: true });
  }
  // The index stands. A part that is damaged elsewhere in it is for those to tell who read it.
  await updateLocked(folder, manifest, { parts: manifest.parts, skipBad: true, ...(signal === undefined ? {} : { signal }) });
  return manifest;
}

/** @throws {InvalidOptionError} if vectors of two indexes cannot be compared. */
export function refuseOtherModel(folder: string, found: IndexManifest, wanted: IndexManifest): void {
  const advice = 'vectors of different models or layers cannot be compared; use another --index, or --overwrite to begin anew';
  const short = (manifest: IndexManifest): string => `${manifest.model.name} (${manifest.model.fingerprint.slice(0, 12)})`;
  const difference = modelDifference(found.model, wanted.model);
  if (difference !== undefined) throw new InvalidOptionError('--model', `${folder} was made with ${short(found)}, got ${short(wanted)}: ${difference}`, { advice });
  if (found.model.layer !== wanted.model.layer) throw new InvalidOptionError('--layer', `${folder} was made of layer ${found.model.layer}, got ${wanted.model.layer}`, { advice });
  if (found.dimensions !== wanted.dimensions) throw new InvalidOptionError('--layer', `${folder} has vectors of ${found.dimensions} numbers, got ${wanted.dimensions}`, { advice });
}

/** @throws {InvalidOptionError} if the index has a source of that name. */
export function refuseSameName(folder: string, found: IndexManifest, source: Pick<IndexSource, 'name' | 'path'>): void {
  const same = found.sources.find(({ name }) => name === source.name);
  if (same === undefined) return;
  throw new InvalidOptionError('--index', `${folder} has other entries of the name ${same.name} (${same.path})`, {
    advice: `rename the file, use another index, take the old ones out with tilewright index remove, or begin anew with --overwrite`,
  });
}
