/** A file of vectors: float32, little-endian, row-major, no header. More rows than `count` may follow. */
export interface VectorFile {
  readonly path: string;
  readonly count: number;
  /** Numbers per vector. */
  readonly dimensions: number;
}

/** `l2`: Euclidean distance. `cosine`: 1 − cosine of the angle; 1 where a vector is zero. */
export type Metric = 'l2' | 'cosine';
