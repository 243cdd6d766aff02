import { InvalidArgumentError } from 'commander';
import { InvalidOptionError } from '../src/errors.js';
import { parseBytes } from '../src/run/index.js';

/** Parsers for option values. Each throws what commander shows as one line. */

/** A whole number of at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\s*-?\d+\s*$/.test(text) || value < least) throw new InvalidArgumentError(`expected a whole number from ${least}, got '${text}'.`);
    return value;
  };
}

/** A whole number of at least `least`, or `auto`. */
export function wholeNumberOrAuto(least: number): (text: string) => number | 'auto' {
  return (text) => (text === 'auto' ? 'auto' : wholeNumber(least)(text));
}

/** A number from `low` to `high`. */
export function numberBetween(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= low && value <= high)) throw new InvalidArgumentError(`expected a number from ${low} to ${high}, got '${text}'.`);
    return value;
  };
}

/** Band numbers from 1, separated by commas: `3,2,1`. */
export function bandList(text: string): number[] {
  return text.split(',').map((part) => wholeNumber(1)(part));
}

/** `512MB`, `2GB`. */
export function byteSize(text: string): number {
  try {
    return parseBytes(text);
  } catch (error) {
    if (error instanceof InvalidOptionError) throw new InvalidArgumentError(`expected a size such as 512MB or 2GB, got '${text}'.`);
    throw error;
  }
}

/** A number of at least `least`. */
export function numberFrom(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= least && Number.isFinite(value))) throw new InvalidArgumentError(`expected a number from ${least}, got '${text}'.`);
    return value;
  };
}

/** Names separated by commas: `road,water`. */
export function nameList(text: string): string[] {
  const names = text.split(',').map((name) => name.trim()).filter((name) => name !== '');
  if (names.length === 0) throw new InvalidArgumentError(`expected names separated by commas, got '${text}'.`);
  return names;
}
