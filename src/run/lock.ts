import { open, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { OutputError } from '../errors.js';

/**
 * Takes the folder for this process. A lock whose process is gone is taken over: a killed run must be able to go on.
 * @returns the function that gives it back.
 * @throws {OutputError} if another living process has it.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, 'lock');
  for (let attempt = 0; attempt < 3; attempt++) {
    const file = await open(path, 'wx').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return undefined;
      throw error;
    });
    if (file !== undefined) {
      await file.write(String(process.pid));
      await file.close();
      return () => unlink(path).catch(() => undefined);
    }
    const owner = Number(await readFile(path, 'utf8').catch(() => ''));
    if (owner !== process.pid && isAlive(owner)) {
      throw new OutputError(folder, `process ${owner} is at work on this output`, { advice: 'wait for it, or stop it' });
    }
    if (owner === process.pid) {
      throw new OutputError(folder, 'this process is already at work on this output');
    }
    await unlink(path).catch(() => undefined);
  }
  throw new OutputError(folder, 'could not be locked');
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
