import { stringAttribute } from '../build.js';
import type { OnnxNode } from '../types.js';
import { windowAxis } from './axis.js';
import type { Axis, AxisRule } from './axis.js';
import { padsNegative } from './sign.js';
import { dimsOf, floatOf, int, ints, numbersOf, refuseLayer } from './value.js';
import type { Kernel, PatchValue, Reading, Step } from './value.js';

type Found = Omit<Step, 'layer' | 'refuse' | 'output'>;

/** Convolutions and pooling: windows over both axes. */
export function readWindow(reading: Reading, node: OnnxNode, input: PatchValue): Found {
  if (input.rank !== 4 || input.layout !== 'chw') refuseLayer(reading, node, 'it does not read channels, rows and columns in this order');
  const kernel = node.opType === 'Conv' ? readKernel(reading, node, input) : undefined;
  const [height, width] = kernel === undefined ? ints(node, 'kernel_shape') ?? [] : [kernel.height, kernel.width];
  if (height === undefined || width === undefined) refuseLayer(reading, node, 'its window has no size');
  const [y, x] = ([[input.y, height], [input.x, width]] as const).map(([axis, size], at) => windowAlong(reading, node, axis, size, at as 0 | 1));
  const result = (channels: number): PatchValue => ({ channels, y: y!.axis, x: x!.axis, layout: 'chw', rank: 4 });
  const rest = { inputs: [node.input[0]!], y: y!, x: x! };
  if (kernel !== undefined) return { ...rest, value: result(kernel.to), compute: { kind: 'convolution', kernel } };
  if (node.opType === 'MaxPool') {
    if ((node.output[1] ?? '') !== '') refuseLayer(reading, node, 'it gives places of maxima');
    if (padsNegative(reading, node.input[0]!)) refuseLayer(reading, node, 'zeros are put around its map, whose values may be negative; ONNX Runtime takes them for padding');
    return { ...rest, value: result(input.channels), compute: { kind: 'maximum' } };
  }
  const counts = int(node, 'count_include_pad', 0) === 1 ? 'padding' : 'places';
  if (counts === 'padding' && int(node, 'ceil_mode', 0) === 1) refuseLayer(reading, node, 'it counts padding in windows that end beyond it');
  return { ...rest, value: result(input.channels), compute: { kind: 'mean', counts } };
}

/** One number per channel: over all places. */
export function readGlobalPool(reading: Reading, node: OnnxNode, input: PatchValue, pool: { readonly kind: 'maximum' | 'mean'; readonly rank: 2 | 4 }): Found {
  if (input.rank !== 4) refuseLayer(reading, node, 'it does not read a map');
  const [y, x] = [wholeAxis(input.y), wholeAxis(input.x)];
  return {
    inputs: [node.input[0]!], y, x, value: { ...input, y: y.axis, x: x.axis, rank: pool.rank },
    compute: pool.kind === 'maximum' ? { kind: 'maximum' } : { kind: 'mean', counts: 'places' },
  };
}

/** A dense layer: a convolution as large as the map that it reads, or 1 × 1 on a vector. */
export function readDense(reading: Reading, node: OnnxNode, input: PatchValue): Found {
  const matrix = reading.constants.get(node.input[1] ?? '');
  if (input.rank !== 2 || matrix === undefined || matrix.dims.length !== 2) refuseLayer(reading, node, 'it is no product of a vector and constant weights');
  if (int(node, 'transA', 0) !== 0) refuseLayer(reading, node, 'it turns what it reads');
  const values = numbersOf(reading, node, node.input[1])!;
  const [rows, columns] = dimsOf(matrix) as [number, number];
  const turned = int(node, 'transB', 0) === 1;
  const [length, to] = turned ? [columns, rows] : [rows, columns];
  const { channels, y, x, layout } = input;
  const [height, width] = [y.kinds.length, x.kinds.length];
  if (length !== channels * height * width) refuseLayer(reading, node, `it has weights for ${length} numbers, ${channels * height * width} come in`);
  const alpha = floatOf(node, 'alpha', 1);
  const weights = new Float32Array(values.length);
  for (let out = 0, at = 0; out < to; out++) {
    for (let channel = 0; channel < channels; channel++) {
      for (let i = 0; i < height; i++) {
        for (let j = 0; j < width; j++, at++) {
          const from = layout === 'chw' ? (channel * height + i) * width + j : (i * width + j) * channels + channel;
          weights[at] = alpha * values[turned ? out * length + from : from * to + out]!;
        }
      }
    }
  }
  const bias = numbersOf(reading, node, node.opType === 'Gemm' ? node.input[2] : undefined);
  if (bias !== undefined && bias.length !== to && bias.length !== 1) refuseLayer(reading, node, `it adds ${bias.length} numbers to ${to}`);
  const beta = floatOf(node, 'beta', 1);
  const kernel: Kernel = {
    values: weights, to, from: channels, height, width, groups: 1,
    ...(bias === undefined ? {} : { bias: Float32Array.from({ length: to }, (_, out) => beta * bias[bias.length === 1 ? 0 : out]!) }),
  };
  const [alongY, alongX] = [wholeAxis(y), wholeAxis(x)];
  return { inputs: [node.input[0]!], y: alongY, x: alongX, value: { channels: to, y: alongY.axis, x: alongX.axis, layout: 'chw', rank: 2 }, compute: { kind: 'convolution', kernel } };
}

function wholeAxis(axis: Axis): AxisRule {
  return windowAxis(axis, { kernel: axis.kinds.length, stride: 1, dilation: 1, before: 0, after: 0 });
}

function readKernel(reading: Reading, node: OnnxNode, input: PatchValue): Kernel {
  const values = numbersOf(reading, node, node.input[1])!;
  const [to, from, height, width, ...more] = dimsOf(reading.constants.get(node.input[1]!)!);
  if (to === undefined || from === undefined || height === undefined || width === undefined || more.length > 0) refuseLayer(reading, node, 'its weights are not those of rows and columns');
  const groups = int(node, 'group', 1);
  if (from * groups !== input.channels) refuseLayer(reading, node, `it has weights for ${from * groups} channels, ${input.channels} come in`);
  const bias = numbersOf(reading, node, node.input[2]);
  return { values, to, from, height, width, groups, ...(bias === undefined ? {} : { bias }) };
}

function windowAlong(reading: Reading, node: OnnxNode, axis: Axis, kernel: number, at: 0 | 1): AxisRule {
  const stride = ints(node, 'strides')?.[at] ?? 1;
  const dilation = ints(node, 'dilations')?.[at] ?? 1;
  const [before, after] = padding(node, axis.kinds.length, { kernel, stride, dilation }, at);
  const rule = windowAxis(axis, { kernel, stride, dilation, before, after, partial: int(node, 'ceil_mode', 0) === 1 });
  if (rule.axis.kinds.length === 0) refuseLayer(reading, node, 'the patch is too small for it');
  return rule;
}

/** Places before and behind an axis, as the operator's attributes say. */
function padding(node: OnnxNode, places: number, { kernel, stride, dilation }: { readonly kernel: number; readonly stride: number; readonly dilation: number }, at: 0 | 1): readonly [number, number] {
  const auto = stringAttribute(node, 'auto_pad') ?? 'NOTSET';
  if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
    const all = Math.max(0, (Math.ceil(places / stride) - 1) * stride + (kernel - 1) * dilation + 1 - places);
    const less = Math.floor(all / 2);
    return auto === 'SAME_UPPER' ? [less, all - less] : [all - less, less];
  }
  const pads = auto === 'VALID' ? undefined : ints(node, 'pads');
  return [pads?.[at] ?? 0, pads?.[at + 2] ?? 0];
}
