import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { InvalidFileError } from '../../errors.js';
import { readOrigin, type Origin, type Recipe } from '../../train/index.js';
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
export function originOf(recipe: Recipe): Origin {
  return { recipe: recipe.name, settings: Object.fromEntries(Object.entries(decisive(recipe)).map(([section, value]) => [section, digest(value).slice(0, 8)])) };
}

/**
 * Refuses a folder in which another training left its checkpoint, before anything is decoded. Checkpoints that do not say what
 * they are from are looked at when they are read.
 * @throws {InvalidFileError} saying in what the two differ
 */
export async function refuseOther(folder: string, wanted: Origin): Promise<void> {
  const file = join(folder, CHECKPOINT);
  const found = await readOrigin(file);
  if (found === undefined) return;
  const other = Object.keys(wanted.settings).filter((section) => found.settings[section] !== wanted.settings[section]);
  const parts = [...(found.recipe === wanted.recipe ? [] : [`of the recipe ${found.recipe}`]), ...(other.length === 0 ? [] : [`with another ${other.join(', ')}`])];
  if (other.length > 0) throw refusal(file, parts.join(', '));
  if (wanted.samples !== undefined && found.samples !== undefined && found.samples !== wanted.samples) throw refusal(file, 'of other data, or of data that changed since');
}

function refusal(file: string, found: string): InvalidFileError {
  return new InvalidFileError(file, `expected a checkpoint of the same data, network and options, found one ${found}`, { advice: 'train into another folder, or remove it' });
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);
}
