import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { nearestName } from '../../card/index.js';
import { readSplit, splitByGroup, splitName, splitRandomly } from '../../dataset/index.js';
import { InvalidFileError, InvalidOptionError } from '../../errors.js';
import { seededRandom, shuffled, type Split } from '../../samples/index.js';
import { resolveStages, type Recipe } from '../../train/index.js';
import { nothingApart } from '../dataset/nothing-apart.js';

/** A sample by its name, and the group that it belongs to. */
export interface Entry { readonly group: string; readonly name: string }

/** Shares where neither the recipe nor the data say how to split. */
const SHARE = 0.15;

/** Whether chance decides of every single sample. */
export function isRandom({ split: { file, validation, test }, training }: Recipe, parts: Split | undefined): boolean {
  if (file !== undefined || training.finalise === true) return false;
  return validation === undefined && test === undefined ? parts === undefined || parts.validation.length === 0 : !Array.isArray(validation) && !Array.isArray(test);
}

/**
 * Samples by part, as the recipe says it, by the data's own folders, or at random.
 * @param data the folder that the recipe's paths start from
 * @throws {InvalidFileError | InvalidOptionError} for a file of other samples, and groups that the data do not have
 */
export async function splitEntries(recipe: Recipe, data: string, entries: readonly Entry[], parts: Split | undefined): Promise<Split> {
  const { file, validation, test, seed = 1 } = recipe.split;
  if (recipe.training.finalise === true) return { train: Int32Array.from(entries, (_, place) => place), validation: new Int32Array(0), test: new Int32Array(0) };
  if (file !== undefined) return readSplit(await splitFile(data, file), entries.map(({ group, name }) => splitName(group, name)));
  if (validation === undefined && test === undefined) return parts === undefined ? splitRandomly(entries.length, { validation: SHARE, test: SHARE, seed }) : withValidation(parts, seed);
  const [v, t] = [validation ?? 0, test ?? 0];
  if (typeof v === 'number' && typeof t === 'number') return splitRandomly(entries.length, { validation: v, test: t, seed });
  return splitByGroup(entries.map(({ group }) => group), { validation: typeof v === 'number' ? [] : v, test: typeof t === 'number' ? [] : t });
}

/** `split.file` starts from the data, as all paths of a recipe; `dataset split -o` from the current folder. */
async function splitFile(data: string, file: string): Promise<string> {
  const wanted = resolve(data, file);
  if (await isFile(wanted)) return wanted;
  const here = resolve(file);
  throw new InvalidFileError(wanted, 'expected a split (split.file starts from the folder of the data), found no file', {
    advice: await isFile(here) ? `there is one in the current folder: --set split.file=${here}` : `make one with: tilewright dataset split ${data} -o ${wanted}`,
  });
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}

/** What to say where chance has kept nothing apart, of too few samples. */
export function nothingApartNote(recipe: Recipe, split: Split, kind: string): string | undefined {
  const { file, validation, test } = recipe.split;
  if (recipe.training.finalise === true || file !== undefined || Array.isArray(validation) || Array.isArray(test)) return undefined;
  const isSaid = validation !== undefined || test !== undefined;
  const share = (said: typeof validation): number => (typeof said === 'number' ? said : isSaid ? 0 : SHARE);
  const note = nothingApart(split, kind, { validation: share(validation), test: share(test) });
  return note === undefined ? undefined : `note: ${note}`;
}

/** @throws {InvalidOptionError} for a group of the recipe that the data do not have */
export function checkGroups({ split, training }: Recipe, entries: readonly Entry[]): void {
  if (training.finalise === true) return;
  const known = [...new Set(entries.map(({ group }) => group))];
  for (const part of ['validation', 'test'] as const) {
    const wanted = split[part];
    if (wanted === undefined || typeof wanted === 'number') continue;
    const missing = wanted.find((name) => !known.includes(name));
    if (missing === undefined) continue;
    const near = nearestName(missing, known);
    const found = known.every((name) => name === '') ? 'they have none' : `${known.slice(0, 12).join(', ')}${known.length > 12 ? ' …' : ''}`;
    throw new InvalidOptionError(`split.${part}`, `expected groups of the data (${found}), found ${missing}`, { advice: near === undefined || near === '' ? 'groups are folders with images and masks, or scenes by their names; tilewright dataset info lists them' : `did you mean ${near}?` });
  }
}

/**
 * Sees that there is something to train on, a whole batch of chips of it, and something to choose on where choices are asked for.
 * @throws {InvalidOptionError}
 */
export function checkSplit(recipe: Recipe, { train, validation }: Split, kind: string): void {
  if (train.length === 0) throw new InvalidOptionError('split', `expected ${kind} to train on, found all of them kept apart`, { advice: 'take smaller shares or fewer groups for split.validation and split.test' });
  const { training } = recipe;
  if (validation.length === 0 && training.finalise !== true) {
    const wanting = training.threshold === 'per-tag' ? ['training.threshold', 'per-tag', '--set training.threshold=0.5'] : training.calibrate === true ? ['training.calibrate', 'true', '--set training.calibrate=false'] : undefined;
    if (wanting !== undefined) throw new InvalidOptionError(wanting[0]!, `expected ${kind} to choose on (split.validation) with ${wanting[1]!}, found none`, { advice: `keep some apart, for example with --set split.validation=0.15, or choose nothing: ${wanting[2]!}` });
  }
  if (recipe.task === 'segmenter') return;
  const stages = resolveStages(recipe);
  const index = stages.findIndex(({ batch }) => batch > train.length);
  if (index < 0) return;
  const key = keyOf(recipe, index, 'batch');
  throw new InvalidOptionError(key, `expected at most the ${train.length} chips that are trained on, found ${stages[index]!.batch}`, { advice: `with --set ${key}=${Math.max(1, 2 ** Math.floor(Math.log2(train.length / 4)))} every epoch has several steps` });
}

/**
 * Sees that patches fit into the pictures that are trained on.
 * @returns what to say of pictures that are too small for some stage
 * @throws {InvalidOptionError} if they fit into none
 */
export function checkPatch(recipe: Recipe, pictures: readonly { readonly width: number; readonly height: number }[], train: Int32Array): string | undefined {
  const edges = Array.from(train, (place) => Math.min(pictures[place]!.width, pictures[place]!.height));
  const largest = edges.reduce((best, edge) => Math.max(best, edge), 0);
  const reduced = (recipe.network.reduce ?? 1) > 1 ? `, reduced by ${recipe.network.reduce!},` : '';
  let note: string | undefined;
  for (const [index, { patch }] of resolveStages(recipe).entries()) {
    const key = keyOf(recipe, index, 'patch');
    if (patch! > largest) throw new InvalidOptionError(key, `expected at most ${largest} pixels, which the largest square in the pictures to train on${reduced} has, found ${patch!}`, { advice: `take a smaller one, such as --set ${key}=${Math.max(1, 2 ** Math.floor(Math.log2(largest)))}` });
    const small = edges.filter((edge) => edge < patch!).length;
    if (small > 0) note ??= `note: ${small} of ${edges.length} pictures to train on are smaller than a patch of ${patch!} pixels (${key}) and are not seen`;
  }
  return note;
}

/** The key that decides of a stage's batch or patch. */
function keyOf(recipe: Recipe, index: number, key: 'batch' | 'patch'): string {
  const stage = recipe.stages[index];
  return stage?.[key] === undefined ? `training.${key}` : `stages.${stage.name ?? index + 1}.${key}`;
}

/** Data with folders for training and test only: a part of the training samples is for choices. */
function withValidation(parts: Split, seed: number): Split {
  if (parts.validation.length > 0 || parts.train.length < 2) return parts;
  const order = shuffled(parts.train.length, seededRandom(seed));
  const count = Math.max(1, Math.round(parts.train.length * SHARE));
  const pick = (places: Int32Array): Int32Array => Int32Array.from(places, (place) => parts.train[place]!).sort();
  return { ...parts, validation: pick(order.slice(0, count)), train: pick(order.slice(count)) };
}
