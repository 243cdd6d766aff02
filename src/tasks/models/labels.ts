import { readFile } from 'node:fs/promises';
import { InvalidFileError } from '../../errors.js';

/**
 * Names of classes from a file: a line each, a number before it is left out (Teachable Machine's `labels.txt`); or JSON: a
 * list, names by number, `[id, name]` by number (Keras's `imagenet_class_index.json`), or an object with `labels` (Teachable
 * Machine's `metadata.json`). A name that comes twice gets its number behind it.
 * @throws {InvalidFileError} if it is none of these, or numbers are missing.
 */
export async function readLabels(path: string): Promise<readonly string[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => { throw new InvalidFileError(path, 'the names of classes cannot be read', { cause }); });
  const names = /^\s*[[{]/.test(text) ? fromJson(path, text) : text.split(/\r?\n/).map((line) => line.trim().replace(/^\d+[\s:,]+(?=\S)/, '')).filter((line) => line !== '');
  if (names.length === 0) throw new InvalidFileError(path, 'expected names of classes, found none');
  return names.map((name, index) => (names.indexOf(name) === index && names.lastIndexOf(name) === index ? name : `${name} (${index})`));
}

function fromJson(path: string, text: string): string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new InvalidFileError(path, 'expected lines or JSON with names of classes, found damaged JSON', { cause });
  }
  const inner = typeof value === 'object' && value !== null && 'labels' in value ? value.labels : value;
  const entries = Array.isArray(inner) ? (inner as readonly unknown[]).map((item, index) => [index, item] as const)
    : Object.entries(inner as object).map(([key, item]) => [Number(key), item as unknown] as const).sort((a, b) => a[0] - b[0]);
  return entries.map(([key, item], index) => {
    const name: unknown = Array.isArray(item) ? item.at(-1) : item;
    if (key !== index || typeof name !== 'string') throw new InvalidFileError(path, `expected names of classes by number from 0 without gaps, found another entry at ${index}`);
    return name;
  });
}
