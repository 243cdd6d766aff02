import { metresPerUnit, parseProj4, proj4Number } from './proj4-text.js';
import { groundSize } from './ground.js';
import { fromLonLat } from './lon-lat.js';
import type { Crs } from './types.js';

/** Projections of the whole world, which stretch far places and are meant to. */
const OF_THE_WORLD: ReadonlySet<string> = new Set(['merc', 'webmerc', 'eqc', 'cea', 'mill', 'moll', 'robin', 'sinu', 'hammer', 'aitoff', 'wintri', 'natearth', 'igh', 'vandg', 'gall', 'eqearth']);
const TRANSVERSE: ReadonlySet<string> = new Set(['utm', 'tmerc', 'etmerc']);
const IS_ECKERT = /^(eck|wag|putp)/;

/** Degrees of longitude from its middle meridian at which nobody uses a transverse projection any more; zones have 3. */
const FAR_DEGREES = 20;
/** What lengths are stretched or shrunk by where a CRS is out of its place: no national one comes near it in its country. */
const STRETCHED = 1.25;

/**
 * One line on a coordinate system that is hardly meant for a place, at a longitude and latitude: a UTM zone of another part of
 * the world, a polar system near the equator. `undefined` where it fits, or is of the whole world.
 */
export function stretchNote(crs: Crs, lon: number, lat: number): string | undefined {
  const parameters = parseProj4(crs.proj4 ?? '');
  const projection = String(parameters.get('proj'));
  if (crs.kind !== 'projected' || OF_THE_WORLD.has(projection) || IS_ECKERT.test(projection)) return undefined;
  if (TRANSVERSE.has(projection)) {
    const zone = parameters.get('zone');
    const middle = zone === undefined ? proj4Number(parameters, 'lon_0', 0) : Number(zone) * 6 - 183;
    const distance = Math.abs(((lon - middle + 540) % 360 + 360) % 360 - 180);
    return distance > FAR_DEGREES ? `${crs.name} is meant for places around longitude ${round(middle)}, the scene lies at ${round(lon)}: distances and areas are wrong there` : undefined;
  }
  const point = fromLonLat(crs)?.(lon, lat);
  const unit = point && groundSize([point[0], 1, 0, point[1], 0, -1], crs, 0, 0);
  const reference = metresOf(crs);
  if (unit === undefined) return `${crs.name} gives no sure place for the scene's middle (longitude ${round(lon)}, latitude ${round(lat)})`;
  const factors = [reference / unit.width, reference / unit.height];
  const [least, most] = [Math.min(...factors), Math.max(...factors)];
  if (most <= STRETCHED && least >= 1 / STRETCHED) return undefined;
  const factor = most >= 1 / least ? `stretches lengths ${round(most)} times` : `shrinks lengths to ${Math.round(least * 100)} %`;
  return `${crs.name} ${factor} where the scene lies (longitude ${round(lon)}, latitude ${round(lat)}): it is meant for other places`;
}

function metresOf(crs: Crs): number {
  return crs.proj4 === undefined ? 1 : metresPerUnit(crs.proj4);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
