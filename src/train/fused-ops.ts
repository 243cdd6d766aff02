import type { LayersModel, SymbolicTensor, Tensor, Tensor4D, layers } from '@tensorflow/tfjs';
import type { Tensorflow } from '../../models/architectures/index.js';
import { trainConvolution } from './native-convolution.js';
import type { LayerVariable, NativeBackend } from './native-convolution.js';

interface NormalizationLayer { gamma: LayerVariable; beta: LayerVariable; movingMean: LayerVariable; movingVariance: LayerVariable; epsilon: number; momentum: number }
type Call = (inputs: Tensor | Tensor[], options: { training?: boolean }) => Tensor | Tensor[];

/** Half of the memory above which oneDNN has only a slow kernel. */
const MOST_LAID_OUT = 2 ** 29;

/** Models that were made faster already. */
const fused = new WeakSet<LayersModel>();

/**
 * Makes training faster on the native engine: batch normalisation and ReLU of a network run as one TensorFlow kernel
 * forwards and one backwards, instead of about twenty element-wise ones; convolutions compute the gradients that are asked for,
 * by the faster kernel. (Measured on two cores, ResNet of 0.7 M parameters:
 * docs/training.md.) Prediction and saved models are the same; on other engines this does nothing.
 * @param most Bytes of what the filters of a convolution see, laid out; larger ones are computed in bands of rows
 * @returns whether anything was changed
 */
export function fuseTrainingOps(tf: Tensorflow, model: LayersModel, most = MOST_LAID_OUT): boolean {
  const backend = tf.backend() as unknown as Partial<NativeBackend>;
  if (backend.executeMultipleOutputs === undefined || backend.binding === undefined) return false;
  const native = backend as NativeBackend;
  if (fused.has(model)) return true;
  fused.add(model);
  for (const layer of model.layers) {
    if (layer.getClassName() === 'Conv2D') trainConvolution(tf, native, layer, most);
    if (layer.getClassName() === 'BatchNormalization' && (layer.input as SymbolicTensor).shape.length === 4) fuseNormalization(tf, native, layer);
    // The kernel knows no upper bound (ReLU6).
    if (layer.getClassName() === 'ReLU' && typeof layer.getConfig()['maxValue'] !== 'number') (layer as unknown as { call: Call }).call = (inputs) => fusedRelu(tf, native, only(inputs));
  }
  return true;
}

function fuseNormalization(tf: Tensorflow, native: NativeBackend, layer: layers.Layer): void {
  const target = layer as unknown as NormalizationLayer & { call: Call };
  const plain = target.call.bind(target);
  target.call = (inputs, options) => (options.training === true ? fusedNormalization(tf, native, only(inputs) as Tensor4D, target) : plain(inputs, options));
}

/** FusedBatchNormV3 and its gradient: https://www.tensorflow.org/api_docs/cc/class/tensorflow/ops/fused-batch-norm-v3 */
function fusedNormalization(tf: Tensorflow, native: NativeBackend, input: Tensor4D, layer: NormalizationLayer): Tensor {
  const attributes = normalizationAttributes(native, layer.epsilon);
  const run = tf.customGrad((...parts) => {
    const [x, gamma, beta, save] = parts as unknown as [Tensor, Tensor, Tensor, (tensors: Tensor[]) => void];
    const empty = tf.tensor1d([]);
    const [y, mean, variance, ...reserved] = native.executeMultipleOutputs('FusedBatchNormV3', attributes, [x, gamma, beta, empty, empty], 6) as [Tensor, Tensor, Tensor, ...Tensor[]];
    moveTowards(tf, layer.movingMean, mean, layer.momentum);
    moveTowards(tf, layer.movingVariance, variance, layer.momentum);
    save([x, gamma, ...reserved]);
    const gradFunc = (dy: Tensor | Tensor[], saved: Tensor[]): Tensor[] =>
      native.executeMultipleOutputs('FusedBatchNormGradV3', attributes, [only(dy), ...saved], 5).slice(0, 3);
    return { value: y, gradFunc };
  });
  return run(input, layer.gamma.read(), layer.beta.read());
}

function moveTowards(tf: Tensorflow, variable: LayerVariable, value: Tensor, momentum: number): void {
  variable.write(tf.add(tf.mul(variable.read(), momentum), tf.mul(value, 1 - momentum)));
}

function fusedRelu(tf: Tensorflow, native: NativeBackend, input: Tensor): Tensor {
  const type = { name: 'T', type: native.binding.TF_ATTR_TYPE, value: native.binding.TF_FLOAT };
  return tf.customGrad((...parts) => {
    const [x, save] = parts as unknown as [Tensor, (tensors: Tensor[]) => void];
    const value = tf.relu(x);
    save([value]);
    return { value, gradFunc: (dy: Tensor | Tensor[], saved: Tensor[]) => native.executeSingleOutput('ReluGrad', [type], [only(dy), saved[0]!]) };
  })(input);
}

function normalizationAttributes({ binding }: NativeBackend, epsilon: number): readonly object[] {
  return [
    { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
    { name: 'U', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
    { name: 'epsilon', type: binding.TF_ATTR_FLOAT, value: epsilon },
    { name: 'data_format', type: binding.TF_ATTR_STRING, value: 'NHWC' },
    { name: 'is_training', type: binding.TF_ATTR_BOOL, value: true },
  ];
}

function only(tensors: Tensor | Tensor[]): Tensor {
  return Array.isArray(tensors) ? tensors[0]! : tensors;
}
