import { TENSOR, type OnnxTensor } from './types.js';

/**
 * Values of a float32, float64, int32, uint8, int8 or int64 constant as numbers, wherever the file keeps them; undefined
 * for other types and for values in another file.
 */
export function tensorValues(tensor: OnnxTensor): Float32Array | Float64Array | Int32Array | Uint8Array | Int8Array | undefined {
  if (tensor.dataLocation === 1) return undefined;
  const raw = tensor.rawData;
  if (raw !== undefined && raw.length > 0) {
    // A copy: the bytes inside a file need not be aligned.
    const { buffer } = raw.slice();
    switch (tensor.dataType) {
      case TENSOR.float32: return new Float32Array(buffer);
      case TENSOR.float64: return new Float64Array(buffer);
      case TENSOR.int32: return new Int32Array(buffer);
      case TENSOR.uint8: return new Uint8Array(buffer);
      case TENSOR.int8: return new Int8Array(buffer);
      case TENSOR.int64: return Float64Array.from(new BigInt64Array(buffer), Number);
      default: return undefined;
    }
  }
  switch (tensor.dataType) {
    case TENSOR.float32: return Float32Array.from(tensor.floatData ?? []);
    case TENSOR.float64: return Float64Array.from(tensor.doubleData ?? []);
    case TENSOR.int32: return Int32Array.from(tensor.int32Data ?? []);
    case TENSOR.uint8: return Uint8Array.from(tensor.int32Data ?? []);
    case TENSOR.int8: return Int8Array.from(tensor.int32Data ?? []);
    case TENSOR.int64: return Float64Array.from(tensor.int64Data ?? [], Number);
    default: return undefined;
  }
}
