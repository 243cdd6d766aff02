import { FONT_FAMILY, SVG_WEIGHT } from './font.js';
import type { FontWeight } from './font.js';

/** Pieces of SVG as strings. All lengths in pixels. */

/** The colours of everything that is not data. */
export const INK = { text: '#1f2933', muted: '#5f6c7b', line: '#d5dce4', faint: '#eef1f5', paper: '#ffffff', accent: '#c2410c' } as const;

export interface TextOptions {
  readonly x: number;
  /** The baseline. */
  readonly y: number;
  readonly size: number;
  /** Default `regular`. */
  readonly weight?: FontWeight;
  /** Default the text colour. */
  readonly fill?: string;
  /** Which point of the text `x` is. Default `start`. */
  readonly anchor?: 'start' | 'middle' | 'end';
  /** Turn around (x, y) in degrees, clockwise. */
  readonly rotate?: number;
  /** Colour of a 3-pixel outline, for text on pictures. */
  readonly halo?: string;
}

export function svgText(content: string, options: TextOptions): string {
  const { x, y, size, weight = 'regular', fill = INK.text, anchor = 'start', rotate, halo } = options;
  const turn = rotate === undefined ? '' : ` transform="rotate(${n(rotate)} ${n(x)} ${n(y)})"`;
  const common = `x="${n(x)}" y="${n(y)}" font-family="${FONT_FAMILY}, sans-serif" font-size="${n(size)}" font-weight="${SVG_WEIGHT[weight]}" text-anchor="${anchor}"${turn}`;
  const under = halo === undefined ? '' : `<text ${common} fill="none" stroke="${halo}" stroke-width="3" stroke-linejoin="round">${escapeXml(content)}</text>`;
  return `${under}<text ${common} fill="${fill}">${escapeXml(content)}</text>`;
}

export interface BoxOptions {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Default `none`. */
  readonly fill?: string;
  /** 0–1, default 1. */
  readonly opacity?: number;
  readonly stroke?: string;
  /** Default 1. */
  readonly strokeWidth?: number;
  /** Radius of the corners. Default 0. */
  readonly radius?: number;
}

export function svgBox(options: BoxOptions): string {
  const { x, y, width, height, fill = 'none', opacity = 1, stroke, strokeWidth = 1, radius = 0 } = options;
  const line = stroke === undefined ? '' : ` stroke="${stroke}" stroke-width="${n(strokeWidth)}"`;
  return `<rect x="${n(x)}" y="${n(y)}" width="${n(width)}" height="${n(height)}" fill="${fill}" fill-opacity="${n(opacity)}" rx="${n(radius)}"${line}/>`;
}

export interface LineOptions {
  readonly stroke: string;
  /** Default 1. */
  readonly width?: number;
  /** `stroke-dasharray`. */
  readonly dashes?: string;
}

/** A line through points `[x, y]`. */
export function svgLine(points: readonly (readonly [number, number])[], options: LineOptions): string {
  const dashes = options.dashes === undefined ? '' : ` stroke-dasharray="${options.dashes}"`;
  const path = points.map(([x, y]) => `${n(x)},${n(y)}`).join(' ');
  return `<polyline points="${path}" fill="none" stroke="${options.stroke}" stroke-width="${n(options.width ?? 1)}" stroke-linejoin="round" stroke-linecap="round"${dashes}/>`;
}

/** A whole SVG document. */
export function svgDocument(width: number, height: number, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${parts.join('')}</svg>`;
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

/** Text as it may stand in XML 1.0: markup escaped, characters that XML does not have replaced by U+FFFD. */
export function escapeXml(text: string): string {
  return text
    .replace(/\p{Surrogate}/gu, '\ufffd')
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** A number with at most two decimals. */
function n(value: number): string {
  return String(Math.round(value * 100) / 100);
}
