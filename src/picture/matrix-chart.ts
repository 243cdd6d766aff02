import { fitText, measureText } from './font.js';
import { heading } from './map-frame.js';
import { MAX_PICTURE_EDGE, composePng, parseColor } from './picture.js';
import { INK, svgBox, svgText } from './svg.js';

export interface MatrixChartOptions {
  readonly title: string;
  readonly subtitle?: string;
  readonly names: readonly string[];
  /** `#rrggbb` by name, beside the names. */
  readonly colors: readonly string[];
  /** Shares from 0 to 1, row by row; not finite: left empty. */
  readonly values: readonly (readonly number[])[];
  readonly rowLabel: string;
  readonly columnLabel: string;
}

const MARGIN = 32;
const DEEP = parseColor('#0b4f8a');

/** A square table of shares, darker for more, as PNG: which tags go together, which classes are taken for which. */
export async function matrixChart(options: MatrixChartOptions): Promise<Buffer> {
  const count = options.names.length;
  const names = Math.ceil(Math.min(220, Math.max(60, ...options.names.map((name) => measureText(name, 13)))));
  const top = MARGIN + 28 + (options.subtitle === undefined ? 0 : 22) + 16 + 26;
  const left = MARGIN + 26 + names + 26;
  const cell = Math.max(14, Math.min(64, Math.floor((MAX_PICTURE_EDGE - left - MARGIN) / count), Math.floor((MAX_PICTURE_EDGE - top - MARGIN - names * 0.75) / count)));
  const head = Math.ceil(names * 0.75) + 26;
  const bodyTop = top + head;
  const width = Math.max(left + count * cell + MARGIN + Math.round(names * 0.6), 480);
  const over = heading(options, width);
  over.push(svgText(options.columnLabel, { x: left + (count * cell) / 2, y: top - 12, size: 13, fill: INK.muted, anchor: 'middle' }));
  over.push(svgText(options.rowLabel, { x: MARGIN + 10, y: bodyTop + (count * cell) / 2, size: 13, fill: INK.muted, anchor: 'middle', rotate: -90 }));
  options.names.forEach((name, i) => {
    const middle = i * cell + cell / 2;
    const color = options.colors[i] ?? INK.muted;
    over.push(svgText(fitText(name, names + 1, 13), { x: left - 24, y: bodyTop + middle + 5, size: 13, anchor: 'end' }));
    over.push(svgBox({ x: left - 18, y: bodyTop + middle - 6, width: 12, height: 12, fill: color, radius: 2 }));
    over.push(svgBox({ x: left + middle - 6, y: bodyTop - 18, width: 12, height: 12, fill: color, radius: 2 }));
    over.push(svgText(fitText(name, names + 1, 13), { x: left + middle + 3, y: bodyTop - 24, size: 13, rotate: -45 }));
  });
  options.values.forEach((row, y) => row.forEach((value, x) => {
    const share = Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : 0;
    over.push(svgBox({ x: left + x * cell, y: bodyTop + y * cell, width: cell - 1, height: cell - 1, fill: shade(share) }));
    if (cell < 30 || !Number.isFinite(value)) return;
    const label = value === 0 ? '·' : value >= 0.995 ? '100' : value < 0.01 ? '<1' : String(Math.round(value * 100));
    over.push(svgText(label, { x: left + x * cell + cell / 2, y: bodyTop + y * cell + cell / 2 + 4, size: 12, anchor: 'middle', fill: share > 0.55 ? '#ffffff' : INK.text }));
  }));
  return composePng({ width, height: bodyTop + count * cell + MARGIN, over });
}

/** White to deep blue. */
function shade(share: number): string {
  return `#${DEEP.map((part) => Math.round(255 + (part - 255) * share).toString(16).padStart(2, '0')).join('')}`;
}
