import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { alikeNames } from '../../card/index.js';
import { InvalidFileError } from '../../errors.js';
import type { OpenIndex } from '../../index-store/index.js';
import { parseCsvRecords } from '../../samples/index.js';
import { readAreaFile } from '../rows/area.js';
import { isInside } from '../search/mask.js';

/** Labelled entries of an index. */
export interface LabelSet {
  /** Names of classes or tags, sorted. */
  readonly names: readonly string[];
  /** `one`: exactly one class per entry; `any`: any number of tags. */
  readonly kind: 'one' | 'any';
  readonly rows: readonly number[];
  /** Per row the numbers of its classes or tags. */
  readonly values: readonly (readonly number[])[];
  /** Labels that lie on no chip of the index, and the like. */
  readonly notes: readonly string[];
}

/** A label before it is known which entries it is for. */
interface Label {
  /** Where it stands, for messages. */
  readonly where: string;
  readonly tags: readonly string[];
  /** Spaces around the name were cut off. */
  readonly cut?: boolean;
  readonly id?: string;
  readonly at?: readonly [lon: number, lat: number];
  readonly polygons?: readonly (readonly (readonly (readonly [number, number])[])[])[];
}

interface LabelFile {
  readonly kind: 'one' | 'any';
  readonly labels: readonly Label[];
}

/**
 * Reads labels and finds the entries they are for.
 *
 * A CSV has a column `id`, or columns `lon` and `lat`, and a column `class` (or `label`: exactly one) or `tags` (any number,
 * separated by spaces). A GeoJSON has points or polygons with a property of these names: a point is for the chip it lies on, a
 * polygon for all chips with their centres in it.
 * @throws {InvalidFileError} for other files, entries that do not exist, and entries with two classes.
 */
export async function readLabels(path: string, index: OpenIndex, signal?: AbortSignal): Promise<LabelSet> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new InvalidFileError(path, error.code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${error.code ?? 'unknown reason'})`, { cause: error });
  });
  const isCsv = extname(path).toLowerCase() === '.csv';
  const file = isCsv ? parseCsv(path, text) : await parseGeoJson(path, text);
  if (file.labels.length === 0) throw new InvalidFileError(path, 'holds no labels');
  return matchLabels(path, file, index, signal);
}

function parseCsv(path: string, text: string): LabelFile {
  const [first, ...records] = parseCsvRecords(text, path);
  const header = first?.cells ?? [];
  const names = header.map((name) => name.trim().toLowerCase());
  const column = (...wanted: readonly string[]): number => names.findIndex((name) => wanted.includes(name));
  const [id, lon, lat, tags, one] = [column('id'), column('lon', 'longitude'), column('lat', 'latitude'), column('tags'), column('class', 'label')];
  if ((id < 0 && (lon < 0 || lat < 0)) || (tags < 0 && one < 0)) {
    throw new InvalidFileError(path, `expected a first line with id (or lon and lat) and class (or tags), found ${JSON.stringify(header.join(',').slice(0, 80))}`);
  }
  const labels = records.map(({ line, cells }): Label => {
    const where = `line ${line}`;
    const written = cells[tags < 0 ? one : tags] ?? '';
    const given = written.trim();
    const cut = tags < 0 && given !== written ? { cut: true } : {};
    const names = tags < 0 ? [given] : given.split(/\s+/).filter((tag) => tag !== '');
    if (tags < 0 && given === '') throw new InvalidFileError(path, `${where} has no class`);
    const name = id < 0 ? '' : (cells[id] ?? '').trim();
    if (name !== '') return { where, tags: names, ...cut, id: name };
    const at: readonly [number, number] = [degrees(cells[lon]), degrees(cells[lat])];
    if (lon < 0 || lat < 0 || !(Math.abs(at[0]) <= 360 && Math.abs(at[1]) <= 90)) throw new InvalidFileError(path, `${where}: expected an id, or longitude and latitude in degrees, found ${JSON.stringify(cells.join(',').slice(0, 60))}`, Math.abs(at[0]) <= 90 && Math.abs(at[1]) <= 360 ? { advice: 'the two may be exchanged' } : {});
    return { where, tags: names, ...cut, at };
  });
  return { kind: tags < 0 ? 'one' : 'any', labels };
}

/** What to say of names that were brought to one, and of others that could be one. */
function spellings(labels: readonly Label[], names: readonly string[]): string[] {
  const cut = labels.filter(({ cut: spaces }) => spaces === true);
  return [
    ...(cut.length === 0 ? [] : [`${cut.length} ${cut.length === 1 ? 'label has' : 'labels have'} spaces around the name, which were cut off: ${cut.slice(0, 3).map(({ where, tags }) => `${where} ${tags[0]!}`).join(', ')}${cut.length > 3 ? ' …' : ''}`]),
    ...alikeNames(names).map((group) => `${group.join(' and ')} are taken as different classes: if they mean the same, write them alike`),
  ];
}

/** Not a number where there is none. */
function degrees(cell = ''): number {
  return cell.trim() === '' ? Number.NaN : Number(cell);
}

interface GeoFeature {
  readonly geometry?: { readonly type?: unknown; readonly coordinates?: unknown } | null;
  readonly properties?: Readonly<Record<string, unknown>> | null;
}

async function parseGeoJson(path: string, text: string): Promise<LabelFile> {
  let json: { readonly type?: unknown; readonly features?: unknown };
  try {
    json = JSON.parse(text) as typeof json;
  } catch (cause) {
    throw new InvalidFileError(path, 'expected a CSV (.csv) or GeoJSON, found neither', { cause });
  }
  if (json.type !== 'FeatureCollection' || !Array.isArray(json.features)) throw new InvalidFileError(path, 'expected a GeoJSON FeatureCollection');
  const features = json.features as readonly GeoFeature[];
  // The checks of an area of interest are those of polygons here.
  if (features.some(({ geometry }) => /Polygon$/.test(String(geometry?.type)))) await readAreaFile(path);
  const several = features.some(({ properties }) => properties?.['tags'] !== undefined);
  const labels = features.map((feature, i): Label => {
    const where = `feature ${i + 1}`;
    const given = feature.properties?.[several ? 'tags' : 'class'] ?? (several ? undefined : feature.properties?.['label']);
    const tags = Array.isArray(given) ? given.map(String) : typeof given === 'string' || typeof given === 'number' ? (several ? String(given).split(/\s+/).filter((tag) => tag !== '') : [String(given).trim()]) : undefined;
    if (tags === undefined || (!several && tags.join('') === '')) throw new InvalidFileError(path, `${where} has no property class, label or tags`);
    const cut = !several && typeof given === 'string' && given.trim() !== given ? { cut: true } : {};
    const { type, coordinates } = feature.geometry ?? {};
    if (type === 'Point' && Array.isArray(coordinates) && Number.isFinite(coordinates[0]) && Number.isFinite(coordinates[1])) return { where, tags, ...cut, at: [Number(coordinates[0]), Number(coordinates[1])] };
    if (type === 'Polygon') return { where, tags, ...cut, polygons: [coordinates as NonNullable<Label['polygons']>[number]] };
    if (type === 'MultiPolygon') return { where, tags, ...cut, polygons: coordinates as NonNullable<Label['polygons']> };
    throw new InvalidFileError(path, `${where}: expected a point or polygon, found ${String(type)}`);
  });
  return { kind: several ? 'any' : 'one', labels };
}

/** Closer to the line of equal coordinates than this, in degrees, an exchange says nothing. */
const FAR = 1;

/** Whether a place lies on a chip with its coordinates exchanged. */
async function liesExchanged(index: OpenIndex, [lon, lat]: readonly [number, number]): Promise<boolean> {
  return Math.abs(lon) <= 90 && Math.abs(lon - lat) > FAR && await index.rowAt(lat, lon) !== undefined;
}

async function matchLabels(path: string, { kind, labels }: LabelFile, index: OpenIndex, signal?: AbortSignal): Promise<LabelSet> {
  const names = [...new Set(labels.flatMap(({ tags }) => tags))].sort();
  const numbers = new Map(names.map((name, i) => [name, i]));
  const byRow = new Map<number, { readonly where: string; readonly values: Set<number> }>();
  const outside: string[] = [];
  /** Labels that lie on a chip only with their two coordinates exchanged. */
  const exchanged: string[] = [];
  const add = (row: number, label: Label): void => {
    const known = byRow.get(row);
    const values = label.tags.map((tag) => numbers.get(tag)!);
    if (known === undefined) byRow.set(row, { where: label.where, values: new Set(values) });
    else if (kind === 'any') for (const value of values) known.values.add(value);
    else if (!known.values.has(values[0]!)) throw new InvalidFileError(path, `${known.where} and ${label.where} give one chip two classes`, { advice: 'chips may have several tags: call the column or property tags' });
  };
  for (const label of labels) {
    if (label.polygons !== undefined) continue;
    const row = label.id !== undefined ? await index.rowOf(label.id) : await index.rowAt(...label.at!);
    if (row !== undefined) add(row, label);
    else if (label.id !== undefined) throw new InvalidFileError(path, `${label.where}: no entry of ${index.folder} is called ${label.id}`, { advice: `ids are like ${(await index.entry(0)).id}` });
    else { outside.push(label.where); if (await liesExchanged(index, label.at!)) exchanged.push(label.where); }
  }
  const areas = labels.filter(({ polygons }) => polygons !== undefined);
  if (areas.length > 0) {
    const hit = new Set<Label>();
    const turned = new Set<Label>();
    for await (const batch of index.batches(signal)) {
      for (let i = 0; i < batch.count; i++) {
        const [lon, lat] = [batch.lon(i), batch.lat(i)];
        if (Number.isNaN(lon)) continue;
        for (const label of areas) {
          if (!label.polygons!.some((rings) => isInside(rings, lon, lat))) {
            if (!hit.has(label) && !turned.has(label) && Math.abs(lon - lat) > FAR && label.polygons!.some((rings) => isInside(rings, lat, lon))) turned.add(label);
            continue;
          }
          hit.add(label);
          add(batch.first + i, label);
        }
      }
    }
    outside.push(...areas.filter((label) => !hit.has(label)).map(({ where }) => where));
    exchanged.push(...areas.filter((label) => !hit.has(label) && turned.has(label)).map(({ where }) => where));
  }
  const shown = (list: readonly string[]): string => `${list.slice(0, 3).join(', ')}${list.length > 3 ? ' …' : ''}`;
  if (exchanged.length > 0) {
    throw new InvalidFileError(path, `expected longitude and latitude in this order, found ${exchanged.length} of ${labels.length} labels that lie on a chip of ${index.folder} only with the two exchanged (${shown(exchanged)})`, { advice: 'exchange them, or leave these labels out' });
  }
  if (byRow.size === 0) throw new InvalidFileError(path, `none of its ${labels.length} labels lies on a chip of ${index.folder}`);
  const rows = [...byRow.keys()].sort((a, b) => a - b);
  return {
    names, kind, rows, values: rows.map((row) => [...byRow.get(row)!.values].sort((a, b) => a - b)),
    notes: [...spellings(labels, names), ...outside.length === 0 ? [] : [`${outside.length} of ${labels.length} labels lie on no chip and were left out: ${shown(outside)}`]],
  };
}
