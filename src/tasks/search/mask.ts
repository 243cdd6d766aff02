import { basename } from 'node:path';
import { nearestName } from '../../card/index.js';
import { InvalidOptionError } from '../../errors.js';
import type { IndexSource, OpenIndex } from '../../index-store/index.js';
import { readAreaFile } from '../rows/area.js';
import type { FilterOptions } from './options.js';

type Ring = readonly (readonly [number, number])[];

export interface EntryMask {
  /** One byte per row: 0 leaves it out. */
  readonly mask: Uint8Array;
  /** Rows that stay. */
  readonly count: number;
  /** What is odd about the polygons. */
  readonly notes: readonly string[];
}

/**
 * The entries that filters leave; `undefined` without filters. A batch of entries is in memory at a time.
 * @throws {InvalidOptionError} for a scene or tag that the index does not have, and where nothing is left.
 */
export async function entryMask(index: OpenIndex, filters: FilterOptions, signal?: AbortSignal): Promise<EntryMask | undefined> {
  const { aoi, tag = [], scene = [] } = filters;
  if (aoi === undefined && tag.length === 0 && scene.length === 0) return undefined;
  const file = aoi === undefined ? undefined : await readAreaFile(aoi);
  const areas = file?.polygons;
  const isScene = sceneTest(index, scene);
  const mask = new Uint8Array(index.count);
  const left = { scene: 0, tag: 0, placed: 0, area: 0, exchanged: 0 };
  for await (const batch of index.batches(signal)) {
    for (let i = 0; i < batch.count; i++) {
      if (isScene !== undefined && !isScene(batch.source(i), () => batch.scene(i))) continue;
      left.scene++;
      if (tag.length > 0 && !hasAll(batch.tags(i), tag)) continue;
      left.tag++;
      if (areas !== undefined) {
        const [lon, lat] = [batch.lon(i), batch.lat(i)];
        if (!Number.isNaN(lon)) left.placed++;
        if (!areas.some((rings) => isInside(rings, lon, lat))) {
          if (left.area === 0 && areas.some((rings) => isInside(rings, lat, lon))) left.exchanged++;
          continue;
        }
      }
      left.area++;
      mask[batch.first + i] = 1;
    }
  }
  if (left.scene === 0) throw new InvalidOptionError('--scene', `no entry of ${index.folder} is of ${scene.join(' or ')}`);
  if (left.tag === 0) throw new InvalidOptionError('--tag', `no entry of ${index.folder} has ${tag.length === 1 ? 'the tag' : 'all the tags'} ${tag.join(', ')}`, { advice: 'embed gives chips tags where they are known' });
  if (left.area === 0) {
    throw new InvalidOptionError('--aoi', left.placed === 0 ? `no entry of ${index.folder} has a place on the ground` : `no chip of ${index.folder} has its centre in the polygons of ${aoi ?? ''}`, left.exchanged > 0 ? { advice: `the longitude comes first (RFC 7946): with the two exchanged ${left.exchanged} of its chips are inside` } : {});
  }
  return { mask, count: left.area, notes: file?.notes ?? [] };
}

/** Whether an entry is of one of the scenes: by name of the source, path, or name of the file. */
function sceneTest(index: OpenIndex, wanted: readonly string[]): ((source: string, path: () => string) => boolean) | undefined {
  if (wanted.length === 0) return undefined;
  const names = new Set(wanted);
  const isOne = (source: IndexSource): boolean => names.has(source.name) || names.has(source.path) || names.has(basename(source.path));
  const sources = new Set(index.manifest.sources.filter(isOne).map(({ name }) => name));
  if (sources.size === 0 && index.manifest.sources.every(({ kind }) => kind === 'scene')) {
    const known = index.manifest.sources.map(({ name }) => name);
    const near = nearestName(wanted[0]!, known);
    throw new InvalidOptionError('--scene', `${index.folder} has no scene ${wanted[0]!}`, { advice: near === undefined ? `it has ${known.slice(0, 5).join(', ')}${known.length > 5 ? ' …' : ''}` : `did you mean ${near}?` });
  }
  // Chips of a folder are files of their own.
  return (source, path) => sources.has(source) || names.has(path()) || names.has(basename(path()));
}

function hasAll(tags: readonly string[] | undefined, wanted: readonly string[]): boolean {
  return tags !== undefined && wanted.every((tag) => tags.includes(tag));
}

/** Even-odd rule over straight edges in longitude and latitude (RFC 7946, 3.1.1), also where a polygon's longitudes run on beyond ±180. */
export function isInside(rings: readonly Ring[], lon: number, lat: number): boolean {
  return [lon, lon - 360, lon + 360].some((x) => {
    let inside = false;
    for (const ring of rings) {
      for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
        const [xi, yi] = ring[i]!;
        const [xj, yj] = ring[j]!;
        if (yi > lat !== yj > lat && x < ((xj - xi) * (lat - yi)) / (yj - yi) + xi) inside = !inside;
      }
    }
    return inside;
  });
}
