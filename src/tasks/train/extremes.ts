import sharp from 'sharp';
import { parseColor } from '../../card/index.js';
import { targetsOf, type Recipe } from '../../train/index.js';
import { drawClasses } from './diary.js';
import type { Examined, ReportSample } from './examined.js';
import type { LoadedChips, LoadedMaps } from './samples.js';

/** Samples that are shown of each kind. */
const SHOWN = 6;
/** Longest edge of a picture in the report, in pixels. */
const EDGE = 256;

/** Chips whose answers fit their truth best and worst, by cross-entropy. */
export async function extremeChips(chips: LoadedChips, places: Int32Array, answers: Float32Array, thresholds: readonly number[] | undefined): Promise<Examined['extremes']> {
  const { samples } = chips;
  const count = samples.tags.length;
  const truth = targetsOf(samples, places);
  const losses = Array.from(places, (_, row) => {
    let loss = 0;
    for (let at = row * count; at < (row + 1) * count; at++) {
      const p = Math.min(1 - 1e-7, Math.max(1e-7, answers[at]!));
      loss -= truth[at] === 1 ? Math.log(p) : thresholds === undefined ? 0 : Math.log(1 - p);
    }
    return loss;
  });
  const sample = async (row: number): Promise<ReportSample> => {
    const pixels = new Uint8Array(samples.size * samples.size * 3);
    samples.read(places[row]!, pixels, 0);
    const cells = samples.tags.map((name, id) => ({ name, real: truth[row * count + id] === 1, p: answers[row * count + id]! }));
    const best = Math.max(...cells.map((cell) => cell.p));
    const answered = cells.filter((cell, id) => (thresholds === undefined ? cell.p === best : cell.p >= thresholds[id]!));
    return {
      name: samples.nameOf(places[row]!), pictures: [await sharp(pixels, { raw: { width: samples.size, height: samples.size, channels: 3 } }).resize(EDGE / 2, EDGE / 2, { fit: 'inside', withoutEnlargement: true }).jpeg({ quality: 85 }).toBuffer()],
      text: `true: ${cells.filter((cell) => cell.real).map((cell) => cell.name).join(' ') || 'none'} · answered: ${answered.map((cell) => `${cell.name} ${cell.p.toFixed(2)}`).join(', ') || 'none'}`,
    };
  };
  return chosen(losses, sample);
}

/** Keeps the maps of the pictures that are right in the largest and the smallest share of their pixels, and draws them. */
export interface PictureExtremes {
  add(place: number, classes: Uint8Array, right: number): void;
  draw(): Promise<Examined['extremes']>;
}

interface KeptMap { readonly place: number; readonly classes: Uint8Array; readonly right: number }

export function collectExtremes({ samples, outputs }: LoadedMaps, recipe: Recipe): PictureExtremes {
  let best: KeptMap[] = [];
  let worst: KeptMap[] = [];
  let seen = 0;
  const colors = samples.colors.map((color, id) => parseColor(recipe.card.colors?.[outputs[id]!] ?? color));
  const small = async (png: Uint8Array): Promise<Uint8Array> => sharp(png).resize(EDGE, EDGE, { fit: 'inside', kernel: 'nearest', withoutEnlargement: true }).png({ palette: true }).toBuffer();
  const sample = async ({ place, classes, right }: KeptMap): Promise<ReportSample> => {
    const { name, group, width, height, pixels, mask } = samples.read(place);
    return {
      name: group === '' ? name : `${group}/${name}`, text: `${(right * 100).toFixed(1)} % of pixels right · picture, truth, answer`,
      pictures: [
        await sharp(pixels, { raw: { width, height, channels: 3 } }).resize(EDGE, EDGE, { fit: 'inside', withoutEnlargement: true }).jpeg({ quality: 85 }).toBuffer(),
        await small(await drawClasses({ width, height, classes: mask }, colors)), await small(await drawClasses({ width, height, classes }, colors)),
      ],
    };
  };
  return {
    add(place, classes, right) {
      if (Number.isNaN(right)) return;
      seen++;
      best = [...best, { place, classes, right }].sort((a, b) => b.right - a.right).slice(0, SHOWN);
      worst = [...worst, { place, classes, right }].sort((a, b) => a.right - b.right).slice(0, SHOWN);
    },
    async draw() {
      const half = Math.min(SHOWN, Math.floor(seen / 2));
      return { best: await Promise.all(best.slice(0, half).map(sample)), worst: await Promise.all(worst.slice(0, half).map(sample)) };
    },
  };
}

async function chosen(losses: readonly number[], sample: (row: number) => Promise<ReportSample>): Promise<Examined['extremes']> {
  const order = losses.map((_, row) => row).sort((a, b) => losses[a]! - losses[b]! || a - b);
  const half = Math.min(SHOWN, Math.floor(order.length / 2));
  return { best: await Promise.all(order.slice(0, half).map(sample)), worst: await Promise.all(order.slice(order.length - half).reverse().map(sample)) };
}
