import { open } from 'node:fs/promises';
import { resolve, relative, isAbsolute } from 'node:path';
import { ModelError } from '../errors.js';
import type { OnnxModel, OnnxTensor } from '../onnx/index.js';

/** Protocol buffers cannot be larger than 2 GiB; a margin is left for the graph. */
const MOST_BYTES = 2 ** 31 - 2 ** 26;

/** Whether some of the model's constants are kept in other files (PyTorch's newer exporter does so). */
export function hasExternalData(model: OnnxModel): boolean {
  return (model.graph.initializer ?? []).some((tensor) => tensor.dataLocation === 1);
}

/**
 * The same model with its external constants read in.
 * @param folder The model's folder; constants may only be in it.
 * @throws {ModelError} if a file is missing, too short or outside of the folder, or all together exceed 2 GiB.
 */
export async function inlineExternalData(model: OnnxModel, folder: string, name: string): Promise<OnnxModel> {
  let total = 0;
  const initializer: OnnxTensor[] = [];
  for (const tensor of model.graph.initializer ?? []) {
    if (tensor.dataLocation !== 1) { initializer.push(tensor); continue; }
    const rawData = await readExternal(tensor, folder, name);
    total += rawData.length;
    if (total > MOST_BYTES) throw new ModelError(name, `its weights take more than ${Math.floor(MOST_BYTES / 2 ** 20)} MB, the most that one ONNX file can hold`);
    initializer.push({ ...tensor, rawData, externalData: [], dataLocation: 0 });
  }
  return { ...model, graph: { ...model.graph, initializer } };
}

async function readExternal(tensor: OnnxTensor, folder: string, name: string): Promise<Uint8Array> {
  const facts = new Map((tensor.externalData ?? []).map(({ key, value }) => [key, value]));
  const location = facts.get('location') ?? '';
  const path = resolve(folder, location);
  const inside = relative(folder, path);
  if (location === '' || inside.startsWith('..') || isAbsolute(inside)) {
    throw new ModelError(name, `weights of ${tensor.name ?? 'a tensor'} are said to be in ${location || 'no file'}, outside of the model's folder`);
  }
  const advice = `put ${location} beside the model`;
  const file = await open(path).catch((cause: unknown) => { throw new ModelError(name, `its weights are in ${location}, which cannot be opened`, { cause, advice }); });
  try {
    const offset = Number(facts.get('offset') ?? 0);
    const { size } = await file.stat();
    const length = Number(facts.get('length') ?? size - offset);
    if (!(Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0 && offset + length <= size)) {
      throw new ModelError(name, `${location} ends before the weights of ${tensor.name ?? 'a tensor'}`, { advice });
    }
    const bytes = new Uint8Array(length);
    const { bytesRead } = await file.read(bytes, 0, length, offset);
    if (bytesRead !== length) throw new ModelError(name, `${location} ends before the weights of ${tensor.name ?? 'a tensor'}`, { advice });
    return bytes;
  } finally {
    await file.close();
  }
}
