import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { classColors, parseColor } from '../card/index.js';
import { InvalidFileError } from '../errors.js';
import type { Scene, SceneProfile } from '../raster/index.js';
import { IGNORE } from '../samples/index.js';
import { noteAlike, pictureOptions, type ListOptions } from './chip-list.js';
import { colourToClass, readMaskClasses, type MaskClass } from './colours.js';
import type { SceneEntry } from '../samples/index.js';
import type { MapEntry, MapList, MapRows } from './map-list.js';
import { readBands } from './read-picture.js';

interface Box { readonly x: number; readonly y: number; readonly width: number; readonly height: number }

/** Polygons of classes, put onto the pixels of scenes by someone who knows about places. */
export interface PolygonReader {
  /** Names of the classes in a file, sorted. @throws {InvalidFileError} */
  classesOf(file: string, property: string): Promise<readonly string[]>;
  /** Class ids of the pixels of windows of a scene: of the class whose polygon holds the pixel's middle (the last in the file), else {@link IGNORE}. */
  onScene(file: string, property: string, classes: readonly string[], profile: SceneProfile): Promise<(window: Box) => Uint8Array>;
}

export interface SceneListOptions extends ListOptions {
  readonly polygons: PolygonReader;
}

const PROPERTY = 'class';

/** Class ids of a window of a scene, and what its values mean. */
interface Truth {
  read(window: Box): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Scenes with their truth: a raster of ids or colours, a raster of grey levels with a key, or polygons. */
export async function listScenes(options: SceneListOptions): Promise<MapList> {
  const { description, folder } = options;
  const scenes = description.scenes ?? [];
  if (scenes.length === 0) throw new InvalidFileError(folder, 'expected scenes with their truth, found none');
  await noteMissing(scenes, options);
  const legend = await legendOf(options, scenes);
  const names = new Set<string>();
  const entries = scenes.map((scene): MapEntry => {
    const name = scene.name ?? nameOf(scene.scene);
    if (names.has(name)) options.problems.add('name that several scenes have', name);
    names.add(name);
    return { name, group: name, open: () => openScene(scene, legend, options), file: join(folder, scene.scene), ...(scene.area === undefined ? {} : { corner: { x: scene.area[0], y: scene.area[1] } }) };
  });
  const files = scenes.flatMap((scene) => [scene.scene, scene.truth ?? scene.themes ?? scene.polygons ?? '', ...(scene.key === undefined ? [] : [scene.key])]);
  const rasters = scenes.flatMap((scene) => [scene.scene, ...(scene.truth === undefined ? [] : [scene.truth])]);
  return {
    kind: 'maps', classes: legend.classes, entries,
    files: [
      ...[...files, ...(description.classes === undefined ? [] : [description.classes]), ...(description.key === undefined ? [] : [description.key])].map((file) => join(folder, file)),
      ...(await Promise.all(rasters.map((file) => filesBehind(join(folder, file), options)))).flat(),
    ],
    close: () => Promise.resolve(),
  };
}

/** What a scene is called that has no name: as its file without ending, or as the folder of its tiles. */
function nameOf(scene: string): string {
  const name = basename(scene);
  return name === 'tiles.json' && dirname(scene) !== '.' ? basename(dirname(scene)) : basename(scene, extname(scene));
}

/** The files on this machine that a scene is put together from, which change without its list; none where it is one file. */
async function filesBehind(file: string, { openScene: open }: ListOptions): Promise<readonly string[]> {
  if (!/\.(vrt|json)$/i.test(file) && !(await stat(file)).isDirectory()) return [];
  const scene = await open(file);
  await scene.close();
  return (scene.profile.files ?? []).filter((part) => !/^[a-z][a-z0-9+.-]+:\/\//i.test(part));
}

/** @throws {InvalidFileError} naming all files of the scenes that are not there */
async function noteMissing(scenes: readonly SceneEntry[], { folder, problems }: ListOptions): Promise<void> {
  for (const { scene, truth, themes, polygons, key } of scenes) {
    for (const file of [scene, truth, themes, polygons, key]) {
      if (file !== undefined && await stat(join(folder, file)).catch(() => undefined) === undefined) problems.add('file that is not there', file);
    }
  }
  problems.throwIfAny(folder);
}

interface SceneLegend {
  readonly classes: readonly MaskClass[];
  /** Value in the truth raster → class id. */
  readonly ids: ReadonlyMap<number, number>;
  readonly ignored: readonly (readonly [number, number, number])[];
  /** Names of all classes, those that are left out included; for polygons. */
  readonly names: readonly string[];
}

/** What the values of the truth mean; the same for all scenes. */
async function legendOf(options: SceneListOptions, scenes: readonly SceneEntry[]): Promise<SceneLegend> {
  const { description, folder } = options;
  const leaveOut = new Set(description.leave_out ?? []);
  const first = scenes[0]!;
  const key = first.key ?? description.key;
  if (first.themes !== undefined) {
    if (key === undefined) throw new InvalidFileError(join(folder, first.themes), 'expected a key file with the names of the grey levels, found none', { advice: 'give it as key' });
    return fromValues(await readKeyFile(join(folder, key)), leaveOut);
  }
  if (first.polygons !== undefined) {
    const found = description.class_names ?? [...new Set((await Promise.all(scenes.filter((scene) => scene.polygons !== undefined).map((scene) => options.polygons.classesOf(join(folder, scene.polygons!), scene.property ?? PROPERTY)))).flat())].sort();
    noteAlike(options.problems, found);
    return fromValues(found.map((name, value) => ({ name, value })), leaveOut);
  }
  if (description.classes !== undefined) {
    const legend = await readMaskClasses(join(folder, description.classes), description.leave_out ?? []);
    return { ...legend, names: legend.classes.map(({ name }) => name) };
  }
  const truth = await options.openScene(join(folder, requireTruth(first, folder)));
  try {
    const { profile } = truth;
    const names = description.class_names ?? profile.classNames;
    if (profile.bands !== 1 || names === undefined) {
      throw new InvalidFileError(profile.source, 'expected one band of class ids with names, found none', { advice: 'give a legend (classes), or the names of the ids: --set class_names=[…]' });
    }
    const twice = names.find((name, value) => name !== '' && names.indexOf(name) < value);
    if (twice !== undefined) throw new InvalidFileError(profile.source, `expected names of classes that differ, found ${twice} for ${names.indexOf(twice)} and ${names.lastIndexOf(twice)}`, { advice: 'give others: --set class_names=[…]' });
    const values = names.flatMap((name, value) => (name === '' || value === profile.nodata ? [] : [{ name, value, ...(profile.palette?.[value] === undefined ? {} : { color: profile.palette[value].slice(0, 3) as unknown as readonly [number, number, number] }) }]));
    return fromValues(values, leaveOut);
  } finally {
    await truth.close();
  }
}

function requireTruth(entry: SceneEntry, folder: string): string {
  if (entry.truth === undefined) throw new InvalidFileError(join(folder, entry.scene), 'expected the scene\'s truth, themes or polygons, found none of them');
  return entry.truth;
}

function fromValues(values: readonly { readonly name: string; readonly value: number; readonly color?: readonly [number, number, number] }[], leaveOut: ReadonlySet<string>): SceneLegend {
  const kept = values.filter(({ name }) => !leaveOut.has(name));
  const colors = classColors(kept.map(({ name }) => name));
  const classes = kept.map(({ name, color }, id): MaskClass => ({ id, name, color: color ?? (parseColor(colors[id]!).slice(0, 3) as unknown as readonly [number, number, number]) }));
  const ids = new Map(kept.map(({ value }, id) => [value, id]));
  for (const { name, value } of values) if (leaveOut.has(name)) ids.set(value, IGNORE);
  return { classes, ids, ignored: [], names: kept.map(({ name }) => name) };
}

/**
 * Reads a key file: a line per class, its name, a tab (or `=`, or the last space or comma), and its grey level.
 * @throws {InvalidFileError} with the first line that is none
 */
export async function readKeyFile(file: string): Promise<readonly { readonly name: string; readonly value: number }[]> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => { throw new InvalidFileError(file, 'expected a key file (name, tab, grey level), found none', { cause }); });
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/).filter((line) => line.trim() !== '');
  const entries = lines.map((line) => {
    const match = /^(.*?)\s*[\t=, ]\s*(\d+)\s*$/.exec(line);
    if (match === null) throw new InvalidFileError(file, `expected a name, a tab and a grey level in every line, found ${JSON.stringify(line.slice(0, 60))}`);
    return { name: match[1]!.trim(), value: Number(match[2]) };
  });
  const twice = entries.find(({ name, value }, i) => entries.findIndex((other) => other.name === name || other.value === value) < i);
  if (twice !== undefined) throw new InvalidFileError(file, `expected every name and grey level once, found ${twice.name} ${twice.value} again`);
  if (entries.length === 0) throw new InvalidFileError(file, 'expected a key file (name, tab, grey level), found no line');
  return entries;
}

async function openScene(entry: SceneEntry, legend: SceneLegend, options: SceneListOptions): Promise<MapRows> {
  const { description, folder } = options;
  const file = join(folder, entry.scene);
  const scene = await options.openScene(file);
  let truth: Truth | undefined;
  try {
    truth = await openTruth(entry, scene, legend, options);
    const { profile } = scene;
    const [x, y, width, height] = entry.area ?? [0, 0, profile.width, profile.height];
    if (x < 0 || y < 0 || width < 1 || height < 1 || x + width > profile.width || y + height > profile.height) {
      throw new InvalidFileError(file, `expected an area inside ${profile.width}×${profile.height} pixels, found ${[x, y, width, height].join(', ')}`);
    }
    const open = truth;
    return {
      width, height,
      async read(row, count) {
        const window = { x, y: y + row, width, height: count };
        const pixels = await readBands(scene, file, { ...pictureOptions(options) }, window);
        const mask = await open.read(window);
        const raster = profile.maskSource === 'none' ? undefined : (await scene.read(window, { bands: [0] })).mask;
        if (raster !== undefined) for (let i = 0; i < mask.length; i++) if (raster[i] === 0) mask[i] = IGNORE;
        if (description.swap_red_blue === true) for (let i = 0; i < pixels.length; i += 3) { const red = pixels[i]!; pixels[i] = pixels[i + 2]!; pixels[i + 2] = red; }
        if ((description.frame ?? 0) > 0) frameRows(mask, { width, height, row, count }, description.frame!);
        return { pixels, mask };
      },
      close: async () => { await open.close(); await scene.close(); },
    };
  } catch (error) {
    await truth?.close();
    await scene.close();
    throw error;
  }
}

/** As `ignoreFrame`, for some rows of a mask. */
function frameRows(mask: Uint8Array, rows: { readonly width: number; readonly height: number; readonly row: number; readonly count: number }, frame: number): void {
  const { width, height, row, count } = rows;
  for (let y = 0; y < count; y++) {
    const line = mask.subarray(y * width, (y + 1) * width);
    if (row + y < frame || row + y >= height - frame) line.fill(IGNORE);
    line.fill(IGNORE, 0, Math.min(frame, width));
    line.fill(IGNORE, Math.max(0, width - frame));
  }
}

async function openTruth(entry: SceneEntry, scene: Scene, legend: SceneLegend, options: SceneListOptions): Promise<Truth> {
  const { folder } = options;
  if (entry.polygons !== undefined) {
    const read = await options.polygons.onScene(join(folder, entry.polygons), entry.property ?? PROPERTY, legend.names, scene.profile);
    return { read: (window) => Promise.resolve(read(window)), close: () => Promise.resolve() };
  }
  const file = join(folder, entry.themes ?? requireTruth(entry, folder));
  const raster = await options.openScene(file);
  const { profile } = raster;
  if (profile.width !== scene.profile.width || profile.height !== scene.profile.height) {
    await raster.close();
    throw new InvalidFileError(file, `expected the truth in the size of the scene, ${scene.profile.width}×${scene.profile.height}, found ${profile.width}×${profile.height}`);
  }
  return { read: (window) => (profile.bands >= 3 ? readColours(raster, file, window, legend, options) : readIds(raster, file, window, legend, options)), close: () => raster.close() };
}

async function readColours(raster: Scene, file: string, window: Box, legend: SceneLegend, options: SceneListOptions): Promise<Uint8Array> {
  const colours = await readBands(raster, file, { openScene: options.openScene }, window);
  const { mask, unknown } = colourToClass(colours, legend);
  for (const [colour, count] of unknown) noteUnknown(options, `${file}: ${colour}`, count);
  return mask;
}

async function readIds(raster: Scene, file: string, window: Box, legend: SceneLegend, options: SceneListOptions): Promise<Uint8Array> {
  const { data, mask } = await raster.read(window, { bands: [0] });
  const out = new Uint8Array(window.width * window.height).fill(IGNORE);
  const unknown = new Map<number, number>();
  for (let i = 0; i < out.length; i++) {
    if (mask !== undefined && mask[i] === 0) continue;
    const id = legend.ids.get(data[i]!);
    if (id === undefined) unknown.set(data[i]!, (unknown.get(data[i]!) ?? 0) + 1);
    else out[i] = id;
  }
  for (const [value, count] of unknown) noteUnknown(options, `${file}: value ${value}`, count);
  return out;
}

function noteUnknown({ description, problems }: ListOptions, what: string, count: number): void {
  if (description.unknown_colors === 'ignore') problems.remark('pixel of no class, ignored', what, count);
  else problems.add('pixel of no class', what, count);
}
