import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../places.js';
import { polygonsOf } from './maps.js';

/** Areas as GDAL's polygonizer finds them (fixtures/vector/make_areas.py). */
interface Golden {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly classes: readonly number[];
  readonly areas: readonly (readonly [classId: number, pixels: number])[];
}

const golden = JSON.parse(readFileSync(join(root, 'fixtures', 'vector', 'areas.json'), 'utf8')) as readonly Golden[];

describe('polygons', () => {
  it.each(golden)('are the areas that GDAL finds: $name', ({ width, height, classes, areas }) => {
    const found = polygonsOf({ width, height, classes: classes.map((id) => (id === 255 ? -1 : id)) });
    expect(found.map(({ classId, pixels }) => [classId, pixels]).sort(([a, x], [b, y]) => a! - b! || x! - y!)).toEqual(areas);
  });
});
