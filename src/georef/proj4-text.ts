import { PROJ4_UNITS } from './units.js';

/** The parameters of a proj4 definition by name; flags without a value are `true`. */
export function parseProj4(definition: string): Map<string, string | true> {
  const parameters = new Map<string, string | true>();
  for (const part of definition.trim().split(/\s+/)) {
    if (!part.startsWith('+')) continue;
    const at = part.indexOf('=');
    parameters.set(at < 0 ? part.slice(1) : part.slice(1, at), at < 0 ? true : part.slice(at + 1));
  }
  return parameters;
}

/** A parameter as a number, `fallback` where it is missing. */
export function proj4Number(parameters: ReadonlyMap<string, string | true>, name: string, fallback: number): number {
  const value = parameters.get(name);
  return value === undefined || value === true ? fallback : Number(value);
}

/** Metres per CRS unit of a projected definition. */
export function metresPerUnit(definition: string): number {
  const parameters = parseProj4(definition);
  const factor = proj4Number(parameters, 'to_meter', Number.NaN);
  if (Number.isFinite(factor)) return factor;
  const unit = parameters.get('units');
  return typeof unit === 'string' ? PROJ4_UNITS.get(unit) ?? 1 : 1;
}

const DATUM_PARAMETERS = ['datum', 'ellps', 'a', 'b', 'rf', 'R', 'towgs84', 'nadgrids', 'pm'] as const;

/** The part of a definition that says which ellipsoid, shift and meridian it counts from. */
export function datumPart(definition: string): string {
  const parameters = parseProj4(definition);
  return DATUM_PARAMETERS
    .filter((name) => parameters.has(name))
    .map((name) => `+${name}=${String(parameters.get(name))}`)
    .join(' ');
}
