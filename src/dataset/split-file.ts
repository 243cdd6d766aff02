import { readFile } from 'node:fs/promises';
import { InvalidFileError } from '../errors.js';
import type { Split } from '../samples/index.js';

const FORMAT = 'tilewright-split';

/** A split as a file: names of samples by part, so that it holds for the same data in another order or another size. */
export interface SplitFile {
  readonly format: typeof FORMAT;
  readonly version: 1;
  /** How it was made, for people and for making it again. */
  readonly made: Readonly<Record<string, unknown>>;
  readonly train: readonly string[];
  readonly validation: readonly string[];
  readonly test: readonly string[];
  /** Samples in none of them. */
  readonly left: readonly string[];
}

/** A sample's name in a split: with its group, where it has one. */
export function splitName(group: string, name: string): string {
  return group === '' || name.startsWith(`${group}/`) || name.startsWith(`${group}_`) || name === group ? name : `${group}/${name}`;
}

/** Names by part, one line each, as JSON. */
export function splitText(split: Split & { readonly left?: Int32Array }, names: readonly string[], made: SplitFile['made']): string {
  const of = (places: Int32Array | undefined): string => `[\n${Array.from(places ?? [], (place) => JSON.stringify(names[place])).join(',\n')}\n]`;
  return `{"format":"${FORMAT}","version":1,\n"made":${JSON.stringify(made)},\n"train":${of(split.train)},\n"validation":${of(split.validation)},\n"test":${of(split.test)},\n"left":${of(split.left)}}\n`;
}

/**
 * Reads a split for samples of these names.
 * @param advice what to do where it is of other samples
 * @throws {InvalidFileError} if it is none, names samples that are not there, lacks some, or has one twice.
 */
export async function readSplit(file: string, names: readonly string[], advice?: string): Promise<Split> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => { throw new InvalidFileError(file, 'expected a split, found no file', { cause, advice: 'make one with: tilewright dataset split' }); });
  let parsed: SplitFile;
  try {
    parsed = JSON.parse(text) as SplitFile;
  } catch (cause) {
    throw new InvalidFileError(file, 'expected a split as JSON, found other content', { cause });
  }
  if ((parsed as { format?: unknown }).format !== FORMAT) throw new InvalidFileError(file, `expected "format": "${FORMAT}", found ${typeof parsed.format === 'string' ? parsed.format : 'none'}`);
  const places = new Map(names.map((name, place) => [name, place]));
  const missing: string[] = [];
  const take = (part: readonly string[]): Int32Array => Int32Array.from(part.flatMap((name) => {
    const place = places.get(name);
    if (place === undefined) { missing.push(name); return []; }
    places.delete(name);
    return [place];
  })).sort();
  const split = { train: take(parsed.train), validation: take(parsed.validation), test: take(parsed.test) };
  take(parsed.left);
  if (missing.length > 0) throw new InvalidFileError(file, `expected names of the data, each once, found ${missing.length} others: ${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ' …' : ''}`, advice === undefined ? {} : { advice });
  const more = [...places.keys()];
  if (more.length > 0) throw new InvalidFileError(file, `expected every sample of the data in it, found ${more.length} missing: ${more.slice(0, 3).join(', ')}${more.length > 3 ? ' …' : ''}`, { advice: advice ?? 'make the split anew' });
  return split;
}
