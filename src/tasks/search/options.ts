import type { Device } from '../../predict/index.js';
import type { Window } from '../../raster/index.js';
import type { Metric } from '../../search/index.js';
import type { StretchRule } from '../model-input/stretch.js';

/** What is searched for; exactly one of `image`, `id`, `at` and `like`. */
export interface QueryOptions {
  /** A picture, */
  readonly image?: string;
  /** an entry of the index, */
  readonly id?: string;
  /** the chip at a longitude and latitude (WGS 84, degrees), */
  readonly at?: readonly [lon: number, lat: number];
  /**
   * or what is like several examples: ids, places (`lon,lat`) or pictures. A linear classifier learns them, with entries of the
   * index as background; distances are then 1 − probability.
   */
  readonly like?: readonly string[];
  /** With `like`: examples of what it is not. */
  readonly unlike?: readonly string[];
  /** For pictures: where the index's model lies now. Default: where it lay when the index was made. */
  readonly model?: string;
  /** For pictures: which one of a file that holds several, from 0. Default 0. */
  readonly page?: number;
  /** For pictures: bands for the model, from 1, in its order. */
  readonly bands?: readonly number[];
  /** For pictures: how their values reach the model. */
  readonly stretch?: StretchRule;
  readonly threads?: number;
  readonly device?: Device;
}

/** Which entries are looked at. */
export interface FilterOptions {
  /** GeoJSON file: only chips whose centres lie in its polygons. */
  readonly aoi?: string;
  /** Only chips with all of these tags. */
  readonly tag?: readonly string[];
  /** Only chips of these scenes: names, paths, or names of files. */
  readonly scene?: readonly string[];
}

/** How the nearest are found. */
export interface RankingOptions extends QueryOptions, FilterOptions {
  /** Folder of the index. */
  readonly index: string;
  /** Results farther than this are left out. */
  readonly threshold?: number;
  /** Default: the index's. */
  readonly metric?: Metric;
  /** Metres on the ground that results keep from each other; nearer ones that rank lower are left out. Default 0. */
  readonly unique?: number;
  /** Approximate search; the file that it needs is made if it is missing. Default: exact, but for large indexes that have such a file. */
  readonly ann?: boolean;
  /** Leaves damaged parts of the index out, with a warning. */
  readonly skipBad?: boolean;
}

export interface SearchOptions extends RankingOptions {
  /** Results, from 1. Default 10. */
  readonly k?: number;
  /** With `ann`: searches exactly as well, and says how many of the results are the same. */
  readonly verify?: boolean;
  /** Table of the results: `.csv`, `.geojson`, `.fgb` or `.parquet`. */
  readonly output?: string;
  /** PNG with the query and the results. */
  readonly sheet?: string;
  /** GeoTIFF of the similarity of every chip of one scene: of `scene`, else of the query's, else the only one. */
  readonly map?: string;
  /** Replaces existing outputs. */
  readonly overwrite?: boolean;
}

export interface SearchHit {
  /** From 1. An entry that is searched for by id or place is its own first hit. */
  readonly rank: number;
  readonly id: string;
  /** Path of the scene or chip file. */
  readonly scene: string;
  readonly window: Window;
  /** Centre, WGS 84; null without georeference. */
  readonly lon: number | null;
  readonly lat: number | null;
  readonly distance: number;
}

export interface SearchResult {
  readonly results: readonly SearchHit[];
  readonly query: {
    readonly kind: 'image' | 'id' | 'at' | 'like'; readonly name: string; readonly window: Window;
    /** Names of the examples, with `like`. */
    readonly like?: readonly string[];
    readonly unlike?: readonly string[];
  };
  readonly metric: Metric;
  /** Whether every entry was compared. */
  readonly exact: boolean;
  /** With `verify`: share of the exact results that the approximate ones have. */
  readonly recall?: number;
  /** Entries that were compared, or could have been. */
  readonly count: number;
  readonly model: string;
  readonly output?: string;
  readonly sheet?: string;
  readonly map?: string;
  readonly seconds: number;
  readonly warnings: readonly string[];
}
