import type { layers } from '@tensorflow/tfjs';
import { floatTensor } from '../onnx/index.js';
import type { GraphState } from './export-onnx.js';
import { activation, activationOf, adder, pair, unknown } from './onnx-nodes.js';

/** A convolution or depthwise convolution, with the normalisation after it folded into its weights where given. */
export function convolution(layer: layers.Layer, input: string, state: GraphState, normal?: layers.Layer): string {
  const config = layer.getConfig();
  const { weights, shape, groups } = kernelOf(layer);
  const [to, , height, width] = shape;
  const [, bias] = layer.getWeights();
  const factors = normal === undefined ? undefined : normalization(normal);
  if (factors !== undefined) {
    const each = weights.length / to;
    for (let at = 0; at < weights.length; at++) weights[at]! *= factors.scale[Math.floor(at / each)]!;
  }
  const biases = bias?.dataSync();
  const shifts = Float32Array.from({ length: to }, (_, out) => (biases?.[out] ?? 0) * (factors?.scale[out] ?? 1) + (factors?.shift[out] ?? 0));
  state.initializers.push(floatTensor(`${layer.name}/kernel`, shape, weights), floatTensor(`${layer.name}/bias`, [to], shifts));
  const strides = pair(config['strides']);
  const dilations = pair(config['dilationRate'] ?? 1);
  const padding = config['padding'];
  if (padding !== 'same' && padding !== 'valid') throw unknown(layer, 'padding', state);
  const reach = [(height - 1) * dilations[0]!, (width - 1) * dilations[1]!];
  const symmetric = strides.every((stride) => stride === 1) && reach.every((pixels) => pixels % 2 === 0);
  // TensorFlow pads a strided convolution so that the last pixel is used, which depends on the size: SAME_UPPER.
  const pads: Record<string, number[] | string> = padding === 'valid' ? {} : symmetric ? { pads: [...reach, ...reach].map((pixels) => pixels / 2) } : { auto_pad: 'SAME_UPPER' };
  const add = adder(layer, state);
  const name = add('Conv', [input, `${layer.name}/kernel`, `${layer.name}/bias`], {
    kernel_shape: [height, width], strides, ...pads, ...(groups === 1 ? {} : { group: groups }), ...(dilations.some((rate) => rate !== 1) ? { dilations } : {}),
  });
  return activation(activationOf(layer), name, 4, add, state);
}

/** Weights as ONNX has them, `[to, from / groups, height, width]`. */
function kernelOf(layer: layers.Layer): { readonly weights: Float32Array; readonly shape: readonly [number, number, number, number]; readonly groups: number } {
  const [kernel] = layer.getWeights();
  const [height, width, from, to] = kernel!.shape as [number, number, number, number];
  const values = kernel!.dataSync();
  const plane = height * width;
  const weights = new Float32Array(values.length);
  // [height, width, in, out] → [out, in, height, width]; a depthwise kernel [height, width, in, times] → [in × times, 1, height, width]
  const depthwise = layer.getClassName() === 'DepthwiseConv2D';
  for (let spot = 0, at = 0; spot < plane; spot++) {
    for (let input = 0; input < from; input++) {
      for (let out = 0; out < to; out++, at++) weights[(depthwise ? input * to + out : out * from + input) * plane + spot] = values[at]!;
    }
  }
  return depthwise ? { weights, shape: [from * to, 1, height, width], groups: from } : { weights, shape: [to, from, height, width], groups: 1 };
}

/** Batch normalisation with fixed statistics as `x · scale + shift`. */
export function normalization(layer: layers.Layer): { readonly scale: Float64Array; readonly shift: Float64Array } {
  const config = layer.getConfig();
  const epsilon = config['epsilon'] as number;
  const values: ArrayLike<number>[] = layer.getWeights().map((weight) => weight.dataSync());
  const gamma = config['scale'] === false ? undefined : values.shift();
  const beta = config['center'] === false ? undefined : values.shift();
  const [mean, variance] = values as [ArrayLike<number>, ArrayLike<number>];
  const scale = Float64Array.from(variance, (value, index) => (gamma?.[index] ?? 1) / Math.sqrt(value + epsilon));
  return { scale, shift: Float64Array.from(scale, (factor, index) => (beta?.[index] ?? 0) - mean[index]! * factor) };
}
