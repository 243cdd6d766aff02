import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { groundSize } from '../../georef/index.js';
import { displayStretch, renderThemePreview, sceneThumbnail, thumbnailPicture } from '../../picture/index.js';
import { fullWindow } from '../../raster/index.js';
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
    // Ids are never averaged: the class in the middle of each pixel.
    ids = Uint8Array.from((await map.readReduced(fullWindow(map.profile), { width: thumbnail.width, height: thumbnail.height }, { resampling: 'nearest', ...signal })).data);
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

function hex(color: readonly number[]): string {
  return `#${color.slice(0, 3).map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}
