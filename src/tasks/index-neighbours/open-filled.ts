import { InvalidFileError } from '../../errors.js';
import { openIndex } from '../../index-store/index.js';
import type { OpenIndex } from '../../index-store/index.js';
import type { TaskContext } from '../../run/index.js';

/** Opens an index of which something is to be said. @throws {InvalidFileError} if it is empty. */
export async function openFilled(options: { readonly index: string; readonly skipBad?: boolean }, context: TaskContext): Promise<OpenIndex> {
  const { onProgress, signal } = context;
  const index = await openIndex(options.index, {
    ...(options.skipBad === undefined ? {} : { skipBad: options.skipBad }), ...(signal === undefined ? {} : { signal }),
    onRows: (done, total) => onProgress?.({ stage: 'read', done, total, unit: 'entries' }),
  });
  if (index.count > 0) return index;
  await index.close();
  if (index.notes.length > 0) throw new InvalidFileError(options.index, `nothing is left of the index (${index.notes.join('; ')})`, { advice: 'embed these scenes again' });
  throw new InvalidFileError(options.index, 'the index is empty', { advice: 'add scenes with embed --append; chips without data have no entry' });
}
