import { InvalidFileError } from '../errors.js';
import { openFile, type OpenFile } from './bytes.js';
import { readKerasArchive } from './keras-archive.js';
import { readKerasH5 } from './keras-h5.js';
import { readOnnx } from './onnx.js';
import { readPytorch } from './pytorch.js';
import { readSafetensors } from './safetensors.js';
import { readTfjs } from './tfjs.js';
import type { WeightFile } from './types.js';

const HDF5_SIGNATURE = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a];
const KNOWN = 'Keras .h5 or .keras, .safetensors, TensorFlow.js model.json, PyTorch .pth or .pt, or .onnx';

/**
 * Opens a file of weights of another library and lists its tensors; nothing in it is run. What kind it is its first bytes
 * say, its name only where those do not.
 * @throws {InvalidFileError} if it is of no kind that is read, cut off or damaged; {@link WeightFile.close} it otherwise.
 */
export async function readWeights(path: string): Promise<WeightFile> {
  const file = await openFile(path);
  try {
    const read = await readerOf(file);
    const found = await read(file);
    checkNames(found);
    return found;
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
}

async function readerOf(file: OpenFile): Promise<(file: OpenFile) => Promise<WeightFile>> {
  const { path } = file;
  if (file.size === 0) throw new InvalidFileError(path, `expected ${KNOWN}, found an empty file`);
  const head = await file.read(0, Math.min(16, file.size));
  const starts = (bytes: readonly number[]): boolean => bytes.every((byte, index) => head[index] === byte);
  const ending = /\.[^./\\]+$/.exec(path.toLowerCase())?.[0] ?? '';
  if (new TextDecoder('latin1').decode(head).startsWith('version https://')) throw new InvalidFileError(path, 'expected weights, found a Git LFS pointer to them', { advice: 'fetch them with: git lfs pull' });
  if (starts(HDF5_SIGNATURE)) return readKerasH5;
  if (starts([0x50, 0x4b])) return ending === '.keras' ? readKerasArchive : readPytorch;
  if (starts([0x80, 0x02, 0x8a, 0x0a])) return readPytorch;
  // An 8-byte length, then JSON.
  if (head[8] === 0x7b && head[7] === 0) return readSafetensors;
  if (starts([0x7b]) || ending === '.json') return readTfjs;
  if (ending === '.safetensors') return readSafetensors;
  if (ending === '.onnx') return readOnnx;
  if (ending === '.pth' || ending === '.pt') return readPytorch;
  throw new InvalidFileError(path, `expected ${KNOWN}, found a file of another kind`);
}

function checkNames({ path, tensors }: WeightFile): void {
  const seen = new Set<string>();
  for (const { name } of tensors) {
    if (seen.has(name)) throw new InvalidFileError(path, `expected names of tensors that differ, found ${name} twice`);
    seen.add(name);
  }
}
