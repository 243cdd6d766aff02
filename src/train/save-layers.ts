import type { LayersModel, io } from '@tensorflow/tfjs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Tensorflow } from '../../models/architectures/index.js';
import { writeWhole } from './write-whole.js';

/** Writes a model in TensorFlow.js's layers format, with any engine: `model.json` and `weights.bin` in this folder. */
export async function saveLayers(tf: Tensorflow, model: LayersModel, folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await model.save(tf.io.withSaveHandler(async (artifacts) => {
    const { modelTopology, weightSpecs, weightData } = artifacts;
    const manifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
    await writeWhole(folder, 'weights.bin', new Uint8Array(tf.io.CompositeArrayBuffer.join(weightData)));
    await writeWhole(folder, 'model.json', JSON.stringify({ format: 'layers-model', generatedBy: 'tilewright', modelTopology, weightsManifest: manifest }));
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' as const } };
  }));
}

/** Names and shapes of the weights in a folder that {@link saveLayers} wrote, in the model's order; no values are read. */
export async function weightShapes(folder: string): Promise<readonly { readonly name: string; readonly shape: readonly number[] }[]> {
  const { weightsManifest } = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8')) as { weightsManifest: { weights: io.WeightsManifestEntry[] }[] };
  return weightsManifest[0]!.weights.map(({ name, shape }) => ({ name, shape }));
}

/** Reads a folder that {@link saveLayers} wrote. */
export async function loadLayers(tf: Tensorflow, folder: string): Promise<LayersModel> {
  const { modelTopology, weightsManifest } = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8')) as { modelTopology: object; weightsManifest: { weights: io.WeightsManifestEntry[] }[] };
  const bytes = await readFile(join(folder, 'weights.bin'));
  const weightData = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  return tf.loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs: weightsManifest[0]!.weights, weightData }));
}
