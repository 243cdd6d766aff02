import { classColors, nearestName, parseColor } from '../card/index.js';
import { InvalidFileError } from '../errors.js';

export type Color = readonly [number, number, number];

/** A class as a legend file has it. */
export interface LegendItem {
  readonly name: string;
  /** For pictures; also what stands for it in masks, where there is no `value`. */
  readonly color: Color;
  /** What stands for it in masks that hold values. */
  readonly value?: number;
  /** What stands for it in rasters of ids, where there is no `value`. Default: its place. */
  readonly id?: number;
}

export interface Legend {
  readonly classes: readonly LegendItem[];
  /** What means "no class" in masks. */
  readonly ignore?: Color;
}

const MOST = 65535;
/** Keys for people, which are not read. */
const NOTES = ['hex', 'note', 'description', 'comment'];
const KEYS = { file: ['classes', 'ignore'], item: ['name', 'color', 'value', 'id'], ignore: ['color', 'value', 'id'] } as const;
const FORM = 'write {"classes": [{"name": "road", "color": [255, 0, 0]}, …]}, with "value" in every class where masks hold values';

/**
 * Reads `classes.json`. Classes without `color` have one by their name, and need a `value`.
 * @throws {InvalidFileError} naming the item and field that is wrong: keys that are not known (with the nearest known one), values out of range, names, colours or values that occur twice
 */
export function parseJsonLegend(text: string, file: string): Legend {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw new InvalidFileError(file, 'expected a JSON file with classes and their colours, found none', { cause, advice: FORM });
  }
  const { classes: found, ignore } = takeKeys(parsed, file, 'the legend', KEYS.file);
  if (!Array.isArray(found) || found.length === 0) throw new InvalidFileError(file, `expected classes to be a list of classes, ${describe(found)}`, { advice: FORM });
  const items = (found as readonly unknown[]).map((item, at) => takeItem(item, file, `classes[${at}]`));
  const colors = classColors(items.map(({ name }) => name));
  const classes = items.map((item, at): LegendItem => ({ ...item, color: item.color ?? (parseColor(colors[at]!).slice(0, 3) as unknown as Color) }));
  refuseTwice(items, file, (at) => `classes[${at}]`);
  if (ignore === undefined || ignore === null) return { classes };
  const ignored = takeIgnore(ignore, file);
  const also = classes.findIndex((item) => sameColor(maskColor(item), ignored));
  if (also >= 0) throw new InvalidFileError(file, `expected ignore to be what no class has, found classes[${also}] (${classes[also]!.name}) with the same ${classes[also]!.value === undefined ? 'color' : 'value'}`, { advice: 'leave it in one of the two; a class that is to be ignored can be named in leave_out' });
  return { classes, ignore: ignored };
}

/**
 * Reads a legend as CSV: a first line, then `name,r,g,b`.
 * @throws {InvalidFileError} with the first line that is none, or whose name or colour was there before
 */
export function parseCsvLegend(text: string, file: string): Legend {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/).map((line, at) => ({ line, number: at + 1 })).filter(({ line }) => line.trim() !== '').slice(1);
  const classes = lines.map(({ line, number }): LegendItem => {
    const [name = '', ...parts] = line.split(',').map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
    const color = parts.map((part) => (part === '' ? Number.NaN : Number(part)));
    if (name === '' || !isColor(color, 255)) throw new InvalidFileError(file, `expected lines name,r,g,b with numbers from 0 to 255, found ${JSON.stringify(line.slice(0, 60))} in line ${number}`);
    return { name, color: color as unknown as Color };
  });
  if (classes.length === 0) throw new InvalidFileError(file, 'expected a first line and lines name,r,g,b, found none');
  refuseTwice(classes, file, (at) => `line ${lines[at]!.number}`);
  return { classes };
}

/** What stands for a class in masks. */
export function maskColor({ color, value }: LegendItem): Color {
  return value === undefined ? color : [value, value, value];
}

type Found = Omit<LegendItem, 'color'> & { readonly color?: Color };

function takeItem(value: unknown, file: string, where: string): Found {
  const { name, color, value: stored, id } = takeKeys(value, file, where, KEYS.item);
  if (typeof name !== 'string' || name.trim() === '') throw new InvalidFileError(file, `expected ${where}.name to be a name, ${describe(name)}`);
  const here = `${where} (${name})`;
  if (color !== undefined && !isColor(color, 255)) throw new InvalidFileError(file, `expected color of ${here} to be [r, g, b] with whole numbers from 0 to 255, ${describe(color)}`);
  if (stored !== undefined && !isWhole(stored, MOST)) throw new InvalidFileError(file, `expected value of ${here} to be a whole number from 0 to ${MOST}, ${describe(stored)}`);
  if (id !== undefined && !isWhole(id, MOST)) throw new InvalidFileError(file, `expected id of ${here} to be a whole number from 0 to ${MOST}, ${describe(id)}`);
  if (color === undefined && stored === undefined) throw new InvalidFileError(file, `expected ${here} to have a color or a value, found neither`, { advice: id === undefined ? '"color": [r, g, b] for masks of colours, "value" for masks of values' : `"id" is for rasters of ids in scenes; for masks of values write "value": ${id}` });
  return { name, ...(color === undefined ? {} : { color: color as Color }), ...(stored === undefined ? {} : { value: stored }), ...(id === undefined ? {} : { id }) };
}

/** Ignored colours may have more than 8 bits, as values have. */
function takeIgnore(found: unknown, file: string): Color {
  const { color, value } = takeKeys(found, file, 'ignore', KEYS.ignore);
  if (color !== undefined && !isColor(color, MOST)) throw new InvalidFileError(file, `expected ignore.color to be [r, g, b] with whole numbers, ${describe(color)}`);
  if (value !== undefined && !isWhole(value, MOST)) throw new InvalidFileError(file, `expected ignore.value to be a whole number from 0 to ${MOST}, ${describe(value)}`);
  if (value !== undefined) return [value, value, value];
  if (color === undefined) throw new InvalidFileError(file, 'expected ignore to have a color or a value, found neither', { advice: 'write "ignore": {"color": [r, g, b]} or {"value": 255}' });
  return color as Color;
}

function takeKeys(value: unknown, file: string, where: string, known: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new InvalidFileError(file, `expected ${where} to have ${known.join(', ')}, ${describe(value)}`, { advice: where === 'ignore' ? 'write "ignore": {"color": [r, g, b]} or {"value": 255}' : FORM });
  const unknown = Object.keys(value).find((key) => !known.includes(key) && !NOTES.includes(key));
  if (unknown !== undefined) {
    const near = nearestName(unknown, known);
    throw new InvalidFileError(file, `expected ${where} to have ${known.join(', ')}, found ${unknown}`, { advice: near === undefined ? `remarks for people may be called ${NOTES.join(', ')}` : `did you mean ${near}?` });
  }
  return value as Readonly<Record<string, unknown>>;
}

/** What must not be twice: else of two classes one is never found, or a model's card is none. */
function refuseTwice(items: readonly Found[], file: string, whereOf: (at: number) => string): void {
  const fields: readonly (readonly [field: string, of: (item: Found) => string | undefined])[] = [
    ['name', ({ name }) => name], ['value', ({ value }) => value?.toString()], ['color', ({ color }) => color?.join(', ')], ['id', ({ id }) => id?.toString()],
    ['color in masks', (item) => (item.value === undefined && item.color === undefined ? undefined : maskColor({ ...item, color: item.color ?? [0, 0, 0] }).join(', '))],
  ];
  for (const [field, of] of fields) {
    const seen = new Map<string, number>();
    items.forEach((item, at) => {
      const key = of(item);
      if (key === undefined) return;
      const first = seen.get(key);
      if (first !== undefined) throw new InvalidFileError(file, `expected every ${field} once, found ${key} in ${whereOf(first)} (${items[first]!.name}) and ${whereOf(at)} (${item.name})`, field === 'name' ? { advice: 'give each class a name of its own' } : {});
      seen.set(key, at);
    });
  }
}

function isColor(value: unknown, most: number): boolean {
  return Array.isArray(value) && value.length === 3 && value.every((part) => isWhole(part, most));
}

function isWhole(value: unknown, most: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most;
}

function sameColor(a: Color, b: Color): boolean {
  return a.every((part, band) => part === b[band]);
}

function describe(value: unknown): string {
  return value === undefined ? 'found none' : `found ${JSON.stringify(value).slice(0, 60)}`;
}
