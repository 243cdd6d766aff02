import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { buildApproximate, exactRows, loadMatrix, matrixInFile, openApproximate, openSieve, rankedRows, withSieve, writeSieve } from '../src/search/index.js';
import type { GraphSeal, VectorMatrix } from '../src/search/index.js';
import { compare, median, print, printMachine } from './rounds.js';

/**
 * node dist/bench/search.js exact <vectors.f32> <dimensions> [rounds] [python]: exact search against NumPy, in memory and from a file.
 * node dist/bench/search.js approximate <vectors.f32> <dimensions> [python]: usearch beside FAISS; every part in a process of its own.
 *
 * NumPy knows the squared lengths of the vectors before the clock starts, tilewright the codes and lengths that an index keeps in its cache.
 */

const K = 10;
const SCRIPT = fileURLToPath(new URL('../../bench/search_numpy.py', import.meta.url));

async function describe(path: string, dimensions: number): Promise<{ path: string; dimensions: number; count: number }> {
  return { path, dimensions, count: (await stat(path)).size / (4 * dimensions) };
}

/** A matrix in a file with its codes in another, as an index has them in its cache. */
async function withFileOfCodes(file: { path: string; dimensions: number; count: number }): Promise<VectorMatrix> {
  const matrix = matrixInFile(file);
  const path = `${file.path}.codes`;
  const { size, mtimeMs } = statSync(file.path);
  const of = { count: file.count, dimensions: file.dimensions, vectors: `${size} ${mtimeMs}` };
  if ((await openSieve(path, of)) === undefined) await writeSieve(matrix, path, of);
  const sieve = await openSieve(path, of);
  return { ...matrix, sieve: () => Promise.resolve(sieve), squaredLengths: () => Promise.resolve(sieve!.squared) };
}

interface Other {
  ask(row: number): Promise<{ readonly seconds: number; readonly rows: number[] }>;
  close(): void;
}

async function startNumpy(python: string, side: 'memory' | 'file', path: string, dimensions: number): Promise<Other> {
  const child = spawn(python, [SCRIPT, side, path, String(dimensions)], { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  const waiting: ((line: string) => void)[] = [];
  child.stdout.on('data', (data: Buffer) => {
    text += data.toString();
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      waiting.shift()?.(text.slice(0, end));
      text = text.slice(end + 1);
    }
  });
  const next = (): Promise<string> => new Promise((resolve) => { waiting.push(resolve); });
  print(`  numpy: ${await next()}`);
  return {
    async ask(row) {
      child.stdin.write(`${row}\n`);
      return JSON.parse(await next()) as { seconds: number; rows: number[] };
    },
    close: () => { child.stdin.end(); },
  };
}

async function exact(path: string, dimensions: number, rounds: number, python: string): Promise<void> {
  const file = await describe(path, dimensions);
  printMachine();
  for (const side of ['file', 'memory'] as const) {
    const started = performance.now();
    const matrix: VectorMatrix = side === 'file' ? await withFileOfCodes(file) : await withSieve((await loadMatrix(file)).matrix);
    print(`${side}: ready after ${((performance.now() - started) / 1000).toFixed(1)} s`);
    const numpy = await startNumpy(python, side, path, dimensions);
    let [own, other] = [0, 0];
    const theirs: Set<number>[] = [];
    const rowOf = (round: number): number => (round * 7919 * 31) % file.count;
    const found: number[][] = [];
    await compare(`${file.count} × ${dimensions}, ${side === 'file' ? 'vectors in a file' : 'vectors in memory'}, top ${K} by Euclidean distance`, {
      name: 'tilewright',
      run: async () => {
        const row = rowOf(own++);
        const query = { vector: await matrix.read([row]), metric: 'l2' as const };
        const started = performance.now();
        const [nearest] = await exactRows(matrix, [query], { k: K });
        const seconds = (performance.now() - started) / 1000;
        found.push(rankedRows(nearest!).slice(0, K).map((one) => one.row));
        return seconds;
      },
    }, {
      name: side === 'file' ? 'NumPy (memmap @ query, argpartition)' : 'NumPy (matrix @ query, argpartition)',
      run: async () => {
        const answer = await numpy.ask(rowOf(other));
        const rows = new Set(answer.rows);
        // On odd rounds NumPy goes first; its answer is compared when ours is there.
        theirs[other] = rows;
        other++;
        return answer.seconds;
      },
    }, rounds);
    numpy.close();
    const same = found.reduce((sum, rows, i) => sum + rows.filter((row) => theirs[i]!.has(row)).length, 0);
    print(`  the same rows: ${same} of ${rounds * K} (single precision may order near ties otherwise); peak RSS so far ${(process.resourceUsage().maxRSS / 1000).toFixed(0)} MB`);
  }
}

/** What is resident of a process, in MB: memory of its own, and pages of files, which the system takes back without writing them. Linux tells it. */
function residentParts(): { readonly own?: number; readonly files?: number } {
  if (!existsSync('/proc/self/status')) return {};
  const text = readFileSync('/proc/self/status', 'utf8');
  const megabytes = (name: string): number => Math.round(Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)![1]) * 1024 / 1e6);
  return { own: megabytes('RssAnon'), files: megabytes('RssFile') };
}

/** Vectors of the set, moved a little: a twentieth of their length. */
function moved(vector: Float32Array, row: number): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0) / vector.length);
  return vector.map((value, i) => value + 0.05 * length * Math.sin(i * 12.9898 + row));
}

async function build(path: string, dimensions: number): Promise<void> {
  const matrix = matrixInFile(await describe(path, dimensions));
  const started = performance.now();
  const before = process.cpuUsage();
  const seal = await buildApproximate(matrix, `${path}.usearch`, { metric: 'l2' });
  const { user, system } = process.cpuUsage(before);
  process.stdout.write(`${JSON.stringify({ seconds: (performance.now() - started) / 1000, cpu: (user + system) / 1e6, seal, rss: process.resourceUsage().maxRSS / 1000 })}\n`);
}

async function ask(path: string, dimensions: number, seal: GraphSeal, queries: number): Promise<void> {
  const file = await describe(path, dimensions);
  const matrix = matrixInFile(file);
  const lengths = await matrix.squaredLengths();
  const known = matrixInFile({ ...file, squaredLengths: lengths });
  const opening = performance.now();
  const approximate = await openApproximate(known, `${path}.usearch`, { metric: 'l2', seal });
  const open = (performance.now() - opening) / 1000;
  const rows = Array.from({ length: queries }, (_, i) => i * Math.max(1, Math.floor(file.count / queries)));
  const vectors = await Promise.all(rows.map(async (row) => moved(await known.read([row]), row)));
  const times: number[] = [];
  const found: number[][] = [];
  let first = 0;
  for (const vector of vectors) {
    const started = performance.now();
    const nearest = await approximate.nearest(vector, { k: K });
    times.push(performance.now() - started);
    found.push(rankedRows(nearest).slice(0, K).map(({ row }) => row));
    if (first === 0) first = process.memoryUsage.rss() / 1e6;
  }
  const peak = process.resourceUsage().maxRSS / 1000;
  const resident = residentParts();
  const truth = await exactRows(known, vectors.map((vector) => ({ vector, metric: 'l2' as const })), { k: K });
  const hits = found.reduce((sum, one, i) => {
    const right = new Set(rankedRows(truth[i]!).slice(0, K).map(({ row }) => row));
    return sum + one.filter((row) => right.has(row)).length;
  }, 0);
  const sorted = [...times].sort((a, b) => a - b);
  process.stdout.write(`${JSON.stringify({ open, p50: median(times), p95: sorted[Math.floor(0.95 * sorted.length)], recall: hits / (K * queries), rssAfterFirst: first, peakRss: peak, resident })}\n`);
}

async function inProcess(args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (data: Buffer) => { text += data.toString(); });
  await new Promise((resolve) => { child.once('close', resolve); });
  return text;
}

async function approximateBench(path: string, dimensions: number, python: string | undefined): Promise<void> {
  printMachine();
  const { count } = await describe(path, dimensions);
  const made = JSON.parse(await inProcess(['build', path, String(dimensions)])) as { seconds: number; cpu: number; seal: GraphSeal; rss: number };
  print(`${count} × ${dimensions}: usearch, half precision, 16 neighbours: built in ${made.seconds.toFixed(1)} s (${made.cpu.toFixed(0)} s of processor), ${(made.seal.bytes / 1e6).toFixed(0)} MB, peak RSS ${made.rss.toFixed(0)} MB`);
  for (const queries of [1, 200]) print(`  ${queries} queries: ${(await inProcess(['ask', path, String(dimensions), JSON.stringify(made.seal), String(queries)])).trim()}`);
  await rm(`${path}.usearch`);
  if (python === undefined) return;
  const child = spawn(python, [SCRIPT, 'faiss', path, String(dimensions)], { stdio: ['ignore', 'inherit', 'inherit'] });
  await new Promise((resolve) => { child.once('close', resolve); });
}

const [mode, path = '', dims = '512', ...rest] = process.argv.slice(2);
if (mode === 'exact') await exact(path, Number(dims), Number(rest[0] ?? 7), rest[1] ?? 'python3');
else if (mode === 'approximate') await approximateBench(path, Number(dims), rest[0]);
else if (mode === 'build') await build(path, Number(dims));
else if (mode === 'ask') await ask(path, Number(dims), JSON.parse(rest[0]!) as GraphSeal, Number(rest[1]));
else print('node dist/bench/search.js exact|approximate <vectors.f32> <dimensions>');
