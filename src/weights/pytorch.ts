import { InvalidFileError } from '../errors.js';
import { readArchive, type Member } from '../zip/index.js';
import type { OpenFile } from './bytes.js';
import { PickleCutOff, PickleDict, PickleGlobal, unpickle, type PickleRules } from './pickle.js';
import type { NamedTensor, WeightFile, WeightType } from './types.js';
import { claimedBytes, namedTensor, VALUE_BYTES } from './values.js';

/** Storage classes of torch/storage.py by name. */
const STORAGES: Readonly<Record<string, WeightType>> = {
  FloatStorage: 'float32', DoubleStorage: 'float64', HalfStorage: 'float16', BFloat16Storage: 'bfloat16', LongStorage: 'int64',
  IntStorage: 'int32', ShortStorage: 'int16', CharStorage: 'int8', ByteStorage: 'uint8', BoolStorage: 'bool',
};
/** Functions of PyTorch that build a tensor from a storage: `(storage, offset, size, stride, …)`. */
const REBUILD = ['torch._utils._rebuild_tensor_v2', 'torch._utils._rebuild_tensor'];
/** Functions that hand on their first argument. */
const WRAP = ['torch._utils._rebuild_parameter', 'torch._utils._rebuild_parameter_with_state', 'torch._tensor._rebuild_from_type_v2'];
/** Keys under which training scripts keep the state dict. */
const NESTED = ['state_dict', 'model_state_dict', 'model_state', 'model', 'net', 'network', 'weights', 'params_ema', 'params', 'ema_state_dict', 'module'];
const LEGACY_MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_PROTOCOL = 1001;
/** A pickle of weights names tensors; it does not hold their values. */
const MOST_PICKLE = 64 * 2 ** 20;

/** Where a storage's values are. `read` takes values, not bytes. */
interface Storage {
  readonly dtype: WeightType;
  readonly key: string;
  readonly count: number;
}

interface TensorView {
  readonly storage: Storage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
}

const isView = (value: unknown): value is TensorView => typeof value === 'object' && value !== null && 'storage' in value && 'stride' in value;

/**
 * A state dict of PyTorch, in a ZIP archive (since 1.6) or as pickles one after the other (before). Nothing in it is run:
 * only tensors, containers, texts and numbers are read; a pickled module or any other class is refused by name. Devices
 * that tensors were on are not looked at.
 */
export async function readPytorch(file: OpenFile): Promise<WeightFile> {
  const head = await file.read(0, Math.min(4, file.size));
  return head[0] === 0x50 && head[1] === 0x4b ? readZip(file) : readLegacy(file);
}

async function readZip(file: OpenFile): Promise<WeightFile> {
  const { path } = file;
  const members = await readArchive(file, 'save it as .safetensors');
  const pickle = [...members.keys()].find((name) => name === 'data.pkl' || name.endsWith('/data.pkl'));
  if (pickle === undefined) throw new InvalidFileError(path, 'expected data.pkl in a PyTorch archive, found none');
  const folder = pickle.slice(0, -'data.pkl'.length);
  if (members.has(`${folder}constants.pkl`)) throw new InvalidFileError(path, 'expected a state dict, found a TorchScript program', { advice: 'save model.state_dict(), or export to ONNX' });
  const order = members.get(`${folder}byteorder`);
  if (order !== undefined && new TextDecoder().decode(await order.read()).trim() === 'big') throw new InvalidFileError(path, 'expected little-endian values, found big-endian ones');
  const main = members.get(pickle)!;
  if (main.size > MOST_PICKLE) throw new InvalidFileError(path, `expected data.pkl below ${MOST_PICKLE / 2 ** 20} MB, found ${main.size} bytes`);
  const { value } = unpickle(path, await main.read(), 0, rules(path));
  const storageOf = (storage: Storage): Member => {
    const member = members.get(`${folder}data/${storage.key}`);
    if (member === undefined) throw new InvalidFileError(path, `expected data/${storage.key} in the archive, found no such file`, { advice: 'check that the file is complete' });
    claimedBytes(path, `data/${storage.key}`, storage.dtype, [storage.count], member.size);
    return member;
  };
  const tensors = await tensorsOf(path, value, (storage) => {
    const member = storageOf(storage);
    return member.part ?? (async (from, length) => (await member.read()).subarray(from, from + length));
  });
  return { path, format: 'pytorch', tensors, metadata: {}, close: () => file.close() };
}

async function readLegacy(file: OpenFile): Promise<WeightFile> {
  const { path } = file;
  // Pickles come first, values after them; how long the pickles are nobody says, so more is read until they end.
  let bytes = await file.read(0, Math.min(file.size, 2 ** 20));
  let parts: ReturnType<typeof readPickles>;
  for (;;) {
    try {
      parts = readPickles(path, bytes);
      break;
    } catch (error) {
      if (!(error instanceof PickleCutOff) || bytes.length >= Math.min(file.size, MOST_PICKLE)) throw error;
      bytes = await file.read(0, Math.min(file.size, bytes.length * 4, MOST_PICKLE));
    }
  }
  // After the pickles: for each storage in the order of its keys the count of values (8 bytes) and the values.
  const places = new Map<string, { readonly from: number; readonly count: number }>();
  let at = parts.end;
  for (const key of parts.keys) {
    const storage = parts.storages.get(key);
    const count = Number(new DataView((await file.read(at, 8)).buffer).getBigInt64(0, true));
    if (storage === undefined) throw new InvalidFileError(path, `expected a tensor of storage ${key}, found none`);
    places.set(key, { from: at + 8, count });
    at += 8 + claimedBytes(path, `storage ${key}`, storage.dtype, [count], file.size - at - 8);
  }
  const tensors = await tensorsOf(path, parts.value, (storage) => {
    const place = places.get(storage.key);
    if (place === undefined || place.count < storage.count) throw new InvalidFileError(path, `expected ${storage.count} values in storage ${storage.key}, found ${place?.count ?? 'none'}`);
    return (from, length) => file.read(place.from + from, length);
  });
  return { path, format: 'pytorch', tensors, metadata: {}, close: () => file.close() };
}

function readPickles(path: string, bytes: Uint8Array): { readonly value: unknown; readonly keys: readonly string[]; readonly storages: ReadonlyMap<string, Storage>; readonly end: number } {
  const storages = new Map<string, Storage>();
  const own = rules(path, storages);
  const magic = unpickle(path, bytes, 0, own);
  if (magic.value !== LEGACY_MAGIC) throw new InvalidFileError(path, 'expected PyTorch\'s magic number, found another pickle');
  const protocol = unpickle(path, bytes, magic.end, own);
  if (protocol.value !== LEGACY_PROTOCOL) throw new InvalidFileError(path, `expected version ${LEGACY_PROTOCOL} of PyTorch's format, found ${String(protocol.value)}`);
  const system = unpickle(path, bytes, protocol.end, own);
  if (system.value instanceof PickleDict && system.value.get('little_endian') === false) throw new InvalidFileError(path, 'expected little-endian values, found big-endian ones');
  const { value, end } = unpickle(path, bytes, system.end, own);
  const keys = unpickle(path, bytes, end, own);
  if (!Array.isArray(keys.value)) throw new InvalidFileError(path, 'expected a list of storages behind the tensors, found something else');
  return { value, keys: keys.value.map(String), storages, end: keys.end };
}

function rules(path: string, storages = new Map<string, Storage>()): PickleRules {
  const refuse = (name: string): InvalidFileError => new InvalidFileError(path, `expected tensors, containers, texts and numbers, found an object of ${name}, which is not read`, { advice: 'save model.state_dict(), or .safetensors' });
  return {
    call(callable, args) {
      const name = callable.text;
      if (REBUILD.includes(name)) return rebuild(path, args);
      if (WRAP.includes(name)) {
        const inner = name.endsWith('_from_type_v2') ? args[2] : args[0];
        if (name.endsWith('_from_type_v2') && args[0] instanceof PickleGlobal && REBUILD.includes(args[0].text)) return rebuild(path, Array.isArray(inner) ? inner as readonly unknown[] : []);
        if (isView(inner)) return inner;
      }
      if (name === 'collections.OrderedDict') return pairs(path, args);
      if (name === 'torch.Size' && Array.isArray(args[0])) return args[0] as unknown[];
      throw refuse(name);
    },
    persistent(id) {
      // ('storage', class, key, device, count) and, before 1.6, a view, which is None or (key, offset, count).
      if (!Array.isArray(id) || id[0] !== 'storage' || !(id[1] instanceof PickleGlobal)) throw new InvalidFileError(path, 'expected a reference to a storage, found another');
      const dtype = STORAGES[id[1].name];
      if (dtype === undefined || !['torch', 'torch.cuda', 'torch.storage'].includes(id[1].module)) throw refuse(id[1].text);
      const view: unknown = id[5];
      if (view !== undefined && view !== null) throw new InvalidFileError(path, 'expected whole storages, found a view of one');
      const count: unknown = id[4];
      if (typeof count !== 'number' || count < 0) throw new InvalidFileError(path, `expected a count of values in storage ${String(id[2])}`);
      const storage: Storage = { dtype, key: String(id[2]), count };
      storages.set(storage.key, storage);
      return storage;
    },
  };
}

function pairs(path: string, args: readonly unknown[]): PickleDict {
  const dict = new PickleDict();
  const given: unknown = args[0] ?? [];
  for (const pair of Array.isArray(given) ? given as readonly unknown[] : [given]) {
    if (!Array.isArray(pair) || pair.length !== 2) throw new InvalidFileError(path, 'expected pairs in an OrderedDict, found others');
    dict.entries.push([pair[0], pair[1]]);
  }
  return dict;
}

function rebuild(path: string, args: readonly unknown[]): TensorView {
  const [storage, offset, shape, stride] = args;
  const whole = (value: unknown): value is number[] => Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && (item as number) >= 0);
  if (typeof storage !== 'object' || storage === null || !('key' in storage) || !Number.isSafeInteger(offset) || (offset as number) < 0 || !whole(shape) || !whole(stride) || shape.length !== stride.length) {
    throw new InvalidFileError(path, 'expected storage, offset, sizes and strides of a tensor, found others');
  }
  return { storage: storage as Storage, offset: offset as number, shape, stride };
}

type ReadPart = (from: number, length: number) => Promise<Uint8Array>;

async function tensorsOf(path: string, value: unknown, storageOf: (storage: Storage) => ReadPart): Promise<NamedTensor[]> {
  const tensors: NamedTensor[] = [];
  for (const [name, found] of stateDict(path, value)) {
    const { storage, shape, stride, offset } = found;
    const bytes = claimedBytes(path, name, storage.dtype, shape, Number.MAX_SAFE_INTEGER);
    const size = VALUE_BYTES[storage.dtype];
    const last = bytes === 0 ? offset - 1 : shape.reduce((sum, length, axis) => sum + (length - 1) * stride[axis]!, offset);
    if (last >= storage.count) throw new InvalidFileError(path, `expected the values of ${name} (${storage.dtype} [${shape.join(', ')}]) in its storage, found ${storage.count} values there`);
    // A repeated axis (stride 0) may claim any size from few values.
    if (bytes > storage.count * size) throw new InvalidFileError(path, `expected as many values in ${name} as are stored, found ${bytes / size} made of ${storage.count}`);
    const read = storageOf(storage);
    const span = bytes === 0 ? 0 : last - offset + 1;
    tensors.push(namedTensor(path, { name, dtype: storage.dtype, shape }, async () => inOrder(await read(offset * size, span * size), shape, stride, size)));
  }
  return Promise.resolve(tensors);
}

/** The tensors by name: the dict itself, or one that a training script put it in. */
function stateDict(path: string, value: unknown, depth = 0): (readonly [string, TensorView])[] {
  if (!(value instanceof PickleDict)) throw new InvalidFileError(path, 'expected a state dict, found another object', { advice: 'save model.state_dict(), or .safetensors' });
  const direct = value.entries.filter((entry): entry is [string, TensorView] => typeof entry[0] === 'string' && isView(entry[1]));
  if (direct.length > 0) {
    const names = new Set(direct.map(([name]) => name));
    if (names.size !== direct.length) throw new InvalidFileError(path, 'expected every name once in the state dict, found one twice');
    return direct;
  }
  if (depth < 3) {
    for (const key of NESTED) {
      const inner = value.get(key);
      if (inner instanceof PickleDict) return stateDict(path, inner, depth + 1);
    }
  }
  const keys = value.entries.slice(0, 6).map(([key]) => String(key));
  throw new InvalidFileError(path, `expected tensors by name, found ${keys.length === 0 ? 'nothing' : `the keys ${keys.join(', ')}`}`, { advice: 'save model.state_dict(), or .safetensors' });
}

/** Row-major values of a strided view. */
function inOrder(bytes: Uint8Array, shape: readonly number[], stride: readonly number[], size: number): Uint8Array {
  let expected = 1;
  let dense = true;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis]! > 1 && stride[axis] !== expected) dense = false;
    expected *= shape[axis]!;
  }
  if (dense) return bytes;
  const out = new Uint8Array(expected * size);
  const place = new Array<number>(shape.length).fill(0);
  for (let at = 0, from = 0; at < expected; at++) {
    out.set(bytes.subarray(from * size, from * size + size), at * size);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += stride[axis]!;
      place[axis]! += 1;
      if (place[axis]! < shape[axis]!) break;
      from -= stride[axis]! * shape[axis]!;
      place[axis] = 0;
    }
  }
  return out;
}
