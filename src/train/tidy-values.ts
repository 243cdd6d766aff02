import type { Tensorflow } from '../../models/architectures/index.js';

/**
 * As `tf.tidy`, for results that hold no tensors. `tidy` looks for tensors in whatever it is given back, number by number and with a
 * set of all that it has seen: a second for a map's scores, and an error beyond 16 million of them.
 */
export function tidyValues<T>(tf: Pick<Tensorflow, 'tidy'>, work: () => T): T {
  let values: T | undefined;
  tf.tidy(() => { values = work(); });
  return values as T;
}
