import { InvalidFileError } from '../errors.js';

/** Collects what is wrong with a data set, so that a user sees all of it at once, before any training. */
export interface Problems {
  add(kind: string, detail: string): void;
  /** @throws {InvalidFileError} naming every kind with its count and first examples, if anything was added. */
  throwIfAny(file: string): void;
}

const EXAMPLES = 3;

export function collectProblems(): Problems {
  const kinds = new Map<string, string[]>();
  return {
    add(kind, detail) {
      const list = kinds.get(kind) ?? [];
      kinds.set(kind, [...list, detail]);
    },
    throwIfAny(file) {
      if (kinds.size === 0) return;
      const parts = [...kinds].map(([kind, list]) => `${list.length} × ${kind} (${list.slice(0, EXAMPLES).join(', ')}${list.length > EXAMPLES ? ' …' : ''})`);
      throw new InvalidFileError(file, `expected a data set without faults, found ${parts.join('; ')}`, { advice: 'nothing was trained; mend or leave out these files' });
    },
  };
}
