import { InvalidArgumentError } from 'commander';
import { InvalidOptionError } from '../src/errors.js';
import type { Window } from '../src/raster/index.js';
import { parseBytes } from '../src/run/index.js';
import { parseStretch } from '../src/tasks/model-input/stretch.js';
import type { StretchRule } from '../src/tasks/model-input/stretch.js';

/** Parsers for option values. Each throws what commander shows as one line. */

/** A whole number of at least `least`. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\s*-?\d+\s*$/.test(text) || value < least) throw new InvalidArgumentError(`expected a whole number from ${least}, got '${text}'.`);
    return value;
  };
}

/** A whole number from `low` to `high`. */
export function wholeNumberBetween(low: number, high: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\s*-?\d+\s*$/.test(text) || value < low || value > high) throw new InvalidArgumentError(`expected a whole number from ${low} to ${high}, got '${text}'.`);
    return value;
  };
}

/** A multiple of `unit` up to `most`. */
export function multipleOf(unit: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\s*\d+\s*$/.test(text) || value < unit || value > most || value % unit !== 0) throw new InvalidArgumentError(`expected a multiple of ${unit} up to ${most}, got '${text}'.`);
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

/** Metres per pixel, or `model`. */
export function gsdOrModel(text: string): number | 'model' {
  return text === 'model' ? text : numberBetween(1e-6, 1e9)(text);
}

/** `percentile:2,98`, `minmax:0,3000`, `scale:0.0255,0`. */
export function stretchRule(text: string): StretchRule {
  try {
    return parseStretch(text);
  } catch (error) {
    if (error instanceof InvalidOptionError) throw new InvalidArgumentError(`${error.message.replace('--stretch: ', '')}.`);
    throw error;
  }
}

/** A picture of a file that holds several, from 1; the tasks count from 0. */
export function pageNumber(text: string): number {
  return wholeNumber(1)(text) - 1;
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

/** `EPSG:32640`, or the number alone. */
export function epsgCode(text: string): number {
  const code = /^(?:EPSG:)?(\d+)$/i.exec(text.trim())?.[1];
  if (code === undefined) throw new InvalidArgumentError('expected a code such as EPSG:32640.');
  if (Number(code) < 1024 || code.length > 6) throw new InvalidArgumentError('codes of EPSG go from 1024 to 32767.');
  return Number(code);
}

/** `x,y,width,height` in pixels. */
export function pixelWindow(text: string): Window {
  const parts = text.split(',');
  if (parts.length !== 4) throw new InvalidArgumentError(`expected x,y,width,height, got '${text}'.`);
  const [x, y, width, height] = parts.map((part, i) => wholeNumber(i < 2 ? 0 : 1)(part)) as [number, number, number, number];
  return { x, y, width, height };
}

/** `8-14`, or one level alone. */
export function zoomRange(text: string): readonly [number, number] {
  const match = /^\s*(\d{1,2})(?:\s*-\s*(\d{1,2}))?\s*$/.exec(text);
  if (match === null) throw new InvalidArgumentError(`expected zoom levels such as 8-14, got '${text}'.`);
  return [Number(match[1]), Number(match[2] ?? match[1])];
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
