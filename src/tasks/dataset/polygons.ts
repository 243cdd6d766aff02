import { readFile } from 'node:fs/promises';
import type { PolygonReader } from '../../dataset/index.js';
import { InvalidFileError } from '../../errors.js';
import { fromLonLat } from '../../georef/index.js';
import type { SceneProfile, Window } from '../../raster/index.js';
import { IGNORE } from '../../samples/index.js';
import { liesExchanged, placeArea, polygonsInText } from '../rows/area.js';

/** Polygons of classes in GeoJSON files (longitude and latitude), put onto the pixels of scenes. */
export const polygonReader: PolygonReader = {
  async classesOf(file, property) {
    return [...new Set((await readFeatures(file, property)).map(({ name }) => name))].sort();
  },
  async onScene(file, property, classes, profile) {
    const features = await readFeatures(file, property);
    const { transform, crs } = profile;
    if (transform === undefined || crs === undefined || fromLonLat(crs) === undefined) throw new InvalidFileError(file, `expected polygons that can be placed on ${profile.source}, found a scene without a known place`);
    const placed = features.map(({ name, text }, index) => {
      const polygons = polygonsInText(text, file);
      const area = placeArea(polygons, { transform, crs, ...sizeOf(profile) });
      const isThere = area !== undefined && touches(area.bounds, { x: 0, y: 0, ...sizeOf(profile) });
      return { id: classes.indexOf(name), feature: index + 1, area, isThere, exchanged: !isThere && liesExchanged(polygons, { transform, crs, ...sizeOf(profile) }) };
    });
    const exchanged = placed.filter((one) => one.exchanged);
    if (exchanged.length > 0) {
      throw new InvalidFileError(file, `expected longitude before latitude in every position (RFC 7946), found ${exchanged.length} of ${placed.length} polygons that lie on ${profile.source} only with the two exchanged (feature ${exchanged.slice(0, 3).map(({ feature }) => feature).join(', ')}${exchanged.length > 3 ? ' …' : ''})`, { advice: 'exchange the two numbers of their positions' });
    }
    if (!placed.some(({ isThere }) => isThere)) throw new InvalidFileError(file, `expected polygons on ${profile.source}, found none of ${placed.length} that touches it`, { advice: 'longitudes and latitudes in degrees are wanted (EPSG:4326)' });
    const areas = placed.flatMap(({ id, area, isThere }) => (area !== undefined && isThere ? [{ id, area }] : []));
    return (window) => {
      const out = new Uint8Array(window.width * window.height).fill(IGNORE);
      const inside = new Uint8Array(out.length);
      for (const { id, area } of areas) {
        const { bounds } = area;
        if (!touches(bounds, window)) continue;
        inside.fill(1);
        area.clip(inside, { x: window.x, y: window.y, width: window.width, count: window.height });
        for (let i = 0; i < out.length; i++) if (inside[i] === 1) out[i] = id < 0 ? IGNORE : id;
      }
      return out;
    };
  },
};

function sizeOf({ width, height }: SceneProfile): { readonly width: number; readonly height: number } {
  return { width, height };
}

function touches(a: Window, b: Window): boolean {
  return a.x < b.x + b.width && a.x + a.width > b.x && a.y < b.y + b.height && a.y + a.height > b.y;
}

interface NamedFeature { readonly name: string; readonly text: string }

async function readFeatures(file: string, property: string): Promise<NamedFeature[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => { throw new InvalidFileError(file, 'expected a GeoJSON file, found none', { cause }); });
  let json: { features?: { properties?: Record<string, unknown> | null }[] };
  try {
    json = JSON.parse(text) as typeof json;
  } catch (cause) {
    throw new InvalidFileError(file, 'expected GeoJSON, found no JSON', { cause });
  }
  if (!Array.isArray(json.features) || json.features.length === 0) throw new InvalidFileError(file, 'expected a GeoJSON FeatureCollection, found none');
  // Checked as a whole, so that a file in metres is refused.
  polygonsInText(text, file);
  return json.features.map((feature, i) => {
    const name = feature.properties?.[property];
    if (typeof name !== 'string' && typeof name !== 'number') {
      const others = Object.keys(feature.properties ?? {});
      throw new InvalidFileError(file, `expected a property ${property} with the class in every feature, found none in feature ${i + 1}`, { advice: others.length === 0 ? 'give every polygon its class' : `name it with property: it has ${others.join(', ')}` });
    }
    return { name: String(name), text: JSON.stringify(feature) };
  });
}
