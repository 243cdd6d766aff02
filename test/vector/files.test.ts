import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crsFromEpsg } from '../../src/georef/index.js';
import { createFeatureFile, formatOf } from '../../src/vector/index.js';
import type { Feature, FeatureFormat, Field } from '../../src/vector/index.js';
import { scratch } from '../places.js';
import { readFlatGeobuf, readGeoJson, readGeoParquet } from './read-features.js';

const folder = scratch();
const FIELDS: readonly Field[] = [{ name: 'id', type: 'int32' }, { name: 'count', type: 'int64' }, { name: 'name "quoted"', type: 'string' }, { name: 'share', type: 'float64' }];

/** Squares on a lattice; every third with a hole. */
function squares(count: number): Feature[] {
  return Array.from({ length: count }, (_, i) => {
    const [x, y] = [500_000 + 20 * ((i * 7919) % 211), 4_000_000 + 20 * ((i * 104729) % 307)];
    const outline = [x, y, x + 10, y, x + 10, y + 10, x, y + 10, x, y];
    const hole = [x + 2, y + 2, x + 2, y + 4, x + 4, y + 4, x + 4, y + 2, x + 2, y + 2];
    return { polygons: [i % 3 === 0 ? [outline, hole] : [outline]], values: [i, i === 5 ? 2 ** 40 : i * 10, i % 4 === 0 ? null : `Fläche "${i}"`, i % 5 === 0 ? null : i / 7] };
  });
}

async function write(format: FeatureFormat, features: readonly Feature[], geometry: 'Polygon' | 'MultiPolygon' = 'Polygon'): Promise<string> {
  const path = join(folder, `${features.length}-${geometry}.${format}`);
  const file = await createFeatureFile(path, format, { fields: FIELDS, geometry, crs: crsFromEpsg(32633)! });
  for (const feature of features) await file.write(feature);
  await file.finish();
  return path;
}

const ringsOf = ({ polygons }: Feature): number[][][] => polygons![0]!.map((ring) => Array.from({ length: ring.length / 2 }, (_, i) => [ring[2 * i]!, ring[2 * i + 1]!]));
const propertiesOf = ({ values }: Feature): Record<string, unknown> => Object.fromEntries(FIELDS.map(({ name }, i) => [name, values[i]]));
const byId = <T extends { readonly properties: Readonly<Record<string, unknown>> }>(features: readonly T[]): T[] => [...features].sort((a, b) => Number(a.properties['id']) - Number(b.properties['id']));

describe('files of features', () => {
  it('are known by their endings', () => {
    expect(['a.geojson', 'a.JSON', 'a.fgb', 'b.parquet', 'c.shp', 'd'].map(formatOf)).toEqual(['geojson', 'geojson', 'fgb', 'parquet', undefined, undefined]);
  });

  it('GeoJSON: every feature and attribute, and the bbox', async () => {
    const features = squares(50);
    const { features: found, bbox } = await readGeoJson(await write('geojson', features));
    expect(found.map(({ geometry }) => geometry)).toEqual(features.map((feature) => ({ type: 'Polygon', coordinates: ringsOf(feature) })));
    expect(found.map(({ properties }) => properties)).toEqual(features.map(propertiesOf));
    expect(bbox).toEqual(boundsOf(features));
  });

  it.each([0, 1, 2, 16, 17, 257, 5000])('FlatGeobuf: %i features, found again one by one through the index', async (count) => {
    const features = squares(count);
    const path = await write('fgb', features);
    expect(existsSync(`${path}.features`)).toBe(false);
    const { features: found, header } = await readFlatGeobuf(path);
    expect(header).toMatchObject({ featuresCount: count, crs: { org: 'EPSG', code: 32633 }, indexNodeSize: count === 0 ? 0 : 16 });
    expect(byId(found).map(({ geometry }) => geometry)).toEqual(features.map((feature) => ({ type: 'Polygon', coordinates: ringsOf(feature) })));
    const withoutNulls = features.map((feature) => Object.fromEntries(Object.entries(propertiesOf(feature)).filter(([, value]) => value !== null)));
    expect(byId(found).map(({ properties }) => properties)).toEqual(withoutNulls);
    for (const feature of features.filter((_, i) => i % 251 === 0)) {
      const [x, y] = ringsOf(feature)[0]![0]!;
      const rect = { minX: x! + 1, minY: y! + 1, maxX: x! + 35, maxY: y! + 35 };
      const { features: near } = await readFlatGeobuf(path, rect);
      const expected = features.filter((other) => { const [a, b] = ringsOf(other)[0]![0]!; return a! <= rect.maxX && a! + 10 >= rect.minX && b! <= rect.maxY && b! + 10 >= rect.minY; });
      expect(byId(near).map(({ properties }) => properties['id'])).toEqual(expected.map(({ values }) => values[0]));
    }
  });

  it.each([0, 1, 300, 20_001])('GeoParquet: %i features in row groups, with boxes, CRS and metadata', async (count) => {
    const features = squares(count);
    const { features: found, geo, rowGroups, boxes } = await readGeoParquet(await write('parquet', features));
    expect(rowGroups).toBe(Math.ceil(count / 20_000));
    expect(geo).toMatchObject({ version: '1.1.0', primary_column: 'geometry', columns: { geometry: { geometry_types: ['Polygon'], crs: { id: { authority: 'EPSG', code: 32633 } } } } });
    expect(geo.columns.geometry.covering).toEqual({ bbox: { xmin: ['bbox', 'xmin'], ymin: ['bbox', 'ymin'], xmax: ['bbox', 'xmax'], ymax: ['bbox', 'ymax'] } });
    expect(found.map(({ geometry }) => geometry)).toEqual(features.map((feature) => ({ type: 'Polygon', coordinates: ringsOf(feature) })));
    expect(found.map(({ properties }) => properties)).toEqual(features.map((feature) => ({ ...propertiesOf(feature), count: BigInt(feature.values[1]!) })));
    expect(boxes).toEqual(features.map((feature) => { const [xmin, ymin, xmax, ymax] = boundsOf([feature]); return { xmin, ymin, xmax, ymax }; }));
    if (count > 0) expect(geo.columns.geometry.bbox).toEqual(boundsOf(features));
  });

  it.each(['fgb', 'parquet', 'geojson'] as const)('%s: polygons of several parts', async (format) => {
    const [one, other] = squares(2) as [Feature, Feature];
    const feature: Feature = { polygons: [one.polygons![0]!, other.polygons![0]!], values: [7, 8, 'two', 0.5] };
    const path = await write(format, [one, feature], 'MultiPolygon');
    const { features } = format === 'fgb' ? await readFlatGeobuf(path) : format === 'parquet' ? await readGeoParquet(path) : await readGeoJson(path);
    expect(byId(features).map(({ geometry }) => geometry)).toEqual([{ type: 'Polygon', coordinates: ringsOf(one) }, { type: 'MultiPolygon', coordinates: [ringsOf(one), ringsOf(other)] }]);
  });

  it('FlatGeobuf refuses what has no place; a file that is given up leaves no spool', async () => {
    const path = join(folder, 'given-up.fgb');
    const file = await createFeatureFile(path, 'fgb', { fields: FIELDS, geometry: 'Polygon' });
    await expect(file.write({ values: [1, 2, 'x', 3] })).rejects.toThrow('without a place');
    await file.abort();
    expect(existsSync(`${path}.features`)).toBe(false);
  });
});

function boundsOf(features: readonly Feature[]): number[] {
  const all = features.flatMap((feature) => ringsOf(feature)[0]!);
  const [xs, ys] = [all.map(([x]) => x!), all.map(([, y]) => y!)];
  const least = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b), Infinity);
  const most = (values: readonly number[]): number => values.reduce((a, b) => Math.max(a, b), -Infinity);
  return [least(xs), least(ys), most(xs), most(ys)];
}
