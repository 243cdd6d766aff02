import { ATTRIBUTE, TENSOR, type OnnxAttribute, type OnnxDimension, type OnnxNode, type OnnxTensor, type OnnxValueInfo, type TensorTypeName } from './types.js';

/** Values of node attributes; integers and floats cannot be told apart in JavaScript, so floats are marked with {@link float}. */
export type AttributeValue = number | string | readonly number[] | OnnxTensor | FloatAttribute;

export interface FloatAttribute { readonly float: number }

/** Marks an attribute as a float (`alpha`, `epsilon`); plain numbers are integers. */
export function float(value: number): FloatAttribute {
  return { float: value };
}

/** A node: operator, names of its inputs and outputs, attributes. */
export function node(opType: string, input: readonly string[], output: readonly string[], attributes: Readonly<Record<string, AttributeValue>> = {}): OnnxNode {
  return { opType, name: `${opType}:${output[0] ?? ''}`, input: [...input], output: [...output], attribute: Object.entries(attributes).map(([name, value]) => attribute(name, value)) };
}

export function attribute(name: string, value: AttributeValue): OnnxAttribute {
  if (typeof value === 'number') {
    if (!Number.isInteger(value)) throw new RangeError(`attribute ${name}: expected an integer, found ${value}; use float() for floats`);
    return { name, type: ATTRIBUTE.int, i: value };
  }
  if (typeof value === 'string') return { name, type: ATTRIBUTE.string, s: new TextEncoder().encode(value) };
  if ('float' in value) return { name, type: ATTRIBUTE.float, f: value.float };
  if ('dataType' in value) return { name, type: ATTRIBUTE.tensor, t: value };
  return { name, type: ATTRIBUTE.ints, ints: [...value] };
}

/** Text of a string attribute, or undefined if the node does not have it. */
export function stringAttribute(of: OnnxNode, name: string): string | undefined {
  const found = of.attribute?.find((item) => item.name === name)?.s;
  return found === undefined ? undefined : new TextDecoder().decode(found);
}

/** A constant of 32-bit floats. */
export function floatTensor(name: string, dims: readonly number[], values: ArrayLike<number>): OnnxTensor {
  const data = values instanceof Float32Array ? values : Float32Array.from(values);
  checkCount(name, dims, data.length);
  return { name, dims: [...dims], dataType: TENSOR.float32, rawData: littleEndian(data) };
}

/** A constant of 64-bit integers: shapes, axes, starts and ends. */
export function int64Tensor(name: string, dims: readonly number[], values: readonly number[]): OnnxTensor {
  const data = BigInt64Array.from(values, BigInt);
  checkCount(name, dims, data.length);
  return { name, dims: [...dims], dataType: TENSOR.int64, rawData: littleEndian(data) };
}

/** A graph's input or output. Sizes are numbers, or names where they are free. */
export function valueInfo(name: string, type: TensorTypeName, shape: readonly (number | string)[]): OnnxValueInfo {
  const dim = shape.map((size): OnnxDimension => (typeof size === 'number' ? { dimValue: size } : { dimParam: size }));
  return { name, type: { tensorType: { elemType: TENSOR[type], shape: { dim } } } };
}

function checkCount(name: string, dims: readonly number[], count: number): void {
  const expected = dims.reduce((product, size) => product * size, 1);
  if (count !== expected) throw new RangeError(`tensor ${name}: expected ${expected} values for [${dims.join(',')}], found ${count}`);
}

/** Every platform that Node runs on with prebuilt engines is little endian, as ONNX wants it. */
function littleEndian(data: Float32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
