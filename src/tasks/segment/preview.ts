import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { groundSize } from '../../georef/index.js';
import { displayStretch, renderThemePreview, sceneThumbnail, thumbnailMemory, thumbnailPicture } from '../../picture/index.js';
import { fullWindow } from '../../raster/index.js';
import type { Scene, Size } from '../../raster/index.js';
import { openScene } from '../../scene/index.js';
import { NODATA_CLASS } from '../../stitch/index.js';
import type { ClassArea } from '../../stitch/index.js';
import { pictureBands } from '../picture-bands.js';
import { mapLegend } from './setup.js';
import type { SegmentSetup } from './setup.js';

/** Longest edge of one of the two panels, in pixels. */
const PANEL_EDGE = 1000;

/** What drawing holds at most, libraries that are loaded for it included; the scene's blocks not counted. */
export function previewMemory(scene: Size): number {
  return thumbnailMemory(scene, PANEL_EDGE);
}

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
    ids = await idsAt(map, thumbnail, options.signal);
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

/** Ids of a map in so many pixels; a map of fewer ones, as strides make it, is enlarged. */
async function idsAt(map: Scene, { width, height }: Size, signal?: AbortSignal): Promise<Uint8Array> {
  const { profile } = map;
  const size = { width: Math.min(width, profile.width), height: Math.min(height, profile.height) };
  const { data } = await map.readReduced(fullWindow(profile), size, { resampling: 'nearest', ...(signal ? { signal } : {}) });
  if (size.width === width && size.height === height) return Uint8Array.from(data);
  return Uint8Array.from({ length: width * height }, (_, at) => data[Math.floor(Math.floor(at / width) * size.height / height) * size.width + Math.floor((at % width) * size.width / width)]!);
}

function hex(color: readonly number[]): string {
  return `#${color.slice(0, 3).map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}
