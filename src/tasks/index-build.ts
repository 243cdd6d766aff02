import { openIndex, readManifest, updateCache } from '../index-store/index.js';
import type { OpenIndex } from '../index-store/index.js';
import type { TaskContext } from '../run/index.js';
import { rowProgress } from './index-info.js';
import { makeApproximate } from './search/approximate-file.js';
import { buildCodes } from './search/index-matrix.js';

export interface IndexBuildOptions {
  /** Folder of the index. */
  readonly index: string;
  /** Leaves parts out that are missing or damaged. Default false. */
  readonly skipBad?: boolean;
}

export interface IndexBuildResult {
  readonly index: string;
  /** Entries that the files hold now. */
  readonly count: number;
  /** Files that were made beside the vectors and entries. */
  readonly files: readonly BuiltFile[];
  readonly seconds: number;
  readonly warnings: readonly string[];
}

export interface BuiltFile {
  /** For people: `approximate neighbours`. */
  readonly what: string;
  readonly path: string;
  readonly bytes: number;
  readonly seconds: number;
}

/** A file that follows from an index's vectors and is kept in its cache. `undefined`: nothing is to be made for this index. */
type Maker = (index: OpenIndex, context: TaskContext) => Promise<BuiltFile | undefined>;

/** What is made beside the vectors and entries, in this order. */
const MAKERS: readonly Maker[] = [buildCodes, makeApproximate];

/**
 * Makes an index's cache anew from its parts, whose checksums are looked at.
 * @throws {InvalidFileError} if the folder holds no index, or parts are missing or damaged (unless `skipBad`)
 */
export async function indexBuild(options: IndexBuildOptions, context: TaskContext = {}): Promise<IndexBuildResult> {
  const started = performance.now();
  const { index: folder } = options;
  const skipBad = options.skipBad ?? false;
  const signal = context.signal === undefined ? {} : { signal: context.signal };
  const manifest = await readManifest(folder);
  await updateCache(folder, manifest, { parts: manifest.parts, skipBad, anew: true, ...signal, ...rowProgress(context) });
  const index = await openIndex(folder, { skipBad, ...signal });
  try {
    const files: BuiltFile[] = [];
    for (const make of MAKERS) {
      const made = await make(index, context);
      if (made !== undefined) files.push(made);
    }
    return { index: folder, count: index.count, files, seconds: (performance.now() - started) / 1000, warnings: index.notes };
  } finally {
    await index.close();
  }
}
