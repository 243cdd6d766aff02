import { ModelError } from '../../errors.js';
import { tensorValues } from '../tensor.js';
import type { OnnxNode, OnnxTensor } from '../types.js';
import type { Axis, AxisRule } from './axis.js';

/** A tensor of the graph that depends on the patch. */
export interface PatchValue {
  readonly channels: number;
  readonly y: Axis;
  readonly x: Axis;
  /** `[batch, channels, height, width]` or `[batch, height, width, channels]`; for two axes the order in which places were laid out in a row. */
  readonly layout: 'chw' | 'hwc';
  /** 2: a vector, `[batch, channels · places]`. */
  readonly rank: 2 | 4;
}

/** Weights of a convolution, or of a dense layer as one: `[to, from / groups, height, width]`. */
export interface Kernel {
  readonly values: Float32Array;
  readonly to: number;
  readonly from: number;
  readonly height: number;
  readonly width: number;
  readonly groups: number;
  readonly bias?: Float32Array;
}

/** What is computed from what a rule reads. */
export type Compute =
  | { readonly kind: 'convolution'; readonly kernel: Kernel }
  | { readonly kind: 'maximum' }
  /** Mean over what counts: places and zeros, or padding, too. */
  | { readonly kind: 'mean'; readonly counts: 'places' | 'padding' }
  /** The node itself, on every dense map, with constants beside it. */
  | { readonly kind: 'pointwise'; readonly node: OnnxNode; readonly constants: readonly OnnxTensor[] }
  /** A map under another name. */
  | { readonly kind: 'same' };

/** One operator of a patch's graph, as it works on dense maps. */
export interface Step {
  /** For messages: `conv1 (Conv)`. */
  readonly layer: string;
  /** Refuses the layer, for a reason that shows only when it is written. */
  readonly refuse: (why: string) => never;
  readonly output: string;
  /** Values that depend on the patch. With several, tap k of a rule reads the k-th; with one, all taps read it. */
  readonly inputs: readonly string[];
  readonly y: AxisRule;
  readonly x: AxisRule;
  readonly value: PatchValue;
  readonly compute: Compute;
}

/** What is known while the nodes of a graph are gone through. */
export interface Reading {
  readonly model: string;
  readonly opset: number;
  readonly values: Map<string, PatchValue>;
  readonly constants: Map<string, OnnxTensor>;
  /** Nodes that gave the values, by their first output. */
  readonly nodes: Map<string, OnnxNode>;
}

export function layerName(node: OnnxNode): string {
  const own = node.name ?? '';
  // This project's own files call nodes by operator and value, with a number behind it.
  const name = own === '' || own.startsWith(`${node.opType}:`) ? (node.output[0] ?? '').replace(/\/\d+$/, '') : own;
  return `${name} (${node.opType})`;
}

/** A graph that cannot be computed for all pixels at once with the same numbers. */
export function refuseLayer(reading: Pick<Reading, 'model'>, node: OnnxNode, why: string): never {
  throw new ModelError(reading.model, `its layer ${layerName(node)} has no exact dense form: ${why}`, { advice: 'classify every patch by itself: tilewright classify --overlap' });
}

export function numbersOf(reading: Reading, node: OnnxNode, name: string | undefined): Float32Array | undefined {
  if (name === undefined || name === '') return undefined;
  const tensor = reading.constants.get(name);
  const values = tensor && tensorValues(tensor);
  if (values === undefined) refuseLayer(reading, node, tensor === undefined ? `${name} is computed from the patch` : `numbers of the type of ${name} are not read`);
  return values instanceof Float32Array ? values : Float32Array.from(values);
}

/** Whole numbers of an attribute. */
export function ints(node: OnnxNode, name: string): number[] | undefined {
  const found = node.attribute?.find((item) => item.name === name)?.ints;
  return found === undefined || found.length === 0 ? undefined : found.map(Number);
}

export function int(node: OnnxNode, name: string, otherwise: number): number {
  const found = node.attribute?.find((item) => item.name === name)?.i;
  return found === undefined ? otherwise : Number(found);
}

export function floatOf(node: OnnxNode, name: string, otherwise: number): number {
  return node.attribute?.find((item) => item.name === name)?.f ?? otherwise;
}

/** Sizes of a constant. */
export function dimsOf(tensor: OnnxTensor): number[] {
  return tensor.dims.map(Number);
}
