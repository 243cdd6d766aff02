import { createRequire } from 'node:module';
import { SUPPLEMENT } from './epsg-supplement.js';

/** Definitions for proj4 by `EPSG:<code>`; the second entry is the definition. */
type EpsgList = Readonly<Record<string, readonly string[]>>;

let list: EpsgList | undefined;
let supplement: ReadonlyMap<number, string> | undefined;

/** The definition of a code that the list lacks: newer ones, and heights above ellipsoids and geoids, of which only the place counts. */
export function supplementOf(code: number): string | undefined {
  supplement ??= new Map(SUPPLEMENT.trim().split('\n').flatMap((line) => {
    const [definition = '', codes = ''] = line.split('|');
    const units = definition.startsWith('longlat') || /\+(units|to_meter)=/.test(definition) ? '' : ' +units=m';
    return codes.split(' ').map((text) => [Number(text), `+proj=${definition}${units} +no_defs`] as const);
  }));
  return supplement.get(code);
}

/** The list of CRS definitions that ships with the program; 2 MB of text, loaded when first asked for. */
export function epsgList(): EpsgList {
  list ??= createRequire(import.meta.url)('proj4-list') as EpsgList;
  return list;
}
