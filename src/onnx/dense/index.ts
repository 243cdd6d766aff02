import { ModelError } from '../../errors.js';
import { node, valueInfo } from '../build.js';
import type { OnnxModel, TensorTypeName } from '../types.js';
import { denseCost } from './cost.js';
import type { DenseCost } from './cost.js';
import { demandOf, mapKey } from './demand.js';
import { readPatchGraph } from './read.js';
import type { PatchGraphOptions } from './read.js';
import { DenseWriter } from './write.js';

export type { DenseCost } from './cost.js';

export interface DenseOptions extends PatchGraphOptions {
  /** Pixels between neighbouring answers, along both axes. 1: every pixel. */
  readonly stride: number;
  /** Element type of the graph's input. */
  readonly type: TensorTypeName;
  /** What the dense graph's input and output are called. Default: as in the patch graph. */
  readonly names?: { readonly input: string; readonly output: string };
}

export interface DenseGraph {
  /**
   * Takes `[batch, height, width, bands]` (or bands first, as the patch graph does), gives `[batch, channels, rows, columns]`: the answer for the patch
   * whose upper left pixel is `(column · stride, row · stride)`. For n answers along an axis it takes `stride · (n − 1) + patch` pixels.
   */
  readonly graph: OnnxModel;
  readonly channels: number;
  readonly cost: DenseCost;
}

/** More operators than an engine loads in seconds. */
const MOST_NODES = 5000;

/**
 * The exact fully convolutional form of a patch classifier: a graph that gives the answers for all patches of a window at once, with
 * the numbers of the patches one by one. Strided pooling and convolutions become dilated ones (à trous: Giusti et al. 2013, "Fast image
 * scanning with deep max-pooling convolutional neural networks"), dense layers convolutions as large as the map that they read.
 *
 * Zeros around a patch's feature maps (padding `same`) are no part of the scene, and what is near them is computed otherwise than what
 * lies inside. So each place of a feature map belongs to a kind: places of one kind read the same kinds through the same taps, and share
 * one dense map. Without padding every map has a single kind.
 *
 * @throws {ModelError} naming the layer that has no such form, or whose padding makes too many kinds.
 */
export function denseGraph(model: OnnxModel, options: DenseOptions): DenseGraph {
  const graph = readPatchGraph(model, options);
  const demand = demandOf(graph, options.output);
  const values = new Map([[options.input, graph.input], ...graph.steps.map((step) => [step.output, step.value] as const)]);
  const writer = new DenseWriter(options.stride, demand, values, graph.opset);
  const names = options.names ?? { input: options.input, output: options.output };
  writer.addInput(options.input, graph.input, names.input);
  for (const step of graph.steps) {
    writer.add(step);
    if (writer.nodes.length > MOST_NODES) {
      const kinds = `${new Set(step.value.x.kinds).size} × ${new Set(step.value.y.kinds).size}`;
      throw new ModelError(options.model, `its layer ${step.layer} has no dense form of a useful size: through zeros around the patch, ${kinds} places of its map are each computed otherwise`, { advice: 'take a network without padding (valid), such as theme-cnn, or classify every patch by itself: tilewright classify --overlap' });
    }
  }
  const channels = graph.output.channels;
  const free = options.layout === 'hwc' ? ['batch', 'height', 'width', options.bands] : ['batch', options.bands, 'height', 'width'];
  return {
    channels, cost: denseCost(writer, graph),
    graph: {
      ...model,
      metadataProps: [],
      functions: [],
      graph: {
        name: model.graph.name ?? 'dense',
        node: [...writer.nodes, node('Identity', [mapKey(options.output, 0, 0)], [names.output])],
        initializer: [...writer.constants.values()],
        input: [valueInfo(names.input, options.type, free)],
        output: [valueInfo(names.output, 'float32', ['batch', channels, 'rows', 'columns'])],
        valueInfo: [],
      },
    },
  };
}
