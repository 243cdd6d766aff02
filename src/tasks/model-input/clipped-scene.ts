import { createHash } from 'node:crypto';
import { allocate, readReducedByReading } from '../../raster/index.js';
import type { Raster, ReadOptions, ReducedReadOptions, Scene, Size, Window } from '../../raster/index.js';
import { areaOnScene } from '../rows/area-on-scene.js';
import { readAreaFile } from '../rows/area.js';

/**
 * A scene in which everything outside the polygons of a GeoJSON file is without data: pixels whose middle is in none of them. What
 * is needed of it stays where it is; windows outside cost no reading.
 * @throws {InvalidFileError} if the file has no polygons in longitude and latitude
 * @throws {InvalidOptionError} if the scene has no place on the ground, or the area does not touch it
 */
export async function clipScene(scene: Scene, path: string): Promise<Scene> {
  const { profile } = scene;
  const { polygons, notes } = await readAreaFile(path);
  const area = areaOnScene({ path, polygons }, profile);
  const digest = createHash('sha256').update(JSON.stringify(polygons)).digest('hex').slice(0, 16);
  const view = { ...profile, notes: [...profile.notes, ...notes], maskSource: profile.maskSource === 'none' ? 'external' as const : profile.maskSource, fingerprint: `${profile.fingerprint} in ${digest}` };
  const read = async (window: Window, options: ReadOptions = {}): Promise<Raster> => {
    const mask = new Uint8Array(window.width * window.height).fill(255);
    area.clip(mask, { x: window.x, y: window.y, width: window.width, count: window.height });
    if (!mask.includes(255)) return missing(view, window, options.bands?.length ?? profile.bands, mask);
    const raster = await scene.read(window, options);
    if (raster.mask !== undefined) for (let i = 0; i < mask.length; i++) if (raster.mask[i] === 0) mask[i] = 0;
    return { ...raster, mask };
  };
  return {
    profile: view, read, close: () => scene.close(),
    readReduced: (window: Window, size: Size, options: ReducedReadOptions = {}) => readReducedByReading({ profile: view, read }, window, size, options),
  };
}

function missing(profile: Scene['profile'], window: Window, bands: number, mask: Uint8Array): Raster {
  const data = allocate(profile.dtype, window.width * window.height * bands);
  if (profile.nodata !== undefined && profile.nodata !== 0) data.fill(profile.nodata);
  return { data, width: window.width, height: window.height, bands, layout: 'pixel', mask };
}
