import { InvalidOptionError } from '../errors.js';
import { openJournal } from '../run/index.js';
import type { Journal, JournalOptions } from '../run/index.js';

/**
 * Opens the journal of a run. With `overwrite` an unfinished run of other options is thrown away; one of the same options is
 * gone on with all the same, so that repeating a killed `--overwrite` command does not begin again.
 */
export async function openRun(options: Omit<JournalOptions, 'restart'> & { readonly overwrite: boolean }): Promise<Journal> {
  const { overwrite, ...rest } = options;
  try {
    return await openJournal(rest);
  } catch (error) {
    if (!overwrite || !(error instanceof InvalidOptionError)) throw error;
    return openJournal({ ...rest, restart: true });
  }
}
