import { InvalidOptionError } from '../../errors.js';
import { cogMemory, type CogOptions } from '../../cog/index.js';
import { axesOfEpsg, crsFromEpsg, geoKeysFor, metresPerUnit, pixelSize, pixelToCrs, reachesTooFar, stretchNote, suggestGrid, toLonLat, windowTransform, type Crs, type PlacedGrid } from '../../georef/index.js';
import { bytesPerSample, contains, fullWindow, intersect, type Scene, type SceneProfile, type Size, type Window } from '../../raster/index.js';
import { memoryPlan, type Json, type MemoryPlan } from '../../run/index.js';
import { areaOnScene } from '../rows/area-on-scene.js';
import { readAreaFile, type Area } from '../rows/area.js';
import type { Resampling } from '../rows/resample.js';
import { createSceneRows, type RowSource } from '../rows/row-source.js';
import { createWarpedRows } from '../rows/warped-rows.js';
import type { ConvertOptions } from './options.js';

/** How missing pixels are told in the output. */
export type Missing = 'none' | 'nodata' | 'alpha' | 'mask';

/** What a conversion will do. */
export interface ConvertPlan {
  readonly source: RowSource;
  /** In pixels of the output. */
  readonly area: Area | undefined;
  readonly missing: Missing;
  readonly cog: CogOptions;
  /** Bands and window of the scene that are used. */
  readonly bands: readonly number[];
  readonly window: Window;
  /** `undefined` where pixels are taken as they are. */
  readonly resampling: Resampling | undefined;
  readonly memory: MemoryPlan;
  readonly warnings: readonly string[];
  /** What of the scene the output cannot say, in words; among the warnings as well. */
  readonly lost: readonly string[];
  readonly identity: Readonly<Record<string, Json>>;
}

/** What Node, the libraries and the compiled code take before any pixel, measured on Linux with Node 20. */
const BASE_BYTES = 90 << 20;
/** Reductions beyond this are made by averaging what is covered. */
const AVERAGE_FROM = 1.5;

/** @throws {InvalidOptionError} if options do not fit the scene. */
export async function planConvert(scene: Scene, options: ConvertOptions, scratch: string): Promise<ConvertPlan> {
  const { profile } = scene;
  const lossy = options.compression === 'jpeg' || options.compression === 'webp';
  const bands = chooseBands(options, profile);
  const window = chooseWindow(options.window, profile);
  const target = chooseGrid(options, profile, window);
  const file = options.area === undefined ? undefined : await readAreaFile(options.area);
  const whole = target?.grid ?? placeOf(profile, window);
  const area = file === undefined ? undefined : areaOnScene(file, { ...whole, source: profile.source });
  const crop = area === undefined ? fullWindow(whole) : intersect(area.bounds, fullWindow(whole))!;
  const grid = { ...whole, ...crop, transform: whole.transform && windowTransform(whole.transform, crop) };
  if (target !== undefined) checkGrowth(grid, profile, options);
  const resampling = target === undefined ? undefined : options.resampling ?? target.resampling;
  const source = resampling === undefined
    ? createSceneRows(scene, { x: window.x + crop.x, y: window.y + crop.y, width: crop.width, height: crop.height }, bands)
    : createWarpedRows(scene, { window, bands, grid: grid as PlacedGrid, resampling });
  if (source === undefined) throw new InvalidOptionError('--crs', `no way is known from ${profile.crs?.name ?? 'no CRS'} to ${grid.crs?.name ?? 'no CRS'}`);
  // TIFF knows alpha among extra samples only: the first band is never one. A mask stands for it there.
  const alpha = profile.alphaBand === undefined || bands[0] === profile.alphaBand ? -1 : bands.indexOf(profile.alphaBand);
  const lost = lostOf(profile, target !== undefined);
  const holes = profile.maskSource !== 'none' || area !== undefined || target !== undefined;
  const missing: Missing = alpha >= 0 ? 'alpha'
    : profile.nodata !== undefined && profile.bandNodata === undefined && !lossy && profile.maskSource !== 'internal' && profile.maskSource !== 'external' ? 'nodata'
      : holes ? 'mask' : 'none';
  const cog: CogOptions = {
    width: source.width, height: source.height, bands: bands.length, dtype: profile.dtype, scratch,
    ...packingOf(options),
    ...(alpha >= 0 ? { alphaBand: alpha } : {}),
    ...(keepsColours(profile, bands) ? { photometric: 'rgb' } : {}),
    ...(target === undefined ? controlOf(profile, { x: window.x + crop.x, y: window.y + crop.y }) : {}),
    ...(missing === 'mask' ? { mask: true } : {}),
    // A GeoTIFF has one nodata value for all bands; where they differ a mask says what is missing.
    ...(profile.nodata === undefined || profile.bandNodata !== undefined || lossy ? {} : { nodata: profile.nodata }),
    ...(grid.transform === undefined ? {} : { transform: grid.transform }),
    ...(grid.crs === undefined ? {} : { crs: grid.crs }),
    ...(profile.bandNames === undefined ? {} : { bandNames: bands.map((band) => profile.bandNames![band] ?? '') }),
    ...(profile.scaling === undefined ? {} : { scaling: bands.map((band) => profile.scaling![band] ?? { scale: 1, offset: 0 }) }),
    ...(profile.units === undefined ? {} : { units: bands.map((band) => profile.units![band] ?? '') }),
    ...(profile.metadata === undefined ? {} : { metadata: profile.metadata.items, bandMetadata: bands.map((band) => profile.metadata!.bands[band] ?? {}) }),
    ...(bands.length === 1 ? { palette: profile.palette, classNames: profile.classNames } : {}),
  };
  return {
    source, area: area === undefined ? undefined : shifted(area, crop), missing, cog, bands, window, resampling,
    memory: memoryPlan([
      { name: 'node and libraries', bytes: BASE_BYTES },
      { name: resampling === undefined ? 'rows of the scene' : 'blocks of the scene and new rows', bytes: source.memory },
      { name: 'file being written', bytes: cogMemory(cog) },
    ]),
    warnings: [...profile.notes, ...file?.notes ?? [], ...warningsOf(profile, missing, grid.crs), ...target?.warnings ?? [], ...lost.map((what) => `the output does not carry ${what}`)],
    lost,
    identity: identityOf(profile, options, file?.polygons),
  };
}

/** Whether the first three bands of the output are of the three colours that the scene says it has. */
function keepsColours({ photometric }: SceneProfile, bands: readonly number[]): boolean {
  return photometric === 'rgb' && bands.length >= 3 && bands.slice(0, 3).every((band) => band < 3);
}

/** Control points and camera model for an output whose first pixel is `at` in the scene. */
function controlOf({ transform, gcps, rpc }: SceneProfile, at: { readonly x: number; readonly y: number }): Pick<CogOptions, 'gcps' | 'rpc'> {
  return {
    ...(gcps === undefined || transform !== undefined ? {} : { gcps: { ...gcps, points: gcps.points.map((point) => ({ ...point, column: point.column - at.x, row: point.row - at.y })) } }),
    ...(rpc === undefined ? {} : { rpc: { ...rpc, lineOffset: rpc.lineOffset - at.y, sampleOffset: rpc.sampleOffset - at.x } }),
  };
}

function lostOf({ transform, gcps, rpc }: SceneProfile, isMoved: boolean): string[] {
  const lost: string[] = [];
  if (gcps !== undefined && (transform !== undefined || isMoved)) lost.push(`the scene's ${gcps.points.length} ground control points: a GeoTIFF has them or a transform`);
  if (rpc !== undefined && isMoved) lost.push('the scene\'s camera model (RPC): it is one of the pixels before they moved');
  return lost;
}

function packingOf(options: ConvertOptions): Partial<CogOptions> {
  const { compression, quality, level, predictor, overviews, blockSize } = options;
  return { compression, quality, level, predictor, overviews, blockSize };
}

function identityOf(profile: SceneProfile, options: ConvertOptions, polygons: Json | undefined): Record<string, Json> {
  const { compression, quality, level, predictor, overviews, blockSize, bands, window, epsg, gsd, resampling } = options;
  const given: Record<string, unknown> = { compression, quality, level, predictor, overviews, 'block size': blockSize, bands, window, crs: epsg, gsd, resampling };
  return {
    task: 'convert/2', scene: profile.fingerprint, ...(polygons === undefined ? {} : { area: polygons }),
    ...JSON.parse(JSON.stringify(given)) as Record<string, Json>,
  };
}

/** All bands, or those asked for; JPEG takes no alpha, which becomes a mask. */
function chooseBands(options: ConvertOptions, profile: SceneProfile): readonly number[] {
  const all = Array.from({ length: profile.bands }, (_, band) => band);
  if (options.bands === undefined) return options.compression === 'jpeg' ? all.filter((band) => band !== profile.alphaBand) : all;
  if (options.bands.length === 0) throw new InvalidOptionError('--bands', 'expected at least one band');
  for (const band of options.bands) {
    if (!all.includes(band)) throw new InvalidOptionError('--bands', `the scene has bands 1 to ${profile.bands}, got ${band + 1}`);
  }
  return options.bands;
}

function chooseWindow(asked: Window | undefined, profile: SceneProfile): Window {
  const all = fullWindow(profile);
  if (asked === undefined) return all;
  const { x, y, width, height } = asked;
  const whole = [x, y, width, height].every(Number.isInteger) && width > 0 && height > 0;
  if (!whole || !contains(all, asked)) {
    throw new InvalidOptionError('--window', `expected a part of the scene of ${profile.width} × ${profile.height} pixels, got x ${x}, y ${y}, ${width} × ${height}`);
  }
  return asked;
}

interface Target {
  readonly grid: PlacedGrid;
  readonly resampling: Resampling;
  readonly warnings: readonly string[];
}

/** The grid that `--crs` and `--gsd` ask for; `undefined` where the scene's own pixels stay. */
function chooseGrid(options: ConvertOptions, profile: SceneProfile, window: Window): Target | undefined {
  if (options.epsg === undefined && options.gsd === undefined) {
    if (options.resampling !== undefined) throw new InvalidOptionError('--resampling', 'without --crs or --gsd the pixels stay as they are');
    return undefined;
  }
  const option = options.epsg === undefined ? '--gsd' : '--crs';
  const place = placeOf(profile, window);
  if (place.transform === undefined || place.crs?.proj4 === undefined) {
    throw new InvalidOptionError(option, `${profile.source} has no georeference to start from`, { advice: profile.gcps === undefined ? 'give it a world file and a .prj' : 'warp it by its control points first, for example with gdalwarp' });
  }
  const crs = options.epsg === undefined ? place.crs : crsFromEpsg(options.epsg);
  if (crs === undefined || geoKeysFor(crs) === undefined) refuseCrs(option, options.epsg);
  if (options.gsd !== undefined && !(options.gsd > 0 && Number.isFinite(options.gsd))) throw new InvalidOptionError('--gsd', `expected metres per pixel, got ${options.gsd}`);
  const source = { ...place, transform: place.transform, crs: place.crs };
  const grid = suggestGrid(source, crs, options.gsd === undefined ? undefined : options.gsd / metresPerCrsUnit(crs));
  if (grid === undefined) throw new InvalidOptionError(option, `the scene has no place in ${crs.name}`);
  const categorical = profile.palette !== undefined || profile.classNames !== undefined;
  const before = suggestGrid(source, crs);
  const reduction = before === undefined ? 1 : pixelSize(grid.transform).width / pixelSize(before.transform).width;
  const far = options.epsg === undefined ? undefined : stretchAt(source, crs);
  return {
    grid, resampling: categorical ? 'nearest' : reduction > AVERAGE_FROM ? 'average' : 'bilinear',
    warnings: [
      ...heightsNote(options.epsg),
      ...(options.resampling !== undefined && options.resampling !== 'nearest' && categorical ? [`--resampling ${options.resampling} mixes the ids of classes into others: nearest keeps them`] : []),
      ...(reachesTooFar(source, crs) ? [`places that ${crs.name} puts very far away are left out: more than once around the earth, or in Mercator beyond 85.05 degrees`] : []),
      ...(options.gsd === undefined ? [] : sizeWarnings(options.gsd, reduction, { width: grid.width, height: grid.height }, window)), ...(far === undefined ? [] : [far]),
    ],
  };
}

/** Codes of EPSG; those above are of others. */
const FIRST_CODE = 1024;
const LAST_CODE = 32767;

/** @throws {InvalidOptionError} that says why a CRS cannot be had. */
function refuseCrs(option: string, code: number | undefined): never {
  const axes = code === undefined ? undefined : axesOfEpsg(code);
  if (axes === 'heights alone') throw new InvalidOptionError(option, `EPSG:${code} is a system of heights, which has no place for pixels`, { advice: 'give a horizontal one, such as EPSG:32640' });
  if (axes === 'geocentric') throw new InvalidOptionError(option, `EPSG:${code} counts from the centre of the Earth, which no raster can be in`, { advice: 'give a horizontal one, such as EPSG:32640' });
  throw new InvalidOptionError(option, `EPSG:${code} is not known or cannot be written`, code !== undefined && (code < FIRST_CODE || code > LAST_CODE) ? { advice: `codes of EPSG go from ${FIRST_CODE} to ${LAST_CODE}` } : {});
}

function heightsNote(code: number | undefined): string[] {
  return code === undefined || axesOfEpsg(code) !== 'with heights' ? [] : [`EPSG:${code} has heights, too: only its two horizontal axes count here, and values stay as they are`];
}

/** Pixels so many times finer than the scene's hold nothing that the scene does not. */
const FINE = 4;
/** An output of so few pixels along its longer edge is hardly a picture any more. */
const FEW_PIXELS = 16;

function sizeWarnings(gsd: number, reduction: number, output: Size, scene: Size): string[] {
  if (reduction < 1 / FINE) return [`--gsd ${gsd} makes pixels ${Math.round(1 / reduction).toLocaleString('en')} times finer than the scene's along an edge: they are interpolated, and hold nothing new`];
  const longer = Math.max(output.width, output.height);
  if (reduction <= 1 || longer >= FEW_PIXELS || Math.max(scene.width, scene.height) < FEW_PIXELS) return [];
  return [`--gsd ${gsd} leaves ${output.width} × ${output.height} pixels of the scene's ${scene.width} × ${scene.height}: is it in metres?`];
}

/** A note where the CRS is far from the middle of the scene. */
function stretchAt({ transform, crs, width, height }: PlacedGrid, target: Crs): string | undefined {
  const lonLat = toLonLat(crs)?.(...pixelToCrs(transform, width / 2, height / 2));
  // Scenes that reach around a good part of the world have no single place.
  const corner = toLonLat(crs)?.(...pixelToCrs(transform, 0, 0));
  if (lonLat === undefined || corner === undefined || Math.hypot(lonLat[0] - corner[0], lonLat[1] - corner[1]) > WIDE_DEGREES) return undefined;
  return stretchNote(target, ...lonLat);
}

/** Degrees from a scene's middle to its corner. */
const WIDE_DEGREES = 20;

/** More pixels than this, and so many times those of the scene, are taken for a mistake in the unit. */
const MANY_PIXELS = 1e9;
const MOST_GROWTH = 100;

/** @throws {InvalidOptionError} if the output would be much larger than the scene, and large, or larger than any file */
function checkGrowth(grid: Size, profile: SceneProfile, options: ConvertOptions): void {
  const pixels = grid.width * grid.height;
  const option = options.epsg === undefined ? '--gsd' : '--crs';
  if (pixels > 2 ** 46 || Math.max(grid.width, grid.height) > 2 ** 31 - 1) {
    throw new InvalidOptionError(option, `the output would have ${grid.width} × ${grid.height} pixels`, { advice: 'take a larger --gsd, or a part by --aoi' });
  }
  if (pixels <= MANY_PIXELS || pixels <= MOST_GROWTH * profile.width * profile.height) return;
  const bytes = pixels * profile.bands * bytesPerSample(profile.dtype);
  const times = Math.round(pixels / (profile.width * profile.height)).toLocaleString('en');
  throw new InvalidOptionError(option, `the output would have ${grid.width} × ${grid.height} pixels, ${times} times those of the scene, ${Math.ceil(bytes / 1e9).toLocaleString('en')} GB before compression`, {
    advice: 'take a larger --gsd, or a part of the scene by --aoi or --window',
  });
}

/** Metres along a degree of the equator, WGS 84. */
const METRES_PER_DEGREE = (Math.PI / 180) * 6378137;

function metresPerCrsUnit(crs: Crs): number {
  if (crs.kind === 'geographic') return METRES_PER_DEGREE * (crs.degreesPerUnit ?? 1);
  return metresPerUnit(crs.proj4 ?? '');
}

interface Place {
  readonly width: number;
  readonly height: number;
  readonly transform?: PlacedGrid['transform'] | undefined;
  readonly crs?: Crs | undefined;
}

function placeOf({ transform, crs }: SceneProfile, window: Window): Place {
  return { width: window.width, height: window.height, transform: transform && windowTransform(transform, window), crs };
}

/** The area on a grid that begins at `crop`. */
function shifted(area: Area, crop: Window): Area {
  return {
    bounds: { ...area.bounds, x: area.bounds.x - crop.x, y: area.bounds.y - crop.y },
    clip: (mask, rows) => area.clip(mask, { ...rows, x: rows.x + crop.x, y: rows.y + crop.y }),
  };
}

function warningsOf(profile: SceneProfile, missing: Missing, crs: Crs | undefined): string[] {
  const warnings: string[] = [];
  if (missing === 'mask' && profile.maskSource === 'nodata') warnings.push(profile.bandNodata === undefined ? `nodata (${profile.nodata}) becomes a mask: lossy compression would change its value` : 'nodata becomes a mask: a GeoTIFF has one value for all bands');
  if (missing === 'mask' && profile.maskSource === 'alpha') warnings.push('alpha becomes a mask: half-transparent pixels are opaque in it');
  if (crs !== undefined && geoKeysFor(crs) === undefined) warnings.push(`the CRS (${crs.name}) has no definition that could be written into a GeoTIFF`);
  return warnings;
}
