import type { LonLat } from '../georef/index.js';
import type { Crs, Transform } from '../georef/index.js';
import type { AppliedStretch, Window } from '../raster/index.js';

/**
 * An embedding index is a folder of three files:
 * - `vectors.f32`: float32, little-endian, row-major, one row of `dimensions` numbers per entry, no header;
 * - `entries.jsonl`: one {@link IndexEntry} per line, in the same order;
 * - `index.json`: an {@link IndexManifest}. Its `count` and `entriesBytes` say how much of the other two is valid: what lies
 *   behind belongs to an append that was never finished.
 */
export const INDEX_FORMAT = 'tilewright-index/1';
export const VECTORS_FILE = 'vectors.f32';
export const ENTRIES_FILE = 'entries.jsonl';
export const MANIFEST_FILE = 'index.json';

export interface IndexManifest {
  readonly format: typeof INDEX_FORMAT;
  readonly model: IndexModel;
  readonly dimensions: number;
  /** The metric that searches use unless told otherwise. */
  readonly metric: Metric;
  readonly count: number;
  /** Valid bytes of `entries.jsonl`. */
  readonly entriesBytes: number;
  /** What was embedded, in order. */
  readonly sources: readonly IndexSource[];
}

export interface IndexModel {
  readonly name: string;
  /** What was given as `--model`: a shipped model's name, or an absolute path. */
  readonly source: string;
  readonly fingerprint: string;
}

/** One scene, or one folder of chips, with what is needed to find its chips again. */
export interface IndexSource {
  /** Begins the ids of its entries. */
  readonly name: string;
  readonly kind: 'scene' | 'folder';
  /** Absolute path. */
  readonly path: string;
  readonly fingerprint: string;
  /** Bands that were given to the model, from 1; absent: all colours in order. */
  readonly bands?: readonly number[];
  /** Bands that make a picture of it, from 1, where the model says which are red, green and blue. */
  readonly pictureBands?: readonly number[];
  /** What was done to its values before the model saw them, if anything. */
  readonly stretch?: AppliedStretch;
  /** Index of its first entry, and their number. */
  readonly first: number;
  readonly count: number;
  /** Chips without data, which have no entry. */
  readonly nodata: number;
  /** Scenes only. */
  readonly width?: number;
  readonly height?: number;
  readonly patchSize?: number;
  readonly overlap?: number;
  readonly transform?: Transform;
  readonly crs?: Crs;
}

export interface IndexEntry {
  /** Unique in the index. First in its line, so that it can be found without parsing. */
  readonly id: string;
  /** Path of the scene or chip file. */
  readonly scene: string;
  /** Which picture of the file, from 0. Absent: the first. */
  readonly page?: number;
  readonly window: Window;
  /** Centre of the chip, WGS 84. */
  readonly lon?: number;
  readonly lat?: number;
  /** Outline of a chip file with georeference; chips of scenes follow from their window. */
  readonly footprint?: readonly LonLat[];
}

/** `l2`: Euclidean distance. `cosine`: 1 − cosine of the angle; 1 where a vector is zero. */
export type Metric = 'l2' | 'cosine';
