import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import type { LayersModel } from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import { nameFile, throwIfAborted } from '../errors.js';
import type { ChipSamples } from '../samples/index.js';
import type { ChipInput } from './chip-learner.js';
import { exportOnnx } from './export-onnx.js';
import type { SplitNetwork } from './frozen-part.js';
import { getValues } from './weight-values.js';

/** Chips at a time. */
const AT_A_TIME = 32;

export interface FeatureStoreOptions {
  /** Where the features are kept: `<folder>/features-<key>.bin`. */
  readonly folder: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Features of chips on disk, one vector after the other. */
export interface FeatureStore extends ChipInput {
  readonly file: string;
  close(): void;
}

/**
 * What the frozen part of a network makes of each chip, computed once through onnxruntime, which predicts faster than the
 * engine that trains, and kept in a file of `chips × values × 4` bytes. It is named by weights and pixels, so that another
 * network or other chips are never mistaken for it; a file that was cut off goes on where it was.
 */
export async function storeFeatures(split: SplitNetwork, chips: ChipSamples, places: Int32Array, options: FeatureStoreOptions): Promise<FeatureStore> {
  const length = split.shape.reduce((product, size) => product * size, 1);
  const file = `${options.folder}/features-${keyOf(split.frozen, chips, places, split.layer)}.bin`;
  if (!existsSync(file)) await computeFeatures(split, chips, places, { ...options, file, length });
  const slots = new Map(Array.from(places, (chip, slot) => [chip, slot]));
  const handle = openSync(file, 'r');
  return {
    file, shape: split.shape,
    write(out, offset, chip) {
      readSync(handle, new Uint8Array(out.buffer, out.byteOffset + offset * 4, length * 4), 0, length * 4, slots.get(chip)! * length * 4);
    },
    close: () => closeSync(handle),
  };
}

async function computeFeatures(split: SplitNetwork, chips: ChipSamples, places: Int32Array, options: FeatureStoreOptions & { readonly file: string; readonly length: number }): Promise<void> {
  const { file, length } = options;
  const partial = `${file}.partial`;
  const done = existsSync(partial) ? Math.floor(statSync(partial).size / (length * 4)) : 0;
  const session = await ort.InferenceSession.create(exportOnnx({ name: 'features', outputs: { features: split.frozen } }));
  const handle = await open(partial, 'a');
  try {
    await handle.truncate(done * length * 4);
    const bytes = chips.size * chips.size * 3;
    for (let start = done; start < places.length; start += AT_A_TIME) {
      await new Promise(setImmediate);
      throwIfAborted(options.signal);
      const part = places.subarray(start, start + AT_A_TIME);
      const pixels = new Uint8Array(part.length * bytes);
      part.forEach((chip, index) => chips.read(chip, pixels, index * bytes));
      const found = await session.run({ image: new ort.Tensor('uint8', pixels, [part.length, chips.size, chips.size, 3]) });
      const values = channelsLast(found['features']!.data as Float32Array, split.shape, part.length);
      await handle.appendFile(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      options.onProgress?.(start + part.length, places.length);
    }
    await handle.sync();
  } catch (error) {
    throw nameFile(error, file);
  } finally {
    await handle.close();
    await session.release();
  }
  await rename(partial, file);
}

/** ONNX has channels before rows, the layers after the cut have them last. */
function channelsLast(values: Float32Array, shape: readonly number[], count: number): Float32Array {
  if (shape.length === 1) return values;
  const [height, width, channels] = shape as [number, number, number];
  const out = new Float32Array(values.length);
  const pixels = height * width;
  for (let item = 0; item < count; item++) {
    for (let channel = 0; channel < channels; channel++) {
      const from = (item * channels + channel) * pixels;
      for (let pixel = 0; pixel < pixels; pixel++) out[(item * pixels + pixel) * channels + channel] = values[from + pixel]!;
    }
  }
  return out;
}

function keyOf(model: LayersModel, chips: ChipSamples, places: Int32Array, layer: string): string {
  const hash = createHash('sha256').update(layer).update(JSON.stringify([model.getConfig(), chips.size]));
  for (const values of getValues(model)) hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  hash.update(chips.fingerprint).update(new Uint8Array(places.buffer, places.byteOffset, places.byteLength));
  return hash.digest('hex').slice(0, 16);
}
