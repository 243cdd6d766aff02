import { readFile, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { crsFromWkt, parseWorldFile, worldFileExtensions } from '../georef/index.js';
import type { Crs, Transform } from '../georef/index.js';

export interface Sidecars {
  readonly transform?: Transform;
  readonly crs?: Crs;
  readonly notes: readonly string[];
}

/** A world file or a `.prj` is a few hundred bytes; anything longer is something else. */
const MAX_BYTES = 65536;

/** Attribute tables of class maps are longer, histograms too; scenes with more have no class names there. */
const MAX_AUX_BYTES = 2 ** 22;

/** The world file and the `.prj` beside a file, in either case of their extensions. */
export async function readSidecars(path: string): Promise<Sidecars> {
  const extension = extname(path);
  const stem = path.slice(0, path.length - extension.length);
  const notes: string[] = [];
  let transform: Transform | undefined;
  for (const candidate of worldFileExtensions(extension.toLowerCase())) {
    const text = await readSmall(stem, candidate);
    if (text === undefined) continue;
    transform = parseWorldFile(text);
    if (transform !== undefined) break;
    notes.push(`the world file ${candidate} does not hold six usable numbers and was ignored`);
  }
  const wkt = await readSmall(stem, '.prj');
  const crs = wkt === undefined ? undefined : crsFromWkt(wkt);
  if (wkt !== undefined && crs === undefined) notes.push('the .prj holds no coordinate system that can be read and was ignored');
  return { ...(transform === undefined ? {} : { transform }), ...(crs === undefined ? {} : { crs }), notes };
}

/** Text of the GDAL sidecar of a file (`<file>.aux.xml`). */
export async function readAuxXml(path: string): Promise<string | undefined> {
  return readSmall(path, '.aux.xml', MAX_AUX_BYTES);
}

async function readSmall(stem: string, extension: string, limit = MAX_BYTES): Promise<string | undefined> {
  for (const path of [`${stem}${extension}`, `${stem}${extension.toUpperCase()}`]) {
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile() && found.size <= limit) return readFile(path, 'utf8');
  }
  return undefined;
}
