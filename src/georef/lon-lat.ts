import { kindOfProj4 } from './crs-from-epsg.js';
import { isEarthSphere, otherBody } from './ground-ellipsoid.js';
import { parseProj4 } from './proj4-text.js';
import type { Crs } from './types.js';
import { withKnownEllipsoid } from './proj4-ellipsoids.js';
import { proj4Library } from './proj4-library.js';
import { sphereSteps } from './sphere.js';

/** Longitude (east) and latitude (north) in degrees, WGS 84 (of other bodies than the earth: their own). */
export type LonLat = readonly [lon: number, lat: number];

/** Turns a position into another one; `undefined` where the projection has no answer. */
export type PointTransform<T extends readonly [number, number]> = (x: number, y: number) => T | undefined;

/**
 * NAD27 needs grid files that do not ship; PROJ without them takes this mean shift of the conterminous United States
 * (EPSG:1173, good to about 10 m there), and so does this program.
 */
const NAD27 = '+ellps=clrk66 +towgs84=-8,160,176';

/** Ellipsoids of datums that agree with WGS 84 to about a metre (ETRS89, NAD83, GDA, NZGD, GSK-2011 …). */
const WGS84_LIKE = /\+(ellps=(GRS80|WGS84|GSK2011)|datum=(WGS84|NAD83|GDA94)|nadgrids=@null)\b/;

/** From CRS coordinates to longitude and latitude. `undefined` if the CRS is not known well enough. */
export function toLonLat(crs: Crs | undefined): PointTransform<LonLat> | undefined {
  const converter = converterOf(crs);
  if (crs === undefined || converter === undefined) return undefined;
  const scale = crs.degreesPerUnit ?? 1;
  return (x, y) => finite(() => converter.forward([x * scale, y * scale]));
}

/** From longitude and latitude to CRS coordinates. `undefined` if the CRS is not known well enough. */
export function fromLonLat(crs: Crs | undefined): PointTransform<readonly [x: number, y: number]> | undefined {
  const converter = converterOf(crs);
  if (crs === undefined || converter === undefined) return undefined;
  const scale = crs.degreesPerUnit ?? 1;
  return (lon, lat) => {
    const point = finite(() => converter.inverse([lon, lat]));
    return point === undefined ? undefined : [point[0] / scale, point[1] / scale];
  };
}

/**
 * What a user should know about the accuracy of longitudes and latitudes, or `undefined` where they are as good as the
 * scene's own coordinates.
 */
export function datumNote(crs: Crs | undefined): string | undefined {
  if (crs === undefined) return undefined;
  if (crs.proj4 === undefined) return `${crs.name}: no definition is known, so there are no longitudes and latitudes`;
  const body = otherBody(crs.proj4);
  if (body !== undefined) return `${crs.name}: not the earth (radius ${Math.round(body.semiMajor / 100) / 10} km); longitudes, latitudes and sizes are that body's own, not WGS 84`;
  const parameters = parseProj4(crs.proj4);
  if (parameters.get('datum') === 'NAD27' || (parameters.has('nadgrids') && parameters.get('nadgrids') !== '@null')) {
    return `${crs.name}: the datum's grid files are not used; longitudes and latitudes may be off by tens of metres`;
  }
  if (WGS84_LIKE.test(crs.proj4) || parameters.has('towgs84') || parameters.has('datum') || isEarthSphere(crs.proj4)) return undefined;
  return `${crs.name}: the shift of its datum to WGS 84 is not known; longitudes and latitudes may be off by some hundred metres`;
}

interface Converter {
  forward(point: [number, number]): number[];
  inverse(point: [number, number]): number[];
}

function converterOf(crs: Crs | undefined): Converter | undefined {
  if (crs?.proj4 === undefined || crs.kind === 'other' || kindOfProj4(crs.proj4) === 'other') return undefined;
  const definition = withKnownEllipsoid(crs.proj4)
    .replace(/\+datum=NAD27\b/i, NAD27)
    .replace(/\+nadgrids=(?!@null)\S+/, '')
    // Nothing leads from another body to WGS 84: its longitudes and latitudes stay its own.
    .replace(otherBody(crs.proj4) === undefined ? /^$/ : /\+towgs84=\S+/, '');
  const { axis, rest } = splitAxis(definition);
  try {
    const converter = converterTo(WGS84, rest);
    if (axis === undefined) return { forward: (point) => converter.forward(point), inverse: (point) => converter.inverse(point) };
    // proj4 leaves +axis alone unless asked; the two signs are all that GeoTIFFs use (south-oriented, westing).
    return {
      forward: ([x, y]) => converter.forward([x * axis[0], y * axis[1]]),
      inverse: (point) => { const [x = Number.NaN, y = Number.NaN] = converter.inverse(point); return [x * axis[0], y * axis[1]]; },
    };
  } catch {
    return undefined;
  }
}

const WGS84 = '+proj=longlat +datum=WGS84 +no_defs';

function converterTo(geographic: string, definition: string): Converter {
  const steps = sphereSteps(definition);
  if (steps === undefined) return proj4Library()(definition, geographic);
  // The sphere's longitudes and latitudes are the ellipsoid's: between the two steps nothing is converted.
  const onSphere = proj4Library()(steps.projection, steps.projection.replace(/\+proj=\S+/, '+proj=longlat').replace(/\+(units|to_meter)=\S+/g, ''));
  const fromEllipsoid = proj4Library()(steps.geographic, geographic);
  return {
    forward: (point) => fromEllipsoid.forward(onSphere.forward(point)),
    inverse: (point) => onSphere.inverse(fromEllipsoid.inverse(point)),
  };
}

/** Takes `+axis=wsu` and its kind out of a definition, as signs of x and y. */
function splitAxis(definition: string): { axis: readonly [number, number] | undefined; rest: string } {
  const axis = /\+axis=([ew])([ns])u\b/.exec(definition);
  if (axis === null) return { axis: undefined, rest: definition };
  return { axis: [axis[1] === 'w' ? -1 : 1, axis[2] === 's' ? -1 : 1], rest: definition.replace(axis[0], '') };
}

function finite(compute: () => readonly number[]): [number, number] | undefined {
  let point: readonly number[];
  try {
    point = compute();
  } catch {
    return undefined;
  }
  const [x, y] = point;
  return x !== undefined && y !== undefined && Number.isFinite(x) && Number.isFinite(y) ? [x, y] : undefined;
}
