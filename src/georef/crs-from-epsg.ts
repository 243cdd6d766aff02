import { epsgList, supplementOf } from './epsg-list.js';
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
  return { epsg: code, name: epsgName(code), kind: kindOfProj4(proj4), proj4 };
}

/** `geographic` for longitudes and latitudes, `other` for geocentric coordinates, else `projected`. */
export function kindOfProj4(proj4: string): Crs['kind'] {
  if (/\+proj=(longlat|latlong)\b/.test(proj4)) return 'geographic';
  return /\+proj=(geocent|cart)\b/.test(proj4) ? 'other' : 'projected';
}

/** A name for people: EPSG's own for the most used codes, else the code. */
export function epsgName(code: number): string {
  if (code >= 32601 && code <= 32660) return `WGS 84 / UTM zone ${code - 32600}N`;
  if (code >= 32701 && code <= 32760) return `WGS 84 / UTM zone ${code - 32700}S`;
  if (code >= 25828 && code <= 25838) return `ETRS89 / UTM zone ${code - 25800}N`;
  if (code >= 26901 && code <= 26923) return `NAD83 / UTM zone ${code - 26900}N`;
  return KNOWN_NAMES.get(code) ?? `EPSG:${code}`;
}

/** Whether a code is one of those that are named here: the most used ones. */
export function isUsual(code: number): boolean {
  return !epsgName(code).startsWith('EPSG:');
}

const KNOWN_NAMES: ReadonlyMap<number, string> = new Map([
  [4326, 'WGS 84'], [3857, 'WGS 84 / Pseudo-Mercator'], [4258, 'ETRS89'], [4269, 'NAD83'], [3035, 'ETRS89-extended / LAEA Europe'],
  [3031, 'WGS 84 / Antarctic Polar Stereographic'], [3413, 'WGS 84 / NSIDC Sea Ice Polar Stereographic North'],
  [5070, 'NAD83 / Conus Albers'], [27700, 'OSGB36 / British National Grid'], [2154, 'RGF93 v1 / Lambert-93'],
  [28992, 'Amersfoort / RD New'], [2056, 'CH1903+ / LV95'], [31256, 'MGI / Austria GK East'], [6933, 'WGS 84 / NSIDC EASE-Grid 2.0 Global'],
]);
