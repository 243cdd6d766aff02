import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crsFromEpsg, projJsonFor } from '../../src/georef/index.js';
import { root } from '../places.js';

/** What PROJ says (fixtures/georef/make_proj_json.py). */
interface Golden {
  readonly type: string;
  readonly ellipsoid: unknown;
  readonly method: number | null;
  readonly parameters: Readonly<Record<string, number>> | null;
}

interface Found {
  readonly type: string;
  readonly id: unknown;
  readonly base_crs?: Found;
  readonly datum?: { readonly ellipsoid: unknown };
  readonly conversion?: { readonly method: { readonly id: { readonly code: number } }; readonly parameters: readonly { readonly id: { readonly code: number }; readonly value: number }[] };
}

const golden = JSON.parse(readFileSync(join(root, 'fixtures', 'georef', 'proj_json.json'), 'utf8')) as Readonly<Record<string, Golden>>;

describe('PROJJSON', () => {
  it.each(Object.entries(golden))('of EPSG:%s has PROJ\'s ellipsoid, method and parameters', (code, { type, ellipsoid, method, parameters }) => {
    const found = projJsonFor(crsFromEpsg(Number(code))) as unknown as Found;
    expect(found).toMatchObject({ type, id: { authority: 'EPSG', code: Number(code) } });
    expect((found.base_crs ?? found).datum?.ellipsoid).toEqual(ellipsoid);
    expect(found.conversion?.method.id.code ?? null).toBe(method);
    expect(found.conversion?.parameters.length ?? 0).toBe(Object.keys(parameters ?? {}).length);
    for (const { id, value } of found.conversion?.parameters ?? []) expect(value, String(id.code)).toBeCloseTo(parameters![id.code]!, 6);
  });

  it('of a CRS without a definition is not made up', () => {
    expect(projJsonFor(undefined)).toBeUndefined();
    expect(projJsonFor({ name: 'local', kind: 'other' })).toBeUndefined();
  });
});
