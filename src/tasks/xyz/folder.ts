import { readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidOptionError } from '../../errors.js';
import { checkOutput, hasJournal } from '../../run/index.js';
import type { XyzFormat } from './options.js';
import type { XyzPlan } from './plan.js';

/** Written last: where it stands, all tiles stand. */
export const TILE_JSON = 'tilejson.json';
/** Folder of the journal, inside the folder of the tiles. */
export const JOURNAL_FOLDER = 'tiles.partial';

/** What is used of a TileJSON. */
interface TileJson {
  readonly minzoom?: number;
  readonly maxzoom?: number;
}

/**
 * Checks the folder. Nothing is removed before it is locked.
 * @throws {InvalidOptionError} if it holds other files.
 */
export async function checkXyzFolder(folder: string, overwrite: boolean): Promise<void> {
  // Nothing is made yet: where the disk has no room no folder is left.
  await checkOutput(join(folder, TILE_JSON), { overwrite: true, option: '--xyz' });
  if (overwrite || await hasJournal(join(folder, JOURNAL_FOLDER))) return;
  const names = await namesIn(folder);
  if (names.length === 0) return;
  // What was cut into them is not written down, so they are not taken for the ones that are wanted.
  const isFinished = names.includes(TILE_JSON);
  throw new InvalidOptionError('--xyz', `${folder} holds ${isFinished ? 'the tiles of a finished run' : `other files, such as ${names[0]!}`}`, {
    advice: `choose another folder, or add --overwrite to ${isFinished ? 'make them anew' : 'replace tiles'}`,
  });
}

/**
 * Removes the tiles of an earlier run, `<zoom>/<x>/<y>.png` or `.webp` of the levels that its list names, and nothing else; of one
 * that never wrote its list, of all levels.
 */
export async function clearXyz(folder: string, unfinished: boolean): Promise<void> {
  const text = await readFile(join(folder, TILE_JSON), 'utf8').catch(() => undefined);
  if (text === undefined && !unfinished) return;
  const { minzoom, maxzoom } = text === undefined ? { minzoom: 0, maxzoom: DEEPEST } : parse(text);
  if (Number.isInteger(minzoom) && Number.isInteger(maxzoom)) {
    for (let zoom = Math.max(0, minzoom!); zoom <= Math.min(DEEPEST, maxzoom!); zoom++) await clearLevel(join(folder, String(zoom)));
  }
  await rm(join(folder, TILE_JSON), { force: true });
}

const DEEPEST = 30;

async function clearLevel(level: string): Promise<void> {
  for (const column of await namesIn(level)) {
    if (!/^\d+$/.test(column)) continue;
    for (const name of await namesIn(join(level, column))) if (/^\d+\.(png|webp)$/.test(name)) await rm(join(level, column, name));
    await removeEmpty(join(level, column));
  }
  await removeEmpty(level);
}

async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch(() => []);
}

/** Removes a folder unless something is left in it. */
async function removeEmpty(folder: string): Promise<void> {
  await rmdir(folder).catch(() => undefined);
}

/** TileJSON 3.0.0 (https://github.com/mapbox/tilejson-spec). */
export function tileJsonText({ levels, bounds }: XyzPlan, format: XyzFormat): string {
  return `${JSON.stringify({
    tilejson: '3.0.0', tiles: [`{z}/{x}/{y}.${format}`], scheme: 'xyz', format, minzoom: levels.at(-1)!.zoom, maxzoom: levels[0]!.zoom, bounds,
  }, undefined, 1)}\n`;
}

function parse(text: string): TileJson {
  try {
    return JSON.parse(text) as TileJson;
  } catch {
    return {};
  }
}
