import { GEO_TAG, KEY, RASTER_TYPE } from './geo-key-ids.js';
import type { GeoKeys } from './types.js';

export type GeoKeyValue = number | string | readonly number[];

/** The keys of a directory by number. Keys whose value lies outside its tag are left out. */
export function parseGeoKeys(keys: GeoKeys): Map<number, GeoKeyValue> {
  const { directory, doubles = [], ascii = '' } = keys;
  const values = new Map<number, GeoKeyValue>();
  const count = Math.min(directory[3] ?? 0, Math.floor(directory.length / 4) - 1);
  for (let i = 1; i <= count; i++) {
    const [id = 0, tag = 0, length = 0, value = 0] = directory.slice(i * 4, i * 4 + 4);
    if (tag === 0) {
      values.set(id, value);
    } else if (tag === GEO_TAG.ascii) {
      values.set(id, ascii.slice(value, value + length).replace(/[|\0\s]+$/, ''));
    } else if (tag === GEO_TAG.doubles || tag === GEO_TAG.directory) {
      const list = (tag === GEO_TAG.doubles ? doubles : directory).slice(value, value + length);
      if (list.length === length && length > 0) values.set(id, length === 1 ? list[0]! : list);
    }
  }
  return values;
}

/** The reverse of {@link parseGeoKeys}: short integers stand in the directory, other numbers and texts in their tags. */
export function buildGeoKeys(values: ReadonlyMap<number, GeoKeyValue>, doubleKeys: ReadonlySet<number>): GeoKeys {
  const directory = [1, 1, 0, values.size];
  const doubles: number[] = [];
  let ascii = '';
  for (const [id, value] of [...values].sort(([a], [b]) => a - b)) {
    if (typeof value === 'string') {
      directory.push(id, GEO_TAG.ascii, value.length + 1, ascii.length);
      ascii += `${value}|`;
    } else if (typeof value === 'number' && !doubleKeys.has(id)) {
      directory.push(id, 0, 1, value);
    } else {
      const list = typeof value === 'number' ? [value] : value;
      directory.push(id, GEO_TAG.doubles, list.length, doubles.length);
      doubles.push(...list);
    }
  }
  return { directory, ...(doubles.length > 0 ? { doubles } : {}), ...(ascii === '' ? {} : { ascii }) };
}

/**
 * The same keys, saying that coordinates are those of pixel corners: what every transform of this program means. A
 * PixelIsPoint file was shifted when it was read, so its key must not survive into what is written.
 */
export function asPixelIsArea(keys: GeoKeys): GeoKeys {
  const directory = [...keys.directory];
  for (let i = 4; i + 3 < directory.length; i += 4) {
    if (directory[i] === KEY.rasterType && directory[i + 1] === 0) directory[i + 3] = RASTER_TYPE.pixelIsArea;
  }
  return { ...keys, directory };
}
