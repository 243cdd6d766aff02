import { InvalidOptionError } from '../../errors.js';
import { scaleTransform, windowTransform } from '../../georef/index.js';
import type { Crs, Transform } from '../../georef/index.js';
import type { IndexSource, OpenIndex } from '../../index-store/index.js';

/** The chips of one scene of an index as a raster: one pixel per chip, as large as the stride. */
export interface SceneGrid {
  readonly source: IndexSource;
  readonly width: number;
  readonly height: number;
  /** Pixel of a row of the index, from the upper left; −1 for rows of other scenes or scales. */
  readonly pixelOf: Int32Array;
  /** First row of the index that {@link pixelOf} begins with. */
  readonly first: number;
  /** Of the pixels, if the scene has a place. A pixel has its chip's centre as its centre, those of the last column and row apart, which are shifted to end with the scene. */
  readonly transform?: Transform;
  readonly crs?: Crs;
  /** Scale of the chips: the finest that the scene was embedded at. */
  readonly scale: number;
}

/** Lays the chips of a scene out. @throws {InvalidOptionError} if it is a folder of chips, or has none. */
export async function sceneGrid(index: OpenIndex, source: IndexSource, option: string): Promise<SceneGrid> {
  if (source.kind !== 'scene') throw new InvalidOptionError(option, `${source.name} is a folder of chips, not a scene: there is no map of it`);
  const parts = index.parts.filter((part) => part.source === source.name);
  const first = Math.min(...parts.map((part) => part.first));
  const last = Math.max(...parts.map((part) => part.first + part.rows));
  if (parts.length === 0 || last === first) throw new InvalidOptionError(option, `${index.folder} has no chips of ${source.name}`);
  const scale = Math.min(...source.scales ?? [1]);
  const corners = new Int32Array(2 * (last - first)).fill(-1);
  let edge = [1, 1];
  for await (const batch of index.batches()) {
    if (batch.first + batch.count <= first || batch.first >= last) continue;
    for (let i = 0; i < batch.count; i++) {
      const row = batch.first + i - first;
      if (row < 0 || row >= last - first || batch.source(i) !== source.name || batch.scale(i) !== scale) continue;
      const { x, y, width, height } = batch.window(i);
      corners[2 * row] = x;
      corners[2 * row + 1] = y;
      edge = [width, height];
    }
  }
  const columns = axis(corners, 0);
  const rows = axis(corners, 1);
  const pixelOf = new Int32Array(last - first).fill(-1);
  for (let row = 0; row < pixelOf.length; row++) {
    const [x, y] = [columns.at.get(corners[2 * row]!), rows.at.get(corners[2 * row + 1]!)];
    if (x !== undefined && y !== undefined) pixelOf[row] = y * columns.count + x;
  }
  const stride = { x: columns.stride ?? edge[0]!, y: rows.stride ?? edge[1]! };
  const { transform, crs } = source;
  return {
    source, width: columns.count, height: rows.count, pixelOf, first, scale,
    ...(transform === undefined ? {} : { transform: scaleTransform(windowTransform(transform, { x: columns.least + (edge[0]! - stride.x) / 2, y: rows.least + (edge[1]! - stride.y) / 2 }), stride.x, stride.y) }),
    ...(crs === undefined ? {} : { crs }),
  };
}

interface Axis {
  readonly least: number;
  /** Pixels of the scene between two chips; absent with one chip. */
  readonly stride: number | undefined;
  readonly count: number;
  /** Column by position. */
  readonly at: ReadonlyMap<number, number>;
}

/**
 * Columns from positions of chips. They are multiples of the stride from the first on (chips without data leave gaps), but for the
 * last, which ends with the scene.
 */
function axis(corners: Int32Array, offset: 0 | 1): Axis {
  const seen = new Set<number>();
  for (let i = offset; i < corners.length; i += 2) if (corners[i]! >= 0) seen.add(corners[i]!);
  const positions = [...seen].sort((a, b) => a - b);
  const least = positions[0] ?? 0;
  const gaps = positions.slice(1).map((position, i) => position - positions[i]!);
  // The last gap may be a shorter one. Resampled scenes round positions, so gaps may differ by a pixel: the mean of the plain ones.
  const plain = gaps.length > 1 ? gaps.slice(0, -1) : gaps;
  const shortest = Math.min(...plain);
  const usual = plain.filter((gap) => gap <= shortest * 1.5);
  const stride = gaps.length === 0 ? undefined : usual.reduce((sum, gap) => sum + gap, 0) / usual.length;
  const at = new Map<number, number>();
  positions.forEach((position) => at.set(position, stride === undefined ? 0 : Math.ceil((position - least) / stride - 0.1)));
  return { least, stride, count: Math.max(0, ...at.values()) + 1, at };
}
