/** What a description in a file of JSON may say of a scene: is each as it should be? Absent ones are. */
const FIELDS: Readonly<Record<string, (value: unknown, bands: number) => boolean>> = {
  nodata: (value) => typeof value === 'number' || typeof value === 'string',
  alphaBand: (value, bands) => isWhole(value, 0) && value < bands,
  photometric: (value) => value === 'rgb',
  // A pixel without extent has no place.
  transform: (value) => isListOf(value, isNumber) && value.length === 6 && Number.isFinite(1 / (value[1]! * value[5]! - value[2]! * value[4]!)),
  crs: isCrs,
  bandNames: (value) => isListOf(value, isText),
  palette: (value) => isListOf(value, (colour) => isListOf(colour, isNumber) && colour.length === 4),
  classNames: (value) => isListOf(value, isText),
  scaling: (value, bands) => isListOf(value, (one) => isObject(one) && isNumber(one['scale']) && isNumber(one['offset'])) && value.length === bands,
  units: (value, bands) => isListOf(value, isText) && value.length === bands,
  metadata: isItems,
  bandMetadata: (value) => isListOf(value, isItems),
};

/**
 * The first field of a scene's description that is not what it should be, of those that a list of tiles holds; `undefined` if all
 * are right. Its size, bands and type are looked at elsewhere.
 */
export function wrongField(described: object, bands: number): string | undefined {
  const fields = described as Readonly<Record<string, unknown>>;
  return Object.keys(FIELDS).find((name) => fields[name] !== undefined && !FIELDS[name]!(fields[name], bands));
}

function isCrs(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { epsg, name, kind, proj4, degreesPerUnit, wkt, geoKeys } = value;
  return isText(name) && ['projected', 'geographic', 'other'].includes(String(kind)) && (epsg === undefined || isWhole(epsg, 1)) && [proj4, wkt].every((text) => text === undefined || isText(text))
    && (degreesPerUnit === undefined || (isNumber(degreesPerUnit) && degreesPerUnit > 0)) && (geoKeys === undefined || isGeoKeys(geoKeys));
}

function isGeoKeys(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { directory, doubles, ascii } = value;
  return isListOf(directory, (key) => isWhole(key, 0) && key < 65536) && (doubles === undefined || isListOf(doubles, isNumber)) && (ascii === undefined || isText(ascii));
}

function isItems(value: unknown): boolean {
  return isObject(value) && Object.values(value).every(isText);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isListOf<T>(value: unknown, isOne: (one: unknown) => one is T): value is readonly T[];
function isListOf(value: unknown, isOne: (one: unknown) => boolean): value is readonly unknown[];
function isListOf(value: unknown, isOne: (one: unknown) => boolean): value is readonly unknown[] {
  return Array.isArray(value) && value.every(isOne);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isWhole(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least;
}
