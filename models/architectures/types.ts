import type * as tfjs from '@tensorflow/tfjs';

/** TensorFlow.js, whichever engine it came with; networks get it handed in, because each engine brings its own copy. */
export type Tensorflow = typeof tfjs;

/** A network that gives numbers before (`logits`) and after (`scores`) its last activation, from the same weights. */
export interface Network {
  /** Float32 samples from 0 to 255, `[n, height, width, bands]` → probabilities. */
  readonly scores: tfjs.LayersModel;
  /** The same without the last activation, for the loss. */
  readonly logits: tfjs.LayersModel;
  /** `[n, dimensions]`, where the network has such a layer. */
  readonly features?: tfjs.LayersModel;
}
