import { join } from 'node:path';
import type { Journal } from './journal.js';
import { makeFolder } from './output.js';

/**
 * A stretch of a run's steps as a journal of its own, for runs that are made of several: its steps are counted from 0, and its
 * files lie in a folder of their own inside the run's.
 * @param first steps of the run before it
 * @param count steps that it has
 */
export async function journalPart(journal: Journal, first: number, count: number): Promise<Journal> {
  const folder = join(journal.folder, `part-${first}`);
  await makeFolder(folder);
  return {
    folder,
    get states() { return journal.states.slice(first, first + count); },
    get last() {
      const { last } = journal;
      return last !== undefined && last.step >= first && last.step < first + count ? { ...last, step: last.step - first } : undefined;
    },
    append: (entry) => journal.append({ ...entry, step: entry.step + first }),
    close: () => Promise.resolve(),
    complete: () => Promise.resolve(),
  };
}
