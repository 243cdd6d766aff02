import { readFile } from 'node:fs/promises';
import { InvalidFileError } from '../errors.js';
import type { Crs, Transform } from '../georef/index.js';
import type { Grid } from '../grid/index.js';
import { wrongField } from '../raster/index.js';
import type { DataType, Rgba, Window } from '../raster/index.js';
import { parseTileName, TILE_FORMATS, type TileFormat } from './name.js';

/** Name of the list of tiles in their folder. */
export const MANIFEST = 'tiles.json';
export const MANIFEST_FORMAT = 'tilewright-tiles';
export const MANIFEST_VERSION = 1;

/** What the tiles of a folder have in common, and what a mosaic of them is. */
export interface TiledScene {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly dtype: DataType;
  /** NaN is written as the string `nan`, for JSON has no such number. */
  readonly nodata?: number;
  readonly alphaBand?: number;
  /** Whether the first three bands are red, green and blue. */
  readonly photometric?: 'rgb';
  readonly transform?: Transform;
  readonly crs?: Crs;
  readonly bandNames?: readonly string[];
  readonly palette?: readonly Rgba[];
  readonly classNames?: readonly string[];
  /** What samples mean, `sample * scale + offset`, and in which unit, by band. */
  readonly scaling?: readonly { readonly scale: number; readonly offset: number }[];
  readonly units?: readonly string[];
  /** Other items that the scene and its bands carry. */
  readonly metadata?: Readonly<Record<string, string>>;
  readonly bandMetadata?: readonly Readonly<Record<string, string>>[];
}

export interface TileRecord {
  readonly file: string;
  readonly row: number;
  readonly column: number;
  /** Where the tile lies in the scene; never reaches over its edge. */
  readonly window: Window;
  /** Length of the file. */
  readonly bytes: number;
  /** CRC-32 of the file. */
  readonly crc32: number;
}

/** The file `tiles.json`: everything about a folder of tiles. */
export interface TileManifest {
  readonly format: typeof MANIFEST_FORMAT;
  readonly version: typeof MANIFEST_VERSION;
  readonly source: { readonly path: string; readonly fingerprint: string };
  readonly tileFormat: TileFormat;
  /** Whether the tiles hold exactly the scene's samples, and all that tells where they lie and which are missing. */
  readonly lossless: boolean;
  /** What of the scene neither the tiles nor this list hold, in words. */
  readonly lost?: readonly string[];
  /** What the bytes of the tiles depend on beside source, format and grid. */
  readonly options: Readonly<Record<string, number | string | readonly number[]>>;
  /** Bands of the source, from 0, that the tiles hold, in this order. */
  readonly sourceBands: readonly number[];
  readonly scene: TiledScene;
  readonly grid: Grid;
  readonly tiles: readonly TileRecord[];
}

/** The manifest as text: one line per part and per tile. */
export function manifestText(manifest: TileManifest): string {
  const { tiles, scene, ...head } = manifest;
  const nodata = scene.nodata !== undefined && !Number.isFinite(scene.nodata) ? numberText(scene.nodata) : scene.nodata;
  const parts = Object.entries({ ...head, scene: { ...scene, nodata } }).map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  const lines = tiles.map((tile) => `    ${JSON.stringify(tile)}`);
  return `{\n${parts.join(',\n')},\n  "tiles": [\n${lines.join(',\n')}\n  ]\n}\n`;
}

/**
 * Reads and checks a manifest; `undefined` if there is none.
 * @throws {InvalidFileError} if it is not one, or is of a version that is not known.
 */
export async function readManifest(path: string): Promise<TileManifest | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new InvalidFileError(path, 'it cannot be read', { cause: error });
  }
  return parseManifest(path, text);
}

export function parseManifest(path: string, text: string): TileManifest {
  let value: Partial<TileManifest>;
  try {
    value = JSON.parse(text) as Partial<TileManifest>;
  } catch (error) {
    throw new InvalidFileError(path, 'expected JSON', { cause: error });
  }
  if (typeof value !== 'object' || value === null || value.format !== MANIFEST_FORMAT) {
    throw new InvalidFileError(path, `expected "format": "${MANIFEST_FORMAT}", found ${plainText(value?.format)}`);
  }
  if (value.version !== MANIFEST_VERSION) throw new InvalidFileError(path, `expected version ${MANIFEST_VERSION}, found ${plainText(value.version)}`);
  const { scene, grid, tiles } = value;
  if (typeof scene !== 'object' || scene === null || !isGrid(grid) || !Array.isArray(tiles) || !TILE_FORMATS.includes(value.tileFormat!)) {
    throw new InvalidFileError(path, 'expected a scene, a grid, a tile format and tiles');
  }
  const hasShape = [scene.width, scene.height, scene.bands].every((count) => Number.isSafeInteger(count) && count > 0 && count < 2 ** 31) && DATA_TYPES.includes(scene.dtype);
  if (!hasShape || grid.sceneWidth !== scene.width || grid.sceneHeight !== scene.height) throw new InvalidFileError(path, 'expected a scene with size, bands and sample type, and a grid of its size');
  const wrong = wrongField(scene, scene.bands);
  if (wrong !== undefined) throw new InvalidFileError(path, `the scene's ${wrong} is not what it should be`);
  const { source, sourceBands, options } = value;
  if (typeof source?.path !== 'string' || typeof source.fingerprint !== 'string' || !Array.isArray(sourceBands) || typeof options !== 'object' || options === null) {
    throw new InvalidFileError(path, 'expected a source, its bands and options');
  }
  const manifest = { ...value, scene: { ...scene, nodata: numberOf(scene.nodata) } } as TileManifest;
  manifest.tiles.forEach((tile, index) => checkRecord(path, manifest, tile, index));
  return manifest;
}

const DATA_TYPES: readonly string[] = ['uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'float32', 'float64'] satisfies readonly DataType[];

function isGrid(grid: Grid | undefined | null): grid is Grid {
  const isCount = (value: unknown, least: number): boolean => Number.isSafeInteger(value) && (value as number) >= least && (value as number) < 2 ** 31;
  if (typeof grid !== 'object' || grid === null) return false;
  const { sceneWidth, sceneHeight, patchWidth, patchHeight, overlap, columns, rows } = grid;
  const rises = (positions: readonly number[], end: number): boolean => Array.isArray(positions) && positions.length > 0
    && positions.every((position, i) => isCount(position, 0) && position < end && (i === 0 || position > positions[i - 1]!));
  return [sceneWidth, sceneHeight, patchWidth, patchHeight].every((value) => isCount(value, 1)) && isCount(overlap, 0) && rises(columns, sceneWidth) && rises(rows, sceneHeight);
}

/** The window of a tile in the scene: the patch, cut at the scene's edge where the scene is smaller. */
export function tileWindow(grid: Grid, row: number, column: number): Window {
  const x = grid.columns[column]!;
  const y = grid.rows[row]!;
  return { x, y, width: Math.min(grid.patchWidth, grid.sceneWidth - x), height: Math.min(grid.patchHeight, grid.sceneHeight - y) };
}

function checkRecord(path: string, manifest: TileManifest, tile: TileRecord | null | undefined, index: number): void {
  const { grid } = manifest;
  // A name is joined to the folder and opened: it must be a plain name of a tile.
  const isRecord = typeof tile?.file === 'string' && typeof tile.window === 'object' && tile.window !== null;
  const name = isRecord ? parseTileName(tile.file) : undefined;
  const fits = isRecord && name !== undefined && name.row === tile.row && name.column === tile.column
    && grid.columns[tile.column] === tile.window.x && grid.rows[tile.row] === tile.window.y
    && name.x === tile.window.x && name.y === tile.window.y;
  if (!fits) throw new InvalidFileError(path, `tile ${index} (${plainText(tile?.file)}) does not fit the grid`);
}

function numberText(value: number): string {
  return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
}

function numberOf(value: unknown): number | undefined {
  if (value === 'nan') return Number.NaN;
  if (value === 'inf') return Infinity;
  if (value === '-inf') return -Infinity;
  return typeof value === 'number' ? value : undefined;
}

const MOST_LETTERS = 100;

/** A value of a list for a message; what is nested may go deeper than a writer can. */
function plainText(value: unknown): string {
  return value === undefined || value === null ? 'none' : typeof value === 'object' ? 'a list or an object' : JSON.stringify(value).slice(0, MOST_LETTERS);
}
