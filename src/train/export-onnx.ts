import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs';
import { ModelError } from '../errors.js';
import { encodeModel, node, valueInfo, type OnnxModel, type OnnxNode, type OnnxTensor } from '../onnx/index.js';
import { convolution } from './onnx-convolution.js';
import { translateLayer } from './onnx-layers.js';
import { activationOf, inputsOf } from './onnx-nodes.js';

export interface ExportOptions {
  /** Networks of the same input by the name of the output that they become: `{scores, features}`. */
  readonly outputs: Readonly<Record<string, LayersModel>>;
  readonly name: string;
  /** Type of the samples that the graph takes. Default `uint8`. `float32`: samples that are scaled before they come in. */
  readonly input?: 'uint8' | 'float32';
  /** How bilinear up-sampling places pixels. Default `by corners`, as TensorFlow.js; `by centres`: as Keras in Python. */
  readonly doubling?: 'by corners' | 'by centres';
  /** Key and value pairs kept in the file. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** ONNX operator set and file version: old enough for every runtime of the last years, new enough for all that is used. */
const OPSET = 17;
const IR_VERSION = 8;

/**
 * Writes a network of TensorFlow.js layers as ONNX. The graph takes samples `[batch, height, width, bands]` and does all that
 * the network does; maps come out as float32 `[batch, classes, height, width]`, vectors as `[batch, n]`. Batch normalisation
 * is folded into the convolution before it. Inside, channels come before rows, as ONNX has it.
 * @throws {ModelError} for a layer that is not translated.
 */
export function exportOnnx(options: ExportOptions): Uint8Array {
  const [first] = Object.values(options.outputs);
  if (first === undefined) throw new ModelError(options.name, 'expected at least one output to export, found none');
  const state: GraphState = { nodes: [], initializers: [], constants: new Map(), consumers: countConsumers(Object.values(options.outputs)), model: options.name, doubling: options.doubling ?? 'by corners' };
  const scope: Scope = { values: new Map(), inner: new Map() };
  const input = first.inputs[0]!;
  const type = options.input ?? 'uint8';
  const turned = type === 'uint8' ? 'image_nchw' : 'image_float';
  state.nodes.push(node('Transpose', ['image'], [turned], { perm: [0, 3, 1, 2] }));
  if (type === 'uint8') state.nodes.push(node('Cast', [turned], ['image_float'], { to: 1 }));
  scope.values.set(input.id, 'image_float');
  const outputs = Object.entries(options.outputs).map(([name, model]) => {
    const tensor = model.outputs[0]!;
    state.nodes.push(node('Identity', [translate(tensor, scope, state)], [name]));
    const sizes = tensor.shape.slice(1);
    return valueInfo(name, 'float32', sizes.length === 1 ? ['batch', sizes[0]!] : ['batch', sizes[2]!, sizes[0] ?? 'height', sizes[1] ?? 'width']);
  });
  const [, height, width, bands] = input.shape;
  const model: OnnxModel = {
    irVersion: IR_VERSION,
    producerName: 'tilewright',
    opsetImport: [{ version: OPSET }],
    graph: {
      name: options.name,
      node: state.nodes,
      initializer: state.initializers,
      input: [valueInfo('image', type, ['batch', height ?? 'height', width ?? 'width', bands!])],
      output: outputs,
    },
    metadataProps: Object.entries(options.metadata ?? {}).map(([key, value]) => ({ key, value })),
  };
  return encodeModel(model);
}

/** A graph while it is written. */
export interface GraphState {
  readonly nodes: OnnxNode[];
  readonly initializers: OnnxTensor[];
  /** Names of constants that are already in the graph, by what they are made of. */
  readonly constants: Map<string, string>;
  /** By id of a symbolic tensor: how many layers read it. */
  readonly consumers: ReadonlyMap<number, number>;
  readonly model: string;
  readonly doubling: 'by corners' | 'by centres';
}

/** Values of one call of a network: one that is called twice gives other values each time. */
interface Scope {
  /** Names of values that are already in the graph, by id of the symbolic tensor. */
  readonly values: Map<number, string>;
  /** Calls of networks inside, by their node. */
  readonly inner: Map<object, Scope>;
}

/** Adds the nodes that a value needs, and gives its name. Depth first, so nodes come after those that they read from. */
function translate(tensor: SymbolicTensor, scope: Scope, state: GraphState): string {
  const known = scope.values.get(tensor.id);
  if (known !== undefined) return known;
  if (tensor.sourceLayer.getClassName() === 'InputLayer') throw new ModelError(state.model, `expected a network of one input, found another, ${tensor.sourceLayer.name}`);
  const inputs = inputsOf(tensor);
  const nested = nestedModel(tensor);
  const name = nested === undefined ? translateOwn(tensor, inputs, scope, state) : translate(nested.outputs[tensor.outputTensorIndex ?? 0]!, callOf(tensor, nested, scope, state), state);
  scope.values.set(tensor.id, name);
  return name;
}

function translateOwn(tensor: SymbolicTensor, inputs: readonly SymbolicTensor[], scope: Scope, state: GraphState): string {
  const folded = foldable(tensor, inputs, state);
  const names = (folded === undefined ? inputs : inputsOf(folded)).map((input) => translate(input, scope, state));
  return folded === undefined ? translateLayer(tensor, names, state) : convolution(folded.sourceLayer, names[0]!, state, tensor.sourceLayer);
}

/** A network inside a network: its own inputs are the values that come in. */
function callOf(tensor: SymbolicTensor, nested: LayersModel, scope: Scope, state: GraphState): Scope {
  const call = tensor.sourceLayer.inboundNodes[tensor.nodeIndex]!;
  const known = scope.inner.get(call);
  if (known !== undefined) return known;
  const inputs = inputsOf(tensor);
  const made: Scope = { values: new Map(nested.inputs.map((input, index) => [input.id, translate(inputs[index]!, scope, state)])), inner: new Map() };
  scope.inner.set(call, made);
  return made;
}

/** The convolution before a batch normalisation, if nothing else reads from it. */
function foldable(tensor: SymbolicTensor, inputs: readonly SymbolicTensor[], state: GraphState): SymbolicTensor | undefined {
  const [before] = inputs;
  if (tensor.sourceLayer.getClassName() !== 'BatchNormalization' || before === undefined) return undefined;
  const { sourceLayer } = before;
  const isConvolution = ['Conv2D', 'DepthwiseConv2D'].includes(sourceLayer.getClassName());
  return isConvolution && activationOf(sourceLayer) === 'linear' && [-1, 3].includes(tensor.sourceLayer.getConfig()['axis'] as number) && state.consumers.get(before.id) === 1 ? before : undefined;
}

function nestedModel(tensor: SymbolicTensor): LayersModel | undefined {
  const layer = tensor.sourceLayer;
  return ['Sequential', 'Functional', 'Model'].includes(layer.getClassName()) ? layer as unknown as LayersModel : undefined;
}

function countConsumers(models: readonly LayersModel[]): Map<number, number> {
  const counts = new Map<number, number>();
  const seen = new Set<number>();
  const count = (tensor: SymbolicTensor): void => {
    counts.set(tensor.id, (counts.get(tensor.id) ?? 0) + 1);
    visit(tensor);
  };
  const visit = (tensor: SymbolicTensor): void => {
    if (seen.has(tensor.id)) return;
    seen.add(tensor.id);
    if (tensor.sourceLayer.getClassName() === 'InputLayer') return;
    const nested = nestedModel(tensor);
    if (nested !== undefined) for (const output of nested.outputs) count(output);
    for (const input of inputsOf(tensor)) count(input);
  };
  for (const model of models) count(model.outputs[0]!);
  return counts;
}
