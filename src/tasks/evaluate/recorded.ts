import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { changeDescription, describeData, readSplit, type FoundData } from '../../dataset/index.js';
import { InvalidFileError } from '../../errors.js';
import type { LoadedModel } from '../../predict/index.js';
import type { DataDescription, Split } from '../../samples/index.js';
import { listData } from '../dataset/open.js';
import type { EvaluateOptions } from '../evaluate.js';
import { SPLIT_FILE } from '../train/split-record.js';

/** The split that a model's training made, and its data read as it read them. */
export interface Recorded {
  readonly file: string;
  readonly found: FoundData;
}

/**
 * What a part without a split is of, where the data have none of their own: of the model's training. Its data are described as in its recipe, with the
 * settings on top.
 * @returns undefined where no part was asked for, the data have it themselves, or the model's folder says nothing of a training
 */
export async function recordedSplit({ data, part, split, set = [] }: EvaluateOptions, model: Pick<LoadedModel, 'card' | 'file'>): Promise<Recorded | undefined> {
  if (data === undefined || part === undefined || split !== undefined) return undefined;
  const file = join(dirname(model.file), SPLIT_FILE);
  if ((await stat(file).catch(() => undefined))?.isFile() !== true || await haveOwn(data, set, part)) return undefined;
  const { resize: _, ...recorded } = (model.card.recipe?.['data'] ?? {}) as DataDescription & { readonly resize?: unknown };
  const isWhole = SOURCES.some((key) => recorded[key] !== undefined) && (await stat(data)).isDirectory();
  const found = isWhole ? { description: recorded, folder: data, by: 'recipe of the model' } : await describeData(data, set);
  return { file, found: { ...found, description: changeDescription({ ...found.description, ...recorded }, set) } };
}

/**
 * Whether `--part test` would take samples of these data that the model's training kept apart: its split is of samples of these names, has a test part, and
 * the data have no other one of their own.
 * @param names of the samples as a split has them
 * @param own the data's own parts
 */
export async function keptApart({ part, split }: EvaluateOptions, model: Pick<LoadedModel, 'file'>, names: readonly string[], own: Split | undefined): Promise<boolean> {
  if (part === 'test' || split !== undefined) return false;
  const recorded = await readSplit(join(dirname(model.file), SPLIT_FILE), names).catch((error: unknown) => { if (error instanceof InvalidFileError) return undefined; throw error; });
  if (recorded === undefined || recorded.test.length === 0) return false;
  return own === undefined || own.test.length === 0 || [...own.test].sort().join() === [...recorded.test].sort().join();
}

/** Keys that say by themselves where samples are. */
const SOURCES = ['table', 'class_folders', 'images', 'masks', 'scenes', 'classes'] as const;

/** Whether the data, as they are found, have samples in this part. */
async function haveOwn(data: string, set: readonly string[], part: NonNullable<EvaluateOptions['part']>): Promise<boolean> {
  try {
    const { list } = await listData({ data, set });
    await list.close();
    return (list.parts?.[part].length ?? 0) > 0;
  } catch (error) {
    // As they are found they may be nothing; the recipe of the model may know more.
    if (error instanceof InvalidFileError) return false;
    throw error;
  }
}
