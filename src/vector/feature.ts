import type { Crs } from '../georef/index.js';

/** A closed ring, `[x0, y0, x1, y1 … x0, y0]`. */
export type Coordinates = Float64Array | readonly number[];

/** A column of attributes. */
export interface Field {
  readonly name: string;
  readonly type: 'int32' | 'int64' | 'float64' | 'string';
}

/** An area with its attributes. */
export interface Feature {
  /** Polygons of rings, outline first, outlines counter-clockwise; more than one only in files for `MultiPolygon`. Absent: it has no place. */
  readonly polygons?: readonly (readonly Coordinates[])[];
  /** One per field; `null` where there is none. */
  readonly values: readonly (string | number | null)[];
}

export interface FeatureFileOptions {
  readonly fields: readonly Field[];
  readonly geometry: 'Polygon' | 'MultiPolygon';
  /** Of the coordinates. GeoJSON takes WGS 84 only, longitude first, and does not look at it. */
  readonly crs?: Crs;
  /** GeoJSON: decimals of coordinates. Default 7, about a centimetre. */
  readonly decimals?: number;
  /** Name of the layer in FlatGeobuf. */
  readonly name?: string;
}

/** Takes features one after the other; what is kept in memory is said by each format. */
export interface FeatureFile {
  write(feature: Feature): Promise<void>;
  /** Writes the end and syncs the file. */
  finish(): Promise<void>;
  /** Closes without finishing; the file is of no use. */
  abort(): Promise<void>;
}

/** West, south, east, north of all features so far; `undefined` before the first. */
export interface Bounds {
  add(feature: Pick<Feature, 'polygons'>): Box | undefined;
  readonly all: Box | undefined;
}

export type Box = readonly [xmin: number, ymin: number, xmax: number, ymax: number];

export function createBounds(): Bounds {
  let all: Box | undefined;
  return {
    add(feature) {
      const box = boxOf(feature);
      if (box !== undefined) {
        all = all === undefined ? box
          : [Math.min(all[0], box[0]), Math.min(all[1], box[1]), Math.max(all[2], box[2]), Math.max(all[3], box[3])];
      }
      return box;
    },
    get all() { return all; },
  };
}

/** Only outlines are looked at: holes lie inside. */
function boxOf(feature: Pick<Feature, 'polygons'>): Box | undefined {
  let [xmin, ymin, xmax, ymax] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [outline] of feature.polygons ?? []) {
    for (let i = 0; outline !== undefined && i < outline.length; i += 2) {
      const [x, y] = [outline[i]!, outline[i + 1]!];
      if (x < xmin) xmin = x;
      if (x > xmax) xmax = x;
      if (y < ymin) ymin = y;
      if (y > ymax) ymax = y;
    }
  }
  return xmin > xmax ? undefined : [xmin, ymin, xmax, ymax];
}
