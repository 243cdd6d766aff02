/**
 * ONNX files as plain data: the messages of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto) in
 * camelCase. A decoded object has every repeated field as an array, and single fields only where the file has them; for
 * encoding everything that is optional here may be left out.
 */

/** A 64-bit integer: a number where that is exact (up to 2^53 − 1), else a bigint. */
export type Int64 = number | bigint;

export interface OnnxModel {
  irVersion: Int64;
  producerName?: string;
  producerVersion?: string;
  domain?: string;
  modelVersion?: Int64;
  docString?: string;
  graph: OnnxGraph;
  opsetImport: OnnxOpset[];
  metadataProps?: OnnxMetadata[];
  functions?: object[];
  trainingInfo?: object[];
}

export interface OnnxOpset {
  /** Absent or empty: the standard operators. */
  domain?: string;
  version: Int64;
}

export interface OnnxMetadata {
  key: string;
  value: string;
}

export interface OnnxGraph {
  name?: string;
  docString?: string;
  /** In an order in which each node comes after those that it reads from. */
  node: OnnxNode[];
  /** Constants (weights) by name. */
  initializer?: OnnxTensor[];
  sparseInitializer?: object[];
  /** In files of IR version 3 and lower initializers are listed here too. */
  input: OnnxValueInfo[];
  output: OnnxValueInfo[];
  valueInfo?: OnnxValueInfo[];
  metadataProps?: OnnxMetadata[];
}

export interface OnnxNode {
  name?: string;
  opType: string;
  domain?: string;
  /** Names of values; an empty name is an optional input that is left out. */
  input: string[];
  output: string[];
  attribute?: OnnxAttribute[];
  docString?: string;
}

/** Numbers of AttributeProto.AttributeType. */
export const ATTRIBUTE = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, floats: 6, ints: 7, strings: 8, tensors: 9, graphs: 10 } as const;

export interface OnnxAttribute {
  name: string;
  /** One of {@link ATTRIBUTE}. */
  type: number;
  f?: number;
  i?: Int64;
  /** UTF-8. */
  s?: Uint8Array;
  t?: OnnxTensor;
  g?: OnnxGraph;
  floats?: number[];
  ints?: Int64[];
  strings?: Uint8Array[];
  tensors?: OnnxTensor[];
  graphs?: OnnxGraph[];
}

/** Numbers of TensorProto.DataType. */
export const TENSOR = {
  float32: 1, uint8: 2, int8: 3, uint16: 4, int16: 5, int32: 6, int64: 7, string: 8, bool: 9, float16: 10, float64: 11,
  uint32: 12, uint64: 13, bfloat16: 16,
} as const;

export type TensorTypeName = keyof typeof TENSOR;

export interface OnnxTensor {
  name?: string;
  dims: Int64[];
  /** One of {@link TENSOR}. */
  dataType: number;
  /** Little endian, row-major. Either this or one of the typed fields has the values. */
  rawData?: Uint8Array;
  floatData?: number[];
  int32Data?: number[];
  int64Data?: Int64[];
  stringData?: Uint8Array[];
  doubleData?: number[];
  uint64Data?: Int64[];
  docString?: string;
  /** Where the values are when they are in another file (`dataLocation` 1). */
  externalData?: OnnxMetadata[];
  dataLocation?: number;
}

export interface OnnxValueInfo {
  name: string;
  docString?: string;
  type?: { denotation?: string; tensorType?: { elemType: number; shape?: { dim: OnnxDimension[] } } };
  metadataProps?: OnnxMetadata[];
}

/** A size, or the name of a free one, or nothing where unknown. */
export interface OnnxDimension {
  dimValue?: Int64;
  dimParam?: string;
  denotation?: string;
}
