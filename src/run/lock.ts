import { link, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { readFileSync, unlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { randomUUID } from 'node:crypto';
import { OutputError } from '../errors.js';

/** Who holds a folder. A process number alone is reused, by this machine after a while and by every new container at once. */
interface Owner {
  readonly pid: number;
  readonly host: string;
  /** When the process started, in the system's own count; absent where the system does not tell. */
  readonly started?: string;
}

/** Folders that this process holds. */
const held = new Set<string>();

/**
 * Takes the folder for this process. A lock whose process is gone is taken over: a killed run must be able to go on.
 * @returns the function that gives it back.
 * @throws {OutputError} if another living process, or another run of this one, has it.
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const key = resolve(folder);
  if (held.has(key)) throw new OutputError(folder, 'this process is already at work on this output');
  held.add(key);
  try {
    await take(folder);
  } catch (error) {
    held.delete(key);
    throw error;
  }
  return async () => {
    held.delete(key);
    await unlink(join(folder, 'lock')).catch(() => undefined);
  };
}

/** Gives a folder back for a process that ends this moment, whichever of its threads has it. */
export function leaveFolder(folder: string): void {
  const path = join(folder, 'lock');
  try {
    const [owner, own] = [parseOwner(readFileSync(path, 'utf8')), me()];
    if (owner?.pid === own.pid && owner.host === own.host && owner.started === own.started) unlinkSync(path);
  } catch {
    // There is none, or it cannot be removed: whoever comes next sees that its process is gone.
  }
}

async function take(folder: string): Promise<void> {
  const path = join(folder, 'lock');
  const own = join(folder, `lock.${randomUUID()}`);
  await writeFile(own, JSON.stringify(me()));
  try {
    for (let attempt = 0; attempt < 5; attempt++) {
      // A link appears with its content or not at all, so nobody ever sees a lock without an owner.
      if (await link(own, path).then(() => true, refuseOtherThan('EEXIST'))) return;
      const text = await readFile(path, 'utf8').catch(() => undefined);
      if (text === undefined) continue;
      const owner = parseOwner(text);
      if (owner !== undefined && isAlive(owner)) {
        throw new OutputError(folder, `process ${owner.pid}${owner.host === hostname() ? '' : ` on ${owner.host}`} is at work on this output`, {
          advice: owner.host === hostname() ? 'wait for it, or stop it' : `wait for it; if it is gone, remove ${path}`,
        });
      }
      // Of several that find the same dead lock one can move it away; a lock that was renewed meanwhile is put back.
      const aside = `${own}.dead`;
      if (!await rename(path, aside).then(() => true, refuseOtherThan('ENOENT'))) continue;
      if (await readFile(aside, 'utf8') !== text) await link(aside, path).catch(() => undefined);
      await unlink(aside);
    }
    throw new OutputError(folder, 'could not be locked: other processes want it at the same time');
  } finally {
    await unlink(own).catch(() => undefined);
  }
}

function refuseOtherThan(code: string): (error: NodeJS.ErrnoException) => false {
  return (error) => {
    if (error.code !== code) throw error;
    return false;
  };
}

function me(): Owner {
  const started = startOf(process.pid);
  return { pid: process.pid, host: hostname(), ...(started === undefined ? {} : { started }) };
}

function parseOwner(text: string): Owner | undefined {
  try {
    const owner = JSON.parse(text) as Owner;
    return typeof owner === 'object' && Number.isInteger(owner.pid) && owner.pid > 0 && typeof owner.host === 'string' ? owner : undefined;
  } catch {
    return undefined;
  }
}

/** A process of another host cannot be seen from here and counts as living. */
function isAlive(owner: Owner): boolean {
  if (owner.host !== hostname()) return true;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const started = startOf(owner.pid);
  return owner.started === undefined || started === undefined || owner.started === started;
}

/** Start of a process with the boot it belongs to, on Linux (proc(5), field 22 of stat). */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}/${stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''}`;
  } catch {
    return undefined;
  }
}
