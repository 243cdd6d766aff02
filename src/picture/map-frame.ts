import { fitText, measureText } from './font.js';
import { formatLength, roundDown } from './format.js';
import { LEGEND_ROW, drawLegend, legendHeight, legendWidth } from './legend.js';
import type { LegendEntry, LegendOptions } from './legend.js';
import { MAX_PICTURE_EDGE, composePng, fitInto } from './picture.js';
import type { Picture, Placed } from './picture.js';
import { INK, svgBox, svgText } from './svg.js';

/** What every map picture has around its map. */
export interface MapFrame {
  readonly title: string;
  /** A muted line under the title. */
  readonly subtitle?: string;
  readonly legend: {
    readonly title?: string;
    readonly entries: readonly LegendEntry[];
    readonly headings?: readonly string[];
  };
  /** A muted line at the bottom: model, data, date. */
  readonly footnote?: string;
  /** Metres per pixel of the map picture as given, where known: a scale bar is drawn. */
  readonly metresPerPixel?: number;
}

/** One map beside another: pictures in layers over the same ground, and drawings over them. */
export interface Panel {
  /** Drawn over each other. The first has the size that counts. */
  readonly layers: readonly Picture[];
  /** SVG elements in panel pixels. */
  readonly over?: (size: { readonly width: number; readonly height: number; readonly x: number; readonly y: number; readonly factor: number }) => readonly string[];
  readonly caption?: string;
}

const MARGIN = 32;
const GAP = 24;
/** Maps of small scenes are enlarged to about this edge, so that their pixels can be seen. */
const MIN_MAP_EDGE = 640;
/** Longest edge of one map. */
const MAX_MAP_EDGE = 1280;

/** Draws panels with title, legend and scale bar. @returns a PNG file, at most 2000 pixels along each edge. */
export async function drawMap(panels: readonly Panel[], frame: MapFrame): Promise<Buffer> {
  const base = panels[0]?.layers[0];
  if (base === undefined) throw new RangeError('a map needs a picture');
  const layout = layOut(base, panels, frame);
  const { map, top, captions } = layout;
  const pictures: Placed[] = [];
  const over: string[] = heading(frame, layout.width);
  panels.forEach((panel, i) => {
    const x = MARGIN + i * (map.width + GAP);
    const y = top + captions;
    if (panel.caption !== undefined) over.push(svgText(fitText(panel.caption, map.width, 14), { x, y: top + 14, size: 14, fill: INK.muted }));
    for (const picture of panel.layers) pictures.push({ picture, x, y, ...map, resize: layout.factor > 1 ? 'nearest' : 'smooth' });
    over.push(...(panel.over?.({ ...map, x, y, factor: layout.factor }) ?? []));
    over.push(svgBox({ x: x - 0.5, y: y - 0.5, width: map.width + 1, height: map.height + 1, stroke: INK.line }));
    if (frame.metresPerPixel !== undefined && i === 0) over.push(...scaleBar(x, y, map, frame.metresPerPixel / layout.factor));
  });
  for (const block of layout.legends) over.push(...drawLegend(block).parts);
  if (frame.footnote !== undefined) {
    const width = layout.width - 2 * MARGIN;
    over.push(svgText(fitText(frame.footnote, width, 12), { x: MARGIN, y: layout.height - MARGIN + 4, size: 12, fill: INK.muted }));
  }
  return composePng({ width: layout.width, height: layout.height, pictures, over });
}

interface Layout {
  readonly width: number;
  readonly height: number;
  /** Size of one map, and its enlargement. */
  readonly map: { readonly width: number; readonly height: number };
  readonly factor: number;
  /** Upper edge of the captions, and their height. */
  readonly top: number;
  readonly captions: number;
  readonly legends: readonly LegendOptions[];
}

/** Where everything stands: the legend beside the maps, or in columns under maps that are wide. */
function layOut(base: Picture, panels: readonly Panel[], frame: MapFrame): Layout {
  const { legend } = frame;
  const top = MARGIN + 28 + (frame.subtitle === undefined ? 0 : 22) + 12;
  const bottom = MARGIN + (frame.footnote === undefined ? 0 : 28);
  const captions = panels.some((panel) => panel.caption !== undefined) ? 26 : 0;
  const wide = base.width * panels.length > base.height * 2.2;
  const column = Math.max(180, legendWidth(legend, 420));
  const inner = MAX_PICTURE_EDGE - 2 * MARGIN;
  const side = wide ? 0 : column + GAP + 8;
  const gaps = GAP * (panels.length - 1);
  const map = fitInto(base, {
    width: Math.min(MAX_MAP_EDGE, (inner - side - gaps) / panels.length),
    height: Math.min(MAX_MAP_EDGE, MAX_PICTURE_EDGE - top - bottom - captions),
  }, Math.max(1, MIN_MAP_EDGE / Math.max(base.width, base.height)));
  const mapsWidth = map.width * panels.length + gaps;
  const titleWidth = Math.min(inner, measureText(frame.title, 22, 'semibold'));
  const content = Math.max(mapsWidth + side, titleWidth, wide ? column : 0, 320);
  const width = Math.ceil(content + 2 * MARGIN);
  const mapsBottom = top + captions + map.height;
  const shared = { map, factor: map.width / base.width, top, captions, width };
  if (!wide) {
    const maxRows = Math.max(2, Math.floor(Math.max(map.height + captions, 320) / LEGEND_ROW) - 2);
    const block: LegendOptions = { ...legend, x: MARGIN + mapsWidth + GAP + 8, y: top + captions, width: column, maxRows };
    return { ...shared, height: Math.ceil(Math.max(mapsBottom, top + captions + legendHeight(block)) + bottom), legends: [block] };
  }
  const columns = Math.max(1, Math.floor((content + 2 * GAP) / (column + 2 * GAP)));
  const rows = Math.ceil(legend.entries.length / columns);
  const maxRows = Math.max(1, Math.floor((MAX_PICTURE_EDGE - mapsBottom - GAP - bottom) / LEGEND_ROW) - 3);
  const legends: LegendOptions[] = [];
  for (let c = 0; c * rows < legend.entries.length; c++) {
    legends.push({
      ...legend, ...(legend.title === undefined || c === 0 ? {} : { title: '' }), entries: legend.entries.slice(c * rows, (c + 1) * rows),
      x: MARGIN + c * (column + 2 * GAP), y: mapsBottom + GAP, width: column, maxRows,
    });
  }
  const under = Math.max(0, ...legends.map((block) => legendHeight(block)));
  return { ...shared, height: Math.ceil(mapsBottom + GAP + under + bottom), legends };
}

/** Title and subtitle at the upper left. */
export function heading(frame: Pick<MapFrame, 'title' | 'subtitle'>, width: number): string[] {
  const parts = [svgText(fitText(frame.title, width - 2 * MARGIN, 22, 'semibold'), { x: MARGIN, y: MARGIN + 20, size: 22, weight: 'semibold' })];
  if (frame.subtitle !== undefined) {
    parts.push(svgText(fitText(frame.subtitle, width - 2 * MARGIN, 14), { x: MARGIN, y: MARGIN + 44, size: 14, fill: INK.muted }));
  }
  return parts;
}

/** A bar of a round length in the lower left corner of a map. */
function scaleBar(x: number, y: number, size: { readonly width: number; readonly height: number }, metresPerPixel: number): string[] {
  const metres = roundDown(size.width * 0.25 * metresPerPixel);
  const length = metres / metresPerPixel;
  if (!(length >= 24) || !Number.isFinite(length)) return [];
  const label = formatLength(metres);
  const left = x + 16;
  const base = y + size.height - 18;
  const box = Math.max(length, measureText(label, 13, 'semibold')) + 20;
  return [
    svgBox({ x: left - 10, y: base - 26, width: box, height: 36, fill: '#ffffff', opacity: 0.85, radius: 4 }),
    svgBox({ x: left, y: base - 2, width: length, height: 4, fill: INK.text }),
    svgBox({ x: left, y: base - 6, width: 1.5, height: 8, fill: INK.text }),
    svgBox({ x: left + length - 1.5, y: base - 6, width: 1.5, height: 8, fill: INK.text }),
    svgText(label, { x: left, y: base - 10, size: 13, weight: 'semibold' }),
  ];
}
