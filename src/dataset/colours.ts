import { readFile } from 'node:fs/promises';
import { InvalidFileError } from '../errors.js';
import { IGNORE } from '../samples/index.js';
import { maskColor, parseCsvLegend, parseJsonLegend, type Color } from './legend-file.js';

/** A class of a mask, by its colour. */
export interface MaskClass {
  /** Place in the model's output. */
  readonly id: number;
  readonly name: string;
  readonly color: readonly [number, number, number];
  /** What stands for it in masks, where that is not its colour. */
  readonly inMask?: readonly [number, number, number];
}

export interface MaskClasses {
  readonly classes: readonly MaskClass[];
  /** Colours that mean "no class". */
  readonly ignored: readonly (readonly [number, number, number])[];
}

/** A legend, and what the numbers in rasters of ids mean. */
export interface LegendClasses extends MaskClasses {
  /** Value in a raster of ids → class id, or {@link IGNORE}: the class's `value`, else its `id`, else its place in the legend. */
  readonly ids: ReadonlyMap<number, number>;
}

/**
 * Reads a legend: `classes.json` (`{classes: [{id, name, color: [r,g,b], value?}], ignore?: {color} or {value}}`; with `value`, masks have that grey
 * value for the class and the colour is for pictures only), or CSV with a first line and `name,r,g,b`. Classes named in
 * `leaveOut` (such as `Unlabeled`) become ignored; the others keep their order and are numbered from 0.
 * @throws {InvalidFileError} if it is not such a file.
 */
export async function readMaskClasses(file: string, leaveOut: readonly string[] = []): Promise<LegendClasses> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => { throw new InvalidFileError(file, 'expected a legend of the masks\' colours (JSON, or CSV with name,r,g,b), found no file', { cause, advice: 'write {"classes": [{"name": "road", "color": [255, 0, 0]}, …]} there; for masks that are dark and bright only: --set data.classes=null --set data.threshold=128' }); });
  const { classes: all, ignore } = /\.csv$/i.test(file) ? parseCsvLegend(text, file) : parseJsonLegend(text, file);
  const unknown = leaveOut.filter((name) => !all.some((item) => item.name === name));
  if (unknown.length > 0) throw new InvalidFileError(file, `expected a class ${unknown[0]!} to leave out, found ${all.map((item) => item.name).join(', ')}`);
  const kept = all.filter((item) => !leaveOut.includes(item.name));
  const ids = new Map(all.map((item, place) => [item.value ?? item.id ?? place, kept.includes(item) ? kept.indexOf(item) : IGNORE]));
  if (ignore !== undefined && ignore[0] === ignore[1] && ignore[1] === ignore[2] && !ids.has(ignore[0])) ids.set(ignore[0], IGNORE);
  return {
    classes: kept.map((item, id) => ({ id, name: item.name, color: item.color, ...(item.value === undefined ? {} : { inMask: maskColor(item) }) })),
    ignored: [...all.filter((item) => leaveOut.includes(item.name)).map(maskColor), ...(ignore === undefined ? [] : [ignore])], ids,
  };
}

/** Two classes for masks that are only dark and bright. */
export function twoClasses(names: readonly string[] = ['background', 'foreground']): MaskClasses {
  return { classes: [{ id: 0, name: names[0] ?? 'background', color: [0, 0, 0] }, { id: 1, name: names[1] ?? 'foreground', color: [255, 255, 255] }], ignored: [] };
}

/** Each band of each pixel becomes 0 below the threshold and 255 from it on: masks that went through JPEG have colours between. In place. */
export function thresholdBands(pixels: Uint8Array, threshold: number): void {
  for (let i = 0; i < pixels.length; i++) pixels[i] = pixels[i]! >= threshold ? 255 : 0;
}

/**
 * Colours (`[pixels × 3]`) → class ids; {@link IGNORE} for ignored ones. Unknown colours are counted under `unknown`.
 * @param known one byte per pixel, 0 where there is no data: such pixels are ignored, whatever is stored there
 */
export function colourToClass(pixels: Uint8Array, table: MaskClasses, known?: Uint8Array): { readonly mask: Uint8Array; readonly unknown: ReadonlyMap<string, number> } {
  const ids = new Map<number, number>();
  const key = (r: number, g: number, b: number): number => (r << 16) | (g << 8) | b;
  // Values above 255 are of masks with more bits.
  for (const { id, color, inMask } of table.classes) if (inMask === undefined || inMask[0] <= 255) ids.set(key(...(inMask ?? color)), id);
  for (const color of table.ignored) if (color[0] <= 255) ids.set(key(...color), IGNORE);
  const mask = new Uint8Array(pixels.length / 3).fill(IGNORE);
  const unknown = new Map<string, number>();
  let last = -1;
  let lastId: number | undefined;
  for (let i = 0, at = 0; i < mask.length; i++, at += 3) {
    if (known?.[i] === 0) continue;
    const colour = key(pixels[at]!, pixels[at + 1]!, pixels[at + 2]!);
    if (colour !== last) { last = colour; lastId = ids.get(colour); }
    if (lastId !== undefined) { mask[i] = lastId; continue; }
    const name = `#${colour.toString(16).padStart(6, '0')}`;
    unknown.set(name, (unknown.get(name) ?? 0) + 1);
  }
  return { mask, unknown };
}

/**
 * As {@link colourToClass}, for the values of masks with one band of more than 8 bits. With a threshold the second class is from it on.
 */
export function valueToClass(values: ArrayLike<number>, table: MaskClasses, { threshold, known }: { readonly threshold?: number | undefined; readonly known?: Uint8Array | undefined } = {}): ReturnType<typeof colourToClass> {
  const ids = new Map<number, number>();
  const greyOf = ([r, g, b]: Color): number | undefined => (r === g && g === b ? r : undefined);
  for (const color of table.ignored) { const value = greyOf(color); if (value !== undefined) ids.set(value, IGNORE); }
  for (const { id, color, inMask } of table.classes) { const value = inMask?.[0] ?? greyOf(color); if (value !== undefined) ids.set(value, id); }
  const mask = new Uint8Array(values.length).fill(IGNORE);
  const unknown = new Map<string, number>();
  for (let i = 0; i < mask.length; i++) {
    if (known?.[i] === 0) continue;
    const stored = values[i]!;
    const id = ids.get(threshold === undefined ? stored : stored >= threshold ? 255 : 0);
    if (id !== undefined) mask[i] = id;
    else unknown.set(String(stored), (unknown.get(String(stored)) ?? 0) + 1);
  }
  return { mask, unknown };
}

/** Sets a frame of so many pixels to {@link IGNORE}: the edges of hand-drawn masks are unreliable. In place. */
export function ignoreFrame(mask: Uint8Array, width: number, height: number, frame: number): void {
  for (let y = 0; y < height; y++) {
    const inner = y >= frame && y < height - frame;
    if (!inner) { mask.fill(IGNORE, y * width, (y + 1) * width); continue; }
    mask.fill(IGNORE, y * width, y * width + Math.min(frame, width));
    mask.fill(IGNORE, (y + 1) * width - Math.min(frame, width), (y + 1) * width);
  }
}

/**
 * The mask for pictures reduced by `factor`: the most frequent class of each square (the lowest id of equals), never a mix;
 * {@link IGNORE} where that is more than half of it. What is left over at the right and bottom edge is cut away.
 */
export function reduceMask(mask: Uint8Array, width: number, height: number, factor: number): Uint8Array {
  if (factor === 1) return mask;
  const outWidth = Math.floor(width / factor);
  const outHeight = Math.floor(height / factor);
  const out = new Uint8Array(outWidth * outHeight);
  const counts = new Uint16Array(256);
  for (let y = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++) {
      counts.fill(0);
      for (let dy = 0; dy < factor; dy++) {
        const row = (y * factor + dy) * width + x * factor;
        for (let dx = 0; dx < factor; dx++) counts[mask[row + dx]!]!++;
      }
      let best = IGNORE;
      if (counts[IGNORE]! * 2 <= factor * factor) {
        best = 0;
        for (let id = 1; id < IGNORE; id++) if (counts[id]! > counts[best]!) best = id;
      }
      out[y * outWidth + x] = best;
    }
  }
  return out;
}
