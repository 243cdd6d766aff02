import { spawn } from 'node:child_process';
import { availableParallelism, cpus, totalmem } from 'node:os';

/** Medians and ratios of two sides that take turns, because a machine's speed drifts. */

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

export interface Side {
  readonly name: string;
  /** One run; gives its seconds. */
  readonly run: () => Promise<number>;
}

/** Runs both sides in turn and prints every round, the medians, and the median of the ratios first ÷ second. */
export async function compare(title: string, first: Side, second: Side, rounds: number): Promise<number> {
  print(`${title}: ${first.name} against ${second.name}, ${rounds} rounds in turn`);
  const [a, b]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? [[first, a], [second, b]] as const : [[second, b], [first, a]] as const;
    for (const [side, seconds] of order) seconds.push(await side.run());
    print(`  round ${round + 1}: ${a[round]!.toFixed(2)} s / ${b[round]!.toFixed(2)} s = ${(a[round]! / b[round]!).toFixed(3)}`);
  }
  const ratio = median(a.map((seconds, i) => seconds / b[i]!));
  print(`  median  ${median(a).toFixed(2)} s / ${median(b).toFixed(2)} s, median ratio ${ratio.toFixed(3)}`);
  return ratio;
}

export interface Finished {
  readonly seconds: number;
  readonly stdout: string;
}

/** Runs a command to its end; its standard output, and its wall time with process start. */
export function runProcess(command: string, args: readonly string[], environment: NodeJS.ProcessEnv = process.env): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const started = performance.now();
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: environment });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (data: Buffer) => out.push(data));
    child.stderr.on('data', (data: Buffer) => err.push(data));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code !== 0) reject(new Error(`${command} ${args.join(' ')}: exit code ${code}\n${Buffer.concat(err).toString()}`));
      else resolve({ seconds: (performance.now() - started) / 1000, stdout: Buffer.concat(out).toString() });
    });
  });
}

export function printMachine(): void {
  print(`machine: ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 1024 ** 3)} GiB, Node ${process.version}`);
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
