import { fitMiddle, fitText, measureText } from './font.js';
import { heading } from './map-frame.js';
import { MAX_PICTURE_EDGE, composePng, fitInto } from './picture.js';
import type { Picture, Placed } from './picture.js';
import { INK, svgBox, svgText } from './svg.js';

export interface SheetItem {
  /** Absent: an empty cell that says `no picture`. */
  readonly picture?: Picture;
  /** First line of the caption, in bold. */
  readonly caption: string;
  /** Further lines, muted; all items are given room for the longest list. */
  readonly lines?: readonly string[];
  /** Drawn with an accent frame: the query. */
  readonly highlighted?: boolean;
}

export interface ContactSheetOptions {
  readonly title: string;
  readonly subtitle?: string;
  readonly items: readonly SheetItem[];
  /** Default: as many as make the sheet about as wide as high, at most 8. */
  readonly columns?: number;
}

const MARGIN = 32;
const GAP = 20;
const CELL = 220;
const SMALLEST_CELL = 48;
const CAPTION_LINE = 20;

/** A grid of pictures with captions, as PNG, at most 2000 pixels along each edge: with many items the cells become smaller. */
export async function contactSheet(options: ContactSheetOptions): Promise<Buffer> {
  const { items } = options;
  const lines = Math.max(0, ...items.map((item) => item.lines?.length ?? 0));
  const caption = 8 + CAPTION_LINE * (1 + lines);
  const top = MARGIN + 28 + (options.subtitle === undefined ? 0 : 22) + 16;
  const room = MAX_PICTURE_EDGE - 2 * MARGIN;
  let columns = options.columns ?? Math.min(8, Math.max(1, Math.ceil(Math.sqrt(items.length * 1.4))));
  let cell = cellSize(columns, items.length, room, caption, top);
  while (options.columns === undefined && cell < SMALLEST_CELL && (columns + 1) * (SMALLEST_CELL + GAP) <= room) {
    columns++;
    cell = cellSize(columns, items.length, room, caption, top);
  }
  const rows = Math.ceil(items.length / columns);
  const fit = Math.max(1, Math.floor((MAX_PICTURE_EDGE - top - MARGIN + GAP) / (cell + caption + GAP)));
  const shown = items.slice(0, fit * columns);
  const left = items.length - shown.length;
  const titleWidth = measureText(options.title, 22, 'semibold');
  const gridWidth = columns * (cell + GAP) - GAP;
  const width = Math.ceil(Math.min(MAX_PICTURE_EDGE, 2 * MARGIN + Math.max(gridWidth, Math.min(titleWidth, room))));
  const height = Math.min(MAX_PICTURE_EDGE, top + Math.min(rows, fit) * (cell + caption + GAP) - GAP + MARGIN);
  const pictures: Placed[] = [];
  const over = heading({
    title: options.title,
    ...(options.subtitle === undefined && left === 0 ? {} : { subtitle: `${options.subtitle ?? ''}${left > 0 ? ` (${left} more not shown)` : ''}` }),
  }, width);
  shown.forEach((item, i) => {
    const x = MARGIN + (i % columns) * (cell + GAP);
    const y = top + Math.floor(i / columns) * (cell + caption + GAP);
    over.push(...drawItem(item, { x, y, cell }, pictures));
  });
  return composePng({ width, height, pictures, over });
}

function cellSize(columns: number, count: number, room: number, caption: number, top: number): number {
  const rows = Math.ceil(count / columns);
  const byWidth = Math.floor((room - (columns - 1) * GAP) / columns);
  const byHeight = Math.floor((MAX_PICTURE_EDGE - top - MARGIN + GAP) / rows - caption - GAP);
  return Math.max(SMALLEST_CELL, Math.min(CELL, byWidth, byHeight));
}

function drawItem(item: SheetItem, place: { readonly x: number; readonly y: number; readonly cell: number }, pictures: Placed[]): string[] {
  const { x, y, cell } = place;
  const parts: string[] = [];
  let frame = { x, y, width: cell, height: cell };
  if (item.picture === undefined) {
    parts.push(
      svgBox({ ...frame, fill: INK.faint, radius: 2 }),
      svgText('no picture', { x: x + cell / 2, y: y + cell / 2 + 4, size: 13, fill: INK.muted, anchor: 'middle' }),
    );
  } else {
    // Small chips are enlarged with their pixels kept square; everything else is reduced smoothly.
    const size = fitInto(item.picture, { width: cell, height: cell }, Number.POSITIVE_INFINITY);
    frame = { x: x + Math.round((cell - size.width) / 2), y: y + Math.round((cell - size.height) / 2), ...size };
    pictures.push({ picture: item.picture, ...frame, resize: size.width >= item.picture.width * 3 ? 'nearest' : 'smooth' });
  }
  if (item.highlighted) parts.push(svgBox({ x: frame.x - 2, y: frame.y - 2, width: frame.width + 4, height: frame.height + 4, stroke: INK.accent, strokeWidth: 4, radius: 2 }));
  else parts.push(svgBox({ x: frame.x - 0.5, y: frame.y - 0.5, width: frame.width + 1, height: frame.height + 1, stroke: INK.line }));
  const base = y + cell + 8;
  parts.push(svgText(fitText(item.caption, cell, 14, 'semibold'), {
    x, y: base + 13, size: 14, weight: 'semibold', fill: item.highlighted ? INK.accent : INK.text,
  }));
  (item.lines ?? []).forEach((line, i) => {
    parts.push(svgText(fitMiddle(line, cell, 12), { x, y: base + 13 + CAPTION_LINE * (i + 1), size: 12, fill: INK.muted }));
  });
  return parts;
}
