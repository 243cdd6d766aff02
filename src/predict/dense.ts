import type { CardInput, ModelCard } from '../card/index.js';
import { InvalidOptionError, ModelError } from '../errors.js';
import { decodeModel, denseGraph } from '../onnx/index.js';
import type { DenseCost } from '../onnx/index.js';
import type { DataType } from '../raster/index.js';
import { FUSED_INPUT, fuseGraph, fusedOutput } from './fuse.js';
import { findInput, findOutput, patchSize, scoreOutput } from './inspect.js';
import type { LoadedModel } from './load.js';

export interface DenseModelOptions {
  /** Edge in pixels of the patch around every answer. */
  readonly patch: number;
  /** Pixels between neighbouring answers, along both axes. */
  readonly stride: number;
  /** Sample type of the patches that will come. */
  readonly dtype: DataType;
}

/** A patch classifier as a model of maps. */
export interface DenseModel {
  /** Takes windows of any size; its map has an answer for every patch of the window, `stride` pixels apart. */
  readonly model: LoadedModel;
  readonly cost: DenseCost;
}

const GRAPH_TYPES: readonly CardInput['data_type'][] = ['uint8', 'uint16', 'int16', 'float32'];
const INPUT = 'pixels';
const OUTPUT = 'scores';

/**
 * A classifier of patches in its fully convolutional form, with all that is done to a patch before and after the graph (scaling,
 * reduction, activation): scores are those of the patches one by one.
 * @throws {ModelError} naming the layer that has no such form; {@link InvalidOptionError} for a patch that the model does not take.
 */
export function withDense(model: LoadedModel, options: DenseModelOptions): DenseModel {
  const { card, source } = model;
  const { patch, stride } = options;
  const size = patchSize(card, patch, patch);
  if ('reason' in size) throw new InvalidOptionError('--patch-size', `${source} ${size.reason}`, { advice: size.advice });
  const [reduceX, reduceY] = [size.width / size.inputWidth, size.height / size.inputHeight];
  if (!Number.isInteger(reduceX) || !Number.isInteger(reduceY)) {
    throw new InvalidOptionError('--patch-size', `${source} reduces patches of ${patch} pixels to ${size.inputWidth}, which is no whole factor: such a reduction has no dense form`, { advice: `take a multiple of ${size.inputWidth}` });
  }
  const dtype = GRAPH_TYPES.find((type) => type === options.dtype) ?? 'float32';
  const input = findInput(model.graph, card.input.name, source);
  const batch = Math.max(1, card.input.shape[0]);
  const output = findOutput(model.graph, scoreOutput(model.graph, card, source), source);
  const classes = card.output.classes.length;
  // For answers per patch only name and type count; how many there are the dense form tells.
  const facts = { scores: { name: output.name, type: output.type ?? 'float32', channels: classes, rank: 2 } };
  const fused = decodeModel(fuseGraph(model.graph, { card, input: input.name, facts, dtype: dtype as DataType, width: patch, height: patch, reduceX, reduceY, batch, outputs: ['scores'] }), source);
  const bands = card.input.bands.length;
  const dense = denseGraph(fused, {
    input: FUSED_INPUT, output: fusedOutput('scores'), width: patch, height: patch, bands, layout: 'hwc', model: source, stride, type: dtype, names: { input: INPUT, output: OUTPUT },
  });
  if (dense.channels !== classes) throw new ModelError(source, `its card has ${classes} classes, its dense form ${dense.channels} channels`);
  return { cost: dense.cost, model: { ...model, graph: dense.graph, card: mapCard(card, dtype), dense: { patch, stride } } };
}

function mapCard(card: ModelCard, dtype: CardInput['data_type']): ModelCard {
  const { bands, gsd, scene_data_types: types } = card.input;
  return {
    ...card,
    task: 'semantic-segmentation',
    input: { name: INPUT, bands, dim_order: 'bhwc', shape: [-1, -1, -1, bands.length], data_type: dtype, ...(gsd === undefined ? {} : { gsd }), ...(types === undefined ? {} : { scene_data_types: types }) },
    output: { name: OUTPUT, dim_order: 'bchw', activation: 'none', classes: card.output.classes },
  };
}
