import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvalidFileError } from '../errors.js';
import { readArchive, type Member } from '../zip/index.js';
import type { OpenFile } from './bytes.js';
import { openHdf5 } from './hdf5.js';
import { configuration, keras3Tensors } from './keras-h5.js';
import type { WeightFile } from './types.js';

const WEIGHTS = 'model.weights.h5';
const COPY_AT_A_TIME = 4 * 2 ** 20;
const MOST_CONFIG = 64 * 2 ** 20;

/** A `.keras` archive of Keras 3. The weights are an HDF5 file, which is unpacked to a temporary one for as long as it is open. */
export async function readKerasArchive(file: OpenFile): Promise<WeightFile> {
  const { path } = file;
  const members = await readArchive(file, 'save it as .safetensors');
  const config = members.get('config.json');
  const weights = members.get(WEIGHTS);
  if (config === undefined || weights === undefined) throw new InvalidFileError(path, `expected config.json and ${WEIGHTS} in a .keras archive, found ${[...members.keys()].slice(0, 5).join(', ') || 'nothing'}`);
  if (config.size > MOST_CONFIG) throw new InvalidFileError(path, `expected config.json below ${MOST_CONFIG / 2 ** 20} MB, found ${config.size} bytes`);
  const model = configuration(path, await config.read(), '3');
  const folder = await mkdtemp(join(tmpdir(), 'tilewright-weights-'));
  const drop = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    // The name is ours: what the archive calls its files is no path here.
    const place = join(folder, 'weights.h5');
    await copyMember(weights, place);
    await file.close();
    const hdf5 = await openHdf5(path, place, weights.size);
    try {
      return { path, format: 'keras-archive', tensors: keras3Tensors(path, hdf5), model, metadata: {}, close: async () => { await hdf5.close(); await drop(); } };
    } catch (error) {
      await hdf5.close();
      throw error;
    }
  } catch (error) {
    await drop();
    throw error;
  }
}

async function copyMember(member: Member, place: string): Promise<void> {
  const out = await open(place, 'wx');
  try {
    if (member.part === undefined) await out.writeFile(await member.read());
    else for (let at = 0; at < member.size; at += COPY_AT_A_TIME) await out.writeFile(await member.part(at, Math.min(COPY_AT_A_TIME, member.size - at)));
  } finally {
    await out.close();
  }
}
