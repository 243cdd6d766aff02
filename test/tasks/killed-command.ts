import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../places.js';

/** A moment in a run: the call of a function of the file system that the process does not survive. */
export interface Moment {
  /** A function of `node:fs/promises`, or a method of its file handles. */
  readonly call: 'link' | 'rename' | 'rm' | 'datasync' | 'sync';
  /** The end of the first path that the call is given; methods of file handles have none. */
  readonly path?: string;
  /** Which of these calls, from 1. Default 1. */
  readonly nth?: number;
  /** Whether the call is still made. */
  readonly when: 'before' | 'after';
}

/**
 * Loaded before the program: sends the process SIGKILL at one moment, wherever that is in the program. The disk is not waited for: what a killed process
 * has written is there, and a slow disk would make runs note less often.
 */
const HOOK = `
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
const moment = JSON.parse(process.env.KILL_AT);
let left = moment.nth ?? 1;
const handle = await fs.promises.open(process.execPath, 'r');
Object.assign(Object.getPrototypeOf(handle), { datasync: async () => undefined, sync: async () => undefined });
const owner = moment.call in fs.promises ? fs.promises : Object.getPrototypeOf(handle);
await handle.close();
const made = owner[moment.call];
owner[moment.call] = async function (...given) {
  const isIt = (moment.path === undefined || String(given[0]).endsWith(moment.path)) && --left === 0;
  if (isIt && moment.when === 'before') process.kill(process.pid, 'SIGKILL');
  const result = await made.apply(this, given);
  if (isIt) { process.kill(process.pid, 'SIGKILL'); await new Promise(() => undefined); }
  return result;
};
syncBuiltinESMExports();
`;

/**
 * Runs the command line tool; with a moment, it is killed (-9) there.
 * @returns how it ended: `killed`, or its standard output
 * @throws if it fails on its own
 */
export async function runCommand(folder: string, args: readonly string[], moment?: Moment): Promise<string> {
  const hook = join(mkdtempSync(join(folder, 'hook-')), 'hook.mjs');
  writeFileSync(hook, HOOK);
  const child = spawn(process.execPath, [...(moment === undefined ? [] : ['--import', pathToFileURL(hook).href]), join(root, 'dist/cli/main.js'), ...args], {
    env: { ...process.env, KILL_AT: JSON.stringify(moment ?? null) }, stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, error] = ['', ''];
  child.stdout.on('data', (part: Buffer) => { out += part.toString(); });
  child.stderr.on('data', (part: Buffer) => { error += part.toString(); });
  return await new Promise((resolve, reject) => {
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve('killed');
      else if (code === 0) resolve(out);
      else reject(new Error(`exit code ${String(code)}: ${error}`));
    });
  });
}
