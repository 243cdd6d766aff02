import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { InvalidOptionError } from '../../errors.js';
import { wktFor } from '../../georef/index.js';
import { createGrid, type Grid } from '../../grid/index.js';
import { bytesPerSample, type Scene, type SceneProfile } from '../../raster/index.js';
import { memoryPlan, type Json, type MemoryPlan } from '../../run/index.js';
import { readMemory } from '../../scene/index.js';
import { MANIFEST, nameWidths, tileName, tileWindow, type TiledScene, type TileFormat } from '../../tiles/index.js';
import type { TileOptions } from './options.js';
import { createRowFeed } from './row-feed.js';
import { checkTileFormat, type TilePosition } from './tile-file.js';

/** What Node, the libraries and the compiled code take before any pixel, measured on Linux with Node 20. */
const BASE_BYTES = 90 << 20;
/** Tiles in memory at the same time: this many per core, so that the cores do not wait for the disk, within this many bytes. */
const TILES_PER_CORE = 4;
const TILES_BYTES = 256 << 20;

/** What a cut into tiles will do. */
export interface TilePlan {
  readonly profile: SceneProfile;
  readonly grid: Grid;
  readonly bands: readonly number[];
  readonly tiled: TiledScene;
  /** What of the scene does not come back from the tiles, in words. */
  readonly lost: readonly string[];
  readonly format: TileFormat;
  readonly folder: string;
  readonly quality: number;
  readonly identity: { readonly [name: string]: Json };
  readonly inFlight: number;
  readonly memory: MemoryPlan;
  readonly warnings: readonly string[];
}

/** @throws {InvalidOptionError} if sizes, bands or format do not fit. */
export function planTiles(scene: Scene, options: Omit<TileOptions, 'scene'>): TilePlan {
  const { profile } = scene;
  const format = options.format ?? 'tif';
  const quality = options.quality ?? 90;
  if (!Number.isInteger(quality) || quality < 1 || quality > 100) throw new InvalidOptionError('--quality', `expected 1 to 100, got ${quality}`);
  const bands = checkBands(options.bands, profile.bands);
  const grid = createGrid({ width: profile.width, height: profile.height, patchSize: options.patchSize ?? 512, overlap: options.overlap ?? 64 });
  const tiled = describe(profile, bands);
  checkTileFormat(format, tiled);
  const tileBytes = rawTileBytes(grid, tiled);
  const inFlight = Math.max(2, Math.min(TILES_PER_CORE * availableParallelism(), Math.floor(TILES_BYTES / (2 * tileBytes))));
  const warnings: string[] = [...profile.notes];
  const lost = lostOf(profile, bands);
  if (lost.length > 0) warnings.push(`the tiles do not carry ${lost.join('; ')}`);
  if (format !== 'tif' && tiled.crs !== undefined && wktFor(tiled.crs) === undefined) {
    warnings.push(`no .prj is written: the scene names its CRS (${tiled.crs.name}) without a definition in WKT; ${MANIFEST} has it`);
  }
  if (format === 'npy' && tiled.nodata !== undefined) warnings.push(`npy holds no nodata value (${tiled.nodata}); ${MANIFEST} has it`);
  const feed = createRowFeed(scene, { bands });
  const memory = memoryPlan([
    { name: 'node and libraries', bytes: BASE_BYTES },
    { name: 'blocks being decoded', bytes: readMemory(profile, 1) },
    { name: 'rows of the scene', bytes: feed.memory(grid.patchHeight) },
    // Their pixels, their packed form, and packed forms that are not collected yet.
    { name: 'tiles being written', bytes: inFlight * 4 * tileBytes },
  ]);
  return {
    profile, grid, bands, tiled, lost, format, folder: resolve(options.folder), quality, inFlight, memory, warnings,
    identity: {
      source: profile.fingerprint,
      'patch size': [grid.patchWidth, grid.patchHeight],
      overlap: grid.overlap,
      format,
      bands,
      ...(format === 'jpg' ? { quality } : {}),
    },
  };
}

function checkBands(bands: readonly number[] | undefined, count: number): readonly number[] {
  if (bands === undefined) return Array.from({ length: count }, (_, band) => band);
  for (const band of bands) {
    if (!Number.isInteger(band) || band < 0 || band >= count) {
      throw new InvalidOptionError('--bands', `the scene has bands 1 to ${count}, got ${band + 1}`);
    }
  }
  if (bands.length === 0) throw new InvalidOptionError('--bands', 'expected at least one band');
  return bands;
}

/** What the tiles together are: the scene, with the chosen bands only. */
function describe(profile: SceneProfile, bands: readonly number[]): TiledScene {
  const { width, height, dtype, transform, crs, bandNames, palette, classNames, scaling, units, metadata } = profile;
  const alpha = profile.alphaBand === undefined ? -1 : bands.indexOf(profile.alphaBand);
  const values = nodataOf(profile, bands);
  return {
    width, height, bands: bands.length, dtype, transform, crs,
    // One value that not all bands share would make pixels of the others missing.
    nodata: values.length === 1 ? values[0] : undefined,
    // TIFF has alpha among extra samples only: a first band is never one.
    alphaBand: alpha < 1 ? undefined : alpha,
    photometric: profile.photometric === 'rgb' && bands.length >= 3 && bands.slice(0, 3).every((band) => band < 3) ? 'rgb' : undefined,
    scaling: scaling && bands.map((band) => scaling[band] ?? { scale: 1, offset: 0 }),
    units: units && bands.map((band) => units[band] ?? ''),
    metadata: metadata?.items,
    bandMetadata: metadata && bands.map((band) => metadata.bands[band] ?? {}),
    bandNames: bandNames === undefined ? undefined : bands.map((band) => bandNames[band] ?? ''),
    ...(bands.length === 1 ? { palette, classNames } : {}),
  };
}

/** The nodata values of the bands, each once; `undefined` is that of a band that has none. */
function nodataOf({ nodata, bandNodata }: SceneProfile, bands: readonly number[]): readonly (number | undefined)[] {
  return bandNodata === undefined ? [nodata] : [...new Set(bands.map((band) => bandNodata[band]))];
}

/** What tells missing pixels or places, and has no room in tiles. */
function lostOf(profile: SceneProfile, bands: readonly number[]): string[] {
  const lost: string[] = [];
  if (profile.maskSource === 'internal' || profile.maskSource === 'external') lost.push('the scene\'s mask');
  if (nodataOf(profile, bands).length > 1) lost.push(`nodata values that differ from band to band (${bands.map((band) => profile.bandNodata?.[band] ?? 'none').join(', ')})`);
  if (profile.alphaBand !== undefined && bands[0] === profile.alphaBand) lost.push('the meaning of alpha, which a first band cannot have');
  if (profile.gcps !== undefined) lost.push(`the scene's ${profile.gcps.points.length} ground control points`);
  if (profile.rpc !== undefined) lost.push('the scene\'s camera model (RPC)');
  return lost;
}

/** Samples of one tile before compression. */
export function rawTileBytes(grid: Grid, tiled: TiledScene): number {
  return Math.min(grid.patchWidth, grid.sceneWidth) * Math.min(grid.patchHeight, grid.sceneHeight) * tiled.bands * bytesPerSample(tiled.dtype);
}

/** The tiles of one row of the grid. */
export function positionsOf(plan: TilePlan, row: number): TilePosition[] {
  const { grid } = plan;
  const widths = nameWidths(grid.rows.length, grid.columns.length, Math.max(grid.rows.at(-1)!, grid.columns.at(-1)!));
  return grid.columns.map((_, column) => {
    const window = tileWindow(grid, row, column);
    return { file: tileName({ row, column, x: window.x, y: window.y }, widths, plan.format), row, column, window };
  });
}
