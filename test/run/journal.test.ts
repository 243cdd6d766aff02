import { appendFile, mkdir, readFile, readdir, truncate, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openJournal } from '../../src/run/index.js';
import { scratch } from '../places.js';

const base = scratch();
let made = 0;
const fresh = (): string => join(base, `run-${made++}.partial`);
const identity = { scene: 'abc', options: { patchSize: 512, blend: 'linear' } };
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);

async function write(folder: string, steps: number): Promise<void> {
  const journal = await openJournal({ folder, identity });
  for (let step = journal.states.length; step < steps; step++) {
    await journal.append({ step, state: { rows: step * 10 }, carry: [bytes(step, 1), bytes(), bytes(step, 2, 3)] });
  }
  await journal.close();
}

describe('openJournal', () => {
  it('starts with nothing and gives back the last step, its state and its carry', async () => {
    const folder = fresh();
    await write(folder, 4);
    const journal = await openJournal({ folder, identity: { options: { blend: 'linear', patchSize: 512 }, scene: 'abc' } });
    expect(journal.last).toEqual({ step: 3, state: { rows: 30 }, carry: [bytes(3, 1), bytes(), bytes(3, 2, 3)] });
    expect(journal.states).toEqual([{ rows: 0 }, { rows: 10 }, { rows: 20 }, { rows: 30 }]);
    expect((await readdir(folder)).filter((name) => name.startsWith('carry')).sort()).toEqual(['carry-2.bin', 'carry-3.bin']);
    await journal.complete();
    expect(await readdir(base)).not.toContain('run-0.partial');
  });

  it('falls back one step when the last line was cut off while it was written', async () => {
    const folder = fresh();
    await write(folder, 3);
    const path = join(folder, 'journal.jsonl');
    await truncate(path, (await readFile(path)).length - 7);
    const journal = await openJournal({ folder, identity });
    expect(journal.last?.step).toBe(1);
    await journal.append({ step: 2, state: { rows: 99 }, carry: [] });
    await journal.close();
    const again = await openJournal({ folder, identity });
    expect(again.last).toEqual({ step: 2, state: { rows: 99 }, carry: [] });
    await again.close();
  });

  it('falls back when the carry is damaged or the line says something else than was written', async () => {
    const folder = fresh();
    await write(folder, 3);
    await writeFile(join(folder, 'carry-2.bin'), bytes(2, 1, 2, 2, 4));
    const journal = await openJournal({ folder, identity });
    expect(journal.last?.step).toBe(1);
    await journal.close();
    await write(folder, 3);
    const path = join(folder, 'journal.jsonl');
    await writeFile(path, (await readFile(path, 'utf8')).replace('"rows":20', '"rows":21'));
    const again = await openJournal({ folder, identity });
    expect(again.last?.step).toBe(1);
    await again.close();
  });

  it('ignores rubbish after the last good line', async () => {
    const folder = fresh();
    await write(folder, 2);
    await appendFile(join(folder, 'journal.jsonl'), '{"step":2,"sta');
    const journal = await openJournal({ folder, identity });
    expect(journal.last?.step).toBe(1);
    await journal.close();
  });

  it('refuses a run with another scene or options and says what differs', async () => {
    const folder = fresh();
    await write(folder, 2);
    await expect(openJournal({ folder, identity: { ...identity, scene: 'xyz' } })).rejects.toThrow(/another scene \(was abc, now xyz\)/);
    const restarted = await openJournal({ folder, identity: { ...identity, scene: 'xyz' }, restart: true });
    expect(restarted.last).toBeUndefined();
    await restarted.close();
  });

  it('leaves nothing behind if no step was finished', async () => {
    const folder = fresh();
    const journal = await openJournal({ folder, identity });
    await journal.close();
    await expect(readdir(folder)).rejects.toThrow('ENOENT');
  });

  it('refuses a folder that is somebody else\'s, and leaves it as it is', async () => {
    const folder = fresh();
    await mkdir(folder);
    await writeFile(join(folder, 'mine.txt'), 'mine');
    await expect(openJournal({ folder, identity })).rejects.toThrow('found mine.txt and no journal');
    expect(await readFile(join(folder, 'mine.txt'), 'utf8')).toBe('mine');
  });

  it('is taken by one process at a time, and a lock left by a killed one is taken over', async () => {
    const folder = fresh();
    const journal = await openJournal({ folder, identity });
    await expect(openJournal({ folder, identity })).rejects.toThrow('already at work');
    await journal.close();
    await mkdir(folder, { recursive: true });
    const lock = (owner: object): Promise<void> => writeFile(join(folder, 'lock'), JSON.stringify(owner));
    await lock({ pid: 1, host: hostname() });
    await expect(openJournal({ folder, identity })).rejects.toThrow('process 1 is at work');
    await lock({ pid: 1, host: 'elsewhere' });
    await expect(openJournal({ folder, identity })).rejects.toThrow('process 1 on elsewhere is at work');
    // The same number as ours, but of a process that started at another time: that of an earlier container.
    await lock({ pid: process.pid, host: hostname(), started: 'another boot/1' });
    const again = await openJournal({ folder, identity });
    await again.close();
    await mkdir(folder, { recursive: true });
    await lock({ pid: 999999999, host: hostname() });
    const taken = await openJournal({ folder, identity });
    await taken.close();
  });
});
