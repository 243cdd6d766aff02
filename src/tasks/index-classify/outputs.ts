import { classColors, parseColor } from '../../card/index.js';
import { createCog } from '../../cog/index.js';
import type { IndexEntry, IndexSource, OpenIndex } from '../../index-store/index.js';
import type { TaskContext } from '../../run/index.js';
import type { VectorMatrix } from '../../search/index.js';
import { sceneGrid } from '../search/scene-grid.js';
import { decide } from './classifier.js';
import type { Classifier } from './classifier.js';
import type { LabelSet } from './labels.js';

/** An entry with what the classifier says of it. */
export interface TaggedEntry {
  readonly row: number;
  readonly entry: IndexEntry;
  /** One per class or tag. */
  readonly probabilities: Float64Array;
  readonly tags: readonly number[];
}

/** All entries with their tags, in order; vectors and entries are read some thousands at a time. */
export async function* taggedEntries(index: OpenIndex, matrix: VectorMatrix, classifier: Classifier, labels: LabelSet, context: TaskContext): AsyncGenerator<TaggedEntry> {
  const { signal } = context;
  const { dimensions } = matrix;
  const width = labels.names.length;
  const blocks = matrix.blocks(signal === undefined ? {} : { signal });
  try {
    let block = await blocks.next();
    let done = 0;
    for await (const batch of index.batches(signal)) {
      for (let i = 0; i < batch.count; i++) {
        const row = batch.first + i;
        while (!block.done && row >= block.value.first + block.value.count) block = await blocks.next();
        if (block.done) return;
        const at = (row - block.value.first) * dimensions;
        const found = classifier.probabilities(block.value.rows.subarray(at, at + dimensions), 1);
        yield { row, entry: batch.entry(i), probabilities: found, tags: decide(labels.kind, found, 0, width) };
      }
      done += batch.count;
      context.onProgress?.({ stage: 'classify', done, total: index.count, unit: 'entries' });
    }
  } finally {
    await blocks.return(undefined);
  }
}

/**
 * Writes a map of a scene, one pixel per chip: class ids with a palette, from 1 on (0: no chip), or one band of probabilities
 * per tag.
 */
export async function writeClassMap(index: OpenIndex, matrix: VectorMatrix, source: IndexSource, classifier: Classifier, labels: LabelSet, path: string, context: TaskContext): Promise<void> {
  const grid = await sceneGrid(index, source, '-o');
  const width = labels.names.length;
  const size = grid.width * grid.height;
  const one = labels.kind === 'one';
  const values = one ? new Uint8Array(size) : new Float32Array(size * width).fill(Number.NaN);
  const end = grid.first + grid.pixelOf.length;
  for await (const { first, count, rows } of matrix.blocks({ wanted: (from, length) => from < end && from + length > grid.first, ...(context.signal === undefined ? {} : { signal: context.signal }) })) {
    const found = classifier.probabilities(rows, count);
    for (let i = 0; i < count; i++) {
      const pixel = grid.pixelOf[first + i - grid.first] ?? -1;
      if (pixel < 0) continue;
      if (one) values[pixel] = 1 + decide('one', found, i * width, width)[0]!;
      else for (let k = 0; k < width; k++) values[pixel * width + k] = found[i * width + k]!;
    }
  }
  const palette = [[0, 0, 0, 0] as const, ...classColors(labels.names).map(parseColor)];
  const writer = await createCog({
    width: grid.width, height: grid.height, bands: one ? 1 : width, dtype: one ? 'uint8' : 'float32', nodata: one ? 0 : Number.NaN, scratch: `${path}.tmp`,
    ...(one ? { palette, classNames: ['', ...labels.names], overviews: 'mode' } : { bandNames: labels.names }),
    description: `${one ? 'class' : 'probability of every tag'}, one pixel per chip; learned on ${index.manifest.model.name}`,
    ...(grid.transform === undefined ? {} : { transform: grid.transform }), ...(grid.crs === undefined ? {} : { crs: grid.crs }),
  });
  try {
    await writer.write(values, grid.height);
    await writer.finish(path);
  } finally {
    await writer.abort();
  }
}

/** Whether a name is one that {@link mapName} gives. */
export function isMapName(name: string): boolean {
  return /^map-[\p{L}\p{N}._-]+\.tif$/u.test(name);
}

/** Name of a scene's map: readable, and safe as a file's name. */
export function mapName(source: IndexSource): string {
  return `map-${source.name.replace(/[^\p{L}\p{N}._-]+/gu, '_')}.tif`;
}
