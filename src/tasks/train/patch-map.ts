import sharp from 'sharp';
import type { WindowChips } from '../../dataset/index.js';
import { IGNORE } from '../../samples/index.js';
import { predictInput, type Learner, type Network, type PredictedMap, type Tensorflow } from '../../train/index.js';
import { areChips, type LoadedSamples } from './samples.js';

/** Most patches of a map, and no more than there are validation chips: a map never takes longer than the validation beside it. */
const MOST = 4096;
/** Longest edge of a map's picture, in pixels. */
const EDGE = 1024;

/** What a classifier of patches says of the first validation picture, at a coarse stride. */
export interface PatchMap {
  /** Pixels of the picture from one patch to the next. */
  readonly stride: number;
  /** Patches along the edges. */
  readonly columns: number;
  readonly rows: number;
  /** Pixels of the drawn map that a patch is wide and high. */
  readonly cell: number;
  predict(tf: Tensorflow, network: Network, signal?: AbortSignal): Promise<PredictedMap>;
  /** Classes of the mask on the same ground, and the picture itself as PNG; both in the size of the drawn map. */
  truth(): PredictedMap;
  picture(): Promise<Uint8Array>;
}

/** The map of chips that have the class of their middle pixel; undefined for other samples, and where nothing is validated. */
export function patchMapOf(loaded: LoadedSamples): PatchMap | undefined {
  if (!areChips(loaded) || !loaded.samples.exclusive || loaded.split.validation.length === 0 || !('cutFrom' in loaded.samples)) return undefined;
  const samples = loaded.samples as WindowChips;
  const { maps, chip } = samples.cutFrom;
  const { validation } = loaded.split;
  const place = samples.placeOf(validation[0]!);
  const { width, height } = maps.pictures[place]!;
  const stride = Math.max(1, Math.ceil(Math.sqrt(((width - chip + 1) * (height - chip + 1)) / Math.min(MOST, validation.length))));
  const [columns, rows] = [Math.floor((width - chip) / stride) + 1, Math.floor((height - chip) / stride) + 1];
  const cell = Math.max(1, Math.min(stride, Math.floor(EDGE / Math.max(columns, rows))));
  const middle = Math.floor(chip / 2);
  const { size } = samples;
  const tags = samples.tags.length;
  const pixels = new Uint8Array(size * size * 3);
  /** Around the middles of the patches. */
  const ground = { x: Math.max(0, middle - Math.floor(stride / 2)), y: Math.max(0, middle - Math.floor(stride / 2)) };
  const area = { ...ground, width: Math.min(columns * stride, width - ground.x), height: Math.min(rows * stride, height - ground.y) };
  return {
    stride, columns, rows, cell,
    async predict(tf, network, signal) {
      const input = {
        shape: [size, size, 3],
        write(out: Float32Array, offset: number, at: number): void {
          samples.readAt(place, (at % columns) * stride, Math.floor(at / columns) * stride, pixels, 0);
          out.set(pixels, offset);
        },
      };
      const scores = await predictInput(tf, network.scores, input, Int32Array.from({ length: columns * rows }, (_, at) => at), signal);
      const classes = Uint8Array.from({ length: columns * rows }, (_, at) => likeliest(scores, at * tags, tags));
      return enlarged({ width: columns, height: rows, classes }, cell);
    },
    truth() {
      const { mask } = maps.readWindow(place, area);
      const [w, h] = [columns * cell, rows * cell];
      const at = (i: number, to: number, from: number): number => Math.min(from - 1, Math.floor(((i + 0.5) * from) / to));
      return { width: w, height: h, classes: Uint8Array.from({ length: w * h }, (_, i) => mask[at(Math.floor(i / w), h, area.height) * area.width + at(i % w, w, area.width)] ?? IGNORE) };
    },
    async picture() {
      const { pixels: whole } = maps.readWindow(place, area);
      return sharp(whole, { raw: { width: area.width, height: area.height, channels: 3 } }).resize(columns * cell, rows * cell, { fit: 'fill' }).png().toBuffer();
    },
  };
}

/** A learner whose validation has that map, too. */
export function withMap(tf: Tensorflow, learner: Learner, network: Network, map: PatchMap | undefined): Learner {
  if (map === undefined) return learner;
  return { ...learner, validate: async (signal) => ({ ...await learner.validate(signal), map: await map.predict(tf, network, signal) }) };
}

function likeliest(scores: Float32Array, at: number, count: number): number {
  let best = 0;
  for (let id = 1; id < count; id++) if (scores[at + id]! > scores[at + best]!) best = id;
  return best;
}

function enlarged({ width, height, classes }: PredictedMap, factor: number): PredictedMap {
  const wide = width * factor;
  return { width: wide, height: height * factor, classes: Uint8Array.from({ length: wide * height * factor }, (_, i) => classes[Math.floor(i / wide / factor) * width + Math.floor((i % wide) / factor)]!) };
}
