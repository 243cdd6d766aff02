import { stat } from 'node:fs/promises';
import { InvalidFileError, InvalidOptionError, ModelError } from '../../errors.js';
import { crsToPixel, fromLonLat, isInvertible } from '../../georef/index.js';
import { fullWindow } from '../../raster/index.js';
import type { Window } from '../../raster/index.js';
import { loadModel, openPredictor } from '../../predict/index.js';
import { openScene } from '../../scene/index.js';
import type { IndexManifest, IndexSource, OpenIndex } from '../../index-store/index.js';
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
export async function findQuery(options: SearchOptions, index: OpenIndex, signal?: AbortSignal): Promise<Query> {
  const given = [options.image, options.id, options.at].filter((value) => value !== undefined);
  if (given.length !== 1) throw new InvalidOptionError('search', `expected one of --image, --id and --at, got ${given.length === 0 ? 'none' : 'several'}`);
  if (options.image !== undefined) return imageQuery(options.image, options, index.manifest, signal);
  if (options.id !== undefined) return idQuery(options.id, index);
  return placeQuery(options.at!, index);
}

async function idQuery(id: string, index: OpenIndex): Promise<Query> {
  const row = await index.rowOf(id);
  if (row === undefined) throw new InvalidOptionError('--id', `no entry of ${index.folder} is called ${id}`, { advice: `ids are like ${(await index.entry(0)).id}` });
  return entryQuery('id', index, row);
}

async function entryQuery(kind: 'id' | 'at', index: OpenIndex, row: number): Promise<Query> {
  const { id, scene, window, lon, lat } = await index.entry(row);
  return { kind, name: id, scene, window, vector: await index.vector(row), notes: [], ...(lon === undefined || lat === undefined ? {} : { lon, lat }) };
}

/** The indexed chip under a point; where several overlap there, the one whose centre is nearest. */
async function placeQuery(at: readonly [number, number], index: OpenIndex): Promise<Query> {
  const [lon, lat] = at;
  const { folder, manifest } = index;
  if (!(Math.abs(lon) <= 360 && Math.abs(lat) <= 90)) throw new InvalidOptionError('--at', `expected longitude,latitude in degrees, got ${lon},${lat}`);
  const row = await index.rowAt(lon, lat);
  if (row !== undefined) return entryQuery('at', index, row);
  let placed = false;
  for await (const batch of index.batches()) for (let i = 0; i < batch.count && !placed; i++) placed = !Number.isNaN(batch.lon(i));
  if (!placed) throw new InvalidOptionError('--at', `no scene of ${folder} has a georeference`, { advice: 'search with --id or --image' });
  const inScene = manifest.sources.find((source) => isInScene(source, lon, lat));
  if (inScene !== undefined) throw new InvalidOptionError('--at', `${lon},${lat} lies in a part of ${inScene.name} without data`);
  throw new InvalidOptionError('--at', `${lon},${lat} lies outside every scene of ${folder}`, { advice: 'give longitude,latitude in degrees, WGS 84' });
}

function isInScene(source: IndexSource, lon: number, lat: number): boolean {
  const { transform, width, height } = source;
  const point = fromLonLat(source.crs)?.(lon, lat);
  if (transform === undefined || width === undefined || height === undefined || point === undefined || !isInvertible(transform)) return false;
  const [x, y] = crsToPixel(transform, point[0], point[1]);
  return x >= 0 && y >= 0 && x < width && y < height;
}

/** A picture from outside the index: its largest square in the middle is embedded, reduced as the model's card says. */
async function imageQuery(path: string, options: SearchOptions, manifest: IndexManifest, signal?: AbortSignal): Promise<Query> {
  if ((await stat(path).catch(() => undefined))?.isFile() !== true) throw new InvalidFileError(path, 'no such file');
  const asked = options.model ?? manifest.model.source;
  const model = await loadModel(asked);
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
