import { fitText, measureText } from './font.js';
import { significant, ticks } from './format.js';
import { heading } from './map-frame.js';
import { MAX_PICTURE_EDGE, composePng } from './picture.js';
import { INK, svgBox, svgLine, svgText } from './svg.js';

/** Colours of series that have none of their own: told apart also with red-green blindness (Okabe and Ito 2008). */
export const SERIES_COLORS: readonly string[] = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#666666'];

export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
  /** `#rrggbb`; default from {@link SERIES_COLORS}. */
  readonly color?: string;
  readonly dashed?: boolean;
}

export interface LineChartOptions {
  readonly title: string;
  readonly subtitle?: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
  /** Vertical lines with a remark: the best epoch, a threshold. */
  readonly markers?: readonly { readonly x: number; readonly label: string }[];
  /** Ends of the y axis. Default: what the values need. */
  readonly yRange?: readonly [number, number];
  /** Default 960 × 560; at most 2000. */
  readonly width?: number;
  readonly height?: number;
}

const MARGIN = 32;

/** Curves over one pair of axes, as PNG. Points that are not finite break the curve. */
export async function lineChart(options: LineChartOptions): Promise<Buffer> {
  const width = Math.min(MAX_PICTURE_EDGE, options.width ?? 960);
  const height = Math.min(MAX_PICTURE_EDGE, options.height ?? 560);
  const points = options.series.flatMap((series) => series.points).filter((point) => Number.isFinite(point.x) && Number.isFinite(point.y));
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  const yTicks = axisTicks(options.yRange?.[0] ?? least(ys), options.yRange?.[1] ?? most(ys), 6);
  const xLow = least(xs);
  const xHigh = Math.max(most(xs), xLow + 1e-9);
  const xTicks = ticks(xLow, xHigh, 8).filter((tick) => tick >= xLow && tick <= xHigh);
  const yLabels = yTicks.map((tick) => tickLabel(tick, yTicks));
  const left = MARGIN + 24 + Math.max(...yLabels.map((label) => measureText(label, 12))) + 8;
  const top = MARGIN + 28 + (options.subtitle === undefined ? 0 : 22) + 38;
  const right = width - MARGIN;
  const bottom = height - MARGIN - 40;
  const y0 = yTicks[0] ?? 0;
  const y1 = yTicks.at(-1) ?? 1;
  const toX = (x: number): number => left + ((x - xLow) / (xHigh - xLow)) * (right - left);
  const toY = (y: number): number => bottom - ((y - y0) / (y1 - y0 || 1)) * (bottom - top);

  const over = heading(options, width);
  yTicks.forEach((tick, i) => {
    over.push(svgLine([[left, toY(tick)], [right, toY(tick)]], { stroke: i === 0 ? INK.muted : INK.line }));
    over.push(svgText(yLabels[i] ?? '', { x: left - 8, y: toY(tick) + 4, size: 12, fill: INK.muted, anchor: 'end' }));
  });
  for (const tick of xTicks) {
    over.push(svgLine([[toX(tick), bottom], [toX(tick), bottom + 5]], { stroke: INK.muted }));
    over.push(svgText(tickLabel(tick, xTicks), { x: toX(tick), y: bottom + 20, size: 12, fill: INK.muted, anchor: 'middle' }));
  }
  over.push(svgText(options.xLabel, { x: (left + right) / 2, y: height - MARGIN + 4, size: 13, fill: INK.muted, anchor: 'middle' }));
  over.push(svgText(options.yLabel, { x: MARGIN + 10, y: (top + bottom) / 2, size: 13, fill: INK.muted, anchor: 'middle', rotate: -90 }));
  for (const marker of options.markers ?? []) {
    const x = toX(marker.x);
    if (!(x >= left && x <= right)) continue;
    over.push(svgLine([[x, top], [x, bottom]], { stroke: INK.muted, dashes: '4 4' }));
    const end = x + measureText(marker.label, 12) + 8 > right;
    over.push(svgText(marker.label, { x: end ? x - 6 : x + 6, y: top + 12, size: 12, fill: INK.muted, anchor: end ? 'end' : 'start', halo: INK.paper }));
  }
  let keyX = left;
  options.series.forEach((series, i) => {
    const color = series.color ?? SERIES_COLORS[i % SERIES_COLORS.length] ?? INK.text;
    for (const run of finiteRuns(series.points)) {
      const drawn = run.map((point) => [toX(point.x), Math.min(bottom, Math.max(top, toY(point.y)))] as const);
      const [first] = drawn;
      if (drawn.length === 1 && first !== undefined) over.push(svgBox({ x: first[0] - 3, y: first[1] - 3, width: 6, height: 6, radius: 3, fill: color }));
      else over.push(svgLine(drawn, { stroke: color, width: 2.5, ...(series.dashed ? { dashes: '6 5' } : {}) }));
    }
    over.push(svgLine([[keyX, top - 22], [keyX + 22, top - 22]], { stroke: color, width: 3, ...(series.dashed ? { dashes: '6 5' } : {}) }));
    over.push(svgText(series.name, { x: keyX + 30, y: top - 17, size: 13 }));
    keyX += 30 + measureText(series.name, 13) + 28;
  });
  return composePng({ width, height, over });
}

export interface Bar {
  readonly name: string;
  /** At least 0. */
  readonly value: number;
  /** `#rrggbb`. */
  readonly color: string;
  /** What stands at the bar's end. Default: the value with three digits. */
  readonly label?: string;
}

export interface BarChartOptions {
  readonly title: string;
  readonly subtitle?: string;
  readonly bars: readonly Bar[];
  /** Default 900; at most 2000. */
  readonly width?: number;
}

const BAR_ROW = 34;

/** Horizontal bars in their own colours, one row per name, as PNG. More than fit into 2000 pixels are left out and counted. */
export async function barChart(options: BarChartOptions): Promise<Buffer> {
  const width = Math.min(MAX_PICTURE_EDGE, options.width ?? 900);
  const top = MARGIN + 28 + (options.subtitle === undefined ? 0 : 22) + 16;
  const fit = Math.floor((MAX_PICTURE_EDGE - top - MARGIN) / BAR_ROW);
  const bars = options.bars.length > fit ? options.bars.slice(0, fit - 1) : options.bars;
  const hidden = options.bars.length - bars.length;
  const names = Math.min(width * 0.4, Math.max(0, ...bars.map((bar) => measureText(bar.name, 14))));
  const labels = bars.map((bar) => bar.label ?? significant(bar.value));
  const labelWidth = Math.max(0, ...labels.map((label) => measureText(label, 13)));
  const left = MARGIN + names + 14;
  const length = width - MARGIN - labelWidth - 10 - left;
  const longest = Math.max(1e-300, ...bars.map((bar) => bar.value));
  const over = heading(options, width);
  bars.forEach((bar, i) => {
    const y = top + i * BAR_ROW;
    const size = (Math.max(0, bar.value) / longest) * length;
    over.push(
      svgText(fitText(bar.name, names + 1, 14), { x: left - 14, y: y + 20, size: 14, anchor: 'end' }),
      svgBox({ x: left, y: y + 3, width: Math.max(size, 0), height: BAR_ROW - 10, fill: bar.color, radius: 2 }),
      svgText(labels[i] ?? '', { x: left + size + 8, y: y + 20, size: 13, fill: INK.muted }),
    );
  });
  if (hidden > 0) over.push(svgText(`and ${hidden} more`, { x: left, y: top + bars.length * BAR_ROW + 20, size: 13, fill: INK.muted }));
  over.push(svgLine([[left - 0.5, top - 4], [left - 0.5, top + bars.length * BAR_ROW]], { stroke: INK.muted }));
  return composePng({ width, height: top + (bars.length + (hidden > 0 ? 1 : 0)) * BAR_ROW + MARGIN - 6, over });
}

function axisTicks(low: number, high: number, count: number): number[] {
  const spread = high > low ? 0 : Math.abs(low) * 0.1 || 1;
  return ticks(low - spread, high + spread, count);
}

/** As many decimals as the step between the ticks needs. */
function tickLabel(tick: number, all: readonly number[]): string {
  const step = all.length > 1 ? Math.abs((all[1] ?? 1) - (all[0] ?? 0)) : 1;
  const decimals = step >= 1 && Number.isInteger(step) ? 0 : Math.min(6, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) + (String(step / 10 ** Math.floor(Math.log10(step))).startsWith('2.5') ? 1 : 0));
  return Math.abs(tick) >= 1e6 ? tick.toExponential(1) : tick.toFixed(decimals);
}

function finiteRuns(points: Series['points']): Series['points'][] {
  const runs: { readonly x: number; readonly y: number }[][] = [[]];
  for (const point of points) {
    if (Number.isFinite(point.x) && Number.isFinite(point.y)) runs.at(-1)!.push(point);
    else if (runs.at(-1)!.length > 0) runs.push([]);
  }
  return runs.filter((run) => run.length > 0);
}

function least(values: readonly number[]): number {
  return values.reduce((a, b) => Math.min(a, b), values[0] ?? 0);
}

function most(values: readonly number[]): number {
  return values.reduce((a, b) => Math.max(a, b), values[0] ?? 1);
}
