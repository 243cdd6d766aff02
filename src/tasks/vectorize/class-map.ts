import { InvalidFileError, InvalidOptionError } from '../../errors.js';
import { groundSize, pixelAreas } from '../../georef/index.js';
import type { Crs, Transform } from '../../georef/index.js';
import type { Scene, SceneProfile, Window } from '../../raster/index.js';
import { ordered } from '../../run/index.js';
import type { TaskContext } from '../../run/index.js';
import { NO_CLASS } from '../../vector/index.js';

/** Bytes of a map that are read at once. */
const READ_BYTES = 4 * 1024 * 1024;
const CLASS_TYPES = ['uint8', 'int8', 'uint16', 'int16', 'int32'];

/** A raster whose pixels are class ids, and where it lies. */
export interface ClassMap {
  readonly profile: SceneProfile & { readonly transform: Transform };
  /** Ground area in m² of a pixel of each row; absent where the CRS does not tell. */
  readonly rowAreas?: Float64Array;
  /** All rows from top to bottom, {@link NO_CLASS} where there is no data. The array is used again for the next row. */
  rows(stage: string, context: TaskContext): AsyncGenerator<Int32Array>;
}

/** Size, sample type and georeference of a raster, before it is there or opened. */
export type MapProfile = Pick<SceneProfile, 'source' | 'width' | 'height' | 'transform' | 'crs'>;

/** @throws {InvalidFileError} if the pixels are no class ids, or have no place. */
export function classMapOf(scene: Scene): ClassMap {
  const { profile } = scene;
  const bands = profile.bands - (profile.alphaBand === undefined ? 0 : 1);
  if (bands !== 1 || !CLASS_TYPES.includes(profile.dtype)) {
    throw new InvalidFileError(profile.source, `expected a map, one band of class ids (whole numbers), found ${bands} ${bands === 1 ? 'band' : 'bands'} of ${profile.dtype}`, {
      advice: 'make a map first: tilewright segment',
    });
  }
  const transform = placeOf(profile);
  const rowAreas = areasOfRows(profile);
  const { width, height } = profile;
  const stripRows = Math.max(1, Math.min(profile.blockHeight, Math.floor(READ_BYTES / width)));
  const band = profile.alphaBand === 0 ? 1 : 0;
  return {
    profile: { ...profile, transform },
    ...(rowAreas === undefined ? {} : { rowAreas }),
    async* rows(stage, context) {
      const row = new Int32Array(width);
      const read = async (window: Window): Promise<Awaited<ReturnType<Scene['read']>>> =>
        scene.read(window, { bands: [band], ...(context.signal === undefined ? {} : { signal: context.signal }) });
      let y = 0;
      for await (const { data, mask, height: rows } of ordered(strips(width, height, stripRows), 2, read, context.signal)) {
        for (let i = 0; i < rows; i++) {
          row.set(data.subarray(i * width, (i + 1) * width));
          if (mask !== undefined) for (let x = 0; x < width; x++) if (mask[i * width + x] === 0) row[x] = NO_CLASS;
          yield row;
        }
        y += rows;
        context.onProgress?.({ stage, done: y, total: height, unit: 'rows' });
      }
    },
  };
}

/** @throws {InvalidFileError} if the map has no place. */
export function placeOf({ source, transform }: MapProfile): Transform {
  if (transform === undefined) throw new InvalidFileError(source, 'expected a georeferenced raster, found none: polygons would have no place');
  return transform;
}

/** The least area and the tolerance need metres. @throws {InvalidOptionError} */
export function checkMetres(profile: MapProfile, options: { readonly minArea?: number; readonly simplify?: number }): void {
  for (const [option, value] of [['--min-area', options.minArea], ['--simplify', options.simplify]] as const) {
    if (value === undefined || value === 0) continue;
    if (profile.transform === undefined || groundSize(profile.transform, profile.crs, profile.width / 2, profile.height / 2) === undefined) {
      throw new InvalidOptionError(option, `${profile.source} has no CRS that tells how large its pixels are on the ground`, { advice: 'leave the option out' });
    }
  }
}

export function crsOf(profile: MapProfile): { readonly crs?: Crs } {
  return profile.crs === undefined ? {} : { crs: profile.crs };
}

function* strips(width: number, height: number, rows: number): Generator<Window> {
  for (let y = 0; y < height; y += rows) yield { x: 0, y, width, height: Math.min(rows, height - y) };
}

/** As the areas of maps are summed up: the mean pixel of each row. */
function areasOfRows({ width, height, transform, crs }: SceneProfile): Float64Array | undefined {
  const areaOf = transform === undefined ? undefined : pixelAreas(transform, crs, width);
  if (areaOf === undefined) return undefined;
  const areas = new Float64Array(height);
  for (let y = 0; y < height; y++) {
    const area = areaOf(y);
    if (area === undefined) return undefined;
    areas[y] = area;
  }
  return areas;
}
