import fc from 'fast-check';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createChipCsv, createChipGeoJson, createSubmissionCsv, csvRecord, footprintGeometry } from '../../src/chips/index.js';
import type { Chip } from '../../src/chips/index.js';
import type { LonLat } from '../../src/georef/index.js';
import { scratch } from '../places.js';
import { readCsv } from './read-csv.js';

const folder = scratch();
const chip: Chip = {
  id: 'a "b", c', window: { x: 1, y: 2, width: 3, height: 4 }, centre: [-0.000_000_01, 89.123_456_789], tags: [0, 2],
  probabilities: Float32Array.of(0.9, 0.000_000_1, 1),
};
const TAGS = ['bare ground', 'a,b', 'line\nbreak'];

describe('csv', () => {
  it('brings any text through a reader of RFC 4180 unchanged', () => {
    fc.assert(fc.property(fc.array(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 2, maxLength: 5 }), { minLength: 1, maxLength: 5 }), (records) => {
      expect(readCsv(records.map(csvRecord).join(''))).toEqual(records);
    }));
    fc.assert(fc.property(fc.array(fc.constantFrom('"', ',', '\r', '\n', 'a', '""', '\r\n'), { maxLength: 8 }), (parts) => {
      expect(readCsv(csvRecord([parts.join(''), 'end']))).toEqual([[parts.join(''), 'end']]);
    }));
  });

  it('has one record per chip, one column per tag, and no exponents', async () => {
    const path = join(folder, 'chips.csv');
    const writer = await createChipCsv(path, TAGS);
    await writer.write(chip);
    await writer.write({ id: 'empty', window: chip.window, tags: [] });
    await writer.finish();
    expect(readCsv(await readFile(path, 'utf8'))).toEqual([
      ['chip', 'x', 'y', 'width', 'height', 'lon', 'lat', 'tags', ...TAGS],
      ['a "b", c', '1', '2', '3', '4', '0', '89.1234568', 'bare_ground line_break', '0.9', '0', '1'],
      ['empty', '1', '2', '3', '4', '', '', '', '', '', ''],
    ]);
  });

  it('writes submissions with names and tags only', async () => {
    const path = join(folder, 'submission.csv');
    const writer = await createSubmissionCsv(path, TAGS);
    for (let i = 0; i < 3000; i++) await writer.write({ ...chip, id: `train_${i}` });
    await writer.finish();
    const records = readCsv(await readFile(path, 'utf8'));
    expect(records).toHaveLength(3001);
    expect(records[3000]).toEqual(['train_2999', 'bare_ground line_break']);
  });
});

describe('geojson', () => {
  const square: LonLat[] = [[10, 5], [11, 5], [11, 6], [10, 6], [10, 5]];

  it('is one valid collection, also when it is empty', async () => {
    for (const chips of [[], [chip], [{ ...chip, footprint: square }, { id: 'x', window: chip.window, tags: [] }]]) {
      const path = join(folder, 'chips.geojson');
      const writer = await createChipGeoJson(path, TAGS);
      for (const one of chips) await writer.write(one);
      await writer.finish();
      const json = JSON.parse(await readFile(path, 'utf8')) as { type: string; features: { geometry: unknown; properties: Record<string, unknown> }[] };
      expect(json.type).toBe('FeatureCollection');
      expect(json.features).toHaveLength(chips.length);
      if (chips.length !== 2) continue;
      expect(json.features[0]!.geometry).toEqual({ type: 'Polygon', coordinates: [square] });
      expect(json.features[0]!.properties).toMatchObject({ tags: 'bare_ground line_break', 'p_bare ground': 0.9 });
      expect(json.features[1]!).toMatchObject({ geometry: null, properties: { tags: null, 'p_bare ground': null } });
    }
  });

  it('cuts footprints at the antimeridian, west of it and east of it, with the same area', () => {
    const crossing: LonLat[] = [[179, 0], [182, 0], [182, 1], [179, 1], [179, 0]];
    expect(footprintGeometry(crossing)).toEqual({
      type: 'MultiPolygon',
      coordinates: [[[[179, 0], [180, 0], [180, 1], [179, 1], [179, 0]]], [[[-180, 0], [-178, 0], [-178, 1], [-180, 1], [-180, 0]]]].map((polygon) => polygon.map((ring) => expect.toSatisfy((got: number[][]) => sameRing(got, ring)) as unknown)),
    });
    const west: LonLat[] = crossing.map(([lon, lat]) => [lon - 360, lat]);
    expect(footprintGeometry(west)).toEqual(footprintGeometry(crossing));
    expect(footprintGeometry(square.map(([lon, lat]) => [lon + 360, lat]))).toEqual({ type: 'Polygon', coordinates: [square] });
  });

  it('keeps within −180 … 180 and keeps the area, for any quadrangle', () => {
    fc.assert(fc.property(fc.double({ min: -400, max: 400, noNaN: true }), fc.double({ min: 0.01, max: 100, noNaN: true }), fc.double({ min: -0.5, max: 0.5, noNaN: true }), (lon, width, slope) => {
      const ring: LonLat[] = [[lon, 0], [lon + width, slope], [lon + width, 1 + slope], [lon, 1], [lon, 0]];
      const geometry = footprintGeometry(ring);
      const rings = geometry.type === 'Polygon' ? [geometry.coordinates[0]!] : geometry.coordinates.map((polygon) => polygon[0]!);
      for (const [x] of rings.flat()) expect(Math.abs(x)).toBeLessThanOrEqual(180);
      expect(rings.reduce((sum, part) => sum + area(part), 0)).toBeCloseTo(area(ring), 4);
    }));
  });
});

function area(ring: readonly (readonly [number, number])[]): number {
  let sum = 0;
  for (let i = 0; i + 1 < ring.length; i++) sum += ring[i]![0] * ring[i + 1]![1] - ring[i + 1]![0] * ring[i]![1];
  return sum / 2;
}

/** Whether two closed rings have the same points in the same order, from any of them on. */
function sameRing(a: readonly number[][], b: readonly (readonly number[])[]): boolean {
  const text = (ring: readonly (readonly number[])[], shift: number): string => JSON.stringify(ring.slice(0, -1).map((_, i) => ring[(i + shift) % (ring.length - 1)]));
  return a.length === b.length && b.slice(0, -1).some((_, shift) => text(a, 0) === text(b, shift));
}
