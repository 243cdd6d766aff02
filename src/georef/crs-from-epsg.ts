import { epsgList, supplementOf } from './epsg-list.js';
import { epsgName } from './epsg-names.js';
import type { Crs } from './types.js';

/** The proj4 definition of an EPSG code from the list that ships with the program, if it is there. */
export function proj4OfEpsg(code: number): string | undefined {
  // Most scenes are in UTM: their definition is known without the list, which takes a tenth of a second to load.
  if (code > 32600 && code <= 32660) return `+proj=utm +zone=${code - 32600} +datum=WGS84 +units=m +no_defs`;
  if (code > 32700 && code <= 32760) return `+proj=utm +zone=${code - 32700} +south +datum=WGS84 +units=m +no_defs`;
  return epsgList()[`EPSG:${code}`]?.[1]?.trim() ?? supplementOf(code);
}

/**
 * The CRS of an EPSG code, or `undefined` if the code is not in the list. (Its few mistakes were found by comparing with
 * PROJ; see test/georef.)
 */
export function crsFromEpsg(code: number): Crs | undefined {
  const proj4 = proj4OfEpsg(code);
  if (proj4 === undefined) return undefined;
  return { epsg: code, name: epsgName(code), kind: kindOfProj4(proj4), proj4, ...(IN_GRADS.has(code) ? { degreesPerUnit: 0.9 } : {}) };
}

/** Geographic systems that count in grads, 400 to the circle; proj4's definitions do not say so. All but these count in degrees (PROJ 9). */
const IN_GRADS: ReadonlySet<number> = new Set([4807, 4810, 4811, 4816, 4821, 4901]);

/** `geographic` for longitudes and latitudes, `other` for geocentric coordinates, else `projected`. */
export function kindOfProj4(proj4: string): Crs['kind'] {
  if (/\+proj=(longlat|latlong)\b/.test(proj4)) return 'geographic';
  return /\+proj=(geocent|cart)\b/.test(proj4) ? 'other' : 'projected';
}
