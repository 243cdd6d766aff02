import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { goldenEntries, writeGolden } from '../../fixtures/index-store/write-part.js';
import { root, scratch } from '../places.js';

interface Golden {
  readonly sha256: string;
  readonly epsg: number;
  readonly rows: readonly (Record<'id' | 'source' | 'scene', string> & Record<'x' | 'y' | 'width' | 'height' | 'scale', number> & Record<'gsd' | 'lon' | 'lat' | 'area', number | null> & {
    readonly tags: string[] | null; readonly ring: number[][] | null; readonly counterclockwise: boolean | null; readonly bbox: number[] | null; readonly vector: number[];
  })[];
  readonly inBox: readonly string[];
  readonly duckdb: readonly { readonly id: string; readonly type: string; readonly vector: number[]; readonly tags: string[] | null; readonly xmin: number | null; readonly distance: number }[];
}

const golden = JSON.parse(readFileSync(join(root, 'fixtures/index-store/golden.json'), 'utf8')) as Golden;
const folder = scratch();

it('a part has the bytes in which GeoPandas and DuckDB read these entries, outlines and vectors', async () => {
  expect((await writeGolden(join(folder, 'parts'))).sha256).toBe(golden.sha256);
  expect(golden.epsg).toBe(4326);
  expect(golden.rows).toHaveLength(3);
  goldenEntries().forEach(({ entry, vector }, i) => {
    const { id, source, scene, window, scale, gsd = null, lon = null, lat = null, tags = null, footprint = null } = entry;
    const row = golden.rows[i]!;
    expect(row).toMatchObject({ id, source, scene, ...window, scale, gsd, lon, lat, tags, ring: footprint, vector: [...vector] });
    expect(row.counterclockwise).toBe(footprint === null ? null : true);
    const corner = footprint === null ? null : [...footprint[0]!, ...footprint[2]!];
    expect(row.bbox).toEqual(corner);
    const duck = golden.duckdb[i]!;
    expect(duck).toMatchObject({ id, type: 'FLOAT[]', vector: [...vector], tags, xmin: corner?.[0] ?? null });
    expect(Math.abs(duck.distance - Math.hypot(...vector.map((value) => value - 1)))).toBeLessThan(1e-6);
  });
  expect(golden.inBox).toEqual(['c']);
});
