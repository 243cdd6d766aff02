import type { Tensor, Tensor1D, Tensor4D, layers } from '@tensorflow/tfjs';
import type { Tensorflow } from '../../models/architectures/index.js';

/** What is used of tfjs-node's backend: any TensorFlow op by name. */
export interface NativeBackend {
  readonly binding: { readonly TF_ATTR_TYPE: number; readonly TF_ATTR_INT: number; readonly TF_ATTR_FLOAT: number; readonly TF_ATTR_STRING: number; readonly TF_ATTR_BOOL: number; readonly TF_FLOAT: number };
  executeSingleOutput(name: string, attributes: readonly object[], inputs: readonly Tensor[]): Tensor;
  executeMultipleOutputs(name: string, attributes: readonly object[], inputs: readonly Tensor[], outputs: number): Tensor[];
}

export interface LayerVariable { read(): Tensor; write(value: Tensor): unknown }

/** What `tf.customGrad` is made of; it would compute the gradients of all inputs, needed or not. */
interface LazyGradients {
  runKernelFunc(of: {
    inputs: Record<string, Tensor>;
    forwardFunc: (backend: unknown, save: (tensors: Tensor[]) => void) => Tensor;
    backwardsFunc: (dy: Tensor, saved: Tensor[]) => Record<string, () => Tensor>;
  }): Tensor;
}

interface Activation { apply(x: Tensor): Tensor }
type Call = (inputs: Tensor | Tensor[], options: { training?: boolean }) => Tensor | Tensor[];

interface ConvolutionLayer {
  call: Call;
  readonly kernel: LayerVariable;
  readonly bias: LayerVariable | null;
  readonly activation: Activation | null;
  readonly strides: readonly [number, number];
  readonly dilationRate: readonly number[];
  readonly padding: 'same' | 'valid';
  readonly dataFormat: string;
}

/**
 * In training, a convolution computes only those gradients that something depends on. (The layer's own, fused with the
 * bias, always makes both: that of the picture as well, for the first layer of all.)
 */
export function trainConvolution(tf: Tensorflow, native: NativeBackend, layer: layers.Layer): void {
  const target = layer as unknown as ConvolutionLayer;
  if (target.dataFormat === 'channelsFirst' || target.dilationRate.some((rate) => rate !== 1)) return;
  const plain = target.call.bind(target);
  target.call = (inputs, options) => {
    if (options.training !== true) return plain(inputs, options);
    const x = (Array.isArray(inputs) ? inputs[0]! : inputs) as Tensor4D;
    const product = convolve(tf, native, x, target.kernel.read() as Tensor4D, target);
    const sum = target.bias === null ? product : tf.add(product, target.bias.read());
    return target.activation === null ? sum : target.activation.apply(sum);
  };
}

/** x `[n, height, width, channels]`, kernel `[rows, columns, channels, filters]`. */
function convolve(tf: Tensorflow, native: NativeBackend, x: Tensor4D, kernel: Tensor4D, { strides, padding }: ConvolutionLayer): Tensor {
  return (tf.engine() as unknown as LazyGradients).runKernelFunc({
    inputs: { x, kernel },
    forwardFunc: (_backend, save) => {
      save([x, kernel]);
      return tf.conv2d(x, kernel, [...strides], padding);
    },
    backwardsFunc: (dy, [image, filter]) => ({
      x: () => native.executeSingleOutput('Conv2DBackpropInput', attributes(native, strides, padding), [shapeOf(tf, image!), filter!, dy]),
      kernel: () => kernelGradient(tf, native, image!, filter!, dy, strides, padding),
    }),
  });
}

/**
 * Two kernels compute a filter's gradient: oneDNN's, and another one, which TensorFlow takes where the padding is written out. oneDNN's is up to
 * three times slower where few samples have many channels, and wrong for filters of one pixel with strides on few channels:
 * docs/decisions/0020-kernels-of-training.md.
 */
const MANY_CHANNELS = 48;
const FEW_SAMPLES = 16;

function kernelGradient(tf: Tensorflow, native: NativeBackend, x: Tensor, kernel: Tensor, dy: Tensor, strides: readonly [number, number], padding: 'same' | 'valid'): Tensor {
  const inputs = [x, shapeOf(tf, kernel), dy];
  const [rows = 1, columns = 1] = kernel.shape;
  const dense = strides[0] === 1 && strides[1] === 1;
  const faster = rows * columns === 1 || x.shape[0] > FEW_SAMPLES || x.shape[3]! < MANY_CHANNELS;
  if (dense && faster) return native.executeSingleOutput('Conv2DBackpropFilter', attributes(native, strides, padding), inputs);
  const { padInfo } = tf.backend_util.computeConv2DInfo(x.shape as Tensor4D['shape'], kernel.shape as Tensor4D['shape'], [...strides], 1, padding);
  const around = [0, 0, padInfo.top, padInfo.bottom, padInfo.left, padInfo.right, 0, 0];
  return native.executeSingleOutput('Conv2DBackpropFilter', attributes(native, strides, 'explicit', around), inputs);
}

function shapeOf(tf: Tensorflow, tensor: Tensor): Tensor1D {
  return tf.tensor1d(tensor.shape, 'int32');
}

/** https://www.tensorflow.org/api_docs/cc/class/tensorflow/ops/conv2-d-backprop-filter */
function attributes({ binding }: NativeBackend, strides: readonly number[], padding: 'same' | 'valid' | 'explicit', around?: readonly number[]): readonly object[] {
  return [
    { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
    { name: 'strides', type: binding.TF_ATTR_INT, value: [1, ...strides, 1] },
    { name: 'padding', type: binding.TF_ATTR_STRING, value: padding.toUpperCase() },
    { name: 'data_format', type: binding.TF_ATTR_STRING, value: 'NHWC' },
    { name: 'use_cudnn_on_gpu', type: binding.TF_ATTR_BOOL, value: true },
    { name: 'dilations', type: binding.TF_ATTR_INT, value: [1, 1, 1, 1] },
    ...(around === undefined ? [] : [{ name: 'explicit_paddings', type: binding.TF_ATTR_INT, value: around }]),
  ];
}
