import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { groundSize } from '../../georef/index.js';
import { displayStretch, renderThemePreview, sceneThumbnail, thumbnailPicture } from '../../picture/index.js';
import type { Scene } from '../../raster/index.js';
import { openScene } from '../../scene/index.js';
import { NODATA_CLASS } from '../../stitch/index.js';
import type { ClassArea } from '../../stitch/index.js';
import { pictureBands } from '../picture-bands.js';
import { mapLegend } from './setup.js';
import type { SegmentSetup } from './setup.js';

/** Longest edge of one of the two panels, in pixels. */
const PANEL_EDGE = 1000;

export interface PreviewOptions {
  readonly setup: SegmentSetup;
  /** The finished theme map. */
  readonly map: string;
  /** PNG to write. */
  readonly path: string;
  readonly classes: readonly ClassArea[];
  readonly signal?: AbortSignal;
}

/** Draws the scene, and the map over it, with legend, shares, areas and scale bar. */
export async function writePreview(options: PreviewOptions): Promise<void> {
  const { setup, classes } = options;
  const { scene, model } = setup;
  const { profile } = scene;
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const thumbnail = await sceneThumbnail(scene, { maxEdge: PANEL_EDGE, bands: pictureBands(profile, model.card, setup.bands), ...signal });
  const map = await openScene(options.map);
  let ids: Uint8Array;
  try {
    ids = await nearestClasses(map, thumbnail.width, thumbnail.height, options.signal);
  } finally {
    await map.close();
  }
  const ground = profile.transform && groundSize(profile.transform, profile.crs, profile.width / 2, profile.height / 2);
  const png = await renderThemePreview({
    scene: thumbnailPicture(thumbnail, displayStretch(thumbnail, profile)),
    classes: ids,
    legend: mapLegend(model).map(({ value, name, color }) => {
      const found = classes.find(({ id }) => id === value);
      return {
        value, name, color: hex(color), share: found?.share ?? 0,
        ...(found?.areaHa === undefined ? {} : { areaHa: found.areaHa }),
      };
    }),
    nodata: NODATA_CLASS,
    title: basename(profile.source),
    subtitle: `${model.card.name} · ${profile.width} × ${profile.height} pixels`,
    ...(ground === undefined ? {} : { metresPerPixel: ground.width * thumbnail.reduction[0] }),
  });
  await writeFile(options.path, png);
}

/** A map in few pixels: the class in the middle of each; ids are never averaged. Reads single rows. */
async function nearestClasses(map: Scene, width: number, height: number, signal?: AbortSignal): Promise<Uint8Array> {
  const { profile } = map;
  const ids = new Uint8Array(width * height);
  for (let row = 0; row < height; row++) {
    const y = Math.floor(((row + 0.5) * profile.height) / height);
    const { data } = await map.read({ x: 0, y, width: profile.width, height: 1 }, signal === undefined ? {} : { signal });
    for (let column = 0; column < width; column++) {
      ids[row * width + column] = data[Math.floor(((column + 0.5) * profile.width) / width)]!;
    }
  }
  return ids;
}

function hex(color: readonly number[]): string {
  return `#${color.slice(0, 3).map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}
