import { createBounds } from './feature.js';
import type { Coordinates, Feature, FeatureFile, FeatureFileOptions } from './feature.js';
import { createFileOutput } from './file-output.js';

const DECIMALS = 7;
/** Corners and characters that are turned into text at once. */
const PIECE_CORNERS = 4096;
const PIECE_LENGTH = 64 * 1024;

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

  /** In pieces, because an area with many corners has more text than a string holds. */
  function* textOf({ polygons, values }: Feature): Generator<string> {
    const properties = values.map((value, i) => `${keys[i]!}:${JSON.stringify(value)}`).join(',');
    yield `{"type":"Feature","properties":{${properties}},"geometry":`;
    if (polygons === undefined) {
      yield 'null}';
      return;
    }
    const multi = polygons.length !== 1;
    yield multi ? '{"type":"MultiPolygon","coordinates":[' : '{"type":"Polygon","coordinates":';
    for (const [i, rings] of polygons.entries()) {
      yield i === 0 ? '[' : ',[';
      for (const [k, ring] of rings.entries()) yield* ringText(ring, k === 0);
      yield ']';
    }
    yield multi ? ']}}' : '}}';
  }

  function* ringText(ring: Coordinates, isFirst: boolean): Generator<string> {
    yield isFirst ? '[' : ',[';
    let parts: string[] = [];
    for (let i = 0; i < ring.length; i += 2) {
      parts.push(`${i === 0 ? '' : ','}[${rounded(ring[i]!)},${rounded(ring[i + 1]!)}]`);
      if (parts.length < PIECE_CORNERS) continue;
      yield parts.join('');
      parts = [];
    }
    yield `${parts.join('')}]`;
  }

  function rounded(value: number): string {
    return String(Math.round(value * factor) / factor + 0);
  }

  return {
    async write(feature) {
      bounds.add(feature);
      let text = first ? '\n' : ',\n';
      first = false;
      for (const piece of textOf(feature)) {
        text += piece;
        if (text.length < PIECE_LENGTH) continue;
        await file.write(Buffer.from(text));
        text = '';
      }
      await file.write(Buffer.from(text));
    },
    async finish() {
      const box = bounds.all;
      await file.write(Buffer.from(`\n]${box === undefined ? '' : `,"bbox":[${box.map(rounded).join(',')}]`}}\n`));
      await file.finish();
    },
    abort: () => file.abort(),
  };
}
