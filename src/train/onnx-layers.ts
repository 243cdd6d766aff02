import type { layers, SymbolicTensor } from '@tensorflow/tfjs';
import { float, floatTensor, int64Tensor } from '../onnx/index.js';
import type { GraphState } from './export-onnx.js';
import { convolution, denseOnMap, normalization, separableConvolution, transposedConvolution } from './onnx-convolution.js';
import { activation } from './onnx-activations.js';
import { activationOf, adder, constant as namedConstant, inputsOf, ownConstant, pair, unknown, type Add } from './onnx-nodes.js';

/**
 * Adds the nodes of a layer's value. `inputs` are the names of the values that it reads.
 * @throws {ModelError} for a layer that is not translated.
 */
export function translateLayer(tensor: SymbolicTensor, inputs: readonly string[], state: GraphState): string {
  const layer = tensor.sourceLayer;
  const config = layer.getConfig();
  const input = inputs[0]!;
  const rank = tensor.shape.length;
  const add = adder(layer, state);
  const constant = (suffix: string, dims: readonly number[], values: ArrayLike<number>): string => namedConstant(ownConstant(layer, suffix), `${layer.name}/${suffix}`, state, (name) => floatTensor(name, dims, values));
  if (config['dataFormat'] === 'channelsFirst') throw unknown(layer, 'order of channels', state);
  switch (layer.getClassName()) {
    case 'Conv2D': case 'DepthwiseConv2D': return convolution(layer, input, state);
    case 'SeparableConv2D': return separableConvolution(layer, input, state);
    case 'Conv2DTranspose': return transposedConvolution(layer, input, state);
    case 'BatchNormalization': {
      const { scale, shift } = normalization(layer);
      const dims = alongAxis(scale.length, axisOf(layer, rank, state), rank);
      return add('Add', [add('Mul', [input, constant('scale', dims, scale)]), constant('shift', dims, shift)]);
    }
    case 'Rescaling': {
      const [scale, offset] = [config['scale'], config['offset']].map((value) => (Array.isArray(value) ? value as number[] : [value as number]));
      const dims = (values: readonly number[]): number[] => (values.length === 1 ? [1] : alongAxis(values.length, rank === 4 ? 1 : rank - 1, rank));
      return add('Add', [add('Mul', [input, constant('scale', dims(scale!), scale!)]), constant('offset', dims(offset!), offset!)]);
    }
    case 'ReLU': return typeof config['maxValue'] === 'number' ? add('Clip', [input, constant('low', [], [0]), constant('high', [], [config['maxValue']])]) : add('Relu', [input]);
    case 'Activation': return activation(config['activation'] as string, input, rank, add, state);
    case 'LeakyReLU': return add('LeakyRelu', [input], { alpha: float(config['alpha'] as number) });
    case 'ELU': return add('Elu', [input], { alpha: float(config['alpha'] as number) });
    case 'Softmax': return add('Softmax', [input], { axis: rank === 4 ? axisOf(layer, rank, state) : config['axis'] as number });
    case 'Dropout': case 'SpatialDropout2D': return input;
    case 'ZeroPadding2D': {
      const [[top, bottom], [left, right]] = config['padding'] as [[number, number], [number, number]];
      const pads = namedConstant(ownConstant(layer, 'pads'), `${layer.name}/pads`, state, (name) => int64Tensor(name, [8], [0, 0, top, left, 0, 0, bottom, right]));
      return add('Pad', [input, pads], { mode: 'constant' });
    }
    case 'MaxPooling2D': case 'AveragePooling2D': {
      const same = config['padding'] === 'same';
      if (!same && config['padding'] !== 'valid') throw unknown(layer, 'padding', state);
      // TensorFlow counts no padding, neither as a maximum nor in a mean.
      return add(layer.getClassName() === 'MaxPooling2D' ? 'MaxPool' : 'AveragePool', [input], { kernel_shape: pair(config['poolSize']), strides: pair(config['strides']), ...(same ? { auto_pad: 'SAME_UPPER' } : {}) });
    }
    case 'UpSampling2D': {
      const [height, width] = pair(config['size']);
      const linear = config['interpolation'] === 'bilinear';
      // TensorFlow.js doubles [0, 1] to [0, 0.5, 1, 1]: not by pixel centres, as Keras in Python does ([0, 0.25, 0.75, 1]), but asymmetric.
      const coordinate_transformation_mode = linear && state.doubling === 'by centres' ? 'half_pixel' : 'asymmetric';
      return add('Resize', [input, '', constant('scales', [4], [1, 1, height!, width!])], { mode: linear ? 'linear' : 'nearest', coordinate_transformation_mode, ...(linear ? {} : { nearest_mode: 'floor' }) });
    }
    case 'Concatenate': return add('Concat', inputs, { axis: axisOf(layer, rank, state) });
    case 'Add': return ofOneRank(tensor, inputs, rank, add, state).reduce((sum, next) => add('Add', [sum, next]));
    case 'Multiply': return ofOneRank(tensor, inputs, rank, add, state).reduce((product, next) => add('Mul', [product, next]));
    case 'GlobalAveragePooling2D': return add('Flatten', [add('GlobalAveragePool', [input])], { axis: 1 });
    case 'GlobalMaxPooling2D': return add('Flatten', [add('GlobalMaxPool', [input])], { axis: 1 });
    case 'KeptAveragePooling2D': return add('GlobalAveragePool', [input]);
    case 'KeptMaxPooling2D': return add('GlobalMaxPool', [input]);
    case 'Flatten': return add('Flatten', [inputsOf(tensor)[0]!.shape.length === 4 ? add('Transpose', [input], { perm: [0, 2, 3, 1] }) : input], { axis: 1 });
    case 'FittedReshape': {
      const sizes = tensor.shape.slice(1).map((size) => size ?? -1);
      if (sizes.filter((size) => size < 0).length > 1) throw unknown(layer, 'size, which is not known,', state);
      // Channels are last where pixels are put in another order.
      const last = inputsOf(tensor)[0]!.shape.length === 4 ? add('Transpose', [input], { perm: [0, 2, 3, 1] }) : input;
      const shape = namedConstant(ownConstant(layer, 'shape'), `${layer.name}/shape`, state, (name) => int64Tensor(name, [sizes.length + 1], [0, ...sizes]));
      const turned = add('Reshape', [last, shape]);
      return rank === 4 ? add('Transpose', [turned], { perm: [0, 3, 1, 2] }) : turned;
    }
    case 'Dense': {
      if (rank === 4) return denseOnMap(layer, input, state);
      if (rank !== 2) throw unknown(layer, 'number of axes', state);
      const [kernel, bias] = layer.getWeights();
      const from = [input, constant('kernel', kernel!.shape, kernel!.dataSync()), ...(bias === undefined ? [] : [constant('bias', bias.shape, bias.dataSync())])];
      return activation(activationOf(layer), add('Gemm', from), 2, add, state);
    }
    default: throw unknown(layer, 'kind', state);
  }
}

/** The axis of a layer's configuration as ONNX counts it, where the channels of maps come first. */
function axisOf(layer: layers.Layer, rank: number, state: GraphState): number {
  const axis = layer.getConfig()['axis'] ?? -1;
  if (typeof axis !== 'number' || !Number.isInteger(axis) || axis < -rank || axis >= rank) throw unknown(layer, 'axis', state);
  const counted = axis < 0 ? axis + rank : axis;
  return rank === 4 ? [0, 2, 3, 1][counted]! : counted;
}

/** Sizes of a constant along one axis that fits values of this rank. */
function alongAxis(length: number, axis: number, rank: number): number[] {
  return [length, ...Array<number>(rank - 1 - axis).fill(1)];
}

/** Where a vector meets a map, it counts for every pixel: `[batch, channels]` as `[batch, channels, 1, 1]`. */
function ofOneRank(tensor: SymbolicTensor, inputs: readonly string[], rank: number, add: Add, state: GraphState): string[] {
  return inputsOf(tensor).map(({ shape }, index) => {
    const input = inputs[index]!;
    if (shape.length === rank) return input;
    if (rank !== 4 || shape.length !== 2) throw unknown(tensor.sourceLayer, 'number of axes', state);
    return add('Unsqueeze', [input, namedConstant('pixel', 'pixel/axes', state, (name) => int64Tensor(name, [2], [2, 3]))]);
  });
}
