import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidFileError } from '../../errors.js';
import { crsFromWkt, invertTransform, parseWorldFile, pixelToCrs, windowTransform, worldFileExtensions, type Crs, type Transform } from '../../georef/index.js';
import type { DataType, Raster, Window } from '../../raster/index.js';
import { fingerprintOf, ordered } from '../../run/index.js';
import { openScene } from '../../scene/index.js';
import {
  MANIFEST, nameWidths, parseTileName, readManifest, readNpy, readNpyHeader, tileName, tileWindow, type TiledScene, type TileFormat,
} from '../../tiles/index.js';

export interface TileOfSet {
  readonly file: string;
  readonly row: number;
  readonly column: number;
  readonly window: Window;
}

/** The tiles of a folder, and what a mosaic of them will be. */
export interface TileSet {
  readonly folder: string;
  /** Where its grid comes from. */
  readonly from: 'tiles.json' | 'names';
  readonly scene: TiledScene;
  /** Left edges of the columns and upper edges of the rows of tiles. */
  readonly columns: readonly number[];
  readonly rows: readonly number[];
  readonly tileWidth: number;
  readonly tileHeight: number;
  /** The tiles that are there, row by row. */
  readonly tiles: readonly (readonly TileOfSet[])[];
  /** Names of those that should be there and are not. */
  readonly missing: readonly string[];
  /** Whether the tiles hold the scene's samples as they were. */
  readonly exact: boolean;
  /** What of the scene `tiles.json` says that it does not hold, in words. */
  readonly lost: readonly string[];
  /** Changes when a tile changes: names, lengths, times. */
  readonly fingerprint: string;
}

/** What is known of one tile's file without its pixels. */
interface TileProfile {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly dtype: DataType;
  readonly transform?: Transform;
  readonly crs?: Crs;
  readonly scene: Pick<TiledScene, 'nodata' | 'alphaBand' | 'bandNames' | 'palette' | 'classNames' | 'scaling' | 'units' | 'photometric'>;
}

/** Files that are looked at at the same time. */
const LOOK_AHEAD = 8;
/** Places of tiles may differ by this part of a pixel: coordinates in world files are rounded. */
const PLACE_TOLERANCE = 0.01;

/**
 * Finds the tiles of a folder by `tiles.json` or, where there is none, by their names.
 * @throws {InvalidFileError} if there are none, or they do not make one grid.
 */
export async function findTiles(folder: string): Promise<TileSet> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const found = code === 'ENOENT' ? 'there is no such folder' : code === 'ENOTDIR' ? 'expected a folder of tiles, found a file' : 'it cannot be read';
    throw new InvalidFileError(folder, found, { cause: error });
  }
  const manifest = await readManifest(join(folder, MANIFEST));
  const found = new Set(names);
  if (manifest === undefined) return await fromNames(folder, names);
  const { grid, scene } = manifest;
  const rows: TileOfSet[][] = grid.rows.map(() => []);
  const missing: string[] = [];
  for (const { file, row, column } of manifest.tiles) {
    if (found.has(file)) rows[row]!.push({ file, row, column, window: tileWindow(grid, row, column) });
    else missing.push(file);
  }
  if (missing.length === manifest.tiles.length) throw new InvalidFileError(folder, `none of the ${missing.length} tiles of ${MANIFEST} is there`);
  return {
    folder, from: 'tiles.json', scene, columns: grid.columns, rows: grid.rows,
    tileWidth: Math.min(grid.patchWidth, grid.sceneWidth), tileHeight: Math.min(grid.patchHeight, grid.sceneHeight),
    tiles: rows, missing, exact: manifest.tileFormat !== 'jpg', lost: manifest.lost ?? [], fingerprint: await fingerprint(folder, rows.flat()),
  };
}

async function fromNames(folder: string, names: readonly string[]): Promise<TileSet> {
  const places = names.flatMap((file) => {
    const place = parseTileName(file);
    return place === undefined ? [] : [{ file, ...place }];
  }).sort((a, b) => a.row - b.row || a.column - b.column);
  const first = places[0];
  if (first === undefined) {
    throw new InvalidFileError(folder, `expected ${MANIFEST} or tiles named like r0000_c0000_y0000_x0000.tif, found ${names.length === 0 ? 'an empty folder' : `others, such as ${[...names].sort()[0]!}`}`);
  }
  const other = places.find((place) => place.format !== first.format);
  if (other !== undefined) throw new InvalidFileError(join(folder, other.file), `expected ${first.format} as ${first.file} is`);
  const rowAt = offsetsBy(folder, places, 'row', 'y');
  const columnAt = offsetsBy(folder, places, 'column', 'x');
  const profile = await profileOf(join(folder, first.file), first.format);
  const columns = [...columnAt.keys()].sort((a, b) => a - b);
  const rows = [...rowAt.keys()].sort((a, b) => a - b);
  const tiles: TileOfSet[][] = rows.map(() => []);
  for (const { file, row, column, x, y } of places) {
    tiles[rows.indexOf(row)]!.push({ file, row, column, window: { x, y, width: profile.width, height: profile.height } });
  }
  const width = columnAt.get(columns.at(-1)!)! + profile.width;
  const height = rowAt.get(rows.at(-1)!)! + profile.height;
  const { transform } = profile;
  return {
    folder, from: 'names', columns: columns.map((column) => columnAt.get(column)!), rows: rows.map((row) => rowAt.get(row)!),
    tileWidth: profile.width, tileHeight: profile.height, tiles,
    missing: missingNames(rowAt, columnAt, new Set(places.map(({ row, column }) => `${row},${column}`)), first.format),
    exact: first.format !== 'jpg',
    lost: [],
    scene: {
      width, height, bands: profile.bands, dtype: profile.dtype, crs: profile.crs, ...profile.scene,
      transform: transform === undefined ? undefined : windowTransform(transform, { x: -first.x, y: -first.y }),
    },
    fingerprint: await fingerprint(folder, places),
  };
}

/** The offset of every row or column; each must have one only. */
function offsetsBy(
  folder: string, places: readonly { readonly file: string; readonly row: number; readonly column: number; readonly x: number; readonly y: number }[],
  index: 'row' | 'column', offset: 'x' | 'y',
): Map<number, number> {
  const offsets = new Map<number, { readonly at: number; readonly file: string }>();
  for (const place of places) {
    const known = offsets.get(place[index]);
    if (known !== undefined && known.at !== place[offset]) {
      throw new InvalidFileError(join(folder, place.file), `it belongs to another grid: ${index} ${place[index]} is at ${offset} ${known.at} in ${known.file}`);
    }
    offsets.set(place[index], { at: place[offset], file: place.file });
  }
  const sorted = [...offsets].sort(([a], [b]) => a - b);
  sorted.forEach(([, one], i) => {
    const before = sorted[i - 1]?.[1];
    if (before !== undefined && before.at >= one.at) throw new InvalidFileError(join(folder, one.file), `it belongs to another grid: its ${offset} is not beyond that of ${before.file}`);
  });
  return new Map(sorted.map(([number, { at }]) => [number, at]));
}

function missingNames(rowAt: ReadonlyMap<number, number>, columnAt: ReadonlyMap<number, number>, there: ReadonlySet<string>, format: TileFormat): string[] {
  const lastRow = Math.max(...rowAt.keys());
  const lastColumn = Math.max(...columnAt.keys());
  const widths = nameWidths(lastRow + 1, lastColumn + 1, Math.max(...rowAt.values(), ...columnAt.values()));
  const names: string[] = [];
  for (let row = 0; row <= lastRow; row++) {
    const y = rowAt.get(row);
    if (y === undefined) {
      names.push(`all tiles of row ${row}`);
      continue;
    }
    for (const [column, x] of columnAt) {
      if (!there.has(`${row},${column}`)) names.push(tileName({ row, column, x, y }, widths, format));
    }
  }
  for (let column = 0; column <= lastColumn; column++) if (!columnAt.has(column)) names.push(`all tiles of column ${column}`);
  return names;
}

/**
 * Reads a tile whole.
 * @throws {InvalidFileError} naming the tile, if its size, bands, sample type or place are not those of the set.
 */
export async function readTile(set: TileSet, tile: TileOfSet): Promise<Raster> {
  const path = join(set.folder, tile.file);
  if (tile.file.endsWith('.npy')) {
    checkTile(path, set, tile, await npyProfile(path));
    return await readNpy(path);
  }
  const scene = await openScene(path, { cacheBytes: 0 });
  try {
    checkTile(path, set, tile, scene.profile);
    return await scene.read({ x: 0, y: 0, width: tile.window.width, height: tile.window.height });
  } finally {
    await scene.close();
  }
}

function checkTile(path: string, set: TileSet, tile: TileOfSet, found: Omit<TileProfile, 'scene'>): void {
  const { scene } = set;
  const { width, height } = tile.window;
  if (found.width !== width || found.height !== height) {
    throw new InvalidFileError(path, `expected ${width} × ${height} pixels as the grid says, found ${found.width} × ${found.height}`);
  }
  if (found.bands !== scene.bands) throw new InvalidFileError(path, `expected ${scene.bands} bands, found ${found.bands}`);
  if (found.dtype !== scene.dtype) throw new InvalidFileError(path, `expected samples of ${scene.dtype}, found ${found.dtype}`);
  if (found.transform === undefined || scene.transform === undefined) return;
  const inverse = invertTransform(scene.transform);
  for (const [column, row] of [[0, 0], [width, height]] as const) {
    const [x, y] = pixelToCrs(found.transform, column, row);
    const [atX, atY] = pixelToCrs(inverse, x, y);
    if (Math.abs(atX - tile.window.x - column) > PLACE_TOLERANCE || Math.abs(atY - tile.window.y - row) > PLACE_TOLERANCE) {
      throw new InvalidFileError(path, `it belongs to another grid: expected its corner at pixel ${tile.window.x + column}, ${tile.window.y + row}, its georeferencing says ${atX.toFixed(2)}, ${atY.toFixed(2)}`);
    }
  }
}

async function profileOf(path: string, format: TileFormat): Promise<TileProfile> {
  if (format === 'npy') return { ...await npyProfile(path), scene: {} };
  const scene = await openScene(path, { cacheBytes: 0 });
  await scene.close();
  const { nodata, alphaBand, bandNames, palette, classNames, scaling, units, photometric } = scene.profile;
  return { ...scene.profile, scene: { nodata, alphaBand, bandNames, palette, classNames, scaling, units, photometric } };
}

/** A NumPy file's header, and the world file and `.prj` beside it. */
async function npyProfile(path: string): Promise<Omit<TileProfile, 'scene'>> {
  const { width, height, bands, dtype } = await readNpyHeader(path);
  const stem = path.slice(0, -'.npy'.length);
  const beside = (extension: string): Promise<string | undefined> => readFile(`${stem}${extension}`, 'utf8').catch(() => undefined);
  const [world, prj] = await Promise.all([beside(worldFileExtensions('.npy')[0]!), beside('.prj')]);
  return {
    width, height, bands, dtype,
    transform: world === undefined ? undefined : parseWorldFile(world),
    crs: prj === undefined ? undefined : crsFromWkt(prj),
  };
}

async function fingerprint(folder: string, tiles: readonly { readonly file: string }[]): Promise<string> {
  const parts: string[] = [];
  for await (const part of ordered(tiles, LOOK_AHEAD, async ({ file }) => {
    const { size, mtimeMs } = await stat(join(folder, file));
    return `${file}:${size}:${mtimeMs}`;
  })) parts.push(part);
  return fingerprintOf(parts);
}
