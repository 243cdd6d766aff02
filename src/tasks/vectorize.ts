import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Interrupted, InvalidOptionError } from '../errors.js';
import { checkOutput, mayReplace, openJournal, peakRss, placeFiles } from '../run/index.js';
import type { TaskContext } from '../run/index.js';
import type { Scene, SceneProfile } from '../raster/index.js';
import { openScene } from '../scene/index.js';
import { FEATURE_ENDINGS, formatOf } from '../vector/index.js';
import type { FeatureFormat } from '../vector/index.js';
import { chosenClasses } from './vectorize/chosen-classes.js';
import { checkMetres, classMapOf } from './vectorize/class-map.js';
import { openPolygonFile, placementFor, writePolygons } from './vectorize/write.js';
import type { PolygonOptions, PolygonSummary, WritePolygonsOptions } from './vectorize/write.js';

export interface VectorizeOptions extends PolygonOptions {
  /** A map: a raster with one band of class ids. */
  readonly map: string;
  /** The file to write; its ending says the format: `.geojson`, `.fgb` (FlatGeobuf), `.parquet` (GeoParquet). */
  readonly output: string;
  /** Names or ids of the classes that are written. Default: all. */
  readonly classes?: readonly string[];
  /** Replaces an existing output. */
  readonly overwrite?: boolean;
  /** Makes the polygons, counts them, and writes nothing. */
  readonly dryRun?: boolean;
}

export interface VectorizeResult extends PolygonSummary {
  readonly map: string;
  readonly output: string;
  readonly format: FeatureFormat;
  readonly dryRun: boolean;
  readonly width: number;
  readonly height: number;
  /** Name of the CRS of the coordinates. */
  readonly crs: string | null;
  /** Length of the output; 0 in a dry run. */
  readonly bytes: number;
  readonly seconds: number;
  readonly peakRssBytes: number;
  readonly warnings: readonly string[];
}

/**
 * Makes polygons of a map's areas: pixels of one class that share edges. They follow the pixels exactly, or within a tolerance
 * with neighbours that still share their borders. Reads the map row by row; in memory are the borders of areas that are still open.
 *
 * @throws {InvalidFileError} if the map is none, or has no georeference
 * @throws {InvalidOptionError | OutputError} before anything is written
 * @throws {Interrupted} when the signal is aborted; nothing is kept
 */
export async function vectorize(options: VectorizeOptions, context: TaskContext = {}): Promise<VectorizeResult> {
  const started = performance.now();
  const format = formatOf(options.output);
  if (format === undefined) throw new InvalidOptionError('<output>', `expected a name that ends in ${FEATURE_ENDINGS.join(' or ')}, got ${options.output}`);
  if (resolve(options.output) === resolve(options.map)) throw new InvalidOptionError('<output>', 'the polygons cannot replace the map');
  const mayBeThere = (options.overwrite ?? false) || (options.dryRun ?? false) || await mayReplace(`${options.output}.partial`, options.output);
  await checkOutput(options.output, { overwrite: mayBeThere, option: '<output>', inFolderThere: true });
  const scene = await openScene(options.map);
  try {
    const map = classMapOf(scene);
    checkMetres(map.profile, options);
    const { place, file, warnings } = placementFor(map.profile, format, '<output>');
    const classes = chosenClasses(map.profile, options.classes);
    const early = await pictureNote(scene, map.profile, context);
    if (early !== undefined) context.onWarning?.(early);
    const work: WritePolygonsOptions = {
      map, place,
      ...(options.minArea === undefined ? {} : { minArea: options.minArea }),
      ...(options.simplify === undefined ? {} : { simplify: options.simplify }),
      ...(classes === undefined ? {} : { classes }),
    };
    const summary = options.dryRun ? await writePolygons(work, context)
      : await writeWhole(options, async (path) => writePolygons({ ...work, file: await openPolygonFile(path, format, file) }, context));
    return {
      ...summary, map: options.map, output: options.output, format, dryRun: options.dryRun ?? false, width: map.profile.width, height: map.profile.height,
      crs: format === 'geojson' ? 'WGS 84' : map.profile.crs?.name ?? null, bytes: options.dryRun ? 0 : (await stat(options.output)).size,
      seconds: (performance.now() - started) / 1000, peakRssBytes: peakRss(), warnings: [...map.profile.notes, ...warnings, ...photoWarning(map.profile, summary)],
    };
  } catch (error) {
    if (error instanceof Interrupted) throw new Interrupted('interrupted', { advice: 'nothing was kept; the same command starts again' });
    throw error;
  } finally {
    await scene.close();
  }
}

/** More classes than this, without names or colours, and the raster is hardly a map. */
const MANY_CLASSES = 64;

function photoWarning({ source, palette, classNames }: SceneProfile, { classes, polygons }: PolygonSummary): string[] {
  if (palette !== undefined || classNames !== undefined || classes.length <= MANY_CLASSES) return [];
  return [`${source} has ${classes.length} values without names or colours, in ${polygons} areas: it looks like a picture, not like a map of classes`];
}

/** Pixels along an edge of the part in the middle that is looked at beforehand. */
const LOOKED_AT = 512;
/** So many areas of a raster that looks like a picture take long, and are of no use. */
const MANY_AREAS = 20_000;

/** Tells before the work whether a raster looks like a picture, from a part in its middle. */
async function pictureNote(scene: Scene, profile: SceneProfile, { signal }: TaskContext): Promise<string | undefined> {
  const { source, width, height, palette, classNames } = profile;
  if (palette !== undefined || classNames !== undefined) return undefined;
  const [w, h] = [Math.min(width, LOOKED_AT), Math.min(height, LOOKED_AT)];
  const { data, mask } = await scene.read({ x: (width - w) >> 1, y: (height - h) >> 1, width: w, height: h }, { bands: [profile.alphaBand === 0 ? 1 : 0], ...(signal === undefined ? {} : { signal }) });
  const values = new Set<number>();
  // An area has a pixel that is unlike those to its left and above it; few areas have more.
  let corners = 0;
  for (let i = 0; i < data.length; i++) {
    if (mask?.[i] === 0) continue;
    values.add(data[i]!);
    if ((i % w === 0 || data[i - 1] !== data[i]) && (i < w || data[i - w] !== data[i])) corners++;
  }
  const areas = corners * (width * height) / data.length;
  if (values.size <= MANY_CLASSES || areas < MANY_AREAS) return undefined;
  return `${source} looks like a picture, not like a map of classes: it has more than ${MANY_CLASSES} values without names or colours, and would give about ${Number(areas.toPrecision(1)).toLocaleString('en')} polygons`;
}

/** Writes in the output's own folder for unfinished files, and gives the file its name when it is complete. */
async function writeWhole({ output, overwrite = false }: VectorizeOptions, write: (path: string) => Promise<PolygonSummary>): Promise<PolygonSummary> {
  const folder = `${output}.partial`;
  // No step is ever journalled: a killed run's files are removed by the next one.
  const journal = await openJournal({ folder, identity: { task: 'vectorize/1' }, restart: true });
  let finished = false;
  try {
    const path = join(folder, 'polygons');
    const summary = await write(path);
    await placeFiles({ partial: folder, overwrite, files: [{ temporary: path, path: output }], option: '<output>' });
    await journal.complete();
    finished = true;
    return summary;
  } finally {
    if (!finished) await journal.close();
  }
}
