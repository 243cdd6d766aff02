import type { ModelCard } from '../card/index.js';
import type { Crs, LonLat, Transform } from '../georef/index.js';
import type { AppliedStretch, Window } from '../raster/index.js';
import type { Metric } from '../search/index.js';

/**
 * An embedding index is a folder:
 * - `index.json`: an {@link IndexManifest}. What it does not list does not count;
 * - `parts/*.parquet`: entries and vectors as GeoParquet 1.1, the truth;
 * - `cache/`: what follows from the parts and is made again from them when it is missing or older.
 */
export const INDEX_FORMAT = 'tilewright-index/2';
export const MANIFEST_FILE = 'index.json';
export const PARTS_FOLDER = 'parts';
export const CACHE_FOLDER = 'cache';
/** Float32, little-endian, row-major, no header: one row of `dimensions` numbers per entry, in the order of the parts. */
export const VECTORS_FILE = 'cache/vectors.f32';

export interface IndexManifest {
  readonly format: typeof INDEX_FORMAT;
  /** Name and version of the program that wrote it last. */
  readonly createdBy: string;
  readonly model: IndexModel;
  /** Numbers per vector. */
  readonly dimensions: number;
  /** The metric that searches use unless told otherwise. */
  readonly metric: Metric;
  /** Entries of all parts. */
  readonly count: number;
  /** What was embedded, in order. */
  readonly sources: readonly IndexSource[];
  /** Files of entries, in the order of the rows. Every part belongs to one source. */
  readonly parts: readonly IndexPart[];
}

export interface IndexModel {
  readonly name: string;
  /** What was given as `--model`: a shipped model's name, or an absolute path. */
  readonly source: string;
  /** Of what decides its vectors: the ONNX file and how samples go in. Without {@link digest} an older one, over file and whole card. */
  readonly fingerprint: string;
  /** SHA-256 of the ONNX file, weights in other files included, in hexadecimal. Absent in indexes of before. */
  readonly digest?: string;
  /** Which form of the model gave the vectors. Absent in indexes of before. */
  readonly precision?: 'float32' | 'int8';
  /** Tensor of the model that the vectors are: the card's feature layer, or what `--layer` named. */
  readonly layer: string;
  /** The model's card as it was. */
  readonly card: ModelCard;
}

export interface IndexPart {
  /** Path in the index's folder, with `/`. */
  readonly file: string;
  /** Name of its source. */
  readonly source: string;
  readonly rows: number;
  readonly bytes: number;
  /** SHA-256 of the file, in hexadecimal. */
  readonly sha256: string;
}

/** One scene, or one folder of chips, with what is needed to find its chips again. */
export interface IndexSource {
  /** Begins the ids of its entries; unique in the index. */
  readonly name: string;
  readonly kind: 'scene' | 'folder';
  /** Absolute path. */
  readonly path: string;
  /** Which picture of that file, from 0. Absent: the first. */
  readonly page?: number;
  readonly fingerprint: string;
  /** Bands that were given to the model, from 1; absent: all colours in order. */
  readonly bands?: readonly number[];
  /** Bands that make a picture of it, from 1, where the model says which are red, green and blue. */
  readonly pictureBands?: readonly number[];
  /** What was done to its values before the model saw them, if anything. */
  readonly stretch?: AppliedStretch;
  /** Its entries. */
  readonly count: number;
  /** Chips without data, which have no entry. */
  readonly nodata: number;
  /** Scenes only. */
  readonly width?: number;
  readonly height?: number;
  readonly patchSize?: number;
  readonly overlap?: number;
  /** How often a chip's pixel was that of the scene, along an edge; absent: 1 only. */
  readonly scales?: readonly number[];
  readonly transform?: Transform;
  readonly crs?: Crs;
}

export interface IndexEntry {
  /** Unique in the index. */
  readonly id: string;
  /** Name of its source. */
  readonly source: string;
  /** Path of the scene or chip file. */
  readonly scene: string;
  /** In pixels of that file. */
  readonly window: Window;
  /** Pixels of the scene along an edge of one pixel that the model saw; 1 unless several scales were asked for. */
  readonly scale: number;
  /** Metres per pixel as the model saw it. */
  readonly gsd?: number;
  /** Centre of the chip, WGS 84. */
  readonly lon?: number;
  readonly lat?: number;
  /** Outline, WGS 84: a closed ring, counter-clockwise. */
  readonly footprint?: readonly LonLat[];
  /** Tags or classes, where they are known. */
  readonly tags?: readonly string[];
}

/** An entry with its vector. */
export interface EmbeddedEntry {
  readonly entry: IndexEntry;
  readonly vector: Float32Array;
}
