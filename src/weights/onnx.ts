import { decodeModel, metadataOf, TENSOR, tensorValues, type OnnxTensor } from '../onnx/index.js';
import { InvalidFileError } from '../errors.js';
import type { OpenFile } from './bytes.js';
import type { NamedTensor, WeightFile, WeightType } from './types.js';
import { claimedBytes, namedTensor, VALUE_BYTES } from './values.js';

/** Constants of an ONNX graph, in the file's order. The graph itself is run as it is; see `checkModel`. */
export async function readOnnx(file: OpenFile): Promise<WeightFile> {
  const bytes = await file.read(0, file.size);
  await file.close();
  const model = decodeModel(bytes, file.path);
  const tensors = (model.graph.initializer ?? []).map((tensor) => constant(file.path, tensor, bytes.length));
  return { path: file.path, format: 'onnx', tensors, metadata: metadataOf(model), close: () => Promise.resolve() };
}

function constant(path: string, tensor: OnnxTensor, available: number): NamedTensor {
  const name = tensor.name ?? '';
  const dtype = (Object.keys(TENSOR) as (keyof typeof TENSOR)[]).find((key) => TENSOR[key] === tensor.dataType);
  if (dtype === undefined || dtype === 'string') throw new InvalidFileError(path, `expected numbers in ${name}, found tensor type ${tensor.dataType}`);
  if (tensor.dataLocation === 1) throw new InvalidFileError(path, `expected the values of ${name} in the file, found them in another file`, { advice: 'save the model as one file' });
  const shape = tensor.dims.map(Number);
  claimedBytes(path, name, dtype, shape, available * 8);
  return namedTensor(path, { name, dtype, shape }, () => Promise.resolve(valueBytes(tensor, dtype)));
}

function valueBytes(tensor: OnnxTensor, dtype: WeightType): Uint8Array {
  if (tensor.rawData !== undefined && tensor.rawData.length > 0) return tensor.rawData;
  // Half floats and small integers may stand one by one in int32_data.
  const listed = tensor.int32Data ?? [];
  if (VALUE_BYTES[dtype] === 2) return view(Uint16Array.from(listed));
  if (dtype === 'bool') return Uint8Array.from(listed);
  if (dtype === 'int64') return view(BigInt64Array.from(tensor.int64Data ?? [], BigInt));
  if (dtype === 'uint64') return view(BigUint64Array.from(tensor.uint64Data ?? [], BigInt));
  if (dtype === 'uint32') return view(Uint32Array.from(tensor.uint64Data ?? [], Number));
  return view(tensorValues(tensor) ?? new Uint8Array());
}

function view(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
