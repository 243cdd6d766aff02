import { createRequire } from 'node:module';
import type Proj4 from 'proj4';

let library: typeof Proj4 | undefined;

/** The projection library, loaded when coordinates are first converted: most commands never do. */
export function proj4Library(): typeof Proj4 {
  library ??= createRequire(import.meta.url)('proj4') as typeof Proj4;
  return library;
}
