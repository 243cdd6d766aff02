import { mkdtemp, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nearestName } from '../../card/index.js';
import { checkFile, download } from '../../download/index.js';
import { InvalidOptionError } from '../../errors.js';
import type { TaskContext } from '../../run/index.js';
import { importModel, type ImportModelResult } from '../models.js';
import { PUBLIC_WEIGHTS, type PublicWeights } from './catalogue.js';
import { checkPulled, keepPulled, pulledFile, weightsName } from './pulled.js';

export interface PullModelOptions {
  /** Which weights; see {@link PUBLIC_WEIGHTS}. */
  readonly model: string;
  /** The weights as a file that is at hand, instead of fetching them. Must be the same file; it is copied into the cache, where recipes find it. */
  readonly from?: string;
  /** Another server that has the same file. */
  readonly url?: string;
  /** Folder that downloads are kept in. Default: see {@link cacheFolder}. */
  readonly cache?: string;
  /** Folder to make. Default: the name, in the current folder. */
  readonly output?: string;
  readonly overwrite?: boolean;
}

export interface PullModelResult extends ImportModelResult {
  /** The file of weights in the cache. */
  readonly file: string;
  /** Bytes that were fetched now; 0 where the file was there. */
  readonly fetchedBytes: number;
}

/** Bytes between two lines of progress. */
const STEP = 8 * 2 ** 20;

/**
 * Fetches public ImageNet weights, once, checks them by their checksum, and makes a model folder of them.
 * @param catalogue What there is. Default: {@link PUBLIC_WEIGHTS}
 * @throws {RemoteError} if they cannot be fetched; a download that was interrupted goes on with the same command.
 */
export async function pullModel(options: PullModelOptions, context: TaskContext = {}, catalogue: readonly PublicWeights[] = PUBLIC_WEIGHTS): Promise<PullModelResult> {
  const weights = catalogue.find(({ name }) => name === options.model);
  if (weights === undefined) {
    const names = catalogue.map(({ name }) => name);
    const near = nearestName(options.model, names);
    throw new InvalidOptionError('models pull', `expected one of ${names.join(', ')}, found ${options.model}`, near === undefined ? {} : { advice: `did you mean ${near}?` });
  }
  if (options.from !== undefined && options.url !== undefined) throw new InvalidOptionError('--from', 'expected a file or an address, found both');
  const { file, fetchedBytes } = options.from === undefined ? await fetched(weights, options, context) : await atHand(weights, options.from, options, context);
  const folder = await mkdtemp(join(tmpdir(), 'tilewright-pull-'));
  try {
    const card = join(folder, 'card.json');
    const data = { name: 'ImageNet (ILSVRC 2012)', source: 'https://www.image-net.org', license: 'for non-commercial research and education' };
    await writeFile(card, JSON.stringify({ description: weights.description, license: weights.license, data, limits: ['Knows photographs, not pictures from above: a start for training and features, not for maps.'] }));
    const made = await importModel({
      file, architecture: weights.architecture, card, name: weights.name, ...(weights.top ? { labels: 'imagenet' } : {}),
      ...(options.output === undefined ? {} : { output: options.output }), ...(options.overwrite === undefined ? {} : { overwrite: options.overwrite }),
    }, context);
    return { ...made, file, fetchedBytes };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function fetched(weights: PublicWeights, options: PullModelOptions, context: TaskContext): Promise<{ readonly file: string; readonly fetchedBytes: number }> {
  const url = options.url ?? weights.url;
  const file = pulledFile(weights, options.cache);
  if ((await stat(file).catch(() => undefined))?.isFile() === true) {
    await checkPulled(weights, file, context.signal);
    return { file, fetchedBytes: 0 };
  }
  let told = 0;
  const { bytes, resumedBytes } = await download({
    url, file, checksum: weights.checksum, signal: context.signal,
    advice: `fetch ${weightsName(weights)} on a machine with a connection (HTTPS_PROXY names a proxy) and give it with --from`,
    onProgress(done, total) {
      if (done - told < STEP && done !== total) return;
      told = done;
      context.onProgress?.({ stage: 'fetch', done: Math.round(done / 2 ** 20), total: Math.round((total ?? done) / 2 ** 20), unit: 'MB' });
    },
  });
  return { file, fetchedBytes: bytes - resumedBytes };
}

async function atHand(weights: PublicWeights, from: string, options: PullModelOptions, context: TaskContext): Promise<{ readonly file: string; readonly fetchedBytes: number }> {
  await checkFile(from, weights.checksum, context.signal);
  const file = pulledFile(weights, options.cache);
  if (await realpath(file).catch(() => undefined) !== await realpath(from)) await keepPulled(from, file);
  return { file, fetchedBytes: 0 };
}
