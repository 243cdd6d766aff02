import { readMask, type ColourMask, type OpenScene, type ValueMask } from './read-picture.js';

/** What masks without a legend are: dark and bright from a value on, or of several values that nobody has named. */
export type MaskKind = { readonly threshold: number } | { readonly values: readonly number[] };

/** Numbers of classes are small; dark pixels of masks that went through JPEG are, too. */
const SMALL = 31;
const BRIGHT = 224;

export interface SurveyOptions {
  readonly masks: readonly string[];
  readonly read: (name: string) => Promise<Uint8Array>;
  readonly openScene: OpenScene;
  readonly threshold: number;
}

/**
 * Looks at masks without a legend until one is bright somewhere: those that are nowhere may hold 0 and 1, or numbers of classes, which
 * would all be dark. Numbers of classes beside a bright value that means none (0, 1, 2, 255) are told from dark and bright
 * by what is between, which masks that went through JPEG have. A threshold among small numbers is taken as it is.
 */
export async function surveyMasks({ masks, read, openScene, threshold }: SurveyOptions): Promise<MaskKind> {
  if (threshold <= SMALL) return { threshold };
  const values = new Set<number>();
  let isBright = false;
  for (const name of masks) {
    const bytes = await read(name);
    // What cannot be decoded is told where it is used.
    const mask = await readMask(bytes, name, openScene).catch(() => undefined);
    if (mask === undefined) continue;
    const found = valuesOf(mask);
    if (found === undefined) return { threshold };
    const isExact = !(bytes[0] === 0xff && bytes[1] === 0xd8); // JPEGs hold no numbers
    for (const value of found) { if (isExact) values.add(value); isBright ||= value >= threshold; }
    if (isBright) break;
  }
  const sorted = [...values].sort((a, b) => a - b);
  const small = sorted.filter((value) => value > 0 && value <= SMALL);
  if (isBright) return small.length < 2 || sorted.some((value) => value > SMALL && value < BRIGHT) ? { threshold } : { values: sorted };
  if (sorted.every((value) => value === 0)) return { threshold };
  return sorted.every((value) => value === 0 || value === 1) ? { threshold: 1 } : { values: sorted };
}

/** The values of a grey mask where there are data; undefined for one with colours. */
function valuesOf(mask: ColourMask | ValueMask): ReadonlySet<number> | undefined {
  if ('values' in mask) {
    const values = new Set<number>();
    mask.values.forEach((value, at) => { if (mask.known?.[at] !== 0) values.add(value); });
    return values;
  }
  const { data, known } = mask;
  const seen = new Uint8Array(256);
  for (let at = 0, pixel = 0; at < data.length; at += 3, pixel++) {
    if (known?.[pixel] === 0) continue;
    if (data[at] !== data[at + 1] || data[at] !== data[at + 2]) return undefined;
    seen[data[at]!] = 1;
  }
  return new Set(Array.from(seen.keys()).filter((value) => seen[value] === 1));
}
