import { InvalidFileError } from '../../errors.js';
import { crsToPixel, isInvertible, windowTransform } from '../../georef/index.js';
import type { Crs, Transform } from '../../georef/index.js';
import type { SceneProfile, Window } from '../../raster/index.js';
import { unionArea } from './union-area.js';

/** Origins may be off the grid by this part of a pixel, and pixel sizes by as much over a whole file: world files are rounded. */
const TOLERANCE = 0.01;

/** Edges of a mosaic in pixels. */
const MAX_EDGE = 2 ** 31 - 1;

const MAKE_ALIKE = 'bring the files to one grid first, for example with gdalwarp -tap, or list them in a VRT';

/** The grid of several files, and where each of them lies on it. */
export interface CommonGrid {
  readonly width: number;
  readonly height: number;
  readonly transform: Transform;
  readonly windows: readonly Window[];
}

/**
 * Puts files onto the grid of the first of them.
 * @throws {InvalidFileError} naming the first file that differs, and in what
 */
export function commonGrid(profiles: readonly SceneProfile[]): CommonGrid {
  const first = profiles[0]!;
  const origin = transformOf(first);
  const windows = profiles.map((profile) => {
    checkAlike(profile, first);
    return place(profile, origin, first);
  });
  const left = windows.reduce((least, { x }) => Math.min(least, x), 0);
  const top = windows.reduce((least, { y }) => Math.min(least, y), 0);
  const width = windows.reduce((most, one) => Math.max(most, one.x + one.width), 0) - left;
  const height = windows.reduce((most, one) => Math.max(most, one.y + one.height), 0) - top;
  if (width > MAX_EDGE || height > MAX_EDGE) throw new InvalidFileError(first.source, `the files around it make a mosaic of ${width} × ${height} pixels, more than ${MAX_EDGE} a side`);
  // A file that stands in the corner has the origin as it was written; a computed one may be off by the last digit.
  const corner = windows.findIndex((window) => window.x === left && window.y === top);
  const transform = corner < 0 ? windowTransform(origin, { x: left, y: top }) : transformOf(profiles[corner]!);
  return { width, height, transform, windows: windows.map((window) => ({ ...window, x: window.x - left, y: window.y - top })) };
}

/**
 * How far files are pieces of one picture, 0–1: the part of the frame around them that they fill, less where they lie on each other
 * (pictures of one place at several times). 0 where they are not of one grid.
 */
export function filledByFiles(profiles: readonly SceneProfile[]): number {
  try {
    const { width, height, windows } = commonGrid(profiles);
    const areas = windows.reduce((sum, window) => sum + window.width * window.height, 0);
    return unionArea(windows) / Math.max(width * height, areas);
  } catch (error) {
    if (error instanceof InvalidFileError) return 0;
    throw error;
  }
}

function transformOf(profile: SceneProfile): Transform {
  if (profile.transform === undefined || !isInvertible(profile.transform)) {
    throw new InvalidFileError(profile.source, 'it has no georeference, so its place in the mosaic is not known', { advice: 'files of a folder are placed by their coordinates; a VRT can place others' });
  }
  return profile.transform;
}

function checkAlike(profile: SceneProfile, first: SceneProfile): void {
  const refuse = (what: string, expected: string | number, found: string | number): never => {
    throw new InvalidFileError(profile.source, `expected ${what} ${expected} as in ${first.source}, found ${found}`, { advice: MAKE_ALIKE });
  };
  if (profile.bands !== first.bands) refuse('bands:', first.bands, profile.bands);
  if (profile.dtype !== first.dtype) refuse('samples of', first.dtype, profile.dtype);
  if (!Object.is(profile.nodata, first.nodata)) refuse('nodata', first.nodata ?? 'none', profile.nodata ?? 'none');
  const list = (values: SceneProfile['bandNodata']): string => values?.map((value) => value ?? 'none').join(', ') ?? 'one value for all bands';
  if (list(profile.bandNodata) !== list(first.bandNodata)) refuse('nodata by band:', list(first.bandNodata), list(profile.bandNodata));
  if (scaled(profile) !== scaled(first)) refuse('values of', scaled(first), scaled(profile));
  if (profile.alphaBand !== first.alphaBand) refuse('alpha', first.alphaBand === undefined ? 'none' : `in band ${first.alphaBand + 1}`, profile.alphaBand === undefined ? 'none' : `in band ${profile.alphaBand + 1}`);
  if (!sameCrs(profile.crs, first.crs)) refuse('the coordinate system', nameOf(first.crs), nameOf(profile.crs));
  if (JSON.stringify(profile.palette) !== JSON.stringify(first.palette)) refuse('the palette', first.palette === undefined ? '(none)' : `of ${first.palette.length} colours`, profile.palette === undefined ? 'none' : 'another one');
}

/** What samples mean, in words. */
function scaled({ bands, scaling, units }: SceneProfile): string {
  const one = (band: number): string => `sample × ${scaling?.[band]?.scale ?? 1} + ${scaling?.[band]?.offset ?? 0}${units?.[band] ? ` ${units[band]}` : ''}`;
  const all = Array.from({ length: bands }, (_, band) => one(band));
  return all.every((text) => text === all[0]) ? all[0]! : all.join('; ');
}

function place(profile: SceneProfile, origin: Transform, first: SceneProfile): Window {
  const transform = transformOf(profile);
  const refuse = (message: string): never => { throw new InvalidFileError(profile.source, message, { advice: MAKE_ALIKE }); };
  const { width, height } = profile;
  const [x, y] = crsToPixel(origin, transform[0], transform[3]);
  const corners = [[width, 0], [0, height]] as const;
  for (const [column, row] of corners) {
    const [farX, farY] = crsToPixel(origin, transform[0] + column * transform[1] + row * transform[2], transform[3] + column * transform[4] + row * transform[5]);
    if (Math.abs(farX - x - column) > TOLERANCE || Math.abs(farY - y - row) > TOLERANCE) {
      refuse(`expected pixels of ${pixel(origin)} as in ${first.source}, found ${pixel(transform)}`);
    }
  }
  const [column, row] = [Math.round(x), Math.round(y)];
  if (Math.abs(x - column) > TOLERANCE || Math.abs(y - row) > TOLERANCE) {
    refuse(`its corner lies between the pixels of ${first.source}, at ${x.toFixed(3)}, ${y.toFixed(3)}`);
  }
  return { x: column, y: row, width, height };
}

function pixel([, dx, rx, , ry, dy]: Transform): string {
  return rx === 0 && ry === 0 ? `${dx} × ${dy}` : `${dx}, ${rx} / ${ry}, ${dy}`;
}

function nameOf(crs: Crs | undefined): string {
  return crs === undefined ? 'none' : crs.epsg === undefined ? crs.name : `EPSG:${crs.epsg}`;
}

function sameCrs(a: Crs | undefined, b: Crs | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.epsg !== undefined && b.epsg !== undefined) return a.epsg === b.epsg;
  if (a.proj4 !== undefined && b.proj4 !== undefined) return a.proj4 === b.proj4;
  return a.name === b.name && a.wkt === b.wkt && JSON.stringify(a.geoKeys) === JSON.stringify(b.geoKeys);
}
