import { fromCentre, isInvertible, pixelToCrs } from './transform.js';
import type { Transform } from './types.js';

/**
 * The six lines of a world file (ESRI: A, D, B, E, C, F): pixel sizes and rotation, then the centre of the upper left
 * pixel, which lies half a pixel from the corner that a {@link Transform} names.
 */
export function worldFileText(transform: Transform): string {
  const [, dx, rx, , ry, dy] = transform;
  const [x, y] = pixelToCrs(transform, 0.5, 0.5);
  return `${[dx, ry, rx, dy, x, y].map(plainNumber).join('\n')}\n`;
}

/** The transform of a world file's text, or `undefined` if it does not hold six numbers that make one. */
export function parseWorldFile(text: string): Transform | undefined {
  const numbers = text.replace(/^\uFEFF/, '').trim().split(/\s+/).slice(0, 6).map((word) => Number(word.replace(',', '.')));
  const [dx, ry, rx, dy, x, y] = numbers;
  if (dx === undefined || ry === undefined || rx === undefined || dy === undefined || x === undefined || y === undefined) return undefined;
  const transform = fromCentre([x, dx, rx, y, ry, dy]);
  return isInvertible(transform) ? transform : undefined;
}

/**
 * The usual extensions of a world file beside a picture, most usual first: `.jgw` for `.jpg`, `.jpgw`, then `.wld`.
 */
export function worldFileExtensions(extension: string): string[] {
  const bare = extension.replace(/^\./, '');
  if (bare.length < 2) return ['.wld'];
  return [`.${bare[0] ?? ''}${bare.at(-1) ?? ''}w`, `.${bare}w`, '.wld'];
}

/** The shortest decimal that gives back the same double, without an exponent, which some readers refuse. */
function plainNumber(value: number): string {
  const short = String(value);
  if (!short.includes('e')) return short;
  const digits = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(short);
  if (digits === null) return short;
  const [, sign = '', head = '', tail = '', power = '0'] = digits;
  const exponent = Number(power);
  return exponent < 0
    ? `${sign}0.${'0'.repeat(-exponent - 1)}${head}${tail}`
    : `${sign}${head}${tail.padEnd(exponent, '0')}`;
}
