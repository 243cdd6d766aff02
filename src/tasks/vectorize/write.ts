import type { LegendEntry } from '../../card/index.js';
import { InvalidOptionError, throwIfAborted } from '../../errors.js';
import { groundSize } from '../../georef/index.js';
import type { TaskContext } from '../../run/index.js';
import { NO_CLASS, createFeatureFile, createPolygonizer, createSieve, createSimplifier, placeInCrs, placeInLonLat } from '../../vector/index.js';
import type { ClassPolygon, FeatureFile, FeatureFileOptions, FeatureFormat, Field, MapPlace, Placement, SievedMap } from '../../vector/index.js';
import { crsOf, placeOf } from './class-map.js';
import type { ClassMap, MapProfile } from './class-map.js';

/** What polygons are made of a map. */
export interface PolygonOptions {
  /** Areas of fewer square metres become part of their largest neighbour. Default 0. */
  readonly minArea?: number;
  /** Farthest in metres that a border may move so that it has fewer corners. Default 0: borders follow the pixels exactly. */
  readonly simplify?: number;
}

export interface WritePolygonsOptions extends PolygonOptions {
  readonly map: ClassMap;
  /** Ids of the classes that are written. Default: all. */
  readonly classes?: ReadonlySet<number>;
  /** Names and colours of classes. Default: the map's own. */
  readonly legend?: readonly LegendEntry[];
  /** Where the features go; absent: they are only counted. */
  readonly file?: FeatureFile;
  readonly place: Placement;
}

/** The polygons of one class. */
export interface ClassPolygons {
  readonly id: number;
  readonly name: string | null;
  /** `#rrggbb`, from the map's palette. */
  readonly color: string | null;
  readonly polygons: number;
  readonly pixels: number;
  /** On the ground; `null` where the CRS does not tell. */
  readonly areaHa: number | null;
}

export interface PolygonSummary {
  readonly polygons: number;
  /** Corners of all rings; those between two polygons count twice. */
  readonly corners: number;
  /** Areas that were smaller than the least and became part of a neighbour. */
  readonly sieved: number;
  readonly classes: readonly ClassPolygons[];
}

/** Attributes of polygons. */
export const POLYGON_FIELDS: readonly Field[] = [
  { name: 'class', type: 'int32' }, { name: 'name', type: 'string' }, { name: 'color', type: 'string' }, { name: 'pixels', type: 'int64' }, { name: 'area_ha', type: 'float64' },
];

/** Decides how a map's polygons are placed in a format's coordinates. @throws {InvalidOptionError} if GeoJSON cannot hold the map. */
export function placementFor(profile: MapProfile, format: FeatureFormat, option: string): { readonly place: Placement; readonly file: FeatureFileOptions; readonly warnings: readonly string[] } {
  const { width, height, crs } = profile;
  const map: MapPlace = { width, height, transform: placeOf(profile), ...crsOf(profile) };
  const file: FeatureFileOptions = { fields: POLYGON_FIELDS, geometry: 'Polygon', ...crsOf(profile) };
  if (format !== 'geojson') {
    return { place: placeInCrs(map), file, warnings: crs === undefined ? [`${profile.source} has no CRS, nor have the polygons`] : [] };
  }
  const placed = placeInLonLat(map);
  if (placed === 'unknown CRS') {
    throw new InvalidOptionError(option, `GeoJSON needs longitudes and latitudes, and the CRS of ${profile.source} gives none`, { advice: 'write .fgb or .parquet, which keep the map\'s own coordinates' });
  }
  if (placed === 'pole') {
    throw new InvalidOptionError(option, `${profile.source} holds a pole, where longitudes have no meaning`, { advice: 'write .fgb or .parquet, which keep the map\'s own coordinates' });
  }
  return {
    place: placed.place, file: { ...file, decimals: placed.decimals },
    warnings: placed.crossesAntimeridian ? ['the map crosses the antimeridian: longitudes of the GeoJSON run on beyond ±180'] : [],
  };
}

/** Opens the file for a map's polygons. */
export function openPolygonFile(path: string, format: FeatureFormat, options: FeatureFileOptions): Promise<FeatureFile> {
  return createFeatureFile(path, format, options);
}

/**
 * Makes the polygons of a map, from top to bottom, and writes them as they end; the file is finished, or on failure closed. With a least
 * area the map is read twice.
 */
export async function writePolygons(options: WritePolygonsOptions, context: TaskContext): Promise<PolygonSummary> {
  const { map, file } = options;
  const { profile } = map;
  const table = createClassTable(map, options.legend);
  try {
    const sieved = await sieve(options, context);
    const polygonizer = createPolygonizer({ width: profile.width, height: profile.height, ...rowArea(map), ...simplifierFor(options) });
    const take = async (polygons: readonly ClassPolygon[]): Promise<void> => {
      for (const polygon of polygons) {
        const values = table.count(polygon);
        await file?.write({ polygons: options.place(polygon), values });
      }
    };
    for await (const row of map.rows('polygons', context)) {
      sieved?.apply(row);
      if (options.classes !== undefined) leaveOnly(row, options.classes);
      const polygons = polygonizer.push(row);
      if (polygons.length > 0) await take(polygons);
    }
    throwIfAborted(context.signal);
    await take(polygonizer.finish());
    await file?.finish();
    return table.summary(sieved?.merged ?? 0);
  } catch (error) {
    await file?.abort().catch(() => undefined);
    throw error;
  }
}

async function sieve({ map, minArea = 0 }: WritePolygonsOptions, context: TaskContext): Promise<SievedMap | undefined> {
  const { rowAreas } = map;
  if (minArea === 0 || rowAreas === undefined) return undefined;
  const pass = createSieve({ width: map.profile.width, minArea, rowArea: (y) => rowAreas[y]! });
  for await (const row of map.rows('areas', context)) pass.push(row);
  return pass.finish();
}

function rowArea({ rowAreas }: ClassMap): { rowArea?: (y: number) => number } {
  return rowAreas === undefined ? {} : { rowArea: (y) => rowAreas[y]! };
}

function simplifierFor({ map, simplify = 0 }: WritePolygonsOptions): { simplifier?: ReturnType<typeof createSimplifier> } {
  if (simplify === 0) return {};
  const { width, transform, crs, height } = map.profile;
  return {
    simplifier: createSimplifier({
      width, tolerance: simplify,
      pixelSize: (y) => groundSize(transform, crs, width / 2, Math.min(y, height)),
    }),
  };
}

function leaveOnly(row: Int32Array, classes: ReadonlySet<number>): void {
  for (let x = 0; x < row.length; x++) if (row[x] !== NO_CLASS && !classes.has(row[x]!)) row[x] = NO_CLASS;
}

/** Counts polygons by class, and gives each its attributes. */
function createClassTable({ profile, rowAreas }: ClassMap, legend: readonly LegendEntry[] | undefined): {
  count(polygon: ClassPolygon): (string | number | null)[];
  summary(sieved: number): PolygonSummary;
} {
  const classes = new Map<number, { name: string | null; color: string | null; polygons: number; pixels: number; squareMetres: number }>();
  let polygons = 0;
  let corners = 0;
  return {
    count({ classId, pixels, squareMetres, rings }) {
      let entry = classes.get(classId);
      if (entry === undefined) {
        const own = legend?.find(({ value }) => value === classId);
        const color = own?.color ?? profile.palette?.[classId];
        entry = { name: own?.name ?? (profile.classNames?.[classId] || null), color: color === undefined ? null : hex(color), polygons: 0, pixels: 0, squareMetres: 0 };
        classes.set(classId, entry);
      }
      entry.polygons++;
      entry.pixels += pixels;
      entry.squareMetres += squareMetres;
      polygons++;
      corners += rings.reduce((sum, ring) => sum + ring.length / 2, 0);
      return [classId, entry.name, entry.color, pixels, rowAreas === undefined ? null : squareMetres / 10_000];
    },
    summary: (sieved) => ({
      polygons, corners, sieved,
      classes: [...classes].sort(([a], [b]) => a - b).map(([id, entry]) => ({
        id, name: entry.name, color: entry.color, polygons: entry.polygons, pixels: entry.pixels, areaHa: rowAreas === undefined ? null : entry.squareMetres / 10_000,
      })),
    }),
  };
}

function hex(color: readonly number[]): string {
  return `#${color.slice(0, 3).map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}
