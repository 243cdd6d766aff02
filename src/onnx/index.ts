export { decodeModel, encodeModel } from './codec.js';
export { attribute, float, floatTensor, int64Tensor, node, stringAttribute, valueInfo, type AttributeValue, type FloatAttribute } from './build.js';
export { tensorValues } from './tensor.js';
export { ATTRIBUTE, TENSOR } from './types.js';
export type {
  Int64, OnnxAttribute, OnnxDimension, OnnxGraph, OnnxMetadata, OnnxModel, OnnxNode, OnnxOpset, OnnxTensor, OnnxValueInfo, TensorTypeName,
} from './types.js';
export { denseGraph, type DenseCost, type DenseGraph, type DenseOptions } from './dense/index.js';
export { pruneModel } from './prune.js';
export { quantizableLayers, quantizableValues, quantizeModel, type QuantizeOptions, type ValueRange } from './quantize.js';
export { graphInputs, graphOutputs, hasValue, metadataOf, opsetOf, type ValueShape } from './shape.js';
