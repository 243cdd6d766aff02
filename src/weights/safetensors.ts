import { InvalidFileError } from '../errors.js';
import { isObject, parseJson, type OpenFile } from './bytes.js';
import type { NamedTensor, WeightFile, WeightType } from './types.js';
import { claimedBytes, namedTensor } from './values.js';

/** https://github.com/huggingface/safetensors#format */
const TYPES: Readonly<Record<string, WeightType>> = {
  F64: 'float64', F32: 'float32', F16: 'float16', BF16: 'bfloat16', I64: 'int64', I32: 'int32', I16: 'int16', I8: 'int8',
  U64: 'uint64', U32: 'uint32', U16: 'uint16', U8: 'uint8', BOOL: 'bool',
};
/** The format's own limit. */
const MOST_HEADER = 100_000_000;

/** safetensors: length of the header (8 bytes), the header as JSON, the values. Tensors come in the order of their values. */
export async function readSafetensors(file: OpenFile): Promise<WeightFile> {
  const { path } = file;
  const length = new DataView((await file.read(0, 8)).buffer).getBigUint64(0, true);
  if (length > BigInt(Math.min(MOST_HEADER, file.size - 8))) throw new InvalidFileError(path, `expected a safetensors header inside of the file, found one of ${length} bytes`, { advice: 'check that the file is complete' });
  const start = 8 + Number(length);
  const header = parseJson(path, 'the safetensors header', await file.read(8, Number(length)));
  if (!isObject(header)) throw new InvalidFileError(path, 'expected an object as safetensors header');
  const tensors: { readonly tensor: NamedTensor; readonly from: number }[] = [];
  let metadata: Readonly<Record<string, string>> = {};
  for (const [name, entry] of Object.entries(header)) {
    if (!isObject(entry)) throw new InvalidFileError(path, `expected an object for ${name} in the safetensors header`);
    if (name === '__metadata__') {
      metadata = Object.fromEntries(Object.entries(entry).map(([key, value]) => [key, String(value)]));
      continue;
    }
    const dtype = TYPES[String(entry['dtype'])];
    if (dtype === undefined) throw new InvalidFileError(path, `expected a type of ${name} among ${Object.keys(TYPES).join(', ')}, found ${String(entry['dtype'])}`);
    const shape = numbers(entry['shape']);
    const offsets = numbers(entry['data_offsets']);
    const [from, to] = offsets ?? [];
    if (shape === undefined || from === undefined || to === undefined || from < 0 || to < from) throw new InvalidFileError(path, `expected shape and data_offsets of ${name} to be lists of whole numbers`);
    const bytes = claimedBytes(path, name, dtype, shape, Math.max(0, file.size - start - from));
    if (bytes !== to - from) throw new InvalidFileError(path, `expected ${bytes} bytes of ${name} (${dtype} [${shape.join(', ')}]), found ${to - from}`);
    tensors.push({ from, tensor: namedTensor(path, { name, dtype, shape }, () => file.read(start + from, bytes)) });
  }
  tensors.sort((a, b) => a.from - b.from);
  return { path, format: 'safetensors', tensors: tensors.map(({ tensor }) => tensor), metadata, close: () => file.close() };
}

function numbers(value: unknown): number[] | undefined {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item)) ? value as number[] : undefined;
}
