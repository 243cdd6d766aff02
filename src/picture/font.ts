import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * The font that ships with the project. sharp draws text through fontconfig, and draws empty boxes without a word where
 * fontconfig finds no font; so it is pointed at `assets/fonts/fonts.conf` before it first looks.
 */
export const FONT_FAMILY = 'Open Sans';

export type FontWeight = 'regular' | 'semibold';

/** Value of the SVG attribute `font-weight`. */
export const SVG_WEIGHT: Record<FontWeight, number> = { regular: 400, semibold: 600 };

const FOLDER = new URL('../../../assets/fonts/', import.meta.url);
const FILES: Record<FontWeight, string> = { regular: 'OpenSans-Regular.ttf', semibold: 'OpenSans-SemiBold.ttf' };

/**
 * Makes the shipped font known to fontconfig. Must run before the process draws its first text, in its main thread (a worker's
 * `process.env` is a copy). A `FONTCONFIG_FILE` that the user has set is left alone.
 */
export function prepareFonts(): void {
  process.env['FONTCONFIG_FILE'] ??= fileURLToPath(new URL('fonts.conf', FOLDER));
}

interface Metrics {
  readonly unitsPerEm: number;
  /** Advance width by glyph. */
  readonly advances: Uint16Array;
  readonly glyphOf: (codePoint: number) => number;
}

const loaded: Partial<Record<FontWeight, Metrics>> = {};

/** Width in pixels of a line of text set at `size` pixels per em. Kerning is not counted. */
export function measureText(text: string, size: number, weight: FontWeight = 'regular'): number {
  const metrics = loaded[weight] ??= readMetrics(readFileSync(new URL(FILES[weight], FOLDER)));
  let units = 0;
  for (const character of text) units += metrics.advances[metrics.glyphOf(character.codePointAt(0) ?? 0)] ?? 0;
  return (units * size) / metrics.unitsPerEm;
}

/** The text, or its beginning and `…`, so that it is not wider than `width` pixels. */
export function fitText(text: string, width: number, size: number, weight: FontWeight = 'regular'): string {
  if (measureText(text, size, weight) <= width) return text;
  const characters = [...text];
  let low = 0;
  let high = characters.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (measureText(`${characters.slice(0, middle).join('').trimEnd()}…`, size, weight) <= width) low = middle;
    else high = middle - 1;
  }
  return `${characters.slice(0, low).join('').trimEnd()}…`;
}

/** As {@link fitText}, but what is left out is in the middle: for names whose end tells them apart. */
export function fitMiddle(text: string, width: number, size: number, weight: FontWeight = 'regular'): string {
  if (measureText(text, size, weight) <= width) return text;
  const characters = [...text];
  let kept = characters.length;
  for (;;) {
    kept--;
    const head = Math.floor(kept / 3);
    const shorter = `${characters.slice(0, head).join('')}…${characters.slice(characters.length - (kept - head)).join('')}`;
    if (kept <= 0) return '…';
    if (measureText(shorter, size, weight) <= width) return shorter;
  }
}

/** The parts of a TrueType file that widths need: tables `head`, `hhea`, `hmtx` and a `cmap` of format 4 (OpenType 1.9). */
function readMetrics(file: Buffer): Metrics {
  const tables = new Map<string, number>();
  for (let i = 0; i < file.readUInt16BE(4); i++) {
    const record = 12 + i * 16;
    tables.set(file.toString('latin1', record, record + 4), file.readUInt32BE(record + 8));
  }
  const offset = (name: string): number => {
    const at = tables.get(name);
    if (at === undefined) throw new Error(`font without table ${name}`);
    return at;
  };
  const count = file.readUInt16BE(offset('hhea') + 34);
  const hmtx = offset('hmtx');
  const glyphs = file.readUInt16BE(offset('maxp') + 4);
  const advances = new Uint16Array(glyphs);
  // Glyphs after the last of `hmtx` have its width.
  for (let i = 0; i < glyphs; i++) advances[i] = file.readUInt16BE(hmtx + Math.min(i, count - 1) * 4);
  return { unitsPerEm: file.readUInt16BE(offset('head') + 18), advances, glyphOf: readCharacterMap(file, offset('cmap')) };
}

function readCharacterMap(file: Buffer, cmap: number): (codePoint: number) => number {
  for (let i = 0; i < file.readUInt16BE(cmap + 2); i++) {
    const table = cmap + file.readUInt32BE(cmap + 4 + i * 8 + 4);
    if (file.readUInt16BE(table) !== 4) continue;
    const segments = file.readUInt16BE(table + 6) / 2;
    const ends = table + 14;
    const starts = ends + segments * 2 + 2;
    const deltas = starts + segments * 2;
    const ranges = deltas + segments * 2;
    return (codePoint) => {
      for (let s = 0; s < segments; s++) {
        if (codePoint > file.readUInt16BE(ends + s * 2)) continue;
        const start = file.readUInt16BE(starts + s * 2);
        if (codePoint < start) return 0;
        const delta = file.readUInt16BE(deltas + s * 2);
        const range = file.readUInt16BE(ranges + s * 2);
        if (range === 0) return (codePoint + delta) & 0xffff;
        const glyph = file.readUInt16BE(ranges + s * 2 + range + (codePoint - start) * 2);
        return glyph === 0 ? 0 : (glyph + delta) & 0xffff;
      }
      return 0;
    };
  }
  throw new Error('font without a character map of format 4');
}
