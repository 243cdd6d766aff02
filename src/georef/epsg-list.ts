import { createRequire } from 'node:module';

/** Definitions for proj4 by `EPSG:<code>`; the second entry is the definition. */
type EpsgList = Readonly<Record<string, readonly string[]>>;

let list: EpsgList | undefined;

/** The list of CRS definitions that ships with the program; 2 MB of text, loaded when first asked for. */
export function epsgList(): EpsgList {
  list ??= createRequire(import.meta.url)('proj4-list') as EpsgList;
  return list;
}
