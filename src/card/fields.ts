import { ModelError } from '../errors.js';
import { nearestName } from './nearest.js';

/** Where a value stands: the file, and the field's path in it (`output.classes[2].name`). Errors name both. */
export interface Place {
  readonly file: string;
  readonly field: string;
}

export type Fields = Readonly<Record<string, unknown>>;

export function inside(place: Place, name: string | number): Place {
  const step = typeof name === 'number' ? `[${name}]` : place.field === '' ? name : `.${name}`;
  return { file: place.file, field: `${place.field}${step}` };
}

/** Refuses: `<file>: card field <field> must be <expected>, found <value>`. */
export function refuse(place: Place, expected: string, found: unknown, advice?: string): never {
  const field = place.field === '' ? 'the card' : `card field ${place.field}`;
  const what = found === undefined ? 'it is missing' : `found ${show(found)}`;
  throw new ModelError(place.file, `${field} must be ${expected}, ${what}`, advice === undefined ? {} : { advice });
}

/** A value for a message, cut after 60 characters. */
export function show(value: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    // JSON may be nested deeper than it can be written again.
    text = Array.isArray(value) ? 'lists in lists' : 'objects in objects';
  }
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** An object with no other fields than `known`. */
export function takeObject(value: unknown, place: Place, known: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(place, 'an object', value);
  for (const name of Object.keys(value)) {
    if (known.includes(name)) continue;
    const near = nearestName(name, known);
    throw new ModelError(place.file, `card field ${inside(place, name).field} is not known`,
      { advice: near === undefined ? `known here: ${known.join(', ')}` : `did you mean ${near}?` });
  }
  return value as Fields;
}

export function takeText(value: unknown, place: Place): string {
  return typeof value === 'string' && value.trim() !== '' ? value : refuse(place, 'a text', value);
}

export function takeNumber(value: unknown, place: Place, expected: string, fits: (value: number) => boolean): number {
  return typeof value === 'number' && Number.isFinite(value) && fits(value) ? value : refuse(place, expected, value);
}

/** A whole number from `from` on. */
export function takeCount(value: unknown, place: Place, from: number): number {
  return takeNumber(value, place, `a whole number from ${from}`, (n) => Number.isInteger(n) && n >= from);
}

export function takeOneOf<T extends string>(value: unknown, place: Place, allowed: readonly T[]): T {
  const found = allowed.find((name) => name === value);
  if (found !== undefined) return found;
  const near = typeof value === 'string' ? nearestName(value, allowed) : undefined;
  return refuse(place, allowed.length === 1 ? show(allowed[0]) : `one of ${allowed.join(', ')}`, value, near === undefined ? undefined : `did you mean ${near}?`);
}

export function takeList<T>(value: unknown, place: Place, take: (item: unknown, place: Place) => T): readonly T[] {
  if (!Array.isArray(value)) refuse(place, 'a list', value);
  return (value as readonly unknown[]).map((item, index) => take(item, inside(place, index)));
}

/** A field that may be absent; spread it into the result. */
export function optional<K extends string, T>(fields: Fields, place: Place, name: K, take: (value: unknown, place: Place) => T): { readonly [P in K]?: T } {
  const value = fields[name];
  return value === undefined ? {} : { [name]: take(value, inside(place, name)) } as { readonly [P in K]?: T };
}
