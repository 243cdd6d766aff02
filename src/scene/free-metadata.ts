import type { FreeMetadata } from '../raster/index.js';

/**
 * Items that say something of the file, or that are kept as what they mean: class names, nodata, statistics (which do not hold for
 * other pixels), the kind of transform.
 */
const TAKEN = /^(CLASS_\d{1,5}|NODATA_VALUES|STATISTICS_.*|AREA_OR_POINT|TIFFTAG_SOFTWARE)$/;

/** Whether an item of GDAL's default domain means nothing to this program, and so goes along as it is. */
export function isFree(name: string): boolean {
  return name !== '' && !TAKEN.test(name);
}

/** What is free of the items of a scene and of its bands; `undefined` if nothing is. */
export function freeMetadata(scene: Iterable<readonly [string, string]>, bands: readonly Iterable<readonly [string, string]>[]): FreeMetadata | undefined {
  const free = (items: Iterable<readonly [string, string]>): Record<string, string> => Object.fromEntries([...items].filter(([name]) => isFree(name)));
  return asFound({ items: free(scene), bands: bands.map(free) });
}

/** What stands beside a file covers what stands in it, item by item. */
export function joinMetadata(inside: FreeMetadata | undefined, beside: FreeMetadata | undefined): FreeMetadata | undefined {
  if (inside === undefined || beside === undefined) return beside ?? inside;
  const bands = Array.from({ length: Math.max(inside.bands.length, beside.bands.length) }, (_, band) => ({ ...inside.bands[band], ...beside.bands[band] }));
  return asFound({ items: { ...inside.items, ...beside.items }, bands });
}

function asFound(found: FreeMetadata): FreeMetadata | undefined {
  return [found.items, ...found.bands].every((items) => Object.keys(items).length === 0) ? undefined : found;
}
