import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidOptionError, OutputError } from '../../errors.js';
import type { Chip, ChipWriter } from '../../chips/index.js';
import { likeliestTag, presentTags } from '../../chips/index.js';
import type { ModelCard } from '../../card/index.js';
import { checkFolder, checkSpace, mayReplace, placeFiles, writeWhole } from '../../run/index.js';
import { isPredicted } from '../chips/rows.js';
import { TABLE_FORMATS, tableFiles } from './tables.js';
import type { TableFormat } from './tables.js';

/** Files of a classified scene, in the order in which they get their final names; `summary.json` is the last: where it stands, all stand. */
export function sceneFiles(tables?: readonly TableFormat[]): string[] {
  return [...tableFiles(tables), 'probabilities.tif', 'map.png', 'summary.json'];
}

/** Files of a classified folder of chips. */
export function folderFiles(tables?: readonly TableFormat[]): string[] {
  return [...tableFiles(tables), 'submission.csv', 'summary.json'];
}

/** How scores become tags. */
export interface TagRule {
  readonly tags: readonly string[];
  /** One per tag; absent for models with exactly one class per chip. */
  readonly thresholds?: readonly number[];
}

/** Threshold of a tag for which neither card nor user have one. */
const DEFAULT_THRESHOLD = 0.5;

export function tagRule(card: ModelCard, threshold?: number): TagRule {
  const tags = card.output.classes.map(({ name }) => name);
  if (card.task === 'classification') {
    if (threshold !== undefined) throw new InvalidOptionError('--threshold', `${card.name} gives exactly one class per chip, there is nothing to compare with a threshold`);
    return { tags };
  }
  return { tags, thresholds: card.output.classes.map((entry) => threshold ?? entry.threshold ?? DEFAULT_THRESHOLD) };
}

/** Tags of a chip by its probabilities; none for a chip without data, whose numbers are NaN. */
export function tagsOf(rule: TagRule, probabilities: Float32Array): number[] {
  if (!isPredicted(probabilities)) return [];
  return rule.thresholds === undefined ? [likeliestTag(probabilities)] : presentTags(probabilities, rule.thresholds);
}

/** How often each tag was given. */
export interface TagCounts {
  readonly chips: number[];
  readonly sums: number[];
  predicted: number;
  nodata: number;
}

export function createTagCounts(tags: number): TagCounts {
  return { chips: new Array<number>(tags).fill(0), sums: new Array<number>(tags).fill(0), predicted: 0, nodata: 0 };
}

export function countTags(counts: TagCounts, probabilities: Float32Array, tags: readonly number[]): void {
  if (!isPredicted(probabilities)) {
    counts.nodata++;
    return;
  }
  counts.predicted++;
  for (const tag of tags) counts.chips[tag]!++;
  for (let i = 0; i < probabilities.length; i++) counts.sums[i]! += probabilities[i]!;
}

/** One tag over all chips. */
export interface TagSummary {
  readonly name: string;
  /** From here on it counts as present; absent for models with one class per chip. */
  readonly threshold?: number;
  readonly chips: number;
  /** Share of the predicted chips. */
  readonly share: number;
  readonly meanProbability: number;
}

export function summarizeTags(rule: TagRule, counts: TagCounts): TagSummary[] {
  const all = Math.max(1, counts.predicted);
  return rule.tags.map((name, i) => ({
    name, ...(rule.thresholds === undefined ? {} : { threshold: rule.thresholds[i]! }),
    chips: counts.chips[i]!, share: counts.chips[i]! / all, meanProbability: counts.sums[i]! / all,
  }));
}

/** Writes every chip to every table; on failure closes them all. */
export async function writeTables(writers: readonly ChipWriter[], chips: AsyncIterable<Chip>): Promise<void> {
  try {
    for await (const chip of chips) for (const writer of writers) await writer.write(chip);
    for (const writer of writers) await writer.finish();
  } catch (error) {
    await Promise.allSettled(writers.map((writer) => writer.abort()));
    throw error;
  }
}

/** Folder of an unfinished run. */
export function partialFolder(output: string): string {
  return `${output.replace(/[\\/]+$/, '')}.partial`;
}

/**
 * Checks the output folder before any work; for a dry run nothing is made, and what exists may stay.
 * @throws {InvalidOptionError} if it holds results already and `overwrite` is not set; a run that was stopped while it gave its
 *   files their names may go on.
 */
export async function checkOutputFolder(output: string, names: readonly string[], options: { readonly overwrite: boolean; readonly bytes: number; readonly dryRun?: boolean }): Promise<void> {
  const found = await stat(output).catch(() => undefined);
  if (found !== undefined && !found.isDirectory()) throw new OutputError(output, 'expected a folder, found a file');
  for (const name of names) {
    if (!options.overwrite && options.dryRun !== true && !await mayReplace(partialFolder(output), join(output, name))) {
      throw new InvalidOptionError('-o', `${join(output, name)} exists`, { advice: 'add --overwrite to replace it' });
    }
  }
  if (options.dryRun === true) return;
  const parent = join(output, '..');
  await checkFolder(found === undefined ? parent : output);
  await checkFolder(parent);
  await checkSpace(parent, options.bytes);
}

/** Gives the finished files in `partial` their final names in `output`. */
export async function placeAll({ partial, output, names, overwrite }: {
  readonly partial: string; readonly output: string; readonly names: readonly string[]; readonly overwrite: boolean;
}): Promise<void> {
  // A summary must never stand beside files of another run: the old one goes first, and what the new run does not write.
  const others = [...sceneFiles(TABLE_FORMATS), ...folderFiles(TABLE_FORMATS)].filter((name) => !names.includes(name));
  await placeFiles({
    partial, overwrite, files: names.map((name) => ({ temporary: join(partial, name), path: join(output, name) })),
    stale: ['summary.json', ...others].map((name) => join(output, name)),
  });
}

export async function writeSummary(partial: string, summary: unknown): Promise<void> {
  await writeWhole(join(partial, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
}
