import { InvalidOptionError } from '../../errors.js';
import { createStandard, fitBinary, logistic, standardize, unstandardize } from '../../linear/index.js';
import type { OpenIndex } from '../../index-store/index.js';
import type { VectorMatrix } from '../../search/index.js';
import { findExample } from './query.js';
import type { Query } from './query.js';
import type { QueryOptions } from './options.js';

/** Entries that stand for everything that is not looked for. */
const BACKGROUND = 2000;

/** A linear function that is large for what is like the examples. */
export interface Learned {
  readonly like: readonly Query[];
  readonly unlike: readonly Query[];
  readonly weights: Float32Array;
  readonly intercept: number;
}

/** Looks the examples up and learns from them. */
export async function learnExamples(index: OpenIndex, matrix: VectorMatrix, options: QueryOptions, signal?: AbortSignal): Promise<Learned> {
  const find = async (option: '--like' | '--unlike', texts: readonly string[]): Promise<Query[]> => {
    const found: Query[] = [];
    for (const text of texts) found.push(await findExample(text, option, options, index, signal));
    return found;
  };
  const like = await find('--like', options.like ?? []);
  const unlike = await find('--unlike', options.unlike ?? []);
  const both = like.find((one) => one.kind !== 'image' && unlike.some((other) => other.name === one.name));
  if (both !== undefined) throw new InvalidOptionError('--unlike', `${both.name} is an example of both`);
  return { like, unlike, ...await learn(matrix, like.map(({ vector }) => vector), unlike.map(({ vector }) => vector)) };
}

/**
 * Logistic regression on standardized vectors. The background is entries at even distances, most of which are something else, and
 * weighs one each; the positive examples together weigh as much as it, and every negative example as much as a positive one.
 */
async function learn(matrix: VectorMatrix, like: readonly Float32Array[], unlike: readonly Float32Array[]): Promise<{ readonly weights: Float32Array; readonly intercept: number }> {
  const { dimensions } = matrix;
  const size = Math.min(BACKGROUND, matrix.count);
  const background = await matrix.read(Array.from({ length: size }, (_, i) => Math.floor((i * matrix.count) / size)));
  const builder = createStandard(dimensions);
  builder.add(background, size);
  const standard = builder.result();
  const count = like.length + unlike.length + size;
  const data = new Float32Array(count * dimensions);
  [...like, ...unlike].forEach((vector, i) => data.set(vector, i * dimensions));
  data.set(background, (like.length + unlike.length) * dimensions);
  const rows = { data: standardize(data, count, standard), count, dimensions };
  const weights = Array.from({ length: count }, (_, i) => (i < like.length + unlike.length ? size / like.length : 1));
  const model = unstandardize(fitBinary(rows, Array.from({ length: count }, (_, i) => i < like.length), { weights }), standard);
  return { weights: Float32Array.from(model.coefficients), intercept: model.intercepts[0]! };
}

/** What is shown as the distance of a row whose linear function (negative) is `kept`: 1 − probability. */
export function learnedDistance(kept: number, intercept: number): number {
  return 1 - logistic(intercept - kept);
}

/** The inverse of {@link learnedDistance}. */
export function keptLearned(shown: number, intercept: number): number {
  if (shown >= 1) return Number.POSITIVE_INFINITY;
  return shown <= 0 ? Number.NEGATIVE_INFINITY : intercept - Math.log((1 - shown) / shown);
}
