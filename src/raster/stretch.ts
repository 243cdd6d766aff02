/** How the samples of a band become others: `value × factor + offset`. */
export interface LinearRule {
  readonly factor: number;
  readonly offset: number;
}

/** What was done to a scene's values before a model saw them, the same everywhere in the scene. */
export interface AppliedStretch {
  /** How the rules came about: from percentiles of the scene, from two given values, or given themselves. */
  readonly kind: 'percentile' | 'minmax' | 'scale';
  /** Sample type that came out; bytes are rounded and clamped. */
  readonly dtype: 'uint8' | 'float32';
  /** Per band of the scene, from 1. */
  readonly bands: readonly ({ readonly band: number } & LinearRule)[];
}
