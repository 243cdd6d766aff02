import { join } from 'node:path';
import type { ModelCard } from '../../src/card/index.js';

/** A small network with real arithmetic, for tests in processes of their own. */
export const smallNet = join(process.cwd(), 'fixtures', 'predict', 'small_net.onnx');

export const smallCard: ModelCard = {
  card_version: 1, name: 'small-net', task: 'semantic-segmentation', file: 'small_net.onnx',
  input: { bands: ['red', 'green', 'blue'], dim_order: 'bchw', shape: [-1, 3, -1, -1], data_type: 'float32', multiple_of: 2 },
  output: { dim_order: 'bchw', activation: 'softmax', classes: [0, 1, 2, 3, 4].map((value) => ({ value, name: `class-${value}`, color_hint: '#102030' })) },
};
