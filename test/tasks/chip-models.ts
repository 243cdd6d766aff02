import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelCard } from '../../src/card/index.js';
import { createCog } from '../../src/cog/index.js';
import { crsFromEpsg } from '../../src/georef/index.js';
import { encodeModel, floatTensor, node, valueInfo } from '../../src/onnx/index.js';

/** Tags of {@link bandMeans}; one with a space, one with a comma. */
export const TAGS = ['red', 'light green', 'blue, bright'] as const;

export interface BandMeansOptions {
  /** Edge of the input; default free. */
  readonly size?: number;
  readonly card?: Partial<ModelCard>;
  /** Multiplies the means; another one is another model. Default 1 / 255. */
  readonly factor?: number;
  readonly name?: string;
}

/**
 * A model whose answers are known: the means of the three bands ÷ 255, as probabilities of three tags and as feature vector
 * of length 3. @returns its folder.
 */
export function bandMeans(folder: string, options: BandMeansOptions = {}): string {
  const name = options.name ?? 'band-means';
  const size = options.size ?? -1;
  const place = join(folder, name);
  mkdirSync(place, { recursive: true });
  const edge = size === -1 ? ['h', 'w'] : [size, size];
  writeFileSync(join(place, 'model.onnx'), encodeModel({
    irVersion: 8, opsetImport: [{ domain: '', version: 17 }], producerName: 'tilewright tests',
    graph: {
      name,
      node: [
        node('Mul', ['input', 'factor'], ['scaled']), node('GlobalAveragePool', ['scaled'], ['pooled']), node('Flatten', ['pooled'], ['scores'], { axis: 1 }),
      ],
      initializer: [floatTensor('factor', [1], [options.factor ?? 1 / 255])],
      input: [valueInfo('input', 'float32', ['n', 3, ...edge])], output: [valueInfo('scores', 'float32', ['n', 3])],
    },
  }));
  const card: ModelCard = {
    card_version: 1, name, task: 'multi-label-classification', file: 'model.onnx',
    input: { bands: ['red', 'green', 'blue'], dim_order: 'bchw', shape: [-1, 3, size, size], data_type: 'float32' },
    output: {
      dim_order: 'bc', activation: 'none',
      classes: TAGS.map((tag, value) => ({ value, name: tag, color_hint: ['#cc0000', '#00cc00', '#0000cc'][value]!, threshold: 0.4 })),
      features: { name: 'scores', dimensions: 3 },
    },
    ...options.card,
  };
  writeFileSync(join(place, 'card.json'), JSON.stringify(card));
  return place;
}

/** Pixel-interleaved pixels of three bands. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A scene of cells of one colour each. */
export function cells(size: { readonly columns: number; readonly rows: number; readonly cell: number }, colorOf: (column: number, row: number) => readonly number[]): Pixels {
  const [width, height] = [size.columns * size.cell, size.rows * size.cell];
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) data.set(colorOf(Math.floor(x / size.cell), Math.floor(y / size.cell)), (y * width + x) * 3);
  }
  return { data, width, height };
}

/** Uncorrelated pixels whose mean differs from place to place. */
export function patches(width: number, height: number, seed = 1): Pixels {
  let state = seed;
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const bright = (Math.floor(x / 40) * 7 + Math.floor(y / 40) * 3) % 3;
      for (let b = 0; b < 3; b++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        data[(y * width + x) * 3 + b] = 1 + (state >>> 25) + (b === bright ? 100 : 0);
      }
    }
  }
  return { width, height, data };
}

/** Sets a rectangle to 0, the nodata value of {@link writeScene}. */
export function erase(pixels: Pixels, x: number, y: number, width: number, height: number): void {
  for (let row = y; row < y + height; row++) pixels.data.fill(0, (row * pixels.width + x) * 3, (row * pixels.width + x + width) * 3);
}

/** Writes pixels as a GeoTIFF: 2 m per pixel, unless told otherwise, in UTM 33N, from easting 500,000, unless told otherwise, and northing 4,000,000; nodata 0. */
export async function writeScene(path: string, pixels: Pixels, { pixel = 2, x = 500_000 }: { readonly pixel?: number; readonly x?: number } = {}): Promise<string> {
  const writer = await createCog({
    width: pixels.width, height: pixels.height, bands: 3, dtype: 'uint8', scratch: `${path}.scratch`, blockSize: 64, nodata: 0,
    transform: [x, pixel, 0, 4_000_000, 0, -pixel], crs: crsFromEpsg(32633)!,
  });
  await writer.write(pixels.data, pixels.height);
  await writer.finish(path);
  await writer.abort();
  return path;
}

/** Means of the bands over a window, ÷ 255. */
export function meansOf(pixels: Pixels, x: number, y: number, edge: number): number[] {
  const sums = [0, 0, 0];
  for (let row = y; row < y + edge; row++) {
    for (let column = x; column < x + edge; column++) for (let b = 0; b < 3; b++) sums[b]! += pixels.data[(row * pixels.width + column) * 3 + b]!;
  }
  return sums.map((sum) => sum / (edge * edge) / 255);
}
