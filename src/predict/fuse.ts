import type { ModelCard } from '../card/index.js';
import { encodeModel, floatTensor, node, opsetOf, pruneModel, TENSOR, valueInfo } from '../onnx/index.js';
import type { OnnxModel, OnnxNode, OnnxTensor, TensorTypeName } from '../onnx/index.js';
import type { DataType } from '../raster/index.js';
import { mapThreshold } from './inspect.js';
import type { PredictorOutput } from './types.js';

/** What is known of the graph's own outputs for one input size, from the engine. */
export interface OutputFacts {
  /** Output with scores or classes; absent for models that only give features. */
  readonly scores?: { readonly name: string; readonly type: TensorTypeName; readonly channels: number; readonly rank: number };
  readonly features?: { readonly name: string; readonly type: TensorTypeName; readonly rank: number };
}

export interface FuseOptions {
  readonly card: ModelCard;
  /** Name of the graph's input. */
  readonly input: string;
  readonly facts: OutputFacts;
  /** Sample type of the patches that come in. */
  readonly dtype: DataType;
  /** Edge lengths of what comes in, before `reduce`. */
  readonly width: number;
  readonly height: number;
  /** Whole number of pixels along each axis that become one, averaged. 1: none. */
  readonly reduceX: number;
  readonly reduceY: number;
  /** Patches per run; −1 leaves it free. */
  readonly batch: number;
  readonly outputs: readonly PredictorOutput[];
}

/** Names that the fused graph has. */
export const FUSED_INPUT = 'tilewright/patches';
export function fusedOutput(kind: PredictorOutput): string {
  return `tilewright/${kind}`;
}

/** From this version on Softmax works along one axis; before, it flattens everything from the axis on. */
const SOFTMAX_PER_AXIS = 13;

/**
 * The bytes of a graph that takes patches as they come (`[batch, height, width, bands]`, samples of `dtype`) and gives what
 * was asked for: reduction, scaling, layout and type before the user's graph, activation, arg-max, pooling after it. All
 * nodes are valid in the graph's own operator version (7 and up), and what no output needs is left out.
 */
export function fuseGraph(model: OnnxModel, options: FuseOptions): Uint8Array {
  const chain = new Chain();
  addInput(chain, options);
  const outputs = options.outputs.map((kind) => addOutput(chain, kind, options, opsetOf(model)));
  const batch = options.batch === -1 ? 'batch' : options.batch;
  const graph = model.graph;
  return encodeModel(pruneModel({
    ...model,
    metadataProps: [],
    graph: {
      ...graph,
      node: [...chain.before, ...graph.node, ...chain.after],
      initializer: [...(graph.initializer ?? []), ...chain.constants],
      input: [valueInfo(FUSED_INPUT, options.dtype, [batch, options.height, options.width, options.card.input.bands.length]), ...graph.input.filter((input) => input.name !== options.input)],
      output: outputs,
      // Shapes noted for the old input size may be wrong now; the engine infers them anew.
      valueInfo: [],
    },
  }));
}

/** Nodes and constants around a graph, with names that cannot be the graph's own. */
class Chain {
  readonly before: OnnxNode[] = [];
  readonly after: OnnxNode[] = [];
  readonly constants: OnnxTensor[] = [];
  private count = 0;

  name(what: string): string {
    this.count += 1;
    return `tilewright/${what}-${this.count}`;
  }

  /** A constant that is multiplied with, subtracted from … every sample. */
  constant(dims: readonly number[], values: readonly number[]): string {
    const name = this.name('constant');
    this.constants.push(floatTensor(name, dims, values));
    return name;
  }
}

type Attributes = Parameters<typeof node>[3];

function addInput(chain: Chain, options: FuseOptions): void {
  const { card } = options;
  const scaling = card.input.value_scaling;
  const bands = card.input.bands.length;
  const steps: { readonly op: string; readonly more?: readonly string[]; readonly attributes?: Attributes }[] = [];
  const reduced = options.reduceX > 1 || options.reduceY > 1;
  const scaled = (scaling?.scale ?? 1) !== 1 || scaling?.mean !== undefined || scaling?.stddev !== undefined;
  const toBands = card.input.dim_order === 'bchw';
  let type: TensorTypeName = options.dtype;
  const cast = (to: TensorTypeName): void => {
    if (type !== to) steps.push({ op: 'Cast', attributes: { to: TENSOR[to] } });
    type = to;
  };
  // Turned while samples are still small: a byte moves faster than a float.
  if (toBands || reduced) steps.push({ op: 'Transpose', attributes: { perm: [0, 3, 1, 2] } });
  if (reduced || scaled) cast('float32');
  if (reduced) {
    const kernel = [options.reduceY, options.reduceX];
    steps.push({ op: 'AveragePool', attributes: { kernel_shape: kernel, strides: kernel } });
    if (!toBands) steps.push({ op: 'Transpose', attributes: { perm: [0, 2, 3, 1] } });
  }
  const perBand = toBands ? [1, bands, 1, 1] : [1, 1, 1, bands];
  if (scaling?.scale !== undefined && scaling.scale !== 1) steps.push({ op: 'Mul', more: [chain.constant([1], [scaling.scale])] });
  if (scaling?.mean !== undefined) steps.push({ op: 'Sub', more: [chain.constant(perBand, scaling.mean)] });
  if (scaling?.stddev !== undefined) steps.push({ op: 'Div', more: [chain.constant(perBand, scaling.stddev)] });
  cast(card.input.data_type);
  if (steps.length === 0) steps.push({ op: 'Identity' });
  let value = FUSED_INPUT;
  steps.forEach((step, index) => {
    const next = index === steps.length - 1 ? options.input : chain.name('input');
    chain.before.push(node(step.op, [value, ...(step.more ?? [])], [next], step.attributes));
    value = next;
  });
}

function addOutput(chain: Chain, kind: PredictorOutput, options: FuseOptions, opset: number): ReturnType<typeof valueInfo> {
  const { facts, card } = options;
  const append = (op: string, inputs: readonly string[], attributes?: Attributes, into?: string): string => {
    const name = into ?? chain.name(kind);
    chain.after.push(node(op, inputs, [name], attributes));
    return name;
  };
  const result = fusedOutput(kind);
  const float = (name: string, type: TensorTypeName): string => (type === 'float32' ? name : append('Cast', [name], { to: TENSOR.float32 }));
  if (kind === 'features') {
    const features = facts.features;
    if (features === undefined) throw new RangeError('the model gives no features');
    let value = float(features.name, features.type);
    if (features.rank === 4) {
      if (card.input.dim_order === 'bhwc') value = append('Transpose', [value], { perm: [0, 3, 1, 2] });
      value = append('GlobalAveragePool', [value]);
    }
    append('Flatten', [value], { axis: 1 }, result);
    return output(result, 'float32');
  }
  const scores = facts.scores;
  if (scores === undefined) throw new RangeError('the model gives no scores');
  if (card.output.dim_order === 'bhw') {
    append('Cast', [scores.name], { to: TENSOR.uint8 }, result);
    return output(result, 'uint8');
  }
  let value = float(scores.name, scores.type);
  const { activation } = card.output;
  if (card.output.dim_order === 'bc') {
    value = append('Flatten', [value], { axis: 1 });
    if (activation === 'softmax') value = append('Softmax', [value], { axis: 1 });
    if (activation === 'sigmoid') value = append('Sigmoid', [value]);
    append('Identity', [value], undefined, result);
    return output(result, 'float32');
  }
  return addMap({ append, chain, kind, result, value, options, opset, binary: scores.channels === 1 && card.output.classes.length === 2 });
}

interface MapParts {
  readonly append: (op: string, inputs: readonly string[], attributes?: Attributes, into?: string) => string;
  readonly chain: Chain;
  readonly kind: 'classes' | 'scores';
  readonly result: string;
  readonly value: string;
  readonly options: FuseOptions;
  readonly opset: number;
  readonly binary: boolean;
}

function addMap(parts: MapParts): ReturnType<typeof valueInfo> {
  const { append, chain, kind, result, options, binary } = parts;
  const { card } = options;
  if (kind === 'scores') {
    let value = probabilities(parts);
    if (binary) value = append('Concat', [append('Sub', [chain.constant([1], [1]), value]), value], { axis: 1 });
    const scale = card.output.scale ?? 1;
    if (scale !== 1) value = append('Mul', [value, chain.constant([1], [scale])]);
    append('Identity', [value], undefined, result);
    return output(result, 'float32');
  }
  const threshold = mapThreshold(card);
  if (binary || threshold !== undefined) {
    let value = probabilities(parts);
    const bound = chain.constant([1], [threshold ?? 0.5]);
    // Of two classes 1 − p stands against p, and the first wins a tie, as in arg-max.
    value = threshold === undefined ? append('Greater', [value, bound]) : append('Not', [append('Less', [value, bound])]);
    append('Cast', [value], { to: TENSOR.uint8 }, result);
    return output(result, 'uint8');
  }
  // Softmax and Sigmoid keep the order, so the largest number before them is the most likely class.
  const largest = append('ArgMax', [parts.value], { axis: card.output.dim_order === 'bchw' ? 1 : 3, keepdims: 0 });
  append('Cast', [largest], { to: TENSOR.uint8 }, result);
  return output(result, 'uint8');
}

/** The graph's scores after the activation, `[batch, channels, height, width]`. */
function probabilities(parts: MapParts): string {
  const { append, options, opset } = parts;
  const { activation } = options.card.output;
  let value = parts.value;
  let bandsFirst = options.card.output.dim_order === 'bchw';
  if (activation === 'softmax') {
    if (bandsFirst && opset < SOFTMAX_PER_AXIS) {
      value = append('Transpose', [value], { perm: [0, 2, 3, 1] });
      bandsFirst = false;
    }
    value = append('Softmax', [value], { axis: bandsFirst ? 1 : 3 });
  }
  if (activation === 'sigmoid') value = append('Sigmoid', [value]);
  return bandsFirst ? value : append('Transpose', [value], { perm: [0, 3, 1, 2] });
}

/** An output whose shape the engine finds out. */
function output(name: string, type: TensorTypeName): ReturnType<typeof valueInfo> {
  return { name, type: { tensorType: { elemType: TENSOR[type] } } };
}

/**
 * The graph as it is, with its input's sizes fixed and other values as outputs: for asking the engine what it gives.
 * @param names Values to give out.
 */
export function probeGraph(model: OnnxModel, input: string, type: TensorTypeName, shape: readonly number[], names: readonly string[]): Uint8Array {
  const known = new Map(model.graph.output.map((item) => [item.name, item]));
  return encodeModel(pruneModel({
    ...model,
    metadataProps: [],
    graph: {
      ...model.graph,
      input: [valueInfo(input, type, shape), ...model.graph.input.filter((item) => item.name !== input)],
      // The declared type is needed where there is one; declared sizes may be those of another input.
      output: names.map((name) => ({ name, type: { tensorType: { elemType: known.get(name)?.type?.tensorType?.elemType ?? 0 } } })).map((item) => (item.type.tensorType.elemType === 0 ? { name: item.name } : item)),
      valueInfo: [],
    },
  }));
}
