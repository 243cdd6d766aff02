import { basename } from 'node:path';
import { contactSheet, formatPlace } from '../../picture/index.js';
import type { SheetItem } from '../../picture/index.js';
import type { TaskContext } from '../../run/index.js';
import type { SearchHit } from './options.js';
import { chipPictures } from './pictures.js';
import type { Query } from './query.js';
import type { Ranking } from './ranking.js';

/** Counter-examples on the sheet; there may be many, and the results matter more. */
const UNLIKE_SHOWN = 6;

/**
 * Draws the query and the results with rank, distance and place.
 * @param warnings receives a line for every scene that cannot be read any more; its cells say so.
 */
export async function drawSearchSheet(ranking: Ranking, results: readonly SearchHit[], warnings: string[], context: TaskContext): Promise<Buffer> {
  const { learned, queries, metric } = ranking;
  const { manifest } = ranking.index;
  const unlike = (learned?.unlike ?? []).slice(0, UNLIKE_SHOWN);
  const examples = [...queries, ...unlike];
  const pictures = await chipPictures(manifest, [...examples, ...results], warnings, context.signal);
  const item = (i: number, rest: Omit<SheetItem, 'picture'>): SheetItem => ({ ...rest, ...(pictures[i] === undefined ? {} : { picture: pictures[i] }) });
  const exampleItem = (query: Query, i: number): SheetItem => item(i, {
    caption: i >= queries.length ? 'not like this' : learned === undefined ? 'query' : 'like this', lines: [basename(query.name), ...place(query.lon, query.lat)], highlighted: i < queries.length,
  });
  const kind = learned !== undefined ? '1 − probability, learned from the examples' : metric === 'l2' ? 'Euclidean distance' : 'cosine distance';
  return contactSheet({
    title: learned === undefined ? `Most similar to ${basename(queries[0]!.name)}` : `Most similar to ${queries.length} example${queries.length === 1 ? '' : 's'}${learned.unlike.length === 0 ? '' : `, unlike ${learned.unlike.length}`}`,
    subtitle: `${results.length} of ${ranking.count} · ${kind} · ${manifest.model.name}`,
    items: [
      ...examples.map(exampleItem),
      ...results.map((hit, i) => item(examples.length + i, { caption: `${hit.rank} · ${hit.distance.toPrecision(4)}`, lines: [hit.id, ...place(hit.lon, hit.lat)] })),
    ],
  });
}

function place(lon: number | null | undefined, lat: number | null | undefined): string[] {
  return typeof lon === 'number' && typeof lat === 'number' ? [formatPlace(lon, lat)] : [];
}
