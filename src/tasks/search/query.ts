import { stat } from 'node:fs/promises';
import { InvalidFileError, InvalidOptionError } from '../../errors.js';
import { crsToPixel, fromLonLat, groundSize, isInvertible } from '../../georef/index.js';
import { fullWindow } from '../../raster/index.js';
import type { Scene, Window } from '../../raster/index.js';
import { openPredictor } from '../../predict/index.js';
import { openScene } from '../../scene/index.js';
import type { IndexManifest, IndexSource, OpenIndex } from '../../index-store/index.js';
import { enlarged } from '../chips/enlarge.js';
import { hasData } from '../chips/patches.js';
import { rowsOf } from '../chips/strips.js';
import { engineOptions } from '../classify/setup.js';
import { loadIndexModel } from '../embed/extractor.js';
import { bandsForModel, bandsNote, fixedInputSize } from '../model-input.js';
import { asModelSees } from '../model-input/model-scene.js';
import type { QueryOptions } from './options.js';

/** What is searched for. */
export interface Query {
  readonly kind: 'image' | 'id' | 'at';
  /** For people: the file's path, or the entry's id. */
  readonly name: string;
  /** Where its picture can be read. */
  readonly scene: string;
  /** Which picture of that file, from 0, if it is not the index's. */
  readonly page?: number;
  /** Of an entry of the index. */
  readonly id?: string;
  readonly window: Window;
  readonly lon?: number;
  readonly lat?: number;
  readonly vector: Float32Array;
  readonly notes: readonly string[];
}

/** A picture is read whole; more pixels than these are a scene. */
const MOST_PIXELS = 64 * 1024 * 1024;

export type QueryParts = Pick<QueryOptions, 'image' | 'id' | 'at' | 'model' | 'page' | 'bands' | 'stretch' | 'threads' | 'device'>;

/** Looks up one example. @param options one of image, id and at. */
export async function findQuery(options: QueryParts, index: OpenIndex, signal?: AbortSignal): Promise<Query> {
  if (options.image !== undefined) return imageQuery(options.image, options, index, signal);
  if (options.id !== undefined) return idQuery(options.id, index);
  return placeQuery(options.at!, index, '--at');
}

/** An example of an option, `--like` or `--unlike`: a file that is there is a picture, two numbers are a place, everything else an id. */
export async function findExample(text: string, option: '--like' | '--unlike', options: QueryParts, index: OpenIndex, signal?: AbortSignal): Promise<Query> {
  const place = /^\s*([+-]?\d+(?:\.\d+)?)\s*,\s*([+-]?\d+(?:\.\d+)?)\s*$/.exec(text);
  const { model, page, bands, stretch, threads, device } = options;
  const rest = Object.fromEntries(Object.entries({ model, page, bands, stretch, threads, device }).filter(([, value]) => value !== undefined)) as QueryParts;
  if (place !== null) return placeQuery([Number(place[1]), Number(place[2])], index, option);
  if ((await stat(text).catch(() => undefined))?.isFile()) return findQuery({ ...rest, image: text }, index, signal);
  if ((await index.rowOf(text)) === undefined) {
    throw new InvalidOptionError(option, `${text} is no entry of ${index.folder}, no file, and no longitude,latitude`, { advice: `ids are like ${(await index.entry(0)).id}` });
  }
  return findQuery({ ...rest, id: text }, index, signal);
}

async function idQuery(id: string, index: OpenIndex): Promise<Query> {
  const row = await index.rowOf(id);
  if (row === undefined) throw new InvalidOptionError('--id', `no entry of ${index.folder} is called ${id}`, { advice: `ids are like ${(await index.entry(0)).id}` });
  return entryQuery('id', index, row);
}

async function entryQuery(kind: 'id' | 'at', index: OpenIndex, row: number): Promise<Query> {
  const { id, scene, window, lon, lat } = await index.entry(row);
  return { kind, name: id, id, scene, window, vector: await index.vector(row), notes: [], ...(lon === undefined || lat === undefined ? {} : { lon, lat }) };
}

/** The indexed chip under a point; where several overlap there, the one whose centre is nearest. */
async function placeQuery(at: readonly [number, number], index: OpenIndex, option: string): Promise<Query> {
  const [lon, lat] = at;
  const { folder, manifest } = index;
  if (!(Math.abs(lon) <= 360 && Math.abs(lat) <= 90)) throw new InvalidOptionError(option, `expected longitude,latitude in degrees, got ${lon},${lat}`, await isThere(index, lat, lon) ? { advice: swapped(at) } : {});
  const row = await index.rowAt(lon, lat);
  if (row !== undefined) return entryQuery('at', index, row);
  let placed = false;
  for await (const batch of index.batches()) for (let i = 0; i < batch.count && !placed; i++) placed = !Number.isNaN(batch.lon(i));
  if (!placed) throw new InvalidOptionError(option, `no scene of ${folder} has a georeference`, { advice: 'search with --id or --image' });
  const inScene = manifest.sources.find((source) => isInScene(source, lon, lat));
  if (inScene !== undefined) throw new InvalidOptionError(option, `${lon},${lat} lies in a part of ${inScene.name} without data`);
  throw new InvalidOptionError(option, `${lon},${lat} lies outside every scene of ${folder}`, { advice: await isThere(index, lat, lon) ? swapped(at) : 'give longitude,latitude in degrees, WGS 84' });
}

/** Whether a place lies in a scene of the index. */
async function isThere(index: OpenIndex, lon: number, lat: number): Promise<boolean> {
  if (!(Math.abs(lon) <= 360 && Math.abs(lat) <= 90)) return false;
  return index.manifest.sources.some((source) => isInScene(source, lon, lat)) || await index.rowAt(lon, lat) !== undefined;
}

function swapped([lon, lat]: readonly [number, number]): string {
  return `the longitude comes first: ${lat},${lon} lies in a scene`;
}

function isInScene(source: IndexSource, lon: number, lat: number): boolean {
  const { transform, width, height } = source;
  const point = fromLonLat(source.crs)?.(lon, lat);
  if (transform === undefined || width === undefined || height === undefined || point === undefined || !isInvertible(transform)) return false;
  const [x, y] = crsToPixel(transform, point[0], point[1]);
  return x >= 0 && y >= 0 && x < width && y < height;
}

/**
 * A picture from outside the index. Where its pixels' size on the ground is known, it is brought to the index's, and a chip is cut
 * from its middle; else its largest square in the middle is reduced as the model's card says.
 */
async function imageQuery(path: string, options: QueryParts, index: OpenIndex, signal?: AbortSignal): Promise<Query> {
  const { manifest } = index;
  if ((await stat(path).catch(() => undefined))?.isFile() !== true) throw new InvalidFileError(path, 'no such file');
  const { model } = await loadIndexModel(index.folder, manifest.model, options.model);
  const page = options.page === undefined ? {} : { page: options.page };
  const opened = await openScene(path, page);
  try {
    const gsd = await indexGsd(index);
    const own = gsdOf(opened);
    const known = gsd !== undefined && own !== undefined;
    const regrid = known && Math.abs(own / gsd - 1) > SAME_GSD;
    const { scene, toFile } = await asModelSees(opened, model.card, { ...(regrid ? { gsd } : {}), ...(options.stretch === undefined ? {} : { stretch: options.stretch }) }, signal);
    const { profile } = scene;
    if (profile.width * profile.height > MOST_PIXELS && !known) throw new InvalidFileError(path, `expected a picture, found a scene of ${profile.width} × ${profile.height} pixels`);
    const bands = bandsForModel(profile, model.card, options.bands);
    const edge = known ? patchSizeOf(manifest) ?? model.card.input.window : undefined;
    const window = middleSquare(profile, fixedInputSize(model.card.input) === undefined ? model.card.input.multiple_of ?? 1 : 1, edge);
    const raster = await scene.read(window, { bands, ...(signal === undefined ? {} : { signal }) });
    if (!hasData(raster, fullWindow(raster))) throw new InvalidFileError(path, 'holds no data');
    // Chips of folders that are smaller than the model's input are enlarged when they are embedded, so pictures are, too.
    const isEnlarged = raster.data instanceof Uint8Array && raster.bands === 3 && manifest.sources.some(({ kind }) => kind === 'folder');
    const { data, width, height } = isEnlarged ? await enlarged({ width: window.width, height: window.height, data: raster.data }, model.card) : { ...window, data: raster.data };
    const predictor = await openPredictor(model, { outputs: ['features'], dtype: profile.dtype, patch: { width, height }, ...engineOptions(options) });
    try {
      const answer = await predictor.predict({ data: isEnlarged ? Uint8Array.from(data) : data, count: 1, width, height, bands: bands.length }, signal);
      const vector = rowsOf(answer.features, 1, model.card.name)[0]!;
      return {
        kind: 'image', name: path, scene: path, ...page, window: toFile(window), vector,
        notes: [...(regrid ? [`the picture was brought from ${own.toPrecision(3)} to ${gsd.toPrecision(3)} metres per pixel`] : []), ...bandsNote(profile, model.card, options.bands), ...sizeNotes(window, profile, manifest, known)],
      };
    } finally {
      await predictor.close();
    }
  } finally {
    await opened.close();
  }
}

/** Sizes of pixels that differ by less are taken as they are. */
const SAME_GSD = 0.05;

/** Metres per pixel as the model saw the index's chips, if they say so: of the first entry at the finest scale. */
async function indexGsd(index: OpenIndex): Promise<number | undefined> {
  for await (const batch of index.batches()) for (let i = 0; i < batch.count; i++) if (batch.scale(i) === 1) return batch.entry(i).gsd;
  return undefined;
}

function gsdOf({ profile }: Scene): number | undefined {
  const ground = profile.transform && groundSize(profile.transform, profile.crs, profile.width / 2, profile.height / 2);
  return ground && Math.sqrt(ground.width * ground.height);
}

/** The chip size of the index, if there is only one. */
function patchSizeOf(manifest: IndexManifest): number | undefined {
  const sizes = new Set(manifest.sources.map(({ patchSize }) => patchSize));
  return sizes.size === 1 ? [...sizes][0] : undefined;
}

function middleSquare(size: { readonly width: number; readonly height: number }, multiple: number, most = Number.POSITIVE_INFINITY): Window {
  const shorter = Math.min(size.width, size.height, most);
  const edge = Math.max(1, shorter - (shorter % multiple));
  return { x: Math.floor((size.width - edge) / 2), y: Math.floor((size.height - edge) / 2), width: edge, height: edge };
}

function sizeNotes(window: Window, profile: { readonly width: number; readonly height: number }, manifest: IndexManifest, known: boolean): string[] {
  const sizes = [...new Set(manifest.sources.flatMap(({ patchSize }) => (patchSize === undefined ? [] : [patchSize])))];
  const whole = profile.width === window.width && profile.height === window.height;
  return [
    ...(whole || (!known && profile.width === profile.height) ? [] : [`only the middle ${window.width} × ${window.width} pixels of the picture are searched for`]),
    ...(sizes.length === 0 || sizes.includes(window.width) ? [] : [`the picture has ${window.width} pixels, the index's chips ${sizes.join(' or ')}: if its pixels are not as large on the ground, expect worse results`]),
  ];
}
