import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelCard } from '../../src/card/index.js';
import { encodeModel, floatTensor, node, valueInfo } from '../../src/onnx/index.js';
import type { OnnxNode, OnnxTensor } from '../../src/onnx/index.js';

/** Models whose answer is known, so that every pixel of a map can be foretold. Input: three uint8 bands; three classes. */

export const CLASSES = ['red', 'green', 'blue'] as const;

interface Graph { readonly nodes: readonly OnnxNode[]; readonly constants?: readonly OnnxTensor[]; readonly card?: Partial<ModelCard> & { readonly margin?: number } }

/** The class of a pixel is its brightest band (of equal ones the first): scores are the bands ÷ 765. */
export function brightestBand(folder: string): string {
  return write(folder, 'brightest-band', { nodes: [node('Mul', ['input', 'factor'], ['scores'])], constants: [floatTensor('factor', [1], [1 / 765])] });
}

/** As {@link brightestBand}, but the answer lacks `margin` pixels on every side. */
export function brightestBandInside(folder: string, margin: number): string {
  const side = 2 * margin + 1;
  const weights = new Float32Array(3 * side * side);
  for (let band = 0; band < 3; band++) weights[band * side * side + margin * side + margin] = 1 / 765;
  return write(folder, `inside-${margin}`, {
    nodes: [node('Conv', ['input', 'weights'], ['scores'], { group: 3, kernel_shape: [side, side] })],
    constants: [floatTensor('weights', [3, 1, side, side], weights)], card: { margin },
  });
}

/**
 * Sums 9 × 9 pixels, with zeros beyond the patch: answers near a patch's border differ from those inside. The factor is a power
 * of two, so sums are exact whatever their order.
 */
export function blurred(folder: string): string {
  return write(folder, 'blurred', {
    nodes: [node('Conv', ['input', 'weights'], ['scores'], { group: 3, kernel_shape: [9, 9], pads: [4, 4, 4, 4] })],
    constants: [floatTensor('weights', [3, 1, 9, 9], new Float32Array(243).fill(2 ** -16))], card: { receptive_field: 9 },
  });
}

/** Sleeps in arithmetic: the brightest band after `times` needless convolutions, so that a run can be killed in its middle. */
export function slow(folder: string, times: number): string {
  const unit = new Float32Array(9 * 81);
  for (let band = 0; band < 3; band++) unit[(band * 3 + band) * 81 + 40] = 1;
  const names = Array.from({ length: times + 1 }, (_, i) => (i === 0 ? 'input' : `x${i}`));
  return write(folder, 'slow', {
    nodes: [
      ...names.slice(1).map((name, i) => node('Conv', [names[i]!, 'unit'], [name], { kernel_shape: [9, 9], pads: [4, 4, 4, 4] })),
      node('Mul', [names.at(-1)!, 'factor'], ['scores']),
    ],
    constants: [floatTensor('unit', [3, 3, 9, 9], unit), floatTensor('factor', [1], [1 / 765])],
  });
}

function write(folder: string, name: string, graph: Graph): string {
  const place = join(folder, name);
  mkdirSync(place, { recursive: true });
  const model = encodeModel({
    irVersion: 8, opsetImport: [{ domain: '', version: 17 }], producerName: 'tilewright tests',
    graph: {
      name, node: [...graph.nodes], initializer: [...(graph.constants ?? [])],
      input: [valueInfo('input', 'float32', ['n', 3, 'h', 'w'])],
      output: [valueInfo('scores', 'float32', ['n', 3, 'p', 'q'])],
    },
  });
  writeFileSync(join(place, 'model.onnx'), model);
  const { margin, ...more } = graph.card ?? {};
  const card: ModelCard = {
    card_version: 1, name, task: 'semantic-segmentation', file: 'model.onnx',
    input: { bands: [...CLASSES], dim_order: 'bchw', shape: [-1, 3, -1, -1], data_type: 'float32' },
    output: {
      dim_order: 'bchw', activation: 'none', ...(margin === undefined ? {} : { margin }),
      classes: CLASSES.map((label, value) => ({ value, name: label, color_hint: ['#ff0000', '#00ff00', '#0000ff'][value]! })),
    },
    ...more,
  };
  writeFileSync(join(place, 'card.json'), JSON.stringify(card));
  return place;
}

