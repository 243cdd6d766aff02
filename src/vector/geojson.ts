import { createBounds } from './feature.js';
import type { Coordinates, Feature, FeatureFile, FeatureFileOptions } from './feature.js';
import { createFileOutput } from './file-output.js';

const DECIMALS = 7;

/**
 * GeoJSON (RFC 7946): one feature per line, coordinates in WGS 84, the collection's `bbox` at its end, where it is known.
 * Keeps a few kilobytes.
 */
export async function createGeoJson(path: string, options: FeatureFileOptions): Promise<FeatureFile> {
  const file = await createFileOutput(path);
  const bounds = createBounds();
  const factor = 10 ** (options.decimals ?? DECIMALS);
  const keys = options.fields.map(({ name }) => JSON.stringify(name));
  let first = true;
  await file.write(Buffer.from('{"type":"FeatureCollection","features":['));

  function textOf(feature: Feature): string {
    const properties = feature.values.map((value, i) => `${keys[i]!}:${JSON.stringify(value)}`).join(',');
    return `{"type":"Feature","properties":{${properties}},"geometry":${geometryOf(feature)}}`;
  }

  function geometryOf({ polygons }: Feature): string {
    if (polygons === undefined) return 'null';
    const texts = polygons.map((rings) => `[${rings.map(ringText).join(',')}]`);
    return texts.length === 1 ? `{"type":"Polygon","coordinates":${texts[0]!}}` : `{"type":"MultiPolygon","coordinates":[${texts.join(',')}]}`;
  }

  function ringText(ring: Coordinates): string {
    const parts: string[] = [];
    for (let i = 0; i < ring.length; i += 2) parts.push(`[${rounded(ring[i]!)},${rounded(ring[i + 1]!)}]`);
    return `[${parts.join(',')}]`;
  }

  function rounded(value: number): string {
    return String(Math.round(value * factor) / factor + 0);
  }

  return {
    async write(feature) {
      bounds.add(feature);
      await file.write(Buffer.from(`${first ? '\n' : ',\n'}${textOf(feature)}`));
      first = false;
    },
    async finish() {
      const box = bounds.all;
      await file.write(Buffer.from(`\n]${box === undefined ? '' : `,"bbox":[${box.map(rounded).join(',')}]`}}\n`));
      await file.finish();
    },
    abort: () => file.abort(),
  };
}
