import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidFileError } from '../errors.js';
import { ENTRIES_FILE, INDEX_FORMAT, MANIFEST_FILE, VECTORS_FILE } from './types.js';
import type { IndexManifest } from './types.js';

/** Whether a folder holds a finished index. */
export async function hasIndex(folder: string): Promise<boolean> {
  return (await stat(join(folder, MANIFEST_FILE)).catch(() => undefined))?.isFile() === true;
}

/**
 * Reads `index.json` and checks that the other files are as long as it says.
 * @throws {InvalidFileError} if the folder holds no index, one of another format, or a damaged one.
 */
export async function readManifest(folder: string): Promise<IndexManifest> {
  const path = join(folder, MANIFEST_FILE);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new InvalidFileError(folder, `expected an embedding index, found no ${MANIFEST_FILE}`, { cause, advice: 'make one with: tilewright embed' });
  });
  const manifest = parse(path, text);
  await checkLength(join(folder, VECTORS_FILE), manifest.count * manifest.dimensions * 4);
  await checkLength(join(folder, ENTRIES_FILE), manifest.entriesBytes);
  return manifest;
}

function parse(path: string, text: string): IndexManifest {
  let value: Partial<IndexManifest> | null;
  try {
    value = JSON.parse(text) as Partial<IndexManifest> | null;
  } catch (cause) {
    throw new InvalidFileError(path, 'is not JSON', { cause });
  }
  if (value?.format !== INDEX_FORMAT) {
    throw new InvalidFileError(path, `expected format ${INDEX_FORMAT}, found ${JSON.stringify(value?.format ?? null)}`, { advice: 'make the index anew with: tilewright embed --overwrite' });
  }
  for (const name of ['dimensions', 'count', 'entriesBytes'] as const) {
    const number = value[name];
    if (!Number.isSafeInteger(number) || number! < (name === 'dimensions' ? 1 : 0)) throw new InvalidFileError(path, `expected a whole number as ${name}, found ${JSON.stringify(number ?? null)}`);
  }
  if (typeof value.model?.fingerprint !== 'string' || !Array.isArray(value.sources)) throw new InvalidFileError(path, 'expected a model and sources, found none');
  return value as IndexManifest;
}

async function checkLength(path: string, bytes: number): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.size < bytes) {
    throw new InvalidFileError(path, `expected at least ${bytes} bytes, found ${found === undefined ? 'no file' : String(found.size)}`, { advice: 'the index is damaged; make it anew with: tilewright embed --overwrite' });
  }
}
