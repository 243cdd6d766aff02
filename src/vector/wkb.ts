import type { Coordinates } from './feature.js';

const POLYGON = 3;
const MULTI_POLYGON = 6;

/** Well-known binary (OGC 06-103r4, section 8), little-endian: a polygon, or a multipolygon of several. */
export function wkbOf(polygons: readonly (readonly Coordinates[])[]): Uint8Array {
  const [only] = polygons;
  const bytes = new Uint8Array((polygons.length === 1 ? 0 : 9) + polygons.reduce((sum, rings) => sum + 9 + rings.reduce((all, ring) => all + 4 + 8 * ring.length, 0), 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  const head = (type: number, count: number): void => {
    view.setUint8(at, 1);
    view.setUint32(at + 1, type, true);
    view.setUint32(at + 5, count, true);
    at += 9;
  };
  const polygon = (rings: readonly Coordinates[]): void => {
    head(POLYGON, rings.length);
    for (const ring of rings) {
      view.setUint32(at, ring.length / 2, true);
      at += 4;
      for (let i = 0; i < ring.length; i++, at += 8) view.setFloat64(at, ring[i]!, true);
    }
  };
  if (polygons.length === 1 && only !== undefined) {
    polygon(only);
    return bytes;
  }
  head(MULTI_POLYGON, polygons.length);
  polygons.forEach(polygon);
  return bytes;
}
