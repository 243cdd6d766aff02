import { readManifest, removeSource } from '../index-store/index.js';
import type { TaskContext } from '../run/index.js';

export interface IndexRemoveOptions {
  /** Folder of the index. */
  readonly index: string;
  /** Name of the scene or folder, as `index info` lists it, or its path. */
  readonly scene: string;
}

export interface IndexRemoveResult {
  readonly index: string;
  readonly removed: number;
  /** Entries in the index now. */
  readonly count: number;
}

/**
 * Takes the entries of a scene or folder out of an index. The scene's own file is not touched.
 * @throws {InvalidOptionError} if the index has no such scene.
 */
export async function indexRemove(options: IndexRemoveOptions, context: TaskContext = {}): Promise<IndexRemoveResult> {
  const before = await readManifest(options.index);
  const after = await removeSource(options.index, options.scene, context.signal);
  return { index: options.index, removed: before.count - after.count, count: after.count };
}
