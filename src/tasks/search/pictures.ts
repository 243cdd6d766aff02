import { dirname } from 'node:path';
import { TilewrightError } from '../../errors.js';
import type { IndexManifest } from '../../index-store/index.js';
import { displayBands, rasterPicture, resizePicture, sceneStretch } from '../../picture/index.js';
import type { Picture, Stretch } from '../../picture/index.js';
import { fullWindow, intersect } from '../../raster/index.js';
import type { ReadOptions, Scene, Window } from '../../raster/index.js';
import { openScene } from '../../scene/index.js';

/** Edge of the pictures on a contact sheet before it is laid out. */
const SHEET_EDGE = 256;

/** A chip whose picture is wanted. */
export interface PicturedChip {
  readonly scene: string;
  /** Which picture of the file, from 0, if it is not one of the index's. */
  readonly page?: number;
  /** Of an entry of the index. */
  readonly id?: string;
  readonly window: Window;
}

/**
 * Pictures of chips of an index; scenes are opened one after the other, each once. `undefined` where one cannot be read any more.
 * @param warnings receives a line for every scene that cannot be read.
 */
export function chipPictures(manifest: IndexManifest, wanted: readonly PicturedChip[], warnings: string[], signal?: AbortSignal): Promise<(Picture | undefined)[]> {
  const paged = wanted.map((chip) => ({ ...chip, page: chip.page ?? pageOf(manifest, chip) }));
  return readPictures(paged, (path) => pictureBandsOf(manifest, path), warnings, signal);
}

/** Bands for pictures of a scene or chip file of the index, from 0. */
function pictureBandsOf(manifest: IndexManifest, path: string): readonly number[] | undefined {
  const source = manifest.sources.find((one) => one.path === path) ?? manifest.sources.find((one) => one.kind === 'folder' && one.path === dirname(path));
  return source?.pictureBands?.map((band) => band - 1);
}

/** What `chipId` puts behind the name of a source, where it was cut at a scale as well. */
const CHIP_PLACE = /^(_x\d+)?_r\d+_c\d+$/;

/** The page that an entry's source was: of the source of that file whose name, with the chip's place, is the id; the longest such name. */
function pageOf(manifest: IndexManifest, { scene, id = '' }: PicturedChip): number {
  const own = manifest.sources.filter(({ path, name }) => path === scene && id.startsWith(name) && CHIP_PLACE.test(id.slice(name.length)));
  return own.sort((a, b) => b.name.length - a.name.length)[0]?.page ?? 0;
}

/** Pictures of windows; scenes are opened one after the other, each once. `undefined` where one cannot be read. */
async function readPictures(
  wanted: readonly PicturedChip[], bandsOf: (path: string) => readonly number[] | undefined, warnings: string[],
  signal: AbortSignal | undefined,
): Promise<(Picture | undefined)[]> {
  const pictures: (Picture | undefined)[] = wanted.map(() => undefined);
  const keyOf = ({ scene, page = 0 }: PicturedChip): string => `${page} ${scene}`;
  for (const [key, { scene: path, page = 0 }] of new Map(wanted.map((one) => [keyOf(one), one]))) {
    try {
      const scene = await openScene(path, page === 0 ? {} : { page });
      try {
        const given = bandsOf(path);
        // A query's scene need not be one of the index: its own colours are right for it.
        const bands = given !== undefined && given.every((band) => band < scene.profile.bands) ? given : displayBands(scene.profile);
        const read = { bands, ...(signal === undefined ? {} : { signal }) };
        const stretch = await sceneStretch(scene, read);
        for (const [i, one] of wanted.entries()) if (keyOf(one) === key) pictures[i] = await readPicture(scene, one.window, stretch, read);
      } finally {
        await scene.close();
      }
    } catch (error) {
      if (!(error instanceof TilewrightError) || error.code === 'INTERRUPTED') throw error;
      warnings.push(`no pictures of ${path}: ${error.message}`);
    }
  }
  return pictures;
}

async function readPicture(scene: Scene, window: Window, stretch: Stretch, read: ReadOptions): Promise<Picture | undefined> {
  const part = intersect(window, fullWindow(scene.profile));
  if (part === undefined) return undefined;
  const raster = await scene.read(part, read);
  const picture = rasterPicture(raster, stretch, scene.profile.palette);
  const factor = SHEET_EDGE / Math.max(picture.width, picture.height);
  return factor >= 1 ? picture : resizePicture(picture, picture.width * factor, picture.height * factor);
}
