import { describe, expect, it } from 'vitest';

describe('the package', () => {
  it('gives the tasks, the scene, the predictor and the errors by its own name, and does not load TensorFlow.js for it', async () => {
    const library = await import('tilewright' as string) as Record<string, unknown>;
    for (const name of ['info', 'tile', 'mosaic', 'segment', 'classify', 'embed', 'search', 'train', 'demo', 'openScene', 'openPredictor', 'createGrid', 'TilewrightError']) {
      expect(typeof library[name], name).toBe('function');
    }
    expect((globalThis as { _tfGlobals?: unknown })._tfGlobals).toBeUndefined();
  });
});
