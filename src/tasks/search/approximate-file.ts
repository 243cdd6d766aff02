import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CACHE_FOLDER } from '../../index-store/index.js';
import type { OpenIndex } from '../../index-store/index.js';
import { writeWhole } from '../../run/index.js';
import type { TaskContext } from '../../run/index.js';
import { APPROXIMATE_SETTINGS, buildApproximate, openApproximate } from '../../search/index.js';
import type { ApproximateIndex, GraphSeal, Metric, VectorMatrix } from '../../search/index.js';
import { indexMatrix } from './index-matrix.js';

/** What a file for approximate search was made from; it stands beside it, written last. */
interface Stamp {
  readonly vectors: string;
  readonly count: number;
  readonly metric: Metric;
  readonly settings: string;
}

export type ApproximateState = 'fresh' | 'older' | 'missing';

function paths(index: OpenIndex, metric: Metric): { readonly file: string; readonly stamp: string } {
  const base = join(index.folder, CACHE_FOLDER, metric === index.manifest.metric ? 'ann' : `ann-${metric}`);
  return { file: `${base}.usearch`, stamp: `${base}.json` };
}

function stampOf(index: OpenIndex, metric: Metric): Stamp {
  return { vectors: index.fingerprint, count: index.count, metric, settings: APPROXIMATE_SETTINGS };
}

/** Whether an index has a file for approximate search, and whether it is one of the vectors that are there now. */
export async function approximateState(index: OpenIndex, metric: Metric): Promise<ApproximateState> {
  const { file, stamp } = paths(index, metric);
  if ((await stat(file).catch(() => undefined))?.isFile() !== true) return 'missing';
  return (await readSeal(index, metric, stamp)) === undefined ? 'older' : 'fresh';
}

/** The seal in a stamp, if it is of these vectors. */
async function readSeal(index: OpenIndex, metric: Metric, path: string): Promise<GraphSeal | undefined> {
  try {
    const { seal, ...rest } = JSON.parse(await readFile(path, 'utf8')) as Stamp & { readonly seal?: GraphSeal };
    return JSON.stringify(rest) === JSON.stringify(stampOf(index, metric)) ? seal : undefined;
  } catch {
    return undefined;
  }
}

/** Makes the file for approximate search from the vectors. @returns what it is known by. */
export async function writeApproximate(index: OpenIndex, matrix: VectorMatrix, metric: Metric, options: { readonly threads?: number }, context: TaskContext): Promise<GraphSeal> {
  const { file, stamp } = paths(index, metric);
  // Without its stamp the file is nothing, so a kill leaves nothing that would be believed.
  await rm(stamp, { force: true });
  const seal = await buildApproximate(matrix, file, {
    metric, ...options, ...(context.signal === undefined ? {} : { signal: context.signal }),
    onRows: (done, total) => context.onProgress?.({ stage: 'build', done, total, unit: 'entries' }),
  });
  await writeWhole(stamp, `${JSON.stringify({ ...stampOf(index, metric), seal })}\n`);
  return seal;
}

export interface OpenedApproximate {
  readonly approximate: ApproximateIndex;
  readonly notes: readonly string[];
}

/** Opens the file for approximate search; one that is missing or older than the parts is made first, and a note says so. */
export async function indexApproximate(index: OpenIndex, matrix: VectorMatrix, metric: Metric, options: { readonly threads?: number }, context: TaskContext): Promise<OpenedApproximate> {
  const { file, stamp } = paths(index, metric);
  const notes: string[] = [];
  let seal = await readSeal(index, metric, stamp);
  const there = (await stat(file).catch(() => undefined))?.isFile() === true;
  if (seal === undefined || !there) {
    const started = performance.now();
    seal = await writeApproximate(index, matrix, metric, options, context);
    notes.push(`the file for approximate search was ${there ? 'older than the parts' : 'missing'} and was made from ${index.count} vectors in ${((performance.now() - started) / 1000).toFixed(1)} s (${(seal.bytes / 1e6).toFixed(1)} MB)`);
  }
  return { approximate: await openApproximate(matrix, file, { metric, seal }), notes };
}

/** Entries from which on `index build` makes the file: below, exact searches take milliseconds. */
const WORTHWHILE = 20_000;

/** The file for approximate search by the index's own metric, for `index build`; `undefined` for small indexes. */
export async function makeApproximate(index: OpenIndex, context: TaskContext): Promise<{ readonly what: string; readonly path: string; readonly bytes: number; readonly seconds: number } | undefined> {
  if (index.count < WORTHWHILE) return undefined;
  const started = performance.now();
  const { metric } = index.manifest;
  const { bytes } = await writeApproximate(index, indexMatrix(index), metric, {}, context);
  return { what: 'approximate neighbours', path: paths(index, metric).file, bytes, seconds: (performance.now() - started) / 1000 };
}
