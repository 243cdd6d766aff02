import { rm } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { createCog } from '../../cog/index.js';
import { InvalidOptionError } from '../../errors.js';
import type { IndexSource } from '../../index-store/index.js';
import { logistic } from '../../linear/index.js';
import { makeFolder, oldSidecars, promote } from '../../run/index.js';
import type { TaskContext } from '../../run/index.js';
import { exactDistances, shownDistance } from '../../search/index.js';
import type { Ranking } from './ranking.js';
import { sceneGrid } from './scene-grid.js';

/**
 * The scene that a map is of: the one that was asked for, else the query's own, else the only one.
 * @throws {InvalidOptionError} where that is none, or several.
 */
export function mapSource(ranking: Ranking, asked: readonly string[] | undefined): IndexSource {
  const { sources } = ranking.index.manifest;
  const wanted = asked?.[0];
  if (asked !== undefined && asked.length > 1) throw new InvalidOptionError('--map', 'is of one scene, got several --scene');
  const own = ranking.queries[0]!.scene;
  const found = wanted !== undefined ? sources.find(({ name, path }) => name === wanted || path === wanted || basename(path) === wanted)
    : sources.length === 1 ? sources[0] : sources.find(({ path }) => path === own);
  if (found === undefined) throw new InvalidOptionError('--map', 'is of one scene, and the query is of none of the index\'s', { advice: `name one with --scene: ${sources.slice(0, 3).map(({ name }) => name).join(', ')}` });
  return found;
}

/**
 * Writes how similar every chip of a scene is, one pixel per chip: the probability with examples, the cosine, or
 * 1 / (1 + Euclidean distance); not a number where there is no chip.
 */
export async function writeSimilarityMap(ranking: Ranking, path: string, source: IndexSource, context: TaskContext): Promise<void> {
  const { matrix, metric, learned, index, queries } = ranking;
  const grid = await sceneGrid(index, source, '--map');
  const vector = learned?.weights ?? queries[0]!.vector;
  const values = new Float32Array(grid.width * grid.height).fill(Number.NaN);
  let found = new Float64Array(0);
  const end = grid.first + grid.pixelOf.length;
  for await (const { first, count, rows } of matrix.blocks({ wanted: (from, size) => from < end && from + size > grid.first, ...(context.signal === undefined ? {} : { signal: context.signal }) })) {
    if (found.length < count) found = new Float64Array(count);
    exactDistances(vector, rows, count, learned === undefined ? metric : 'linear', found);
    for (let i = 0; i < count; i++) {
      const pixel = grid.pixelOf[first + i - grid.first] ?? -1;
      if (pixel < 0) continue;
      values[pixel] = learned !== undefined ? logistic(learned.intercept - found[i]!)
        : metric === 'cosine' ? 1 - found[i]! : 1 / (1 + shownDistance(found[i]!, metric));
    }
  }
  const temporary = `${path}.${process.pid}.tmp`;
  const scratch = `${temporary}.scratch`;
  await makeFolder(dirname(resolve(path)));
  const writer = await createCog({
    width: grid.width, height: grid.height, bands: 1, dtype: 'float32', nodata: Number.NaN, scratch,
    bandNames: [learned !== undefined ? 'probability' : metric === 'cosine' ? 'cosine' : 'similarity'],
    description: `similarity to ${learned === undefined ? queries[0]!.name : `${queries.length} examples`}, one pixel per chip; ${index.manifest.model.name}`,
    ...(grid.transform === undefined ? {} : { transform: grid.transform }), ...(grid.crs === undefined ? {} : { crs: grid.crs }),
  });
  try {
    await writer.write(values, grid.height);
    await writer.finish(temporary);
    await promote(temporary, path);
    for (const old of oldSidecars(path)) await rm(old, { force: true });
  } finally {
    await writer.abort();
    await rm(scratch, { recursive: true, force: true });
    await rm(temporary, { force: true });
  }
}
