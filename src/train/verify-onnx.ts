import type { LayersModel, Tensor } from '@tensorflow/tfjs';
import * as ort from 'onnxruntime-node';
import type { Tensorflow } from '../../models/architectures/index.js';
import { ModelError } from '../errors.js';
import { tidyValues } from './tidy-values.js';

/** Largest difference between TensorFlow.js and onnxruntime that is taken for rounding, relative for numbers above 1. */
export const ONNX_TOLERANCE = 1e-4;

/**
 * Runs a network and its export on the same pixels.
 * @returns the largest difference
 * @throws {ModelError} if it is more than rounding.
 */
export async function verifyOnnx(tf: Tensorflow, network: LayersModel, model: Uint8Array, pixels: Uint8Array, shape: [number, number, number, number]): Promise<number> {
  const expected = tidyValues(tf, () => {
    const out = network.predict(tf.tensor4d(Float32Array.from(pixels), shape)) as Tensor;
    return (out.rank === 4 ? tf.transpose(out, [0, 3, 1, 2]) : out).dataSync();
  });
  const session = await ort.InferenceSession.create(model);
  const { scores } = await session.run({ image: new ort.Tensor('uint8', pixels, shape) });
  await session.release();
  const found = scores!.data as Float32Array;
  let worst = found.length === expected.length ? 0 : Infinity;
  for (let i = 0; i < expected.length; i++) worst = Math.max(worst, Math.abs(expected[i]! - found[i]!) / (1 + Math.abs(expected[i]!)));
  if (!(worst <= ONNX_TOLERANCE)) throw new ModelError('model.onnx', `expected the numbers of the trained network within ${ONNX_TOLERANCE}, found a difference of ${worst}`);
  return worst;
}
