import { copyFile, mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { cacheFolder, checkFile } from '../../download/index.js';
import { InvalidFileError, OutputError } from '../../errors.js';
import type { PublicWeights } from './catalogue.js';

/** Name of the file on its server, and in the cache. */
export function weightsName({ url }: PublicWeights): string {
  return url.slice(url.lastIndexOf('/') + 1);
}

/** Where `models pull` keeps the file of these weights. */
export function pulledFile(weights: PublicWeights, cache: string = cacheFolder()): string {
  return join(cache, 'weights', weightsName(weights));
}

/** @throws {InvalidFileError} if the file in the cache is no more what was fetched. */
export async function checkPulled(weights: PublicWeights, file: string, signal?: AbortSignal): Promise<void> {
  await checkFile(file, weights.checksum, signal).catch((error: unknown) => {
    if (!(error instanceof InvalidFileError)) throw error;
    throw new InvalidFileError(file, 'expected the weights that were fetched before, found a changed file', { cause: error, advice: `remove it, and tilewright models pull ${weights.name} fetches them again` });
  });
}

/** Puts a file at hand, which was checked, where a fetched one would be. */
export async function keepPulled(from: string, file: string): Promise<void> {
  const partial = `${file}.copy`;
  try {
    await mkdir(dirname(file), { recursive: true });
    await copyFile(from, partial);
    await rename(partial, file);
  } catch (cause) {
    await rm(partial, { force: true }).catch(() => undefined);
    throw new OutputError(file, 'the weights cannot be kept there', { cause, advice: 'set TILEWRIGHT_CACHE to another folder' });
  }
}
