import * as tfjs from '@tensorflow/tfjs';
import type { Tensorflow } from '../../models/architectures/index.js';
import { loadTensorflow } from '../../src/train/index.js';

/** TensorFlow.js in plain JavaScript, for tiny networks: the same numbers on every machine. */
export async function plainTensorflow(): Promise<Tensorflow> {
  await tfjs.setBackend('cpu');
  await tfjs.ready();
  (tfjs.backend() as { firstUse?: boolean }).firstUse = false;
  return tfjs;
}

/** The native engine, or undefined where it is not installed. */
export async function nativeTensorflow(): Promise<Tensorflow | undefined> {
  const loaded = await loadTensorflow();
  return loaded.engine === 'javascript' ? undefined : loaded.tf;
}
