import { InvalidFileError } from '../errors.js';
import type { NamedTensor, WeightType } from './types.js';

/** Bytes of one value. */
export const VALUE_BYTES: Readonly<Record<WeightType, number>> = {
  float32: 4, float64: 8, float16: 2, bfloat16: 2, int8: 1, uint8: 1, int16: 2, uint16: 2, int32: 4, uint32: 4, int64: 8, uint64: 8, bool: 1,
};

/** More axes than any network's weights have. */
const MOST_AXES = 32;

/**
 * Checks sizes that a file claims.
 * @returns the tensor's size in bytes
 * @throws {InvalidFileError} if they are no sizes, or more bytes than `available`.
 */
export function claimedBytes(file: string, name: string, dtype: WeightType, shape: readonly number[], available: number): number {
  if (shape.length > MOST_AXES || shape.some((size) => !Number.isSafeInteger(size) || size < 0)) {
    throw new InvalidFileError(file, `expected sizes of ${name} that are whole numbers, found [${shape.slice(0, 8).join(', ')}]`);
  }
  const bytes = shape.reduce((product, size) => product * size, VALUE_BYTES[dtype]);
  if (!(bytes <= available)) throw new InvalidFileError(file, `expected ${bytes} bytes of ${name} (${dtype} [${shape.join(', ')}]), found room for ${available}`, { advice: 'check that the file is complete' });
  return bytes;
}

/** A tensor whose bytes `read` gives; their number is checked. */
export function namedTensor(file: string, facts: Pick<NamedTensor, 'name' | 'dtype' | 'shape' | 'layer'>, read: () => Promise<Uint8Array>): NamedTensor {
  const expected = facts.shape.reduce((product, size) => product * size, VALUE_BYTES[facts.dtype]);
  const bytes = async (): Promise<Uint8Array> => {
    const found = await read();
    if (found.length !== expected) throw new InvalidFileError(file, `expected ${expected} bytes of ${facts.name}, found ${found.length}`, { advice: 'check that the file is complete' });
    return found;
  };
  return { ...facts, bytes, floats: async () => toFloats(await bytes(), facts.dtype) };
}

/** Little-endian values of any type as 32-bit floats; 64-bit ones are rounded. */
export function toFloats(bytes: Uint8Array, dtype: WeightType): Float32Array {
  // Inside a file values need not be aligned.
  const own = bytes.byteOffset % VALUE_BYTES[dtype] === 0 ? bytes : bytes.slice();
  const count = own.length / VALUE_BYTES[dtype];
  const { buffer, byteOffset } = own;
  switch (dtype) {
    case 'float32': return new Float32Array(buffer, byteOffset, count);
    case 'float64': return Float32Array.from(new Float64Array(buffer, byteOffset, count));
    case 'float16': return widen(new Uint16Array(buffer, byteOffset, count), halfToFloat);
    case 'bfloat16': return new Float32Array(Uint32Array.from(new Uint16Array(buffer, byteOffset, count), (bits) => bits << 16).buffer);
    case 'int8': return Float32Array.from(new Int8Array(buffer, byteOffset, count));
    case 'uint8': case 'bool': return Float32Array.from(new Uint8Array(buffer, byteOffset, count));
    case 'int16': return Float32Array.from(new Int16Array(buffer, byteOffset, count));
    case 'uint16': return Float32Array.from(new Uint16Array(buffer, byteOffset, count));
    case 'int32': return Float32Array.from(new Int32Array(buffer, byteOffset, count));
    case 'uint32': return Float32Array.from(new Uint32Array(buffer, byteOffset, count));
    case 'int64': return Float32Array.from(new BigInt64Array(buffer, byteOffset, count), Number);
    case 'uint64': return Float32Array.from(new BigUint64Array(buffer, byteOffset, count), Number);
  }
}

function widen(bits: Uint16Array, of: (bits: number) => number): Float32Array {
  const values = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) values[i] = of(bits[i]!);
  return values;
}

/** IEEE 754 binary16: 1 sign bit, 5 of the exponent, 10 of the fraction. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
