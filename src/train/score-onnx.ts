import * as ort from 'onnxruntime-node';
import { throwIfAborted } from '../errors.js';
import { accuracy, addToConfusion, confusionMatrix, type ConfusionMatrix } from '../metrics/index.js';
import type { ChipSamples, MapSamples, MaskedPicture } from '../samples/index.js';

/** Chips at a time, and pixels of a picture that are answered at a time: bounds memory, not results. */
const CHIPS_AT_A_TIME = 256;
const BLOCK = 768;

/**
 * Runs an exported chip model as its users will, on uint8 chips.
 * @returns the output `name`, `[places, n]`
 */
export async function runChips(model: Uint8Array, chips: ChipSamples, places: Int32Array, name: string, signal?: AbortSignal): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(model);
  try {
    const length = chips.size * chips.size * 3;
    const parts: Float32Array[] = [];
    for (let start = 0; start < places.length; start += CHIPS_AT_A_TIME) {
      throwIfAborted(signal);
      const part = places.subarray(start, start + CHIPS_AT_A_TIME);
      const pixels = new Uint8Array(part.length * length);
      part.forEach((chip, index) => chips.read(chip, pixels, index * length));
      const results = await session.run({ image: new ort.Tensor('uint8', pixels, [part.length, chips.size, chips.size, 3]) });
      parts.push((results[name]!.data as Float32Array).slice());
    }
    const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
    parts.reduce((at, part) => { out.set(part, at); return at + part.length; }, 0);
    return out;
  } finally {
    await session.release();
  }
}

export interface ScoreMapsOptions {
  readonly classes: number;
  /** Edges of the input must be a multiple of this. */
  readonly multiple: number;
  /** Input pixels that influence one output pixel, along one axis: each block is read with half of it around. */
  readonly receptiveField: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
  /** Called with the answer for each picture and the share of its pixels that is right (not a number where none has a class). */
  readonly onPicture?: (place: number, classes: Uint8Array, right: number) => void;
}

/**
 * Compares the most likely class of an exported map model with the masks, at full resolution. Pictures are worked on in
 * blocks with enough around them that the answer is that for the whole picture at once.
 */
export async function scoreMaps(model: Uint8Array, samples: Pick<MapSamples, 'read'>, places: ArrayLike<number>, options: ScoreMapsOptions): Promise<ConfusionMatrix> {
  const matrix = confusionMatrix(options.classes);
  let done = 0;
  for await (const { place, classes } of predictMaps(model, samples, places, options)) {
    const one = confusionMatrix(options.classes);
    addToConfusion(one, samples.read(place).mask, classes);
    one.counts.forEach((count, cell) => { matrix.counts[cell]! += count; });
    options.onPicture?.(place, classes, accuracy(one));
    options.onProgress?.(++done, places.length);
  }
  return matrix;
}

/** The most likely classes of pictures, one after the other, `[height, width]`. */
async function* predictMaps(model: Uint8Array, samples: Pick<MapSamples, 'read'>, places: ArrayLike<number>, options: ScoreMapsOptions): AsyncGenerator<{ readonly place: number; readonly classes: Uint8Array }> {
  const session = await ort.InferenceSession.create(model, { enableCpuMemArena: false });
  try {
    for (let index = 0; index < places.length; index++) yield { place: places[index]!, classes: await predictMap(session, samples.read(places[index]!), options) };
  } finally {
    await session.release();
  }
}

async function predictMap(session: ort.InferenceSession, picture: MaskedPicture, options: ScoreMapsOptions): Promise<Uint8Array> {
  const { classes, multiple, signal } = options;
  const around = Math.ceil(options.receptiveField / 2 / multiple) * multiple;
  const out = new Uint8Array(picture.width * picture.height);
  for (let y = 0; y < picture.height; y += BLOCK) {
    for (let x = 0; x < picture.width; x += BLOCK) {
      throwIfAborted(signal);
      const block = { x, y, width: Math.min(BLOCK, picture.width - x), height: Math.min(BLOCK, picture.height - y) };
      const left = Math.max(0, x - around);
      const top = Math.max(0, y - around);
      const width = Math.ceil((Math.min(picture.width, x + block.width + around) - left) / multiple) * multiple;
      const height = Math.ceil((Math.min(picture.height, y + block.height + around) - top) / multiple) * multiple;
      const pixels = copyWindow(picture, { x: left, y: top, width, height });
      const { scores } = await session.run({ image: new ort.Tensor('uint8', pixels, [1, height, width, 3]) });
      keepLikeliest(out, picture.width, block, { data: scores!.data as Float32Array, classes, width, height, left, top });
    }
  }
  return out;
}

interface Box { readonly x: number; readonly y: number; readonly width: number; readonly height: number }

/** A window of a picture; beyond its edges the last row or column is repeated. */
function copyWindow(picture: MaskedPicture, box: Box): Uint8Array {
  const out = new Uint8Array(box.width * box.height * 3);
  for (let row = 0, to = 0; row < box.height; row++) {
    const start = Math.min(box.y + row, picture.height - 1) * picture.width;
    for (let column = 0; column < box.width; column++, to += 3) {
      const from = (start + Math.min(box.x + column, picture.width - 1)) * 3;
      out[to] = picture.pixels[from]!;
      out[to + 1] = picture.pixels[from + 1]!;
      out[to + 2] = picture.pixels[from + 2]!;
    }
  }
  return out;
}

interface Scores { readonly data: Float32Array; readonly classes: number; readonly width: number; readonly height: number; readonly left: number; readonly top: number }

function keepLikeliest(out: Uint8Array, stride: number, block: Box, scores: Scores): void {
  const { data, classes, width, height, left, top } = scores;
  const plane = width * height;
  for (let y = block.y; y < block.y + block.height; y++) {
    for (let x = block.x; x < block.x + block.width; x++) {
      const at = (y - top) * width + x - left;
      let best = 0;
      for (let id = 1; id < classes; id++) if (data[id * plane + at]! > data[best * plane + at]!) best = id;
      out[y * stride + x] = best;
    }
  }
}
