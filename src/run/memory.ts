import { readFileSync } from 'node:fs';
import { InvalidOptionError } from '../errors.js';

/** One part of the memory that a run will hold. */
export interface MemoryPart {
  readonly name: string;
  readonly bytes: number;
}

/** What a run will hold at most, part by part. */
export interface MemoryPlan {
  readonly parts: readonly MemoryPart[];
  readonly peakBytes: number;
}

export function memoryPlan(parts: readonly MemoryPart[]): MemoryPlan {
  return { parts, peakBytes: parts.reduce((sum, part) => sum + part.bytes, 0) };
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1, b: 1, k: 1024, kb: 1024, kib: 1024, m: 1024 ** 2, mb: 1024 ** 2, mib: 1024 ** 2, g: 1024 ** 3, gb: 1024 ** 3, gib: 1024 ** 3,
};

/**
 * `512MB`, `1.5 GB`, `800M` → bytes (powers of 1024).
 * @throws {InvalidOptionError} for anything else.
 */
export function parseBytes(text: string, option = '--memory'): number {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text);
  const unit = match === null ? undefined : UNITS[match[2]!.toLowerCase()];
  if (match === null || unit === undefined) throw new InvalidOptionError(option, `expected a size such as 512MB or 2GB, got '${text}'`);
  return Math.round(Number(match[1]) * unit);
}

/** Bytes for people, in powers of 1024: `613 MB`, `1.42 GB`. */
export function formatBytes(bytes: number): string {
  if (bytes >= 1024 ** 3) return `${(bytes / 1024 ** 3).toFixed(2)} GB`;
  if (bytes >= 1024 ** 2) return `${Math.round(bytes / 1024 ** 2)} MB`;
  return `${Math.max(bytes > 0 ? 1 : 0, Math.round(bytes / 1024))} kB`;
}

/** Two sizes for people, as precise as it takes to tell them apart: `255.4 MB`, `255.0 MB`. */
export function formatApart(a: number, b: number): [string, string] {
  const [one, other] = [formatBytes(a), formatBytes(b)];
  if (one !== other || a === b) return [one, other];
  const [unit, name] = a >= 1024 ** 3 ? [1024 ** 3, 'GB'] as const : a >= 1024 ** 2 ? [1024 ** 2, 'MB'] as const : [1024, 'kB'] as const;
  for (let digits = 1; ; digits++) {
    const [first, second] = [(a / unit).toFixed(digits), (b / unit).toFixed(digits)];
    if (first !== second) return [`${first} ${name}`, `${second} ${name}`];
  }
}

/** Largest resident set of this process so far, in bytes. */
export function peakRss(): number {
  // On Linux, process.resourceUsage() keeps the parent's peak across exec; VmHWM is this process's own.
  try {
    const match = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'));
    if (match !== null) return Number(match[1]) * 1024;
  } catch {
    // not Linux
  }
  return process.resourceUsage().maxRSS * 1024;
}
