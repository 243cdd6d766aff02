import { crsFromGeoKeys, fromCentre, isInvertible, KEY, parseGeoKeys, RASTER_TYPE } from '../../georef/index.js';
import type { Crs, GeoKeys, GroundControl, GroundControlPoint, Transform } from '../../georef/index.js';
import type { InnerPlace } from '../place.js';
import { rpcFromTag } from '../rpc.js';
import type { Directory } from './directory.js';
import { TAG } from './tags.js';

export interface Georeference extends InnerPlace {
  readonly notes: readonly string[];
}

/** Numbers of a transformation of four by four. */
const MATRIX = 16;

/** Numbers of one tie point: column, row, depth, X, Y, Z. */
const TIEPOINT = 6;

/** The georeference tags of a directory (OGC 19-008r4, sections 7.2 and 7.3; RPCs in GeoTIFF). */
export async function readGeoreference(directory: Directory): Promise<Georeference> {
  const geoKeys = await readGeoKeys(directory);
  const notes: string[] = [];
  const isPoint = geoKeys !== undefined && parseGeoKeys(geoKeys).get(KEY.rasterType) === RASTER_TYPE.pixelIsPoint;
  const crs = geoKeys === undefined ? undefined : crsFromGeoKeys(geoKeys);
  const raw = await readTransform(directory, notes);
  const transform = raw === undefined ? undefined : isPoint ? fromCentre(raw) : raw;
  const gcps = raw === undefined ? await readControlPoints(directory, isPoint ? 0.5 : 0, crs) : undefined;
  const rpc = rpcFromTag(await directory.numbers(TAG.rpcCoefficients));
  return {
    ...(transform === undefined ? {} : { transform }), ...(crs === undefined ? {} : { crs }),
    ...(gcps === undefined ? {} : { gcps }), ...(rpc === undefined ? {} : { rpc }), notes,
  };
}

/** Tie points without a scale are ground control points. GDAL takes one alone for one, too. */
async function readControlPoints(directory: Directory, shift: number, crs: Crs | undefined): Promise<GroundControl | undefined> {
  const numbers = await directory.numbers(TAG.modelTiepoint);
  if (numbers === undefined || numbers.length < TIEPOINT || directory.has(TAG.modelPixelScale)) return undefined;
  const points = Array.from({ length: Math.floor(numbers.length / TIEPOINT) }, (_, i): GroundControlPoint => {
    const at = i * TIEPOINT;
    return { id: String(i + 1), column: numbers[at]! + shift, row: numbers[at + 1]! + shift, x: numbers[at + 3]!, y: numbers[at + 4]!, z: numbers[at + 5]! };
  });
  return { points, ...(crs === undefined ? {} : { crs }) };
}

async function readGeoKeys(directory: Directory): Promise<GeoKeys | undefined> {
  const keys = await directory.numbers(TAG.geoKeyDirectory);
  if (keys === undefined || keys.length < 4) return undefined;
  const doubles = await directory.numbers(TAG.geoDoubles);
  const ascii = await directory.bytes(TAG.geoAscii);
  return {
    directory: Array.from(keys),
    ...(doubles === undefined ? {} : { doubles: Array.from(doubles) }),
    ...(ascii === undefined ? {} : { ascii: Buffer.from(ascii).toString('latin1') }),
  };
}

async function readTransform(directory: Directory, notes: string[]): Promise<Transform | undefined> {
  const scale = await directory.numbers(TAG.modelPixelScale);
  const points = await directory.numbers(TAG.modelTiepoint);
  const matrix = await directory.numbers(TAG.modelTransformation);
  if (scale !== undefined && scale.length >= 2) {
    // A scale without a tie point counts from the origin, as in GDAL.
    const [column, row, , x, y] = points !== undefined && points.length >= TIEPOINT ? Array.from(points) as [number, number, number, number, number] : [0, 0, 0, 0, 0];
    const dx = scale[0]!;
    // Rows run down; a negative scale is a mistake of some writers and means the same.
    const dy = -Math.abs(scale[1]!);
    const transform: Transform = [x - column * dx, dx, 0, y - row * dy, 0, dy];
    if (isInvertible(transform)) return transform;
    notes.push('the pixel scale in the file is not usable and was ignored');
    return undefined;
  }
  if (matrix !== undefined && matrix.length >= MATRIX) {
    const transform: Transform = [matrix[3]!, matrix[0]!, matrix[1]!, matrix[7]!, matrix[4]!, matrix[5]!];
    if (isInvertible(transform)) return transform;
    notes.push('the transformation in the file is not usable and was ignored');
    return undefined;
  }
  return undefined;
}
