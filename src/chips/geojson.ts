import type { LonLat } from '../georef/index.js';
import { roundTo, tagList } from './fields.js';
import { createTextFile } from './text-file.js';
import type { Chip, ChipWriter } from './types.js';

type Position = readonly [number, number];

/** A GeoJSON polygon, or a multipolygon where it had to be cut at the antimeridian. */
export type ChipGeometry =
  | { readonly type: 'Polygon'; readonly coordinates: readonly (readonly Position[])[] }
  | { readonly type: 'MultiPolygon'; readonly coordinates: readonly (readonly (readonly Position[])[])[] };

const DECIMALS = 7;

/**
 * `chips.geojson` (RFC 7946): one feature per chip, a line each, with its footprint in WGS 84 and its tags; `null` geometries
 * where the scene has no georeference. Properties: the window, `tags` (separated by spaces, `null` without data) and one
 * number per tag.
 */
export async function createChipGeoJson(path: string, tags: readonly string[]): Promise<ChipWriter> {
  const file = await createTextFile(path);
  await file.write('{"type":"FeatureCollection","features":[');
  let first = true;
  return {
    async write(chip: Chip) {
      await file.write(`${first ? '\n' : ',\n'}${JSON.stringify(feature(chip, tags))}`);
      first = false;
    },
    async finish() {
      await file.write('\n]}\n');
      await file.finish();
    },
    abort: () => file.abort(),
  };
}

function feature(chip: Chip, tags: readonly string[]): unknown {
  const { x, y, width, height } = chip.window;
  const probabilities = Object.fromEntries(tags.map((tag, i) => [
    `p_${tag}`, chip.probabilities === undefined ? null : roundTo(chip.probabilities[i] ?? 0, 6),
  ]));
  return {
    type: 'Feature',
    id: chip.id,
    geometry: chip.footprint === undefined ? null : footprintGeometry(chip.footprint),
    properties: {
      chip: chip.id, x, y, width, height, tags: chip.probabilities === undefined ? null : tagList(chip.tags, tags), ...probabilities,
    },
  };
}

/** A ring whose longitudes may run on past ±180 as GeoJSON, cut at the antimeridian where it crosses it (RFC 7946, 3.1.9). */
export function footprintGeometry(ring: readonly LonLat[]): ChipGeometry {
  const longitudes = ring.map(([lon]) => lon);
  const low = Math.min(...longitudes);
  const high = Math.max(...longitudes);
  // Pieces between … −180 … 180 … 540, each moved back into −180 … 180.
  const firstSheet = Math.floor((low + 180) / 360);
  const lastSheet = Math.ceil((high + 180) / 360) - 1;
  const pieces: Position[][] = [];
  for (let sheet = firstSheet; sheet <= Math.max(firstSheet, lastSheet); sheet++) {
    const west = sheet * 360 - 180;
    const piece = firstSheet >= lastSheet ? ring.map(([lon, lat]): Position => [lon, lat])
      : closed(cutEast(cutWest(ring.slice(0, -1).map(([lon, lat]): Position => [lon, lat]), west), west + 360));
    if (piece.length >= 4) pieces.push(piece.map(([lon, lat]) => [roundTo(lon - sheet * 360, DECIMALS), roundTo(lat, DECIMALS)]));
  }
  const [only] = pieces;
  if (pieces.length === 1 && only !== undefined) return { type: 'Polygon', coordinates: [only] };
  return { type: 'MultiPolygon', coordinates: pieces.map((piece) => [piece]) };
}

/** The part of a convex polygon east of a meridian (Sutherland and Hodgman 1974). */
function cutWest(ring: readonly Position[], meridian: number): Position[] {
  return clip(ring, meridian, (lon) => lon >= meridian);
}

function cutEast(ring: readonly Position[], meridian: number): Position[] {
  return clip(ring, meridian, (lon) => lon <= meridian);
}

function clip(ring: readonly Position[], meridian: number, inside: (lon: number) => boolean): Position[] {
  const out: Position[] = [];
  ring.forEach((point, i) => {
    const next = ring[(i + 1) % ring.length] ?? point;
    if (inside(point[0])) out.push(point);
    if (inside(point[0]) !== inside(next[0])) {
      const t = (meridian - point[0]) / (next[0] - point[0]);
      out.push([meridian, point[1] + t * (next[1] - point[1])]);
    }
  });
  return out;
}

function closed(ring: readonly Position[]): Position[] {
  const [first] = ring;
  return first === undefined ? [] : [...ring, first];
}
