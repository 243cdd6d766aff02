import type { SamplePlace } from '../../dataset/index.js';
import { groundSize, pixelToCrs, toLonLat } from '../../georef/index.js';
import type { SceneProfile } from '../../raster/index.js';
import { openScene } from '../../scene/index.js';
import type { Splittable } from './splittable.js';

/** Where samples lie. */
export interface Places { readonly kind: 'ground' | 'pixels' | 'none'; readonly list: readonly SamplePlace[] }

/** Boxes on the ground in metres, where every origin has a place; else pixels of the scenes; else none. */
export async function placesOf(samples: Splittable): Promise<Places> {
  const profiles = new Map<string, SceneProfile | undefined>();
  const list: SamplePlace[] = [];
  const onGround: DegreeBox[] = [];
  for (let index = 0; index < samples.names.length; index++) {
    const origin = samples.origin(index);
    if (origin === undefined) return { kind: 'none', list: [] };
    if (!profiles.has(origin.file)) profiles.set(origin.file, await profileOf(origin.file));
    const profile = profiles.get(origin.file);
    const window = origin.window ?? { x: 0, y: 0, width: profile?.width ?? 1, height: profile?.height ?? 1 };
    if (origin.window !== undefined) list.push({ frame: origin.file, left: window.x, top: window.y, right: window.x + window.width, bottom: window.y + window.height });
    const box = profile === undefined ? undefined : degreeBox(profile, window);
    if (box !== undefined) onGround.push(box);
    // The first chip without a place and without a scene decides: looking into all others would be in vain.
    else if (origin.window === undefined) return { kind: 'none', list: [] };
  }
  if (onGround.length === samples.names.length) return { kind: 'ground', list: inMetres(onGround) };
  return list.length === samples.names.length ? { kind: 'pixels', list } : { kind: 'none', list: [] };
}

async function profileOf(file: string): Promise<SceneProfile | undefined> {
  try {
    const scene = await openScene(file);
    await scene.close();
    return scene.profile;
  } catch {
    return undefined; // a picture of an archive, or one that is read otherwise: without a place
  }
}

interface DegreeBox { readonly west: number; readonly east: number; readonly south: number; readonly north: number }

/** A window's box along meridians and parallels, in degrees. */
function degreeBox(profile: SceneProfile, window: { readonly x: number; readonly y: number; readonly width: number; readonly height: number }): DegreeBox | undefined {
  const lonLat = toLonLat(profile.crs);
  if (profile.transform === undefined || lonLat === undefined || groundSize(profile.transform, profile.crs, window.x, window.y) === undefined) return undefined;
  const corners = [[0, 0], [1, 0], [0, 1], [1, 1]].map(([u, v]) => lonLat(...pixelToCrs(profile.transform!, window.x + u! * window.width, window.y + v! * window.height)));
  if (corners.some((corner) => corner === undefined)) return undefined;
  const lons = corners.map((corner) => corner![0]);
  const lats = corners.map((corner) => corner![1]);
  return { west: Math.min(...lons), east: Math.max(...lons), south: Math.min(...lats), north: Math.max(...lats) };
}

const METRES_PER_DEGREE = 111_320;

/**
 * Boxes in metres from 0°, 0°. All longitudes have one scale, that of the mean latitude: boxes that overlap in degrees overlap
 * here and the other way round. Far from that latitude east and west are not true to scale, which only changes how wide blocks are.
 */
function inMetres(boxes: readonly DegreeBox[]): SamplePlace[] {
  const latitude = boxes.reduce((sum, { south, north }) => sum + (south + north) / 2, 0) / boxes.length;
  const scale = METRES_PER_DEGREE * Math.cos((latitude * Math.PI) / 180);
  return boxes.map(({ west, east, south, north }) => ({ frame: 'ground', left: west * scale, right: east * scale, top: -north * METRES_PER_DEGREE, bottom: -south * METRES_PER_DEGREE }));
}
