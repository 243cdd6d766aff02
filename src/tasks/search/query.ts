import { stat } from 'node:fs/promises';
import { InvalidFileError, InvalidOptionError, ModelError } from '../../errors.js';
import { crsToPixel, fromLonLat, isInvertible } from '../../georef/index.js';
import { fullWindow } from '../../raster/index.js';
import type { Window } from '../../raster/index.js';
import { loadModel, openPredictor } from '../../predict/index.js';
import { openScene } from '../../scene/index.js';
import { entryLines, findId, parseEntry, readVector } from '../../search/index.js';
import type { IndexEntry, IndexManifest, IndexSource } from '../../search/index.js';
import { hasData } from '../chips/patches.js';
import { rowsOf } from '../chips/strips.js';
import { engineOptions } from '../classify/setup.js';
import { bandsForModel, fixedInputSize } from '../model-input.js';
import { applyStretch } from '../model-input/stretch.js';
import type { SearchOptions } from '../search.js';

/** What is searched for. */
export interface Query {
  readonly kind: 'image' | 'id' | 'at';
  /** For people: the file's path, or the entry's id. */
  readonly name: string;
  /** Where its picture can be read. */
  readonly scene: string;
  readonly window: Window;
  readonly lon?: number;
  readonly lat?: number;
  readonly vector: Float32Array;
  readonly notes: readonly string[];
}

/** A picture is read whole; more pixels than these are a scene. */
const MOST_PIXELS = 64 * 1024 * 1024;

/** Finds out what is searched for. @throws {InvalidOptionError} unless exactly one of image, id and place is given. */
export async function findQuery(options: SearchOptions, manifest: IndexManifest, signal?: AbortSignal): Promise<Query> {
  const given = [options.image, options.id, options.at].filter((value) => value !== undefined);
  if (given.length !== 1) throw new InvalidOptionError('search', `expected one of --image, --id and --at, got ${given.length === 0 ? 'none' : 'several'}`);
  if (options.image !== undefined) return imageQuery(options.image, options, manifest, signal);
  if (options.id !== undefined) return idQuery(options.id, options.index, manifest);
  return placeQuery(options.at!, options.index, manifest);
}

async function idQuery(id: string, folder: string, manifest: IndexManifest): Promise<Query> {
  const found = await findId(folder, manifest, id);
  if (found === undefined) throw new InvalidOptionError('--id', `no entry of ${folder} is called ${id}`, { advice: `ids are in the first column of its entries, such as ${await someId(folder, manifest)}` });
  return entryQuery('id', folder, manifest, found.row, found.entry);
}

async function someId(folder: string, manifest: IndexManifest): Promise<string> {
  for await (const { line } of entryLines(folder, manifest)) return parseEntry(folder, line).id;
  return 'none';
}

async function entryQuery(kind: 'id' | 'at', folder: string, manifest: IndexManifest, row: number, entry: IndexEntry): Promise<Query> {
  const { lon, lat } = entry;
  return {
    kind, name: entry.id, scene: entry.scene, window: entry.window, vector: await readVector(folder, manifest, row), notes: [],
    ...(lon === undefined || lat === undefined ? {} : { lon, lat }),
  };
}

/** The indexed chip under a point; where several overlap there, the one whose centre is nearest. */
async function placeQuery(at: readonly [number, number], folder: string, manifest: IndexManifest): Promise<Query> {
  const [lon, lat] = at;
  if (!(Math.abs(lon) <= 360 && Math.abs(lat) <= 90)) throw new InvalidOptionError('--at', `expected longitude,latitude in degrees, got ${lon},${lat}`);
  const pixels = manifest.sources.map((source) => pixelIn(source, lon, lat));
  let best: { row: number; entry: IndexEntry; far: number } | undefined;
  let placed = manifest.sources.some(({ transform }) => transform !== undefined);
  for await (const { row, line } of entryLines(folder, manifest)) {
    const source = manifest.sources.findIndex(({ first, count }) => row >= first && row < first + count);
    const pixel = pixels[source];
    if (pixel === undefined && manifest.sources[source]?.kind !== 'folder') continue;
    const entry = parseEntry(folder, line);
    placed ||= entry.footprint !== undefined;
    const far = pixel === undefined ? insideFootprint(entry, lon, lat) : insideWindow(entry.window, pixel);
    if (far !== undefined && (best === undefined || far < best.far)) best = { row, entry, far };
  }
  if (best !== undefined) return entryQuery('at', folder, manifest, best.row, best.entry);
  if (!placed) throw new InvalidOptionError('--at', `no scene of ${folder} has a georeference`, { advice: 'search with --id or --image' });
  const inScene = pixels.findIndex((pixel) => pixel !== undefined);
  if (inScene >= 0) throw new InvalidOptionError('--at', `${lon},${lat} lies in a part of ${manifest.sources[inScene]!.name} without data`);
  throw new InvalidOptionError('--at', `${lon},${lat} lies outside every scene of ${folder}`, { advice: 'give longitude,latitude in degrees, WGS 84' });
}

/** The pixel of a scene at a place, if it lies inside. */
function pixelIn(source: IndexSource, lon: number, lat: number): readonly [number, number] | undefined {
  const { transform, width, height } = source;
  const point = fromLonLat(source.crs)?.(lon, lat);
  if (transform === undefined || width === undefined || height === undefined || point === undefined || !isInvertible(transform)) return undefined;
  const [x, y] = crsToPixel(transform, point[0], point[1]);
  return x >= 0 && y >= 0 && x < width && y < height ? [x, y] : undefined;
}

/** Squared distance from a window's centre, if the pixel lies in it. */
function insideWindow(window: Window, [x, y]: readonly [number, number]): number | undefined {
  if (x < window.x || y < window.y || x >= window.x + window.width || y >= window.y + window.height) return undefined;
  return (x - window.x - window.width / 2) ** 2 + (y - window.y - window.height / 2) ** 2;
}

/** As {@link insideWindow}, for the outline of a chip file: the point must lie left of every edge of the convex ring. */
function insideFootprint(entry: IndexEntry, lon: number, lat: number): number | undefined {
  const ring = entry.footprint;
  if (ring === undefined || entry.lon === undefined || entry.lat === undefined) return undefined;
  // Rings may run on past ±180: the point is moved beside them.
  const x = lon + 360 * Math.round((ring[0]![0] - lon) / 360);
  for (let i = 0; i + 1 < ring.length; i++) {
    const [x0, y0] = ring[i]!;
    const [x1, y1] = ring[i + 1]!;
    if ((x1 - x0) * (lat - y0) - (y1 - y0) * (x - x0) < 0) return undefined;
  }
  return (lon - entry.lon) ** 2 + (lat - entry.lat) ** 2;
}

/** A picture from outside the index: its largest square in the middle is embedded, reduced as the model's card says. */
async function imageQuery(path: string, options: SearchOptions, manifest: IndexManifest, signal?: AbortSignal): Promise<Query> {
  if ((await stat(path).catch(() => undefined))?.isFile() !== true) throw new InvalidFileError(path, 'no such file');
  const asked = options.model ?? manifest.model.source;
  let model = await loadModel(asked);
  if (model.fingerprint !== manifest.model.fingerprint && model.card.int8 !== undefined) model = await loadModel(asked, { precision: 'int8' });
  if (model.fingerprint !== manifest.model.fingerprint) {
    throw new ModelError(asked, `is not the model that ${options.index} was made with (${manifest.model.name}, ${manifest.model.fingerprint.slice(0, 12)})`, {
      advice: 'give that one with --model, or make the index anew',
    });
  }
  const opened = await openScene(path);
  try {
    const { scene } = await applyStretch(opened, model.card, options.stretch, signal);
    const { profile } = scene;
    if (profile.width * profile.height > MOST_PIXELS) throw new InvalidFileError(path, `expected a picture, found a scene of ${profile.width} × ${profile.height} pixels`);
    const bands = bandsForModel(profile, model.card, options.bands);
    const window = middleSquare(profile, fixedInputSize(model.card.input) === undefined ? model.card.input.multiple_of ?? 1 : 1);
    const raster = await scene.read(window, { bands, ...(signal === undefined ? {} : { signal }) });
    if (!hasData(raster, fullWindow(raster))) throw new InvalidFileError(path, 'holds no data');
    const predictor = await openPredictor(model, { outputs: ['features'], dtype: profile.dtype, patch: { width: window.width, height: window.height }, ...engineOptions(options) });
    try {
      const answer = await predictor.predict({ data: raster.data, count: 1, width: window.width, height: window.height, bands: bands.length }, signal);
      const vector = rowsOf(answer.features, 1, model.card.name)[0]!;
      return { kind: 'image', name: path, scene: path, window, vector, notes: sizeNotes(window, profile, manifest) };
    } finally {
      await predictor.close();
    }
  } finally {
    await opened.close();
  }
}

function middleSquare(size: { readonly width: number; readonly height: number }, multiple: number): Window {
  const shorter = Math.min(size.width, size.height);
  const edge = Math.max(1, shorter - (shorter % multiple));
  return { x: Math.floor((size.width - edge) / 2), y: Math.floor((size.height - edge) / 2), width: edge, height: edge };
}

function sizeNotes(window: Window, profile: { readonly width: number; readonly height: number }, manifest: IndexManifest): string[] {
  const sizes = [...new Set(manifest.sources.flatMap(({ patchSize }) => (patchSize === undefined ? [] : [patchSize])))];
  return [
    ...(profile.width === profile.height ? [] : [`only the middle ${window.width} × ${window.width} pixels of the picture are searched for`]),
    ...(sizes.length === 0 || sizes.includes(window.width) ? [] : [`the picture has ${window.width} pixels, the index's chips ${sizes.join(' or ')}: if its pixels are not as large on the ground, expect worse results`]),
  ];
}
