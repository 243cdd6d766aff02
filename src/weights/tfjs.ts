import { realpath } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { InvalidFileError } from '../errors.js';
import { isObject, openFile, parseJson, type JsonObject, type OpenFile } from './bytes.js';
import type { NamedTensor, WeightFile, WeightType } from './types.js';
import { claimedBytes, namedTensor, toFloats } from './values.js';

/** Types of TensorFlow.js's weight manifest (io/types.ts of tfjs-core). */
const TYPES: Readonly<Record<string, WeightType>> = { float32: 'float32', int32: 'int32', bool: 'bool', uint8: 'uint8', uint16: 'uint16', float16: 'float16' };
/** A model.json has layers, not weights. */
const MOST_JSON = 256 * 2 ** 20;

interface Shard { readonly file: OpenFile; readonly start: number }

/** A TensorFlow.js layers model. `format` may be missing, as in files of its first versions. */
export async function readTfjs(file: OpenFile): Promise<WeightFile> {
  const { path } = file;
  if (file.size > MOST_JSON) throw new InvalidFileError(path, 'expected a model.json below 256 MB');
  const json = parseJson(path, 'the file', await file.read(0, file.size));
  await file.close();
  if (!isObject(json)) throw new InvalidFileError(path, 'expected a TensorFlow.js model.json, found other JSON');
  if (json['format'] === 'graph-model') throw new InvalidFileError(path, 'expected a TensorFlow.js layers model, found a graph model', { advice: 'save it as a layers model, or convert it to ONNX' });
  const manifest = json['weightsManifest'];
  const topology = json['modelTopology'];
  if (!Array.isArray(manifest) || !isObject(topology)) throw new InvalidFileError(path, 'expected modelTopology and weightsManifest of TensorFlow.js, found other JSON', { advice: 'give the model.json of a layers model' });
  const open: OpenFile[] = [];
  const close = async (): Promise<void> => { await Promise.all(open.splice(0).map((shard) => shard.close())); };
  try {
    const tensors: NamedTensor[] = [];
    for (const group of manifest as readonly unknown[]) tensors.push(...await readGroup(path, group, open));
    const config = isObject(topology['model_config']) ? topology['model_config'] : topology;
    if (typeof config['class_name'] !== 'string') throw new InvalidFileError(path, 'expected class_name in modelTopology');
    return { path, format: 'tfjs-layers', tensors, model: { kind: 'keras-2', config: { class_name: config['class_name'], config: config['config'] } }, metadata: {}, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** One group of the manifest: shards that are read as if they were one file, and the weights in it. */
async function readGroup(path: string, group: unknown, open: OpenFile[]): Promise<NamedTensor[]> {
  if (!isObject(group) || !Array.isArray(group['paths']) || !Array.isArray(group['weights'])) throw new InvalidFileError(path, 'expected paths and weights in each group of weightsManifest');
  const shards: Shard[] = [];
  let size = 0;
  for (const name of group['paths'] as readonly unknown[]) {
    const file = await openFile(await placeOf(path, String(name)));
    open.push(file);
    shards.push({ file, start: size });
    size += file.size;
  }
  let at = 0;
  return (group['weights'] as readonly unknown[]).map((entry) => {
    const { name, shape, dtype, packing } = describe(path, entry);
    const stored = packing?.dtype ?? dtype;
    const from = at;
    const bytes = claimedBytes(path, name, stored, shape, size - from);
    at += bytes;
    return namedTensor(path, { name, dtype, shape }, async () => unpack(await readAcross(shards, from, bytes), stored, dtype, packing));
  });
}

interface Packing { readonly dtype: WeightType; readonly scale: number; readonly min: number }

function describe(path: string, entry: unknown): { readonly name: string; readonly shape: number[]; readonly dtype: WeightType; readonly packing?: Packing } {
  if (!isObject(entry) || typeof entry['name'] !== 'string' || !Array.isArray(entry['shape'])) throw new InvalidFileError(path, 'expected name and shape of each weight in weightsManifest');
  const name = entry['name'];
  const type = (value: unknown): WeightType => {
    const found = TYPES[String(value)];
    if (found === undefined) throw new InvalidFileError(path, `expected a type of ${name} among ${Object.keys(TYPES).join(', ')}, found ${String(value)}`);
    return found;
  };
  const packed = entry['quantization'];
  const shape = entry['shape'] as number[];
  if (!isObject(packed)) return { name, shape, dtype: type(entry['dtype']) };
  return { name, shape, dtype: type(entry['dtype']), packing: { dtype: type(packed['dtype']), scale: number(packed, 'scale', 1), min: number(packed, 'min', 0) } };
}

function number(fields: JsonObject, name: string, otherwise: number): number {
  const value = fields[name];
  return typeof value === 'number' ? value : otherwise;
}

/** `value · scale + min`, as io_utils.ts of tfjs-core unpacks; float16 only widens. */
function unpack(bytes: Uint8Array, stored: WeightType, dtype: WeightType, packing: Packing | undefined): Uint8Array {
  if (packing === undefined) return bytes;
  const values = toFloats(bytes, stored);
  if (stored !== 'float16') for (let i = 0; i < values.length; i++) values[i] = values[i]! * packing.scale + packing.min;
  const out = dtype === 'int32' ? Int32Array.from(values, Math.round) : values;
  return new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
}

async function readAcross(shards: readonly Shard[], from: number, length: number): Promise<Uint8Array> {
  const out = new Uint8Array(length);
  for (const { file, start } of shards) {
    const first = Math.max(from, start);
    const last = Math.min(from + length, start + file.size);
    if (first < last) out.set(await file.read(first - start, last - first), first - from);
  }
  return out;
}

/** A shard's path: in the folder of model.json, links followed. */
async function placeOf(path: string, name: string): Promise<string> {
  const folder = await realpath(dirname(path));
  const wanted = join(folder, name);
  const real = await realpath(wanted).catch(() => wanted);
  const inside = relative(folder, real);
  if (isAbsolute(name) || inside === '' || inside.startsWith('..') || isAbsolute(inside)) throw new InvalidFileError(path, `expected weights in the folder of model.json, found ${name}`);
  return real;
}
