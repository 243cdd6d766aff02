import { InvalidFileError, InvalidOptionError, TilewrightError } from '../errors.js';
import { basename, dirname } from 'node:path';
import { contactSheet, displayBands, formatPlace, rasterPicture, resizePicture, sceneStretch } from '../picture/index.js';
import type { Picture, SheetItem, Stretch } from '../picture/index.js';
import type { Device } from '../predict/index.js';
import { fullWindow, intersect } from '../raster/index.js';
import type { ReadOptions, Scene, Window } from '../raster/index.js';
import { checkOutput, writeWhole } from '../run/index.js';
import type { TaskContext } from '../run/index.js';
import { openScene } from '../scene/index.js';
import { openIndex } from '../index-store/index.js';
import type { IndexManifest, OpenIndex } from '../index-store/index.js';
import { nearest } from '../search/index.js';
import type { Metric } from '../search/index.js';
import { findQuery } from './search/query.js';
import type { Query } from './search/query.js';
import type { StretchRule } from './model-input/stretch.js';

export interface SearchOptions {
  /** Folder of the index. */
  readonly index: string;
  /** What to search for, one of three: a picture, */
  readonly image?: string;
  /** an entry of the index, */
  readonly id?: string;
  /** or the chip at a longitude and latitude (WGS 84, degrees). */
  readonly at?: readonly [lon: number, lat: number];
  /** Results, from 1. Default 10. */
  readonly k?: number;
  /** Default `l2`. */
  readonly metric?: Metric;
  /** PNG with the query and the results. */
  readonly sheet?: string;
  /** For `image`: where the index's model lies now. Default: where it lay when the index was made. */
  readonly model?: string;
  /** For `image`: bands for the model, from 1, in its order. */
  readonly bands?: readonly number[];
  /** For `image`: how its values reach the model. */
  readonly stretch?: StretchRule;
  readonly threads?: number;
  readonly device?: Device;
  /** Replaces an existing sheet. */
  readonly overwrite?: boolean;
}

export interface SearchHit {
  /** From 1. An entry that is searched for by id or place is its own first hit. */
  readonly rank: number;
  readonly id: string;
  /** Path of the scene or chip file. */
  readonly scene: string;
  readonly window: Window;
  /** Centre, WGS 84; null without georeference. */
  readonly lon: number | null;
  readonly lat: number | null;
  readonly distance: number;
}

export interface SearchResult {
  readonly results: readonly SearchHit[];
  readonly query: { readonly kind: 'image' | 'id' | 'at'; readonly name: string; readonly window: Window };
  readonly metric: Metric;
  /** Entries that were compared. */
  readonly count: number;
  readonly model: string;
  readonly sheet?: string;
  readonly seconds: number;
  readonly warnings: readonly string[];
}

const DEFAULT_K = 10;
/** Edge of the pictures on a contact sheet before it is laid out. */
const SHEET_EDGE = 256;

/**
 * Finds the entries of an index that are nearest to a picture, an entry or a place, exactly, reading the vectors as a stream.
 * @throws {InvalidFileError} if there is no index, or it is empty or damaged
 * @throws {InvalidOptionError} if the query does not exist in it
 */
export async function search(options: SearchOptions, context: TaskContext = {}): Promise<SearchResult> {
  const started = performance.now();
  const k = options.k ?? DEFAULT_K;
  if (!Number.isInteger(k) || k < 1) throw new InvalidOptionError('-k', `expected a whole number from 1, got ${k}`);
  if (options.sheet !== undefined) await checkOutput(options.sheet, { overwrite: options.overwrite ?? false, option: '--sheet' });
  const index = await openIndex(options.index, context.signal === undefined ? {} : { signal: context.signal });
  try {
    return await searchIn(index, { ...options, k }, started, context);
  } finally {
    await index.close();
  }
}

async function searchIn(index: OpenIndex, options: SearchOptions & { readonly k: number }, started: number, context: TaskContext): Promise<SearchResult> {
  const { manifest } = index;
  if (index.count === 0) throw new InvalidFileError(options.index, 'the index is empty: none of its chips had data');
  const query = await findQuery(options, index, context.signal);
  const metric = options.metric ?? manifest.metric;
  const found = await nearest({ path: index.vectorsPath, count: index.count, dimensions: index.dimensions }, query.vector, {
    k: options.k, metric, idOf: async (row) => (await index.entry(row)).id, ...(context.signal === undefined ? {} : { signal: context.signal }),
  });
  const entries = await index.entries(found.map(({ row }) => row));
  const results = found.map(({ rank, distance }, i): SearchHit => {
    const { id, scene, window, lon, lat } = entries[i]!;
    return { rank, id, scene, window, lon: lon ?? null, lat: lat ?? null, distance };
  });
  const warnings = [...index.notes, ...query.notes];
  if (options.sheet !== undefined) {
    await writeWhole(options.sheet, await drawSheet({ manifest, query, results, metric, warnings }, context));
  }
  return {
    results, query: { kind: query.kind, name: query.name, window: query.window }, metric, count: index.count, model: manifest.model.name,
    ...(options.sheet === undefined ? {} : { sheet: options.sheet }), seconds: (performance.now() - started) / 1000, warnings,
  };
}

interface Sheet {
  readonly manifest: IndexManifest;
  readonly query: Query;
  readonly results: readonly SearchHit[];
  readonly metric: Metric;
  /** Receives a line for every scene that cannot be read any more; its cells say so. */
  readonly warnings: string[];
}

async function drawSheet(sheet: Sheet, context: TaskContext): Promise<Buffer> {
  const { manifest, query, results, metric, warnings } = sheet;
  const wanted = [{ scene: query.scene, window: query.window }, ...results];
  const pictures = await readPictures(wanted, (path) => pictureBandsOf(manifest, path), warnings, context.signal);
  const item = (i: number, rest: Omit<SheetItem, 'picture'>): SheetItem => ({ ...rest, ...(pictures[i] === undefined ? {} : { picture: pictures[i] }) });
  const place = (lon: number | null | undefined, lat: number | null | undefined): string[] => (typeof lon === 'number' && typeof lat === 'number' ? [formatPlace(lon, lat)] : []);
  return contactSheet({
    title: `Most similar to ${basename(query.name)}`,
    subtitle: `${results.length} of ${manifest.count} · ${metric === 'l2' ? 'Euclidean distance' : 'cosine distance'} · ${manifest.model.name}`,
    items: [
      item(0, { caption: 'query', lines: [basename(query.name), ...place(query.lon, query.lat)], highlighted: true }),
      ...results.map((hit, i) => item(i + 1, { caption: `${hit.rank} · ${hit.distance.toPrecision(4)}`, lines: [hit.id, ...place(hit.lon, hit.lat)] })),
    ],
  });
}

/** Bands for pictures of a scene or chip file of the index, from 0. */
function pictureBandsOf(manifest: IndexManifest, path: string): readonly number[] | undefined {
  const source = manifest.sources.find((one) => one.path === path) ?? manifest.sources.find((one) => one.kind === 'folder' && one.path === dirname(path));
  return source?.pictureBands?.map((band) => band - 1);
}

/** Pictures of windows; scenes are opened one after the other, each once. `undefined` where one cannot be read. */
async function readPictures(
  wanted: readonly { readonly scene: string; readonly window: Window }[], bandsOf: (path: string) => readonly number[] | undefined, warnings: string[],
  signal: AbortSignal | undefined,
): Promise<(Picture | undefined)[]> {
  const pictures: (Picture | undefined)[] = wanted.map(() => undefined);
  for (const path of new Set(wanted.map(({ scene }) => scene))) {
    try {
      const scene = await openScene(path);
      try {
        const given = bandsOf(path);
        // A query's scene need not be one of the index: its own colours are right for it.
        const bands = given !== undefined && given.every((band) => band < scene.profile.bands) ? given : displayBands(scene.profile);
        const read = { bands, ...(signal === undefined ? {} : { signal }) };
        const stretch = await sceneStretch(scene, read);
        for (const [i, one] of wanted.entries()) if (one.scene === path) pictures[i] = await readPicture(scene, one.window, stretch, read);
      } finally {
        await scene.close();
      }
    } catch (error) {
      if (!(error instanceof TilewrightError) || error.code === 'INTERRUPTED') throw error;
      warnings.push(`no pictures of ${path}: ${error.message}`);
    }
  }
  return pictures;
}

async function readPicture(scene: Scene, window: Window, stretch: Stretch, read: ReadOptions): Promise<Picture | undefined> {
  const part = intersect(window, fullWindow(scene.profile));
  if (part === undefined) return undefined;
  const raster = await scene.read(part, read);
  const picture = rasterPicture(raster, stretch, scene.profile.palette);
  const factor = SHEET_EDGE / Math.max(picture.width, picture.height);
  return factor >= 1 ? picture : resizePicture(picture, picture.width * factor, picture.height * factor);
}
