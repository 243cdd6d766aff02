import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { InvalidOptionError } from '../../errors.js';
import { canonicalJson, checkOutput, hasJournal, type Json } from '../../run/index.js';
import { MANIFEST, MANIFEST_FORMAT, MANIFEST_VERSION, parseTileName, readManifest, type TileManifest, type TileRecord } from '../../tiles/index.js';
import type { TilePlan } from './plan.js';
import { removeTile } from './tile-file.js';

/** Folder of the journal, inside the folder of the tiles. */
export const JOURNAL_FOLDER = 'tiles.partial';

/** Checks the folder; returns the list of a finished same run. Nothing is removed before the folder is locked. */
export async function checkTiles(plan: TilePlan, overwrite: boolean): Promise<TileManifest | undefined> {
  const { folder } = plan;
  // Nothing is made yet: a scene that turns out to be damaged leaves no folder.
  await checkOutput(join(folder, MANIFEST), { overwrite: true, option: '<folder>' });
  const path = join(folder, MANIFEST);
  const found = await readManifest(path).catch((error: unknown) => {
    if (overwrite) return undefined;
    throw error;
  });
  if (found !== undefined && !overwrite) {
    if (canonicalJson(identityOf(found)) === canonicalJson(plan.identity)) return found;
    throw new InvalidOptionError('<folder>', `${folder} holds other tiles: ${differences(identityOf(found), plan.identity)}`, {
      advice: 'choose another folder, or add --overwrite to replace them',
    });
  }
  const names = await readdir(folder).catch(() => []);
  const tiles = names.filter((name) => parseTileName(name.replace(/\.tmp$/, '')) !== undefined);
  if (overwrite || await hasJournal(join(folder, JOURNAL_FOLDER))) return undefined;
  const other = names.find((name) => !tiles.includes(name) && name !== JOURNAL_FOLDER);
  if (tiles.length === 0 && other !== undefined) {
    throw new InvalidOptionError('<folder>', `${folder} holds other files, such as ${other}`, { advice: 'choose another folder, or add --overwrite to write tiles beside them' });
  }
  if (tiles.length > 0) {
    throw new InvalidOptionError('<folder>', `${folder} holds ${tiles.length} tiles of an unknown run, first ${tiles.sort()[0]!}`, {
      advice: 'choose another folder, or add --overwrite to replace them',
    });
  }
  return undefined;
}

/** Removes the tiles and the list of another run. */
export async function clearTiles(folder: string): Promise<void> {
  await rm(join(folder, MANIFEST), { force: true });
  for (const name of await readdir(folder)) if (parseTileName(name.replace(/\.tmp$/, '')) !== undefined) await removeTile(folder, name);
}

function identityOf(manifest: TileManifest): { readonly [name: string]: Json } {
  const { grid, options } = manifest;
  return {
    source: manifest.source.fingerprint,
    'patch size': [grid.patchWidth, grid.patchHeight],
    overlap: grid.overlap,
    format: manifest.tileFormat,
    bands: manifest.sourceBands,
    ...options,
  };
}

function differences(was: { readonly [name: string]: Json }, is: { readonly [name: string]: Json }): string {
  const names = [...new Set([...Object.keys(was), ...Object.keys(is)])].filter((name) => canonicalJson(was[name] ?? null) !== canonicalJson(is[name] ?? null));
  return names.map((name) => (name === 'source' ? 'another scene' : `${name} ${JSON.stringify(was[name] ?? null)}, now ${JSON.stringify(is[name] ?? null)}`)).join('; ');
}

/** The list of the tiles. */
export function manifestOf(plan: TilePlan, tiles: readonly TileRecord[]): TileManifest {
  return {
    format: MANIFEST_FORMAT,
    version: MANIFEST_VERSION,
    source: { path: plan.profile.source, fingerprint: plan.profile.fingerprint },
    tileFormat: plan.format,
    lossless: plan.format !== 'jpg' && plan.lost.length === 0,
    ...(plan.lost.length === 0 ? {} : { lost: plan.lost }),
    options: plan.format === 'jpg' ? { quality: plan.quality } : {},
    sourceBands: plan.bands,
    scene: plan.tiled,
    grid: plan.grid,
    tiles,
  };
}
