import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { folderEntries, type FolderEntry } from '../../dataset/index.js';
import { InvalidFileError } from '../../errors.js';
import type { Predictor } from '../../predict/index.js';
import { fullWindow } from '../../raster/index.js';
import type { ModelCard } from '../../card/index.js';
import type { AppliedStretch, DataType, SceneProfile } from '../../raster/index.js';
import { openScene } from '../../scene/index.js';
import { readManifest } from '../../tiles/index.js';
import { hasData } from './patches.js';
import { enlarged } from './enlarge.js';
import { chipPlaces } from './places.js';
import type { ChipPlace } from './places.js';
import { rowsOf } from './strips.js';
import { bandsForModel } from '../model-input.js';
import { withStretch } from '../model-input/stretch.js';

/** Endings of files that are chips; everything else in a folder is left alone. */
const ENDINGS: ReadonlySet<string> = new Set(['.jpg', '.jpeg', '.png', '.tif', '.tiff']);
/** A chip is read whole; a file with more pixels is a scene. */
const MOST_PIXELS = 32 * 1024 * 1024;

export interface ChipFile {
  readonly id: string;
  readonly path: string;
  /** Where it lies, if a list of tiles says so; else the file itself may know. */
  readonly place?: ChipPlace;
}

/** Files of chips in a folder, by name. */
export interface ChipFiles {
  readonly folder: string;
  readonly files: readonly ChipFile[];
  /** Changes when a file is added, removed or written. */
  readonly fingerprint: string;
  /** What was left out of the folder. */
  readonly notes: readonly string[];
}

/**
 * The chip files of a folder, in the order of their names (numbers inside names by value: `train_2` before `train_10`). Ids are
 * the names without ending, or with it where two files would have the same id.
 * @throws {InvalidFileError} if there is none.
 */
export async function listChipFiles(folder: string): Promise<ChipFiles> {
  const entries = await folderEntries(folder);
  const names = entries.filter(({ name, kind }) => kind === 'file' && ENDINGS.has(extname(name).toLowerCase())).map(({ name }) => name);
  if (names.length === 0) {
    throw new InvalidFileError(folder, 'the folder holds no chips', { advice: 'expected JPEG, PNG or TIFF files directly in it' });
  }
  const order = new Intl.Collator('en', { numeric: true });
  names.sort((a, b) => order.compare(a, b) || (a < b ? -1 : 1));
  const stems = new Map<string, number>();
  for (const name of names) stems.set(stem(name), (stems.get(stem(name)) ?? 0) + 1);
  const hash = createHash('sha256');
  for (const name of names) {
    const { size, mtimeMs } = await stat(join(folder, name));
    hash.update(JSON.stringify([name, size, mtimeMs]));
  }
  return {
    folder, fingerprint: hash.digest('hex'), notes: leftOut(entries),
    files: names.map((name) => ({ id: stems.get(stem(name))! > 1 ? name : stem(name), path: join(folder, name) })),
  };
}

/** Files that tools put beside chips. */
const BESIDE = /^(\.|__MACOSX|Thumbs\.db$|desktop\.ini$|tiles\.json$)|\.(aux\.xml|ovr|msk|tfw|jgw|pgw|wld|prj)$/i;

function leftOut(entries: readonly FolderEntry[]): string[] {
  const others = entries.filter(({ name }) => !BESIDE.test(name));
  const files = others.filter(({ name, kind }) => kind === 'file' && !ENDINGS.has(extname(name).toLowerCase())).map(({ name }) => name);
  const folders = others.filter(({ kind }) => kind === 'folder').map(({ name }) => name);
  return [
    ...(files.length === 0 ? [] : [`${files.length} ${files.length === 1 ? 'file is' : 'files are'} no JPEG, PNG or TIFF and left out, such as ${files[0]!}`]),
    ...(folders.length === 0 ? [] : [`${folders.length} ${folders.length === 1 ? 'folder in it is' : 'folders in it are'} not looked into, such as ${folders[0]!}`]),
  ];
}

/**
 * The tiles that a `tiles.json` lists, as chip files; the ids are the tiles' names without ending.
 * @returns also the name of the scene that was tiled.
 * @throws {InvalidFileError} if the file is no such list, or its tiles are of a kind that is no picture.
 */
export async function listTiles(manifestPath: string): Promise<ChipFiles & { readonly scene: string }> {
  const manifest = await readManifest(manifestPath);
  if (manifest === undefined) throw new InvalidFileError(manifestPath, 'no such file');
  if (manifest.tileFormat === 'npy') throw new InvalidFileError(manifestPath, 'expected tiles that are pictures, found npy', { advice: 'embed the scene itself' });
  const folder = dirname(manifestPath);
  const hash = createHash('sha256');
  for (const { file, crc32 } of manifest.tiles) hash.update(JSON.stringify([file, crc32]));
  const source = basename(manifest.source.path);
  const placeOf = chipPlaces(manifest.scene);
  return {
    folder, fingerprint: hash.digest('hex'), notes: [], scene: stem(source),
    files: manifest.tiles.map(({ file, window }) => ({ id: stem(file), path: join(folder, file), place: placeOf(window) })),
  };
}

function stem(name: string): string {
  return name.slice(0, name.length - extname(name).length);
}

/** One chip file and the model's answer; no answer where it has no data. */
export interface ChipFileAnswer {
  readonly profile: SceneProfile;
  readonly values: Float32Array | undefined;
}

export interface ChipFileReader {
  readonly predictor: Predictor;
  readonly card: ModelCard;
  readonly kind: 'scores' | 'features';
  /** Sample type that the predictor was opened for. */
  readonly dtype: DataType;
  /** Bands for the model, from 1, as the user gave them. */
  readonly bands?: readonly number[];
  /** The same for all chips. */
  readonly stretch?: AppliedStretch;
}

/** Reads one chip file whole and predicts it. @throws {InvalidFileError} if it cannot be read, or is no chip. */
export async function predictFile(reader: ChipFileReader, path: string, signal?: AbortSignal): Promise<ChipFileAnswer> {
  const opened = await openScene(path);
  try {
    const scene = reader.stretch === undefined ? opened : withStretch(opened, reader.stretch);
    const { profile } = scene;
    checkChip(profile, reader.dtype);
    const bands = bandsForModel(profile, reader.card, reader.bands);
    const raster = await scene.read(fullWindow(profile), { bands, ...(signal === undefined ? {} : { signal }) });
    if (!hasData(raster, fullWindow(raster))) return { profile, values: undefined };
    const { width, height, data } = raster.data instanceof Uint8Array && raster.bands === 3 ? await enlarged({ width: raster.width, height: raster.height, data: raster.data }, reader.card) : raster;
    const answer = await reader.predictor.predict({ data, count: 1, width, height, bands: raster.bands }, signal);
    return { profile, values: rowsOf(answer[reader.kind], 1, reader.card.name)[0]! };
  } finally {
    await opened.close();
  }
}

function checkChip(profile: SceneProfile, dtype: DataType): void {
  if (profile.dtype !== dtype) {
    throw new InvalidFileError(profile.source, `expected ${dtype} samples as the first chip has, found ${profile.dtype}`, { advice: 'put chips of different kinds into different folders' });
  }
  if (profile.width * profile.height <= MOST_PIXELS) return;
  throw new InvalidFileError(profile.source, `expected a chip, found ${profile.width} × ${profile.height} pixels`, { advice: 'give it as a scene of its own' });
}
