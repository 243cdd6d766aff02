import type { SymbolicTensor } from '@tensorflow/tfjs';
import { floatTensor, int64Tensor } from '../onnx/index.js';
import type { GraphState } from './export-onnx.js';
import { convolution, normalization } from './onnx-convolution.js';
import { activation, activationOf, adder, inputsOf, pair, unknown } from './onnx-nodes.js';

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
  const constant = (suffix: string, dims: readonly number[], values: ArrayLike<number>): string => {
    const name = `${layer.name}/${suffix}`;
    state.initializers.push(floatTensor(name, dims, values));
    return name;
  };
  if (config['dataFormat'] === 'channelsFirst') throw unknown(layer, 'order of channels', state);
  switch (layer.getClassName()) {
    case 'Conv2D': case 'DepthwiseConv2D': return convolution(layer, input, state);
    case 'BatchNormalization': {
      const { scale, shift } = normalization(layer);
      const dims = rank === 4 ? [scale.length, 1, 1] : [scale.length];
      return add('Add', [add('Mul', [input, constant('scale', dims, scale)]), constant('shift', dims, shift)]);
    }
    case 'Rescaling': return add('Add', [add('Mul', [input, constant('scale', [1], [config['scale'] as number])]), constant('offset', [1], [config['offset'] as number])]);
    case 'ReLU': return typeof config['maxValue'] === 'number' ? add('Clip', [input, constant('low', [], [0]), constant('high', [], [config['maxValue']])]) : add('Relu', [input]);
    case 'Activation': return activation(config['activation'] as string, input, rank, add, state);
    case 'Softmax': return add('Softmax', [input], { axis: rank === 4 ? 1 : -1 });
    case 'Dropout': case 'SpatialDropout2D': return input;
    case 'ZeroPadding2D': {
      const [[top, bottom], [left, right]] = config['padding'] as [[number, number], [number, number]];
      const pads = `${layer.name}/pads`;
      state.initializers.push(int64Tensor(pads, [8], [0, 0, top, left, 0, 0, bottom, right]));
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
    case 'Concatenate': {
      const axis = config['axis'] as number;
      if (axis !== -1 && axis !== rank - 1) throw unknown(layer, 'axis', state);
      return add('Concat', inputs, { axis: 1 });
    }
    case 'Add': return inputs.slice(1).reduce((sum, next) => add('Add', [sum, next]), input);
    case 'Multiply': return inputs.slice(1).reduce((product, next) => add('Mul', [product, next]), input);
    case 'GlobalAveragePooling2D': return add('Flatten', [add('GlobalAveragePool', [input])], { axis: 1 });
    case 'GlobalMaxPooling2D': return add('Flatten', [add('GlobalMaxPool', [input])], { axis: 1 });
    case 'Flatten': return add('Flatten', [inputsOf(tensor)[0]!.shape.length === 4 ? add('Transpose', [input], { perm: [0, 2, 3, 1] }) : input], { axis: 1 });
    case 'Dense': {
      if (rank !== 2) throw unknown(layer, 'number of axes', state);
      const [kernel, bias] = layer.getWeights();
      const from = [input, constant('kernel', kernel!.shape, kernel!.dataSync()), ...(bias === undefined ? [] : [constant('bias', bias.shape, bias.dataSync())])];
      return activation(activationOf(layer), add('Gemm', from), 2, add, state);
    }
    default: throw unknown(layer, 'kind', state);
  }
}
