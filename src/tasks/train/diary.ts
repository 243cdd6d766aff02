import sharp, { type Sharp } from 'sharp';
import { join } from 'node:path';
import { parseColor } from '../../card/index.js';
import { makeFolder } from '../../run/index.js';
import type { TaskContext } from '../../run/index.js';
import { averageSquares, type Picture } from '../../dataset/index.js';
import { IGNORE, stripsOf, type MapSamples } from '../../samples/index.js';
import { drawCurves, MAP_EDGE, resolveStages, sketchMap, totalEpochs, type EpochRecord, type PredictedMap, type Recipe, type Validation, writeWhole } from '../../train/index.js';
import { patchMapOf } from './patch-map.js';
import { areChips, type LoadedSamples } from './samples.js';

/** What is written after every epoch. */
export interface Diary {
  scoreIs(name: string): void;
  write(record: EpochRecord, history: readonly EpochRecord[], validation: Validation): Promise<void>;
}

const UNKNOWN: ArrayLike<number> = [40, 40, 40];

/**
 * After each epoch: a line, `history.csv`, `curves.png`, and for maps and classifiers of patches what the network says of the first
 * validation picture, `maps/epoch-003.png`, beside its truth and the picture itself, which are drawn once before.
 */
export async function createDiary(folder: string, recipe: Recipe, loaded: LoadedSamples, context: TaskContext, name = recipe.name): Promise<Diary> {
  const stages = resolveStages(recipe);
  const total = totalEpochs(recipe);
  const colors = loaded.samples.colors.map((color, id) => parseColor(recipe.card.colors?.[loaded.outputs[id]!] ?? color));
  const maps = join(folder, 'maps');
  let scoreName = '';
  const place = loaded.split.validation[0];
  const patches = patchMapOf(loaded);
  if (patches !== undefined) {
    await makeFolder(maps);
    await writeWhole(maps, 'truth.png', await drawClasses(patches.truth(), colors));
    await writeWhole(maps, 'picture.png', await patches.picture());
    context.onProgress?.({ stage: 'train', done: 0, total: 1, unit: 'times', detail: `note: maps/epoch-….png have the class of ${patches.columns} × ${patches.rows} patches, one every ${patches.stride} pixels of the first validation scene` });
  }
  if (!areChips(loaded) && place !== undefined) {
    await makeFolder(maps);
    const { truth, picture } = sketchPicture(loaded.samples, place);
    await writeWhole(maps, 'truth.png', await drawClasses(truth, colors));
    await writeWhole(maps, 'picture.png', await shrunk(sharp(picture.data, { raw: { width: picture.width, height: picture.height, channels: 3 } })));
  }
  return {
    scoreIs(name) { scoreName = name; },
    async write(record, history, validation) {
      await writeWhole(folder, 'history.csv', historyCsv(history, stages.map((stage) => stage.name)));
      await writeWhole(folder, 'curves.png', await drawCurves(history, name, scoreName));
      if (validation.map !== undefined) await writeWhole(maps, `epoch-${String(record.epoch).padStart(3, '0')}.png`, await drawClasses(validation.map, colors));
      context.onProgress?.({ stage: 'train', done: record.epoch, total, unit: 'epochs', detail: describe(record, scoreName, stages.length > 1 ? stages[record.stage ?? 0]!.name : undefined) });
    },
  };
}

/** A picture and its truth, in few more pixels than are drawn, read strip by strip. */
function sketchPicture(samples: MapSamples, place: number): { readonly truth: PredictedMap; readonly picture: Picture } {
  const { width, height } = samples.pictures[place]!;
  const factor = Math.max(1, Math.floor(Math.max(width, height) / MAP_EDGE));
  const sketch = sketchMap(width, height);
  const parts: Uint8Array[] = [];
  for (const { y, height: rows, pixels, mask } of stripsOf(samples, place, factor)) {
    sketch.put({ x: 0, y, width, height: rows }, mask);
    parts.push(averageSquares({ width, height: rows, data: pixels }, factor).data);
  }
  return { truth: sketch.map, picture: { width: Math.floor(width / factor), height: Math.floor(height / factor), data: Buffer.concat(parts) } };
}

/** Class ids in the classes' colours, as PNG; pixels of no class dark. */
export async function drawClasses({ width, height, classes }: PredictedMap, colors: readonly ArrayLike<number>[]): Promise<Uint8Array> {
  const out = new Uint8Array(width * height * 3);
  for (let i = 0; i < classes.length; i++) {
    const color = classes[i] === IGNORE ? UNKNOWN : colors[classes[i]!] ?? UNKNOWN;
    for (let band = 0; band < 3; band++) out[i * 3 + band] = color[band]!;
  }
  return shrunk(sharp(out, { raw: { width, height, channels: 3 } }), 'nearest');
}

function shrunk(picture: Sharp, kernel: 'nearest' | 'lanczos3' = 'lanczos3'): Promise<Buffer> {
  return picture.resize(MAP_EDGE, MAP_EDGE, { fit: 'inside', withoutEnlargement: true, kernel }).png().toBuffer();
}

function describe(record: EpochRecord, scoreName: string, stage: string | undefined): string {
  const validated = Number.isFinite(record.score) ? ` · validation loss ${record.validationLoss.toFixed(4)} · ${scoreName} ${record.score.toFixed(4)}` : '';
  return `${stage === undefined ? '' : `${stage} · `}loss ${record.loss.toFixed(4)}${validated} · ${record.seconds.toFixed(0)} s`;
}

/** The history as a table; the column `stage` only where there are several. */
export function historyCsv(history: readonly EpochRecord[], stages: readonly string[]): string {
  const extra = Object.keys(history[0]?.values ?? {});
  const number = (value: number | undefined): string => (value === undefined || !Number.isFinite(value) ? '' : String(value));
  const several = stages.length > 1;
  const lines = history.map((record) => [
    record.epoch, number(record.rate), number(record.loss), number(record.validationLoss), number(record.score), record.seconds.toFixed(1), ...extra.map((key) => number(record.values[key])), ...(several ? [stages[record.stage ?? 0]] : []),
  ].join(','));
  return `${['epoch', 'rate', 'loss', 'validation_loss', 'score', 'seconds', ...extra, ...(several ? ['stage'] : [])].join(',')}\n${lines.join('\n')}\n`;
}
