import { InvalidFileError } from '../errors.js';

/** One kind of thing that is wrong with a data set, or worth knowing. */
export interface Problem {
  readonly kind: string;
  readonly count: number;
  /** The first of them. */
  readonly examples: readonly string[];
  /** Faults end the work; remarks do not. */
  readonly fault: boolean;
}

/** Collects what is wrong with a data set, so that a user sees all of it at once, before any training. */
export interface Problems {
  /** A fault, or `count` of them at once: nothing is trained on such data. */
  add(kind: string, detail: string, count?: number): void;
  /** Something to know: reported, and no reason to stop. Several examples where they are known from before. */
  remark(kind: string, detail: string | readonly string[], count?: number): void;
  readonly all: readonly Problem[];
  readonly faults: number;
  /** @throws {InvalidFileError} naming every fault with its count and first examples, if there is one. */
  throwIfAny(file: string): void;
}

const EXAMPLES = 3;
/** Faults that a description may turn into remarks. */
const OF_NO_CLASS: ReadonlySet<string> = new Set(['colour of no class', 'value of no class', 'pixel of no class']);

export function collectProblems(): Problems {
  const kinds = new Map<string, { count: number; readonly examples: string[]; readonly fault: boolean }>();
  const note = (kind: string, detail: string | readonly string[], count: number, fault: boolean): void => {
    const entry = kinds.get(kind) ?? { count: 0, examples: [], fault };
    entry.count += count;
    for (const example of typeof detail === 'string' ? [detail] : detail) if (entry.examples.length < EXAMPLES && example !== '' && entry.examples.at(-1) !== example) entry.examples.push(example);
    kinds.set(kind, entry);
  };
  const list = (): Problem[] => [...kinds].map(([kind, entry]) => ({ kind, ...entry }));
  return {
    add: (kind, detail, count = 1) => note(kind, detail, count, true),
    remark: (kind, detail, count = 1) => note(kind, detail, count, false),
    get all() { return list(); },
    get faults() { return list().reduce((sum, problem) => sum + (problem.fault ? problem.count : 0), 0); },
    throwIfAny(file) {
      const faults = list().filter((problem) => problem.fault);
      if (faults.length === 0) return;
      throw new InvalidFileError(file, `expected a data set without faults, found ${faults.map(problemText).join('; ')}`, { advice: `mend or leave out these files${faults.some(({ kind }) => OF_NO_CLASS.has(kind)) ? ', or leave such pixels out with unknown_colors: ignore' : ''}` });
    },
  };
}

/** `3 × picture without a mask (a, b, c)` */
export function problemText({ kind, count, examples }: Problem): string {
  return `${count} × ${kind} (${examples.join(', ')}${count > examples.length ? ' …' : ''})`;
}
