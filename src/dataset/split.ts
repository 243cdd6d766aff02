import { InvalidOptionError } from '../errors.js';
import { seededRandom, shuffled, type Split } from '../samples/index.js';

export interface RandomSplitOptions {
  /** Shares of all samples. Their sum is below 1. */
  readonly validation: number;
  readonly test: number;
  readonly seed: number;
}

/** Splits at random; the same for the same count and seed. */
export function splitRandomly(count: number, options: RandomSplitOptions): Split {
  const { validation, test, seed } = options;
  if (!(validation >= 0 && test >= 0 && validation + test < 1)) throw new InvalidOptionError('split', `expected shares that leave something to train on, found validation ${validation} and test ${test}`);
  const order = shuffled(count, seededRandom(seed));
  const testEnd = Math.round(count * test);
  const validationEnd = testEnd + Math.round(count * validation);
  return { test: order.slice(0, testEnd).sort(), validation: order.slice(testEnd, validationEnd).sort(), train: order.slice(validationEnd).sort() };
}

export interface GroupSplitOptions {
  readonly validation: readonly string[];
  readonly test: readonly string[];
}

/** Splits by place: samples of the named groups go to validation and test, all others are trained on. */
export function splitByGroup(groups: readonly string[], options: GroupSplitOptions): Split {
  const known = new Set(groups);
  for (const [option, names] of [['validation', options.validation], ['test', options.test]] as const) {
    const missing = names.find((name) => !known.has(name));
    if (missing !== undefined) throw new InvalidOptionError(option, `expected a group of the data (${[...known].join(', ')}), found ${missing}`);
  }
  const twice = options.validation.find((name) => options.test.includes(name));
  if (twice !== undefined) throw new InvalidOptionError('test', `expected groups that are not in validation, found ${twice}`);
  const pick = (wanted: (group: string) => boolean): Int32Array => Int32Array.from(groups.flatMap((group, index) => (wanted(group) ? [index] : [])));
  return {
    validation: pick((group) => options.validation.includes(group)),
    test: pick((group) => options.test.includes(group)),
    train: pick((group) => !options.validation.includes(group) && !options.test.includes(group)),
  };
}
