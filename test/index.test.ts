import { describe, expect, it } from 'vitest';

describe('the package', () => {
  it('gives the tasks, the scene, the predictor and the errors by its own name, and does not load TensorFlow.js for it', async () => {
    const name: string = 'tilewright'; // a plain string would be looked up by the compiler, before the package is built
    const library = await import(name) as Record<string, unknown>;
    for (const key of ['info', 'tile', 'mosaic', 'segment', 'classify', 'embed', 'search', 'train', 'demo', 'openScene', 'openPredictor', 'createGrid', 'TilewrightError']) {
      expect(typeof library[key], key).toBe('function');
    }
    expect((globalThis as { _tfGlobals?: unknown })._tfGlobals).toBeUndefined();
  });
});
