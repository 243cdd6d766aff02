import { availableParallelism } from 'node:os';
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
 * bias, always makes both: that of the picture as well, for the first layer of all.) Large ones are computed in bands of rows, also in prediction.
 * @param most see {@link fuseTrainingOps}
 */
export function trainConvolution(tf: Tensorflow, native: NativeBackend, layer: layers.Layer, most: number): void {
  const target = layer as unknown as ConvolutionLayer;
  if (target.dataFormat === 'channelsFirst' || target.dilationRate.some((rate) => rate !== 1)) return;
  const plain = target.call.bind(target);
  target.call = (inputs, options) => {
    const x = (Array.isArray(inputs) ? inputs[0]! : inputs) as Tensor4D;
    const kernel = target.kernel.read() as Tensor4D;
    const bands = bandsOf(x, kernel, target, most);
    if (options.training !== true && bands === undefined) return plain(inputs, options);
    const product = convolve(tf, native, x, kernel, target, bands);
    const sum = target.bias === null ? product : tf.add(product, target.bias.read());
    return target.activation === null ? sum : target.activation.apply(sum);
  };
}

/** x `[n, height, width, channels]`, kernel `[rows, columns, channels, filters]`. */
function convolve(tf: Tensorflow, native: NativeBackend, x: Tensor4D, kernel: Tensor4D, { strides, padding }: ConvolutionLayer, bands: readonly Band[] | undefined): Tensor {
  const inputGradient = (shape: readonly number[], filter: Tensor, dy: Tensor): Tensor =>
    native.executeSingleOutput('Conv2DBackpropInput', attributes(native, strides, padding), [tf.tensor1d([...shape], 'int32'), filter, dy]);
  return (tf.engine() as unknown as LazyGradients).runKernelFunc({
    inputs: { x, kernel },
    forwardFunc: (_backend, save) => {
      save([x, kernel]);
      return bands === undefined ? tf.conv2d(x, kernel, [...strides], padding) : convolveBands(tf, x, kernel, padding, bands);
    },
    backwardsFunc: (dy, [image, filter]) => ({
      x: () => (bands === undefined ? inputGradient(image!.shape, filter!, dy) : inputGradientOfBands(tf, image!.shape, filter!, dy, padding, { bands, gradient: inputGradient })),
      kernel: () => kernelGradient(tf, native, image!, filter!, dy, { strides, padding, large: bands !== undefined }),
    }),
  });
}

/** Rows `from` to before `to`. */
interface Band { readonly from: number; readonly to: number }

/**
 * How a large convolution is cut into rows: oneDNN lays out all that a filter sees of a picture, for as many pictures as it has threads, and where
 * that is above 1 GiB it takes a kernel that is hundreds of times slower (docs/decisions/0041-large-convolutions-in-bands.md).
 * @returns undefined where it is small, or has strides (and then a quarter of the places at most)
 */
function bandsOf(x: Tensor4D, kernel: Tensor4D, { strides, padding }: Pick<ConvolutionLayer, 'strides' | 'padding'>, most: number): readonly Band[] | undefined {
  if (strides[0] !== 1 || strides[1] !== 1) return undefined;
  const [count, height, width, channels] = x.shape;
  const [rows, columns] = kernel.shape;
  const perRow = rows * columns * channels * width * 4 * Math.min(count, availableParallelism());
  const places = padding === 'same' ? height : height - rows + 1;
  if (perRow * places <= most) return undefined;
  const step = Math.max(1, Math.floor(most / perRow));
  return Array.from({ length: Math.ceil(places / step) }, (_, index) => ({ from: index * step, to: Math.min(places, (index + 1) * step) }));
}

function rowsOf(tf: Tensorflow, x: Tensor, { from, to }: Band): Tensor4D {
  const [count, , width, channels] = x.shape as Tensor4D['shape'];
  return tf.slice(x as Tensor4D, [0, from, 0, 0], [count, to - from, width, channels]);
}

/** What a band shows depends on so many rows around it as a filter has, less one; at the picture's edges there are fewer, and zeros beyond, as for the whole. */
function around({ from, to }: Band, rows: number, height: number): Band {
  return { from: Math.max(0, from - rows + 1), to: Math.min(height, to + rows - 1) };
}

function convolveBands(tf: Tensorflow, x: Tensor4D, kernel: Tensor4D, padding: 'same' | 'valid', bands: readonly Band[]): Tensor4D {
  const rows = kernel.shape[0];
  return tf.tidy(() => tf.concat(bands.map((band) => tf.tidy(() => {
    if (padding === 'valid') return tf.conv2d(rowsOf(tf, x, { from: band.from, to: band.to + rows - 1 }), kernel, 1, 'valid');
    const seen = around(band, rows, x.shape[1]);
    return rowsOf(tf, tf.conv2d(rowsOf(tf, x, seen), kernel, 1, 'same'), { from: band.from - seen.from, to: band.to - seen.from });
  })), 1));
}

interface InBands { readonly bands: readonly Band[]; readonly gradient: (shape: readonly number[], filter: Tensor, dy: Tensor) => Tensor }

/** Bands are those of the answer; the picture's have the rows that only the last band's filter reaches as well. */
function inputGradientOfBands(tf: Tensorflow, shape: readonly number[], filter: Tensor, dy: Tensor, padding: 'same' | 'valid', { bands, gradient }: InBands): Tensor {
  const [count, height, width, channels] = shape as Tensor4D['shape'];
  const rows = filter.shape[0];
  const places = dy.shape[1]!;
  return tf.tidy(() => tf.concat(bands.map((band, index) => tf.tidy(() => {
    const wanted = index === bands.length - 1 ? { ...band, to: height } : band;
    const seen = padding === 'same' ? around(wanted, rows, places) : { from: Math.max(0, wanted.from - rows + 1), to: Math.min(places, wanted.to) };
    const inner = seen.to - seen.from + (padding === 'same' ? 0 : rows - 1);
    const part = gradient([count, inner, width, channels], filter, rowsOf(tf, dy, seen));
    return rowsOf(tf, part, { from: wanted.from - seen.from, to: wanted.to - seen.from });
  })), 1));
}

/**
 * Two kernels compute a filter's gradient: oneDNN's, and another one, which TensorFlow takes where the padding is written out. oneDNN's is up to
 * three times slower where few samples have many channels, and wrong for filters of one pixel with strides on few channels:
 * docs/decisions/0020-kernels-of-training.md.
 */
const MANY_CHANNELS = 48;
const FEW_SAMPLES = 16;

interface KernelGradient extends Pick<ConvolutionLayer, 'strides' | 'padding'> { readonly large: boolean }

function kernelGradient(tf: Tensorflow, native: NativeBackend, x: Tensor, kernel: Tensor, dy: Tensor, { strides, padding, large }: KernelGradient): Tensor {
  const inputs = [x, shapeOf(tf, kernel), dy];
  const [rows = 1, columns = 1] = kernel.shape;
  const dense = strides[0] === 1 && strides[1] === 1;
  const faster = rows * columns === 1 || x.shape[0] > FEW_SAMPLES || x.shape[3]! < MANY_CHANNELS;
  if (dense && faster && !large) return native.executeSingleOutput('Conv2DBackpropFilter', attributes(native, strides, padding), inputs);
  const { padInfo } = tf.backend_util.computeConv2DInfo(x.shape as Tensor4D['shape'], kernel.shape as Tensor4D['shape'], [...strides], 1, padding);
  const written = [0, 0, padInfo.top, padInfo.bottom, padInfo.left, padInfo.right, 0, 0];
  return native.executeSingleOutput('Conv2DBackpropFilter', attributes(native, strides, 'explicit', written), inputs);
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
