import { readFile, stat } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { crsFromWkt, parseWorldFile, worldFileExtensions } from '../georef/index.js';
import type { Crs, RationalCoefficients, Transform } from '../georef/index.js';
import { parsePam } from './pam.js';
import type { Pam } from './pam.js';
import { rpcFromRpb, rpcFromText } from './rpc.js';

/** What a file beside a scene says, and its name. */
export interface Beside<T> {
  readonly value: T;
  readonly name: string;
}

/** What stands beside a file. */
export interface Sidecars {
  /** `<file>.aux.xml`, as GDAL writes it. */
  readonly pam?: Beside<Pam>;
  readonly world?: Beside<Transform>;
  readonly prj?: Beside<Crs>;
  readonly rpc?: Beside<RationalCoefficients>;
  /** Paths of a mask (`<file>.msk`) and of reduced copies (`<file>.ovr`); not opened yet. */
  readonly mask?: string;
  readonly maskOverviews?: string;
  readonly overviews?: string;
  readonly notes: readonly string[];
}

/** A world file or a `.prj` is a few hundred bytes; anything longer is something else. */
const MAX_BYTES = 65536;

/** Attribute tables of class maps are longer, histograms too; a file with more is something else. */
const MAX_AUX_BYTES = 2 ** 22;

/**
 * Looks for the files that GDAL and its kin put beside a raster, in either case of their extensions. `neighbours` are the
 * names in its folder, where they are known: then only those are looked at that are there.
 */
export async function readSidecars(path: string, neighbours?: ReadonlySet<string>): Promise<Sidecars> {
  const extension = extname(path);
  const stem = path.slice(0, path.length - extension.length);
  const notes: string[] = [];
  const firstFile = (paths: readonly string[], limit?: number): Promise<string | undefined> => findFirst(paths, neighbours, limit);
  const readOne = <T>(paths: readonly string[], parse: (text: string) => T | undefined, limit = MAX_BYTES): Promise<Found<T>> => readFirst(paths, parse, limit, neighbours);
  const pam = await readOne([`${path}.aux.xml`], parsePam, MAX_AUX_BYTES);
  if (pam.refused !== undefined) notes.push(`${basename(pam.refused)} beside it is no metadata of GDAL and was ignored`);
  const world = await readOne(worldFileExtensions(extension.toLowerCase()).map((end) => `${stem}${end}`), parseWorldFile);
  if (world.refused !== undefined) notes.push(`the world file ${extname(world.refused)} does not hold six usable numbers and was ignored`);
  const prj = await readOne([`${stem}.prj`], crsFromWkt);
  if (prj.refused !== undefined) notes.push('the .prj holds no coordinate system that can be read and was ignored');
  const rpb = await readOne([`${stem}.RPB`], rpcFromRpb);
  const rpc = rpb.found === undefined ? await readOne([`${stem}_RPC.TXT`, `${stem}_rpc.txt`], rpcFromText) : rpb;
  const mask = await firstFile([`${path}.msk`]);
  const maskOverviews = await firstFile([`${path}.msk.ovr`]);
  const overviews = await firstFile([`${path}.ovr`]);
  return {
    ...(pam.found === undefined ? {} : { pam: pam.found }),
    ...(world.found === undefined ? {} : { world: world.found }),
    ...(prj.found === undefined ? {} : { prj: prj.found }),
    ...(rpc.found === undefined ? {} : { rpc: rpc.found }),
    ...(mask === undefined ? {} : { mask }),
    ...(maskOverviews === undefined ? {} : { maskOverviews }),
    ...(overviews === undefined ? {} : { overviews }),
    notes: [...notes, ...pam.found?.value.notes ?? []],
  };
}

interface Found<T> { readonly found?: Beside<T>; readonly refused?: string }

/** The first of some files that is there and makes sense. `refused` is one that is there and does not. */
async function readFirst<T>(paths: readonly string[], parse: (text: string) => T | undefined, limit: number, neighbours: ReadonlySet<string> | undefined): Promise<Found<T>> {
  let refused: string | undefined;
  for (const candidate of paths) {
    const path = await findFirst([candidate], neighbours, limit);
    if (path === undefined) continue;
    const value = parse(await readFile(path, 'utf8'));
    if (value !== undefined) return { found: { value, name: basename(path) } };
    refused ??= path;
  }
  return refused === undefined ? {} : { refused };
}

async function findFirst(paths: readonly string[], neighbours: ReadonlySet<string> | undefined, limit = Number.POSITIVE_INFINITY): Promise<string | undefined> {
  for (const path of paths) {
    const extension = extname(path);
    for (const name of [path, `${path.slice(0, path.length - extension.length)}${extension.toUpperCase()}`]) {
      if (neighbours !== undefined && !neighbours.has(basename(name))) continue;
      const found = await stat(name).catch(() => undefined);
      if (found?.isFile() && found.size <= limit) return name;
    }
  }
  return undefined;
}
