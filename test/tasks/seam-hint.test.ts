import { describe, expect, it } from 'vitest';
import type { ModelCard } from '../../src/card/index.js';
import { seamHint } from '../../src/tasks/segment/seam-hint.js';

const card = (receptive_field?: number): ModelCard => ({
  card_version: 1, name: 'fields', task: 'semantic-segmentation', file: 'm.onnx', input: { bands: ['red'], dim_order: 'bhwc', shape: [-1, -1, -1, 1], data_type: 'uint8' },
  output: { dim_order: 'bchw', activation: 'none', classes: [] }, ...(receptive_field === undefined ? {} : { receptive_field }),
});

describe('a map whose patches can be seen', () => {
  const seen = { seamScore: 1.55, seamChanges: 5000, mapPatch: 512, overlap: 64 };

  it('comes with an overlap that hides them: as far as the model sees, at most half a patch', () => {
    expect(seamHint({ ...seen, card: card(130) })).toBe("the patches' borders can be seen (seam score 1.55): take a larger --overlap (64 now), for example 144, as far as fields sees");
    expect(seamHint({ ...seen, card: card(700) })).toContain('for example 256, half a patch');
    expect(seamHint({ ...seen, card: card() })).toMatch(/for example 128$/);
    expect(seamHint({ ...seen, overlap: 256, card: card(700) })).toContain('though patches share 256 pixels: take a larger --patch-size (512 now)');
  });

  it('comes with nothing where they cannot be seen, or where too few changes say so', () => {
    expect(seamHint({ ...seen, seamScore: 1.1, card: card(130) })).toBeUndefined();
    expect(seamHint({ ...seen, seamScore: undefined, card: card(130) })).toBeUndefined();
    expect(seamHint({ ...seen, seamChanges: 40, card: card(130) })).toBeUndefined();
  });
});
