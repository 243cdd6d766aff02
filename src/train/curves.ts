import sharp from 'sharp';
import type { EpochRecord } from './checkpoint.js';

const WIDTH = 900;
const HEIGHT = 360;
const MARGIN = { left: 58, right: 18, top: 40, bottom: 40 };
const GAP = 70;

interface Line { readonly name: string; readonly color: string; readonly values: readonly number[] }

/** Learning curves as PNG: losses on the left, the validation score on the right, by epoch. */
export async function drawCurves(history: readonly EpochRecord[], title: string, scoreName: string): Promise<Uint8Array> {
  const half = (WIDTH - GAP) / 2;
  const losses: Line[] = [
    { name: 'loss', color: '#1f6fb2', values: history.map((record) => record.loss) },
    { name: 'validation loss', color: '#d9622b', values: history.map((record) => record.validationLoss) },
  ];
  const scores: Line[] = [{ name: `validation ${scoreName}`, color: '#2b8a3e', values: history.map((record) => record.score) }];
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="DejaVu Sans, Noto Sans, Arial, sans-serif" font-size="13" fill="#222">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<text x="${MARGIN.left}" y="20" font-size="15" font-weight="bold">${escapeXml(title)}</text>`,
    panel(losses, 0, half),
    panel(scores, half + GAP, half),
    '</svg>',
  ].join('');
  return sharp(Buffer.from(svg)).png({ palette: true }).toBuffer();
}

function panel(lines: readonly Line[], left: number, width: number): string {
  const values = lines.flatMap((line) => line.values).filter(Number.isFinite);
  const low = values.length === 0 ? 0 : Math.min(...values);
  const high = values.length === 0 ? 1 : Math.max(...values);
  const span = high - low || Math.abs(high) || 1;
  const count = lines[0]!.values.length;
  const x0 = left + MARGIN.left;
  const x1 = left + width - MARGIN.right;
  const y0 = HEIGHT - MARGIN.bottom;
  const y1 = MARGIN.top;
  const x = (index: number): number => (count === 1 ? (x0 + x1) / 2 : x0 + ((x1 - x0) * index) / (count - 1));
  const y = (value: number): number => y0 - ((value - low) / span) * (y0 - y1);
  const parts = [`<path d="M${x0} ${y1}V${y0}H${x1}" fill="none" stroke="#888"/>`];
  for (let tick = 0; tick <= 4; tick++) {
    const value = low + (span * tick) / 4;
    parts.push(`<path d="M${x0} ${y(value).toFixed(1)}H${x1}" stroke="#e4e4e4"/><text x="${x0 - 6}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end">${value.toFixed(3)}</text>`);
  }
  const step = Math.max(1, Math.ceil(count / 8));
  for (let index = 0; index < count; index += step) parts.push(`<text x="${x(index).toFixed(1)}" y="${y0 + 18}" text-anchor="middle">${index + 1}</text>`);
  parts.push(`<text x="${(x0 + x1) / 2}" y="${HEIGHT - 6}" text-anchor="middle">epoch</text>`);
  lines.forEach((line, row) => {
    const points = line.values.flatMap((value, index) => (Number.isFinite(value) ? [`${x(index).toFixed(1)},${y(value).toFixed(1)}`] : []));
    parts.push(`<polyline points="${points.join(' ')}" fill="none" stroke="${line.color}" stroke-width="2"/>`);
    parts.push(...points.map((point) => `<circle cx="${point.split(',')[0]!}" cy="${point.split(',')[1]!}" r="2.5" fill="${line.color}"/>`));
    parts.push(`<text x="${x1}" y="${y1 - 22 + row * 15}" text-anchor="end" fill="${line.color}">${escapeXml(line.name)}</text>`);
  });
  return parts.join('');
}

function escapeXml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
