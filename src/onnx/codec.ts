import protobuf from 'protobufjs';
import { ModelError } from '../errors.js';
import { ONNX_SCHEMA } from './schema.js';
import type { OnnxModel } from './types.js';

const modelType = protobuf.Root.fromJSON({ nested: { onnx: { nested: ONNX_SCHEMA } } }).lookupType('onnx.ModelProto');

/**
 * Reads the bytes of an ONNX file.
 * @param name what to call the model in errors, usually its path
 * @throws {ModelError} if the bytes are not an ONNX model.
 */
export function decodeModel(bytes: Uint8Array, name = 'model'): OnnxModel {
  let model: OnnxModel;
  try {
    const message = modelType.decode(bytes);
    model = fromBigInts(modelType.toObject(message, { longs: BigInt, arrays: true })) as OnnxModel;
  } catch (cause) {
    throw new ModelError(name, 'expected an ONNX model, found bytes that are not one', { cause, advice: 'check that the file is an .onnx file and complete' });
  }
  // Nearly any short text decodes as some protobuf message; a model has a version, operators and a graph.
  if (model.irVersion === undefined || model.graph === undefined || model.graph.node.length === 0) {
    throw new ModelError(name, 'expected an ONNX model, found no graph in it', { advice: 'check that the file is an .onnx file and complete' });
  }
  return model;
}

/** The bytes of an ONNX file. The same model gives the same bytes. */
export function encodeModel(model: OnnxModel): Uint8Array {
  const message = modelType.fromObject(toStrings(model) as Record<string, unknown>);
  const bytes = modelType.encode(message).finish();
  // protobufjs hands out a Buffer in Node; a plain view keeps the type honest.
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Bigints that a number holds exactly become numbers. */
function fromBigInts(value: unknown): unknown {
  if (typeof value === 'bigint') {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  return walk(value, fromBigInts);
}

/** protobufjs takes 64-bit integers as numbers or decimal strings, not as bigints. */
function toStrings(value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : walk(value, toStrings);
}

function walk(value: unknown, change: (value: unknown) => unknown): unknown {
  if (Array.isArray(value)) return value.length > 0 && typeof value[0] !== 'object' && typeof value[0] !== 'bigint' && !value.some((item) => typeof item === 'bigint') ? value : value.map(change);
  // protobufjs reads bytes as Buffers in Node; the same bytes as a plain view.
  if (value instanceof Uint8Array) return value.constructor === Uint8Array ? value : new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined).map(([key, item]) => [key, change(item)]));
}
