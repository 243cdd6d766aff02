import type { SymbolicTensor, layers } from '@tensorflow/tfjs';

/** How a file's tensor becomes a weight, or the shape that it should have had. */
export type Arranged = { readonly take: (values: Float32Array) => Float32Array } | { readonly expected: readonly number[] };

/**
 * Compares the shape of a file's tensor with that of a layer's weight, and says how its values are put in order. Kernels of
 * PyTorch are `[out, in, height, width]`, depthwise ones `[channels, 1, height, width]`, dense ones `[out, in]`; after a
 * flattening PyTorch counts places within channels, TensorFlow channels within places. A dense layer may stand in the file
 * as a convolution over the whole of what comes in.
 */
export function arrange(layer: layers.Layer, weight: string, shape: readonly number[], found: readonly number[], order: 'torch' | 'keras'): Arranged {
  if (shape.length === 1) return equal(shape, found) ? asItIs : { expected: shape };
  const kind = layer.getClassName();
  if (order === 'keras') {
    if (equal(shape, found)) return asItIs;
    // A 1×1 convolution after pooling is a dense layer.
    return kind === 'Dense' && equal([1, 1, ...shape], found) ? asItIs : { expected: shape };
  }
  if (kind === 'Dense') return arrangeDense(layer, shape as [number, number], found);
  const [height, width, from, to] = shape as [number, number, number, number];
  if (weight === 'depthwise_kernel') {
    const expected = [from * to, 1, height, width];
    return equal(expected, found) ? { take: (values) => planesLast(values, from * to, height * width) } : { expected };
  }
  const expected = [to, from, height, width];
  return equal(expected, found) ? { take: (values) => kernel(values, to, from, height * width) } : { expected };
}

const asItIs = { take: (values: Float32Array): Float32Array => values };

function arrangeDense(layer: layers.Layer, [rows, units]: readonly [number, number], found: readonly number[]): Arranged {
  const flattened = flattenedShape(layer);
  const [height, width, channels] = flattened ?? [1, 1, rows];
  const fits = equal(found, [units, rows]) || equal(found, [units, channels, height, width]);
  if (!fits) return { expected: [units, rows] };
  return { take: (values) => kernel(values, units, channels, height * width) };
}

/** `[height, width, channels]` of the map whose flattening comes into a dense layer. */
function flattenedShape(layer: layers.Layer): readonly [number, number, number] | undefined {
  let before = (layer.input as SymbolicTensor).sourceLayer;
  while (before.getClassName() === 'Dropout') before = (before.input as SymbolicTensor).sourceLayer;
  if (before.getClassName() !== 'Flatten') return undefined;
  const [, height, width, channels] = (before.input as SymbolicTensor).shape;
  return [height!, width!, channels!];
}

/** `[out, in, place]` → `[place, in, out]`. */
function kernel(values: Float32Array, to: number, from: number, places: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let unit = 0, at = 0; unit < to; unit++) {
    for (let channel = 0; channel < from; channel++) {
      for (let place = 0; place < places; place++, at++) out[(place * from + channel) * to + unit] = values[at]!;
    }
  }
  return out;
}

/** `[channel, place]` → `[place, channel]`. */
function planesLast(values: Float32Array, channels: number, places: number): Float32Array {
  const out = new Float32Array(values.length);
  for (let channel = 0, at = 0; channel < channels; channel++) {
    for (let place = 0; place < places; place++, at++) out[place * channels + channel] = values[at]!;
  }
  return out;
}

function equal(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}
