import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { InvalidFileError } from '../../errors.js';
import { readProgress, type Origin, type Recipe } from '../../train/index.js';
import type { LoadedSamples } from './samples.js';

export const CHECKPOINT = 'checkpoint.bin';

/**
 * What decides what is trained, by section of the recipe, but for the number of epochs: a run that turns out too long may be
 * resumed as a shorter one. What is done after the last step and the card's texts are free, too.
 */
function decisive(recipe: Recipe): Readonly<Record<string, unknown>> {
  const { data, split, network, task, optimizer, schedule, loss, augment } = recipe;
  const training = { ...recipe.training, epochs: undefined, calibrate: undefined, threshold: undefined };
  const stages = recipe.stages.map((stage) => ({ ...stage, epochs: undefined }));
  return { task, data, split, network, training, optimizer, schedule, loss, augment, stages };
}

/** Of all that decides what is trained, the samples included. */
export function fingerprintOf(recipe: Recipe, loaded: LoadedSamples): string {
  const parts: unknown[] = [...Object.values(decisive(recipe)), loaded.outputs, loaded.samples.count, loaded.samples.fingerprint];
  // The file may be another one under the same name.
  if (recipe.split.file !== undefined) parts.push(Object.values(loaded.split).map((part: Int32Array) => Array.from(part)));
  return digest(parts);
}

/** What can be told of a training before a sample is decoded. */
export function originOf(recipe: Recipe, data: string): Origin {
  const values = decisive(recipe);
  return { recipe: recipe.name, settings: Object.fromEntries(Object.entries(values).map(([section, value]) => [section, digest(value).slice(0, 8)])), values: JSON.parse(JSON.stringify(values)) as Record<string, unknown>, folder: resolve(data) };
}

/**
 * Refuses a folder in which another training left its checkpoint, before anything is decoded; once samples are decoded, by their pixels
 * as well. Checkpoints that do not say what they are from are looked at when they are read.
 * @param fingerprint {@link fingerprintOf} the run, where it is known
 * @throws {InvalidFileError} saying in what the two differ, with both values
 */
export async function refuseOther(folder: string, wanted: Origin, fingerprint?: string): Promise<void> {
  const file = join(folder, CHECKPOINT);
  const progress = await readProgress(file);
  const found = progress?.origin;
  if (progress === undefined || found === undefined) return;
  const other = Object.keys(wanted.settings).filter((section) => found.settings[section] !== wanted.settings[section]);
  if (other.length > 0) throw refusal(file, `${found.recipe === wanted.recipe ? '' : `of the recipe ${found.recipe}, `}with ${differences(found, wanted, other)}`);
  if (wanted.data !== undefined && found.data !== undefined && found.data !== wanted.data) throw refusal(file, `of other data: ${dataDifference(found, wanted) ?? 'files of the data have other sizes or labels since'}`);
  if (fingerprint !== undefined && progress.fingerprint !== fingerprint) throw refusal(file, `of other data: ${dataDifference(found, wanted) ?? 'pixels, labels or parts of the split are other ones since'}`);
}

/** Keys that are told one by one. */
const MOST_TOLD = 8;

function differences(found: Origin, wanted: Origin, sections: readonly string[]): string {
  if (found.values === undefined || wanted.values === undefined) return `another ${sections.join(', ')}`;
  const [before, now] = [leavesOf(found.values), leavesOf(wanted.values)];
  const keys = [...new Set([...before.keys(), ...now.keys()])].filter((key) => before.get(key) !== now.get(key));
  const told = keys.slice(0, MOST_TOLD).map((key) => `${key} ${before.get(key) ?? 'not set'} instead of ${now.get(key) ?? 'not set'}`);
  return `${told.join(', ')}${keys.length > MOST_TOLD ? ` and ${keys.length - MOST_TOLD} more keys` : ''}`;
}

/** Every key that has a value, `optimizer.lr`, with the value as in JSON. */
function leavesOf(value: unknown, path = '', into = new Map<string, string>()): Map<string, string> {
  if (typeof value === 'object' && value !== null && (!Array.isArray(value) || value.some((item) => typeof item === 'object' && item !== null && !Array.isArray(item)))) {
    for (const [key, item] of Object.entries(value)) {
      const name = Array.isArray(value) && typeof (item as { name?: unknown }).name === 'string' ? (item as { name: string }).name : key;
      leavesOf(item, path === '' ? name : `${path}.${name}`, into);
    }
  } else if (value !== undefined) into.set(path, typeof value === 'string' ? value : JSON.stringify(value));
  return into;
}

function dataDifference(found: Origin, wanted: Origin): string | undefined {
  const parts: string[] = [];
  if (found.folder !== undefined && wanted.folder !== undefined && found.folder !== wanted.folder) parts.push(`of ${found.folder} instead of ${wanted.folder}`);
  if (found.listed !== undefined && wanted.listed !== undefined) {
    if (found.listed.entries !== wanted.listed.entries) parts.push(`${found.listed.entries} samples instead of ${wanted.listed.entries}`);
    if (found.listed.classes.join() !== wanted.listed.classes.join()) parts.push(`classes ${found.listed.classes.join(', ')} instead of ${wanted.listed.classes.join(', ')}`);
  }
  return parts.length > 0 ? parts.join(', ') : undefined;
}

function refusal(file: string, found: string): InvalidFileError {
  return new InvalidFileError(file, `expected a checkpoint of the same data, network and options, found one ${found}`, { advice: 'train into another folder, or remove it' });
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);
}
