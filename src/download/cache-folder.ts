import { homedir } from 'node:os';
import { join } from 'node:path';

/** Environment variable with the folder that downloads are kept in. */
export const CACHE_VARIABLE = 'TILEWRIGHT_CACHE';

/** Where downloads are kept: `TILEWRIGHT_CACHE`, else `tilewright` in the user's folder for caches (XDG Base Directory; on Windows LOCALAPPDATA). */
export function cacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const chosen = environment[CACHE_VARIABLE];
  if (chosen !== undefined && chosen !== '') return chosen;
  const user = environment['XDG_CACHE_HOME'] ?? environment['LOCALAPPDATA'];
  return join(user !== undefined && user !== '' ? user : join(homedir(), '.cache'), 'tilewright');
}
