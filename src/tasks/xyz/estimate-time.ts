import { encodeMapTile, rasterPicture, sceneStretch } from '../../picture/index.js';
import { allocate, type Raster, type Scene } from '../../raster/index.js';
import type { Rows } from '../rows/row-source.js';
import type { XyzOptions } from './options.js';
import type { XyzPlan } from './plan.js';
import { TILE_EDGE } from './web-mercator.js';

/** Tiles that are packed for the measurement. */
const PROBED_TILES = 8;

/**
 * About how many seconds all tiles take on this machine as it is now: rows for one row of tiles in the middle are made, and some
 * tiles of them packed. Making rows and packing tiles go on side by side, so the longer of both counts whole.
 */
export async function estimateSeconds(scene: Scene, plan: XyzPlan, options: XyzOptions, signal: AbortSignal | undefined): Promise<number> {
  const { source } = plan;
  const { format = 'png', quality = 80 } = options;
  const stretch = await sceneStretch(scene, { bands: plan.bands, ...(signal === undefined ? {} : { signal }) });
  const rowsOfTiles = Math.ceil(source.height / TILE_EDGE);
  const top = Math.floor(rowsOfTiles / 2) * TILE_EDGE;
  const began = performance.now();
  let made = 0;
  let last: Rows | undefined;
  for await (const rows of source.rows(top, signal)) {
    made += rows.count;
    last = rows;
    if (made >= TILE_EDGE) break;
  }
  if (last === undefined) return 0;
  const makeAll = (performance.now() - began) * source.height / made;
  const packing = performance.now();
  const palette = plan.categorical ? scene.profile.palette : undefined;
  const probed = Array.from({ length: PROBED_TILES }, (_, i) => tileOf(last, source, Math.floor(i * Math.max(0, source.width - TILE_EDGE) / PROBED_TILES)));
  await Promise.all(probed.map((raster) => encodeMapTile(rasterPicture(raster, stretch, palette), format, { quality, lossless: plan.categorical })));
  const packAll = (performance.now() - packing) * plan.tiles / PROBED_TILES;
  return Math.max(makeAll, packAll) / 1000;
}

/** A tile's size of pixels of some rows from a column on. */
function tileOf(rows: Rows, { width, bands, dtype }: XyzPlan['source'], left: number): Raster {
  const data = allocate(dtype, TILE_EDGE * TILE_EDGE * bands);
  const columns = Math.min(TILE_EDGE, width - left);
  for (let y = 0; y < TILE_EDGE; y++) {
    const from = ((y % rows.count) * width + left) * bands;
    data.set(rows.data.subarray(from, from + columns * bands), y * TILE_EDGE * bands);
  }
  return { data, width: TILE_EDGE, height: TILE_EDGE, bands, layout: 'pixel' };
}
