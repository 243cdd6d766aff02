import { fitText, measureText } from './font.js';
import { INK, svgBox, svgText } from './svg.js';

export interface LegendEntry {
  readonly name: string;
  /** `#rrggbb`. */
  readonly color: string;
  /** Columns at the right, such as a share and an area; every entry as many as the others. */
  readonly values?: readonly string[];
}

export interface LegendOptions {
  readonly entries: readonly LegendEntry[];
  readonly x: number;
  readonly y: number;
  readonly width: number;
  /** Heading over the entries. */
  readonly title?: string;
  /** Headings of the value columns. */
  readonly headings?: readonly string[];
  /** Factor on all sizes. Default 1: text of 14 px. */
  readonly scale?: number;
  /** Rows that fit; more are summed up as `and n more`. Default: all. */
  readonly maxRows?: number;
}

export interface Legend {
  readonly parts: readonly string[];
  readonly height: number;
}

const TEXT = 14;
const SMALL = 12;
/** Height of one row at scale 1. */
export const LEGEND_ROW = 26;
const SWATCH = 16;
const GAP = 14;

/** A legend: swatches, names, and columns of values aligned to the right. */
export function drawLegend(options: LegendOptions): Legend {
  const { x, y, width, scale = 1 } = options;
  const size = TEXT * scale;
  const row = LEGEND_ROW * scale;
  const parts: string[] = [];
  let top = y;
  if (options.title !== undefined) {
    parts.push(svgText(fitText(options.title, width, size, 'semibold'), { x, y: top + size, size, weight: 'semibold' }));
    top += row;
  }
  if (options.entries.length === 0) {
    parts.push(svgText('none', { x, y: top + size, size, fill: INK.muted }));
    return { parts, height: top + row - y };
  }
  const shown = visible(options.entries, options.maxRows);
  const rights = columnEdges(shown, options, x + width);
  if (options.headings !== undefined) {
    options.headings.forEach((heading, i) => {
      parts.push(svgText(heading, { x: rights[i] ?? x + width, y: top + SMALL * scale, size: SMALL * scale, fill: INK.muted, anchor: 'end' }));
    });
    top += 20 * scale;
  }
  const nameX = x + (SWATCH + 10) * scale;
  const nameWidth = (rights[0] === undefined ? x + width : rights[0] - columnWidth(shown, options, 0)) - nameX - (rights.length > 0 ? GAP * scale : 0);
  for (const entry of shown) {
    parts.push(
      svgBox({ x, y: top + (row - SWATCH * scale) / 2, width: SWATCH * scale, height: SWATCH * scale, fill: entry.color, stroke: '#00000033', radius: 3 * scale }),
      svgText(fitText(entry.name, nameWidth, size), { x: nameX, y: top + row / 2 + size * 0.36, size }),
      ...(entry.values ?? []).map((value, i) => svgText(value, {
        x: rights[i] ?? x + width, y: top + row / 2 + size * 0.36, size, fill: INK.muted, anchor: 'end',
      })),
    );
    top += row;
  }
  const hidden = options.entries.length - shown.length;
  if (hidden > 0) {
    parts.push(svgText(`and ${hidden} more`, { x: nameX, y: top + row / 2 + SMALL * scale * 0.36, size: SMALL * scale, fill: INK.muted }));
    top += row;
  }
  return { parts, height: top - y };
}

/** Height that {@link drawLegend} will need. */
export function legendHeight(options: Pick<LegendOptions, 'entries' | 'title' | 'headings' | 'scale' | 'maxRows'>): number {
  const { scale = 1 } = options;
  if (options.entries.length === 0) return (options.title === undefined ? 1 : 2) * LEGEND_ROW * scale;
  const shown = visible(options.entries, options.maxRows).length;
  const rows = shown + (shown < options.entries.length ? 1 : 0) + (options.title === undefined ? 0 : 1);
  return (rows * LEGEND_ROW + (options.headings === undefined ? 0 : 20)) * scale;
}

/** Width at which nothing is shortened, at most `limit`. */
export function legendWidth(options: Pick<LegendOptions, 'entries' | 'headings' | 'scale' | 'title'>, limit: number): number {
  const { scale = 1 } = options;
  const columns = options.entries[0]?.values?.length ?? 0;
  let names = 0;
  for (const entry of options.entries) names = Math.max(names, measureText(entry.name, TEXT * scale));
  let width = (SWATCH + 10) * scale + names;
  for (let i = 0; i < columns; i++) width += columnWidth(options.entries, options, i) + GAP * scale;
  const title = options.title === undefined ? 0 : measureText(options.title, TEXT * scale, 'semibold');
  return Math.min(limit, Math.ceil(Math.max(width, title) + 4));
}

function visible(entries: readonly LegendEntry[], maxRows: number | undefined): readonly LegendEntry[] {
  if (maxRows === undefined || entries.length <= maxRows) return entries;
  return entries.slice(0, Math.max(1, maxRows - 1));
}

function columnWidth(entries: readonly LegendEntry[], options: Pick<LegendOptions, 'headings' | 'scale'>, column: number): number {
  const { scale = 1 } = options;
  let widest = measureText(options.headings?.[column] ?? '', SMALL * scale);
  for (const entry of entries) widest = Math.max(widest, measureText(entry.values?.[column] ?? '', TEXT * scale));
  return widest;
}

/** Right edges of the value columns. */
function columnEdges(entries: readonly LegendEntry[], options: LegendOptions, right: number): number[] {
  const { scale = 1 } = options;
  const columns = Math.max(0, ...entries.map((entry) => entry.values?.length ?? 0));
  const edges: number[] = [];
  let edge = right;
  for (let i = columns - 1; i >= 0; i--) {
    edges[i] = edge;
    edge -= columnWidth(entries, options, i) + GAP * scale;
  }
  return edges;
}
