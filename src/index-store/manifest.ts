import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidFileError } from '../errors.js';
import { writeWhole } from '../run/index.js';
import { INDEX_FORMAT, MANIFEST_FILE, PARTS_FOLDER } from './types.js';
import type { IndexManifest, IndexPart, IndexSource } from './types.js';

/** Whether a folder holds an index, of any format. */
export async function hasIndex(folder: string): Promise<boolean> {
  return (await stat(join(folder, MANIFEST_FILE)).catch(() => undefined))?.isFile() === true;
}

/**
 * Reads `index.json`. The files that it lists are not looked at.
 * @throws {InvalidFileError} if the folder holds no index, one of another format, or a damaged one.
 */
export async function readManifest(folder: string): Promise<IndexManifest> {
  const path = join(folder, MANIFEST_FILE);
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new InvalidFileError(folder, `expected an embedding index, found no ${MANIFEST_FILE}`, { cause, advice: 'make one with: tilewright embed' });
  });
  return parse(path, text);
}

/** Replaces `index.json`, so that readers see the old index or the new one. */
export async function writeManifest(folder: string, manifest: IndexManifest): Promise<void> {
  await writeWhole(join(folder, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Numbers per vector; networks give some thousand. */
const MOST_DIMENSIONS = 2 ** 20;

function parse(path: string, text: string): IndexManifest {
  let value: Partial<IndexManifest> | null;
  try {
    value = JSON.parse(text) as Partial<IndexManifest> | null;
  } catch (cause) {
    throw new InvalidFileError(path, 'is not JSON', { cause });
  }
  if (value?.format !== INDEX_FORMAT) {
    throw new InvalidFileError(path, `expected format ${INDEX_FORMAT}, found ${shortJson(value?.format ?? null)}`, { advice: 'embed its scenes again with: tilewright embed --overwrite' });
  }
  for (const name of ['dimensions', 'count'] as const) if (!isCount(value[name], name === 'dimensions' ? 1 : 0)) throw new InvalidFileError(path, `expected a whole number as ${name}, found ${shortJson(value[name] ?? null)}`);
  if (value.dimensions! > MOST_DIMENSIONS) throw new InvalidFileError(path, `expected at most ${MOST_DIMENSIONS} dimensions, found ${value.dimensions!}`);
  if (typeof value.model?.fingerprint !== 'string' || typeof value.model.layer !== 'string') throw new InvalidFileError(path, 'expected a model with its layer, found none');
  if (!Array.isArray(value.sources) || !Array.isArray(value.parts)) throw new InvalidFileError(path, 'expected sources and parts, found none');
  const strange = (value.parts as readonly Partial<IndexPart>[]).find((part) => !isPart(part));
  if (strange !== undefined) throw new InvalidFileError(path, `expected parts with file, source, rows, bytes and sha256, found ${shortJson(strange)}`);
  const sources = value.sources as readonly (Partial<IndexSource> | null)[];
  const nameless = sources.find((source) => !isSource(source));
  if (nameless !== undefined) throw new InvalidFileError(path, `expected sources with name, kind, path, fingerprint and count, found ${shortJson(nameless)}`);
  const names = new Set(sources.map((source) => source?.name));
  const stray = (value.parts as readonly IndexPart[]).find((part) => !names.has(part.source));
  if (stray !== undefined) throw new InvalidFileError(path, `expected parts of its sources, found ${stray.file} of ${shortJson(stray.source)}`);
  const manifest = value as IndexManifest;
  const rows = manifest.parts.reduce((sum, part) => sum + part.rows, 0);
  if (rows !== manifest.count) throw new InvalidFileError(path, `expected parts of ${manifest.count} entries, found ${rows}`);
  return manifest;
}

/** No path of a part leads out of the folder of parts: an index may come from somebody else. */
function isPart(part: Partial<IndexPart> | null): boolean {
  return typeof part?.file === 'string' && part.file.startsWith(`${PARTS_FOLDER}/`) && !part.file.slice(PARTS_FOLDER.length + 1).includes('/') && !part.file.includes('\\')
    && typeof part.source === 'string' && typeof part.sha256 === 'string' && isCount(part.rows, 0) && isCount(part.bytes, 0);
}

function isSource(source: Partial<IndexSource> | null): boolean {
  return typeof source?.name === 'string' && (source.kind === 'scene' || source.kind === 'folder') && typeof source.path === 'string' && typeof source.fingerprint === 'string'
    && isCount(source.count, 0);
}

const MOST_LETTERS = 200;

/** A value for a message, cut where it is long. */
function shortJson(value: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(value);
  } catch {
    // Its writer goes as deep as the stack does, its reader deeper.
    return 'something nested very deeply';
  }
  return text.length > MOST_LETTERS ? `${text.slice(0, MOST_LETTERS)} …` : text;
}

function isCount(value: unknown, least: number): boolean {
  return Number.isSafeInteger(value) && (value as number) >= least;
}
