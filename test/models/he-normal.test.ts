import { expect, it } from 'vitest';
import { findArchitecture } from '../../models/architectures/index.js';
import { plainTensorflow } from '../train/engines.js';

it.each(['unet', 'resnet-chips', 'resnet18'])('first kernels of %s vary by √(2 ÷ inputs), and by twice the normal they are cut from at most', async (name) => {
  const tf = await plainTensorflow();
  const { logits } = findArchitecture(name)!.build(tf, { outputs: 3, activation: 'softmax', size: 32, widths: name === 'resnet18' ? undefined : [32, 64, 64], seed: 7 });
  const kernels = logits.layers.filter((layer) => layer.getClassName() === 'Conv2D' && (layer.getWeights()[0]?.size ?? 0) > 15_000 && layer.name !== 'logits').map((layer) => layer.getWeights()[0]!);
  expect(kernels.length).toBeGreaterThan(2);
  for (const kernel of kernels) {
    const values = kernel.dataSync<'float32'>();
    const [rows, columns, channels] = kernel.shape as [number, number, number];
    const expected = Math.sqrt(2 / (rows * columns * channels));
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
    expect(Math.abs(deviation / expected - 1)).toBeLessThan(0.02);
    // The standard deviation that is left of a normal one cut at two: √(1 − 2·2·φ(2) ÷ (Φ(2) − Φ(−2))) = 0.8796.
    expect(values.reduce((most, value) => Math.max(most, Math.abs(value)), 0)).toBeLessThanOrEqual((2 * expected) / 0.8796);
  }
});
