import { copyFileSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ModelError } from '../../src/errors.js';
import { importModel } from '../../src/tasks/models.js';
import { loadTensorflow } from '../../src/train/index.js';
import { root, scratch } from '../places.js';
import type { Tensorflow } from '../../models/architectures/index.js';
import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs';

const folder = scratch();

/** A network as TensorFlow.js saves it. @returns its model.json */
async function saved(name: string, make: (tf: Tensorflow) => LayersModel): Promise<string> {
  const { tf } = await loadTensorflow();
  const network = make(tf);
  const path = join(folder, `${name}.json`);
  await network.save(tf.io.withSaveHandler((artifacts) => {
    writeFileSync(join(folder, `${name}.bin`), new Uint8Array(artifacts.weightData as ArrayBuffer));
    writeFileSync(path, JSON.stringify({ modelTopology: artifacts.modelTopology, weightsManifest: [{ paths: [`${name}.bin`], weights: artifacts.weightSpecs }] }));
    return Promise.resolve({ modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' as const } });
  }));
  network.dispose();
  return path;
}

/** One number of a picture. */
const oneNumber = (activation: 'linear' | 'sigmoid') => (tf: Tensorflow): LayersModel => tf.sequential({
  layers: [tf.layers.conv2d({ inputShape: [16, 16, 3], filters: 2, kernelSize: 3 }), tf.layers.globalAveragePooling2d({}), tf.layers.dense({ units: 1, activation })],
});

describe('a whole model', () => {
  it('of one number without sigmoid is refused; a card makes it a tagger', async () => {
    const file = await saved('amount', oneNumber('linear'));
    const output = join(folder, 'amount');
    await expect(importModel({ file, output })).rejects.toThrow(/amount\.json: expected scores of several classes, or of one with sigmoid, found one number/);
    const card = join(folder, 'tagger.json');
    writeFileSync(card, JSON.stringify({ task: 'multi-label-classification', output: { activation: 'sigmoid' } }));
    expect((await importModel({ file, card, output })).card).toMatchObject({ task: 'multi-label-classification', output: { activation: 'sigmoid', classes: [{ name: 'class-0' }] } });
    writeFileSync(card, JSON.stringify({ task: 'classification' }));
    await expect(importModel({ file, card, output, overwrite: true })).rejects.toThrow(/tagger\.json.*sigmoid or none for one class, found "softmax"/);
  });

  it('of one sigmoid is a tagger of one tag', async () => {
    const { card } = await importModel({ file: await saved('binary', oneNumber('sigmoid')), output: join(folder, 'binary') });
    expect(card).toMatchObject({ task: 'multi-label-classification', output: { activation: 'none', classes: [{ name: 'class-0' }] } });
  });

  it('of two pictures is refused with their sizes', async () => {
    const file = await saved('pair', (tf) => {
      const [a, b] = [tf.input({ shape: [8, 8, 3] }), tf.input({ shape: [8, 8, 1] })];
      return tf.model({ inputs: [a, b], outputs: tf.layers.conv2d({ filters: 2, kernelSize: 1 }).apply(tf.layers.concatenate().apply([a, b])) as SymbolicTensor });
    });
    await expect(importModel({ file, output: join(folder, 'pair') })).rejects.toThrow(/from \[8, 8, 3\] and \[8, 8, 1\] to \[8, 8, 2\]/);
    expect(existsSync(join(folder, 'pair'))).toBe(false);
  });

  it.each([true, false])('that scales samples itself: %s, is not to be scaled once more', async (itself) => {
    const file = await saved(`scaled-${itself}`, (tf) => tf.sequential({
      layers: [...(itself ? [tf.layers.rescaling({ inputShape: [8, 8, 3], scale: 1 / 255 })] : []), tf.layers.conv2d({ inputShape: [8, 8, 3], filters: 2, kernelSize: 1, activation: 'softmax' })],
    }));
    const notes = (await importModel({ file, output: join(folder, `scaled-${itself}`) })).notes.join();
    expect(notes.includes('a card needs no input.value_scaling')).toBe(itself);
    expect(notes.includes('input.value_scaling in a card says how')).toBe(!itself);
  });

  it('of oblong maps says that segment refuses it', async () => {
    const file = await saved('oblong', (tf) => tf.sequential({ layers: [tf.layers.conv2d({ inputShape: [16, 24, 3], filters: 2, kernelSize: 3, padding: 'same', activation: 'softmax' })] }));
    expect((await importModel({ file, output: join(folder, 'oblong') })).notes.join()).toMatch(/24 × 16 pixels: segment cuts square patches only/);
  });

  it('is named in its faults by its own file, not by one made on the way', async () => {
    const file = await saved('growing', (tf) => tf.sequential({ layers: [tf.layers.conv2dTranspose({ inputShape: [16, 16, 3], filters: 2, kernelSize: 2, strides: 2 })] }));
    const found: unknown = await importModel({ file, output: join(folder, 'growing') }).catch((error: unknown) => error);
    expect(found).toBeInstanceOf(ModelError);
    expect((found as Error).message).toMatch(new RegExp(`^${file.replace(/[.\\]/g, '\\$&')}: it gives more pixels`));
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([]);
  });

  it('with a layer that is not known is told how it can be run all the same', async () => {
    const file = join(folder, 'strange.keras');
    copyFileSync(join(root, 'fixtures', 'weights', 'strange.keras'), file);
    await expect(importModel({ file, output: join(folder, 'strange') })).rejects.toMatchObject({ advice: expect.stringMatching(/tf2onnx/) as string });
  });
});
