import { readFile } from 'node:fs/promises';
import type { PolygonReader } from '../../dataset/index.js';
import { InvalidFileError } from '../../errors.js';
import { IGNORE } from '../../samples/index.js';
import { placeArea, polygonsInText } from '../rows/area.js';

/** Polygons of classes in GeoJSON files (longitude and latitude), put onto the pixels of scenes. */
export const polygonReader: PolygonReader = {
  async classesOf(file, property) {
    return [...new Set((await readFeatures(file, property)).map(({ name }) => name))].sort();
  },
  async onScene(file, property, classes, profile) {
    const features = await readFeatures(file, property);
    const { transform, crs } = profile;
    const areas = features.map(({ name, text }) => {
      const area = transform === undefined || crs === undefined ? undefined : placeArea(polygonsInText(text, file), { transform, crs });
      if (area === undefined) throw new InvalidFileError(file, `expected polygons that can be placed on ${profile.source}, found a scene without a known place`);
      return { id: classes.indexOf(name), area };
    });
    return (window) => {
      const out = new Uint8Array(window.width * window.height).fill(IGNORE);
      const inside = new Uint8Array(out.length);
      for (const { id, area } of areas) {
        const { bounds } = area;
        if (bounds.x >= window.x + window.width || bounds.x + bounds.width <= window.x || bounds.y >= window.y + window.height || bounds.y + bounds.height <= window.y) continue;
        inside.fill(1);
        area.clip(inside, { x: window.x, y: window.y, width: window.width, count: window.height });
        for (let i = 0; i < out.length; i++) if (inside[i] === 1) out[i] = id < 0 ? IGNORE : id;
      }
      return out;
    };
  },
};

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
