import { open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { InvalidOptionError } from '../../errors.js';
import { encodeTiff } from '../../cog/index.js';
import { windowTransform, wktFor, worldFileExtensions, worldFileText, type Transform } from '../../georef/index.js';
import type { Raster } from '../../raster/index.js';
import { checkPicture, encodeNpy, encodePicture, type TiledScene, type TileFormat, type TileRecord } from '../../tiles/index.js';

export interface TileWriting {
  readonly folder: string;
  readonly format: TileFormat;
  readonly scene: TiledScene;
  /** JPEG quality. */
  readonly quality: number;
}

/** @throws {InvalidOptionError} if the format cannot hold the scene's samples. */
export function checkTileFormat(format: TileFormat, scene: TiledScene): void {
  if (format !== 'png' && format !== 'jpg') return;
  const categorical = scene.palette !== undefined || scene.classNames !== undefined;
  checkPicture(format, { bands: scene.bands, dtype: scene.dtype, categorical });
  if (format === 'jpg' && scene.nodata !== undefined && categorical) throw new InvalidOptionError('--format', 'jpg is lossy and would change class ids');
}

export type TilePosition = Pick<TileRecord, 'file' | 'row' | 'column' | 'window'>;

/**
 * Writes one tile and its georeferencing: in the file for tif, beside it for pictures. The file appears complete or not at
 * all. The raster's samples may be changed.
 */
export async function writeTile(raster: Raster, tile: TilePosition, writing: TileWriting): Promise<TileRecord> {
  const { folder, format, scene } = writing;
  const transform = scene.transform === undefined ? undefined : windowTransform(scene.transform, tile.window);
  const pieces = await encodeTile(raster, transform, writing);
  const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const path = join(folder, tile.file);
  await writeFileWhole(path, pieces);
  if (transform !== undefined && format !== 'tif') await writeSidecars(path, transform, scene);
  return { ...tile, bytes, crc32: checksum(pieces) };
}

/** Whether the file of a tile is there, and with the bytes that were written. */
export type TileState = 'whole' | 'changed' | 'missing';

export async function stateOfTile(folder: string, tile: TileRecord): Promise<TileState> {
  try {
    const content = await readFile(join(folder, tile.file));
    return content.length === tile.bytes && crc32(content) === tile.crc32 ? 'whole' : 'changed';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'missing' : 'changed';
  }
}

/** Removes a tile and what stands beside it. */
export async function removeTile(folder: string, file: string): Promise<void> {
  const stem = join(folder, file.slice(0, file.lastIndexOf('.')));
  const extension = file.slice(file.lastIndexOf('.'));
  for (const path of [join(folder, file), `${stem}${worldFileExtension(extension)}`, `${stem}.prj`]) await rm(path, { force: true });
}

async function encodeTile(raster: Raster, transform: Transform | undefined, writing: TileWriting): Promise<Uint8Array[]> {
  const { format, scene } = writing;
  switch (format) {
    case 'tif': {
      const { nodata, palette, alphaBand, crs, bandNames, classNames, scaling, units, photometric } = scene;
      // Tiles are read soon and often: quick to write, and still smaller than without predictor.
      const categorical = palette !== undefined || classNames !== undefined;
      return await encodeTiff(raster, {
        nodata, palette, alphaBand, crs, bandNames, classNames, scaling, units, photometric, transform, inPlace: true, matching: categorical ? 'search' : 'runs',
      });
    }
    case 'npy': return encodeNpy(raster);
    case 'png': case 'jpg': return [await encodePicture(raster, format, { quality: writing.quality })];
  }
}

async function writeSidecars(path: string, transform: Transform, scene: TiledScene): Promise<void> {
  const dot = path.lastIndexOf('.');
  const stem = path.slice(0, dot);
  await writeFileWhole(`${stem}${worldFileExtension(path.slice(dot))}`, [Buffer.from(worldFileText(transform))]);
  const wkt = wktFor(scene.crs);
  if (wkt !== undefined) await writeFileWhole(`${stem}.prj`, [Buffer.from(`${wkt}\n`)]);
}

function worldFileExtension(extension: string): string {
  return worldFileExtensions(extension)[0]!;
}

function checksum(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => crc32(piece, sum), 0);
}

/** Without fsync: what a power cut takes is found by its checksum when the run goes on. */
export async function writeFileWhole(path: string, pieces: readonly Uint8Array[]): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    const file = await open(temporary, 'w');
    try {
      // writeFile goes on after a short write, as on a full disk, until all is written or the system says why not.
      for (const piece of pieces) await file.writeFile(piece);
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
