import type { Tensor } from '@tensorflow/tfjs';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findArchitecture, type NetworkOptions, type Tensorflow } from '../../models/architectures/index.js';
import { exportOnnx } from '../../src/train/index.js';

export const THEMES = ['forest', 'field', 'town', 'lake'] as const;

export interface ThemeModelOptions extends Partial<NetworkOptions> {
  readonly architecture: string;
  readonly size: number;
  /** Fields of the card's input beyond the usual ones. */
  readonly input?: object;
  readonly task?: string;
}

/** A classifier of patches with made-up weights, as training writes it. @returns its folder */
export function themeModel(tf: Tensorflow, folder: string, { architecture, input = {}, task = 'classification', ...options }: ThemeModelOptions): string {
  const bands = options.bands ?? 3;
  const network = findArchitecture(architecture)!.build(tf, { outputs: THEMES.length, normalization: 'unit', ...options });
  // Logits of about the same size and spread on any picture, so that all themes occur.
  tf.tidy(() => {
    const seen = network.logits.predict(tf.mul(tf.floor(tf.randomUniform([24, options.size, options.size, bands], 0, 5, 'float32', 3)), 60)) as Tensor;
    const { mean, variance } = tf.moments(seen, 0);
    const spread = tf.add(tf.sqrt(variance), 1e-6);
    const layer = network.scores.getLayer('logits');
    const [kernel, bias] = layer.getWeights() as [Tensor, Tensor];
    layer.setWeights([tf.div(kernel, spread), tf.div(tf.sub(bias, mean), spread)]);
  });
  const name = `${architecture}-${options.size}`;
  const place = join(folder, `${name}-${Math.random().toString(36).slice(2)}`);
  mkdirSync(place);
  writeFileSync(join(place, 'model.onnx'), exportOnnx({ name, outputs: { scores: network.scores } }));
  writeFileSync(join(place, 'card.json'), JSON.stringify({
    card_version: 1, name, task, file: 'model.onnx',
    input: { name: 'image', bands: ['red', 'green', 'blue', 'nir'].slice(0, bands), dim_order: 'bhwc', shape: [-1, options.size, options.size, bands], data_type: 'uint8', ...input },
    output: { name: 'scores', dim_order: 'bc', activation: 'none', classes: THEMES.map((theme, value) => ({ value, name: theme, color_hint: `#${(value * 60 + 20).toString(16).padStart(2, '0')}8040` })) },
  }));
  return place;
}
