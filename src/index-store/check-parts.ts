import { readManifest } from './manifest.js';
import { checksumProblem, partError } from './read-part.js';
import type { IndexPart } from './types.js';

export interface CheckPartsOptions {
  /** Default: those of the index's manifest. */
  readonly parts?: readonly IndexPart[];
  /** Does not mind bad ones: they are found. Default false: the first is an error. */
  readonly skipBad?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * Reads all parts and compares their checksums. @returns those that are bad, and why.
 * @throws {InvalidFileError} that names the first bad part, unless `skipBad`.
 */
export async function checkParts(folder: string, options: CheckPartsOptions = {}): Promise<{ readonly part: IndexPart; readonly problem: string }[]> {
  const bad: { part: IndexPart; problem: string }[] = [];
  for (const part of options.parts ?? (await readManifest(folder)).parts) {
    const problem = await checksumProblem(folder, part, options.signal);
    if (problem !== undefined && !options.skipBad) throw partError(folder, part, problem);
    if (problem !== undefined) bad.push({ part, problem });
  }
  return bad;
}
