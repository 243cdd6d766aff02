/** A file of vectors: float32, little-endian, row-major, no header. More rows than `count` may follow. */
export interface VectorFile {
  readonly path: string;
  readonly count: number;
  /** Numbers per vector. */
  readonly dimensions: number;
}

/** `l2`: Euclidean distance. `cosine`: 1 − cosine of the angle; 1 where a vector is zero. */
export type Metric = 'l2' | 'cosine';

/** What rows are compared with: a vector by a metric, or a linear function `weights · x`, of which the largest values count as nearest. */
export interface RowQuery {
  readonly vector: Float32Array;
  /** `linear`: the distance is `−weights · x`. */
  readonly metric: Metric | 'linear';
}

export interface ExactOptions {
  /** Rows per query, from 1. */
  readonly k: number;
  /** Rows farther than this are not taken; in what {@link ExactRows} gives, so squared for `l2`. */
  readonly most?: number;
  /** One byte per row: 0 leaves it out. */
  readonly mask?: Uint8Array;
  /** Engine threads. Default: all cores. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
}
