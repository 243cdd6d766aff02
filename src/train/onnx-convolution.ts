import type { layers } from '@tensorflow/tfjs';
import { floatTensor } from '../onnx/index.js';
import type { GraphState } from './export-onnx.js';
import { activation } from './onnx-activations.js';
import { activationOf, adder, constant, ownConstant, pair, unknown } from './onnx-nodes.js';

/** Weights as ONNX has them, `[to, from / groups, height, width]`. */
interface Kernel { readonly weights: Float32Array; readonly shape: readonly [number, number, number, number]; readonly groups: number }

/** A convolution or depthwise convolution, with the normalisation after it folded into its weights where given. */
export function convolution(layer: layers.Layer, input: string, state: GraphState, normal?: layers.Layer): string {
  const depthwise = layer.getClassName() === 'DepthwiseConv2D';
  const kernel = kernelOf(layer, 0, depthwise);
  const { weights, shape } = kernel;
  const [to] = shape;
  const factors = normal === undefined ? undefined : normalization(normal);
  if (factors !== undefined) {
    const each = weights.length / to;
    for (let at = 0; at < weights.length; at++) weights[at]! *= factors.scale[Math.floor(at / each)]!;
  }
  const biases = biasOf(layer, 1);
  const shifts = Float32Array.from({ length: to }, (_, out) => (biases?.[out] ?? 0) * (factors?.scale[out] ?? 1) + (factors?.shift[out] ?? 0));
  const made = normal === undefined ? '' : ` with ${normal.id}`;
  const constants = [
    constant(ownConstant(layer, `kernel${made}`), `${layer.name}/kernel`, state, (name) => floatTensor(name, shape, weights)),
    constant(ownConstant(layer, `bias${made}`), `${layer.name}/bias`, state, (name) => floatTensor(name, [to], shifts)),
  ];
  const add = adder(layer, state);
  return activation(activationOf(layer), add('Conv', [input, ...constants], placing(layer, kernel, state)), 4, add, state);
}

/** A depthwise convolution, and one of single pixels after it. */
export function separableConvolution(layer: layers.Layer, input: string, state: GraphState): string {
  const [each, across] = [kernelOf(layer, 0, true), kernelOf(layer, 1, false)];
  const add = adder(layer, state);
  const depthwise = constant(ownConstant(layer, 'depthwise'), `${layer.name}/depthwise`, state, (name) => floatTensor(name, each.shape, each.weights));
  const pointwise = constant(ownConstant(layer, 'pointwise'), `${layer.name}/pointwise`, state, (name) => floatTensor(name, across.shape, across.weights));
  const apart = add('Conv', [input, depthwise], placing(layer, each, state));
  return activation(activationOf(layer), add('Conv', [apart, pointwise, ...ownBias(layer, 2, state)], { kernel_shape: [1, 1], strides: [1, 1] }), 4, add, state);
}

/**
 * A transposed convolution: its answer is as large as the input of a convolution that gives its input would be, `size · stride`
 * where that is padded (`same`), and at least the kernel's reach where not (`valid`).
 */
export function transposedConvolution(layer: layers.Layer, input: string, state: GraphState): string {
  const config = layer.getConfig();
  const strides = pair(config['strides']);
  const padding = paddingOf(layer, state);
  if (pair(config['dilationRate'] ?? 1).some((rate) => rate !== 1)) throw unknown(layer, 'dilation', state);
  // [height, width, out, in] → [in, out, height, width], which is what kernelOf makes of it.
  const { weights, shape } = kernelOf(layer, 0, false);
  const sizes = shape.slice(2);
  const spare = sizes.map((size, axis) => size - strides[axis]!);
  const before = spare.map((pixels) => (padding === 'same' ? Math.floor(Math.max(0, pixels) / 2) : 0));
  const after = spare.map((pixels, axis) => (padding === 'same' ? Math.max(0, pixels) - before[axis]! : 0));
  const kernel = constant(ownConstant(layer, 'kernel'), `${layer.name}/kernel`, state, (name) => floatTensor(name, shape, weights));
  const add = adder(layer, state);
  const name = add('ConvTranspose', [input, kernel, ...ownBias(layer, 1, state)], {
    kernel_shape: sizes, strides, pads: [...before, ...after], output_padding: spare.map((pixels) => Math.max(0, -pixels)),
  });
  return activation(activationOf(layer), name, 4, add, state);
}

/** A dense layer of maps, `[batch, channels, height, width]`: a convolution of single pixels. */
export function denseOnMap(layer: layers.Layer, input: string, state: GraphState): string {
  const kernel = layer.getWeights()[0]!;
  const [from, to] = kernel.shape as [number, number];
  const values = kernel.dataSync();
  const weights = Float32Array.from({ length: values.length }, (_, at) => values[(at % from) * to + Math.floor(at / from)]!);
  const name = constant(ownConstant(layer, 'kernel'), `${layer.name}/kernel`, state, (free) => floatTensor(free, [to, from, 1, 1], weights));
  const add = adder(layer, state);
  return activation(activationOf(layer), add('Conv', [input, name, ...ownBias(layer, 1, state)], { kernel_shape: [1, 1], strides: [1, 1] }), 4, add, state);
}

/** Kernel, strides, paddings and dilations as attributes of ONNX. */
function placing(layer: layers.Layer, { shape, groups }: Kernel, state: GraphState): Record<string, number | number[] | string> {
  const config = layer.getConfig();
  const [, , height, width] = shape;
  const strides = pair(config['strides']);
  const dilations = pair(config['dilationRate'] ?? 1);
  const padding = paddingOf(layer, state);
  const reach = [(height - 1) * dilations[0]!, (width - 1) * dilations[1]!];
  const symmetric = strides.every((stride) => stride === 1) && reach.every((pixels) => pixels % 2 === 0);
  // TensorFlow pads a strided convolution so that the last pixel is used, which depends on the size: SAME_UPPER.
  const pads: Record<string, number[] | string> = padding === 'valid' ? {} : symmetric ? { pads: [...reach, ...reach].map((pixels) => pixels / 2) } : { auto_pad: 'SAME_UPPER' };
  return { kernel_shape: [height, width], strides, ...pads, ...(groups === 1 ? {} : { group: groups }), ...(dilations.some((rate) => rate !== 1) ? { dilations } : {}) };
}

function paddingOf(layer: layers.Layer, state: GraphState): 'same' | 'valid' {
  const padding = layer.getConfig()['padding'];
  if (padding !== 'same' && padding !== 'valid') throw unknown(layer, 'padding', state);
  return padding;
}

function kernelOf(layer: layers.Layer, place: number, depthwise: boolean): Kernel {
  const kernel = layer.getWeights()[place]!;
  const [height, width, from, to] = kernel.shape as [number, number, number, number];
  const values = kernel.dataSync();
  const plane = height * width;
  const weights = new Float32Array(values.length);
  // [height, width, in, out] → [out, in, height, width]; a depthwise kernel [height, width, in, times] → [in × times, 1, height, width]
  for (let spot = 0, at = 0; spot < plane; spot++) {
    for (let input = 0; input < from; input++) {
      for (let out = 0; out < to; out++, at++) weights[(depthwise ? input * to + out : out * from + input) * plane + spot] = values[at]!;
    }
  }
  return depthwise ? { weights, shape: [from * to, 1, height, width], groups: from } : { weights, shape: [to, from, height, width], groups: 1 };
}

function biasOf(layer: layers.Layer, place: number): ArrayLike<number> | undefined {
  return layer.getWeights()[place]?.dataSync();
}

/** The layer's bias as a constant, where it has one. */
function ownBias(layer: layers.Layer, place: number, state: GraphState): string[] {
  const values = biasOf(layer, place);
  return values === undefined ? [] : [constant(ownConstant(layer, 'bias'), `${layer.name}/bias`, state, (name) => floatTensor(name, [values.length], values))];
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
