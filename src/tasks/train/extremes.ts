import sharp from 'sharp';
import { parseColor } from '../../card/index.js';
import { throwIfAborted } from '../../errors.js';
import { accuracy, addToConfusion, confusionMatrix } from '../../metrics/index.js';
import type { TaskContext } from '../../run/index.js';
import { predictMaps, targetsOf, type Recipe } from '../../train/index.js';
import { drawClasses } from './diary.js';
import type { Examined, ReportSample } from './examined.js';
import type { LoadedChips, LoadedMaps } from './samples.js';
import type { MapShape } from './scores.js';

/** Samples that are shown of each kind, and pictures that are looked at to find them. */
const SHOWN = 6;
const LOOKED_AT = 24;
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

/** Pictures whose maps are right in the largest and the smallest share of their pixels; of evenly spread ones where there are many. */
export async function extremePictures(model: Uint8Array, full: LoadedMaps, places: Int32Array, shape: MapShape, recipe: Recipe, context: TaskContext): Promise<Examined['extremes']> {
  const { samples } = full;
  const step = Math.max(1, places.length / LOOKED_AT);
  const looked = Array.from({ length: Math.min(places.length, LOOKED_AT) }, (_, index) => places[Math.floor(index * step)]!);
  const maps = new Map<number, Uint8Array>();
  const wrong: number[] = [];
  for await (const { place, classes } of predictMaps(model, samples, looked, { ...shape, classes: full.outputs.length })) {
    throwIfAborted(context.signal);
    const matrix = confusionMatrix(full.outputs.length);
    addToConfusion(matrix, samples.read(place).mask, classes);
    maps.set(place, classes);
    wrong.push(1 - accuracy(matrix));
  }
  const colors = samples.colors.map((color, id) => parseColor(recipe.card.colors?.[full.outputs[id]!] ?? color));
  return chosen(wrong.map((share) => (Number.isNaN(share) ? 1 : share)), async (row): Promise<ReportSample> => {
    const { name, group, width, height, pixels, mask } = samples.read(looked[row]!);
    const small = async (png: Uint8Array): Promise<Uint8Array> => sharp(png).resize(EDGE, EDGE, { fit: 'inside', kernel: 'nearest', withoutEnlargement: true }).png({ palette: true }).toBuffer();
    return {
      name: group === '' ? name : `${group}/${name}`, text: `${((1 - wrong[row]!) * 100).toFixed(1)} % of pixels right · picture, truth, answer`,
      pictures: [
        await sharp(pixels, { raw: { width, height, channels: 3 } }).resize(EDGE, EDGE, { fit: 'inside', withoutEnlargement: true }).jpeg({ quality: 85 }).toBuffer(),
        await small(await drawClasses({ width, height, classes: mask }, colors)), await small(await drawClasses({ width, height, classes: maps.get(looked[row]!)! }, colors)),
      ],
    };
  });
}

async function chosen(losses: readonly number[], sample: (row: number) => Promise<ReportSample>): Promise<Examined['extremes']> {
  const order = losses.map((_, row) => row).sort((a, b) => losses[a]! - losses[b]! || a - b);
  const half = Math.min(SHOWN, Math.floor(order.length / 2));
  return { best: await Promise.all(order.slice(0, half).map(sample)), worst: await Promise.all(order.slice(order.length - half).reverse().map(sample)) };
}
