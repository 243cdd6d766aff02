import type { LayersModel, SymbolicTensor, layers } from '@tensorflow/tfjs';
import { ModelError } from '../errors.js';
import { encodeModel, floatTensor, node, valueInfo, type OnnxModel, type OnnxNode, type OnnxTensor } from '../onnx/index.js';

export interface ExportOptions {
  /** Networks of the same input by the name of the output that they become: `{scores, features}`. */
  readonly outputs: Readonly<Record<string, LayersModel>>;
  readonly name: string;
  /** Key and value pairs kept in the file. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** ONNX operator set and file version: old enough for every runtime of the last years, new enough for all that is used. */
const OPSET = 17;
const IR_VERSION = 8;

/**
 * Writes a network of TensorFlow.js layers as ONNX. The graph takes uint8 samples `[batch, height, width, bands]` and does
 * all scaling itself; maps come out as float32 `[batch, classes, height, width]`, vectors as `[batch, n]`. Batch
 * normalisation is folded into the convolution before it. Inside, channels come before rows, as ONNX has it.
 * @throws {ModelError} for a layer that is not translated.
 */
export function exportOnnx(options: ExportOptions): Uint8Array {
  const [first] = Object.values(options.outputs);
  if (first === undefined) throw new ModelError(options.name, 'expected at least one output to export, found none');
  const state: State = { nodes: [], initializers: [], values: new Map(), consumers: countConsumers(Object.values(options.outputs)), model: options.name };
  const input = first.inputs[0]!;
  state.nodes.push(node('Transpose', ['image'], ['image_nchw'], { perm: [0, 3, 1, 2] }), node('Cast', ['image_nchw'], ['image_float'], { to: 1 }));
  state.values.set(input.name, 'image_float');
  const outputs = Object.entries(options.outputs).map(([name, model]) => {
    const tensor = model.outputs[0]!;
    state.nodes.push(node('Identity', [translate(tensor, state)], [name]));
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
      input: [valueInfo('image', 'uint8', ['batch', height ?? 'height', width ?? 'width', bands!])],
      output: outputs,
    },
    metadataProps: Object.entries(options.metadata ?? {}).map(([key, value]) => ({ key, value })),
  };
  return encodeModel(model);
}

interface State {
  readonly nodes: OnnxNode[];
  readonly initializers: OnnxTensor[];
  /** Names of values that are already in the graph, by name of the symbolic tensor. */
  readonly values: Map<string, string>;
  /** By name of a symbolic tensor: how many layers read it. */
  readonly consumers: ReadonlyMap<string, number>;
  readonly model: string;
}

/** Adds the nodes that a value needs, and gives its name. Depth first, so nodes come after those that they read from. */
function translate(tensor: SymbolicTensor, state: State): string {
  const known = state.values.get(tensor.name);
  if (known !== undefined) return known;
  const inputs = inputsOf(tensor);
  const folded = foldable(tensor, inputs, state);
  const names = (folded === undefined ? inputs : inputsOf(folded)).map((input) => translate(input, state));
  const name = folded === undefined ? translateLayer(tensor, names, state) : convolution(folded.sourceLayer, names[0]!, state, tensor.sourceLayer);
  state.values.set(tensor.name, name);
  return name;
}

/** The convolution before a batch normalisation, if nothing else reads from it. */
function foldable(tensor: SymbolicTensor, inputs: readonly SymbolicTensor[], state: State): SymbolicTensor | undefined {
  const [before] = inputs;
  if (tensor.sourceLayer.getClassName() !== 'BatchNormalization' || before === undefined) return undefined;
  const { sourceLayer } = before;
  return sourceLayer.getClassName() === 'Conv2D' && activationOf(sourceLayer) === 'linear' && state.consumers.get(before.name) === 1 ? before : undefined;
}

function translateLayer(tensor: SymbolicTensor, inputs: readonly string[], state: State): string {
  const layer = tensor.sourceLayer;
  const config = layer.getConfig();
  const input = inputs[0]!;
  const add = (opType: string, from: readonly string[], attributes: Parameters<typeof node>[3] = {}): string => {
    const name = uniqueName(layer.name, state);
    state.nodes.push(node(opType, from, [name], attributes));
    return name;
  };
  const constant = (suffix: string, dims: readonly number[], values: ArrayLike<number>): string => {
    const name = `${layer.name}/${suffix}`;
    state.initializers.push(floatTensor(name, dims, values));
    return name;
  };
  switch (layer.getClassName()) {
    case 'Conv2D': return convolution(layer, input, state);
    case 'BatchNormalization': {
      const { scale, shift } = normalization(layer);
      return add('Add', [add('Mul', [input, constant('scale', [scale.length, 1, 1], scale)]), constant('shift', [shift.length, 1, 1], shift)]);
    }
    case 'Rescaling': return add('Add', [add('Mul', [input, constant('scale', [1], [config['scale'] as number])]), constant('offset', [1], [config['offset'] as number])]);
    case 'ReLU': return add('Relu', [input]);
    case 'Activation': return activation(config['activation'] as string, input, tensor.shape.length, add, state);
    case 'Dropout': return input;
    case 'MaxPooling2D': case 'AveragePooling2D': {
      if (config['padding'] !== 'valid') throw unknown(layer, 'padding', state);
      return add(layer.getClassName() === 'MaxPooling2D' ? 'MaxPool' : 'AveragePool', [input], { kernel_shape: pair(config['poolSize']), strides: pair(config['strides']) });
    }
    case 'UpSampling2D': {
      const [height, width] = pair(config['size']);
      const linear = config['interpolation'] === 'bilinear';
      // TensorFlow.js doubles [0, 1] to [0, 0.5, 1, 1]: not by pixel centres, as Keras in Python does, but asymmetric.
      return add('Resize', [input, '', constant('scales', [4], [1, 1, height!, width!])], { mode: linear ? 'linear' : 'nearest', coordinate_transformation_mode: 'asymmetric', ...(linear ? {} : { nearest_mode: 'floor' }) });
    }
    case 'Concatenate': return add('Concat', inputs, { axis: 1 });
    case 'Add': return inputs.slice(1).reduce((sum, next) => add('Add', [sum, next]), input);
    case 'GlobalAveragePooling2D': return add('Flatten', [add('GlobalAveragePool', [input])], { axis: 1 });
    case 'Flatten': return add('Flatten', [add('Transpose', [input], { perm: [0, 2, 3, 1] })], { axis: 1 });
    case 'Dense': {
      const [kernel, bias] = layer.getWeights();
      const from = [input, constant('kernel', kernel!.shape, kernel!.dataSync()), ...(bias === undefined ? [] : [constant('bias', bias.shape, bias.dataSync())])];
      return activation(activationOf(layer), add('Gemm', from), 2, add, state);
    }
    default: throw unknown(layer, 'kind', state);
  }
}

function activation(name: string, input: string, rank: number, add: (opType: string, from: readonly string[], attributes?: Parameters<typeof node>[3]) => string, state: State): string {
  switch (name) {
    case 'linear': return input;
    case 'relu': return add('Relu', [input]);
    case 'sigmoid': return add('Sigmoid', [input]);
    case 'softmax': return add('Softmax', [input], { axis: rank === 4 ? 1 : -1 });
    default: throw new ModelError(state.model, `expected the activation linear, relu, sigmoid or softmax for export to ONNX, found ${name}`);
  }
}

/** A convolution, with the normalisation after it folded into its weights where given. */
function convolution(layer: layers.Layer, input: string, state: State, normal?: layers.Layer): string {
  const config = layer.getConfig();
  const [kernel, bias] = layer.getWeights();
  const [height, width, from, to] = kernel!.shape as [number, number, number, number];
  const weights = kernel!.dataSync();
  const factors = normal === undefined ? undefined : normalization(normal);
  // [height, width, in, out] → [out, in, height, width]
  const turned = new Float32Array(weights.length);
  for (let at = 0; at < weights.length; at++) {
    const out = at % to;
    const spot = Math.floor(at / to);
    turned[(out * from + (spot % from)) * height * width + Math.floor(spot / from)] = weights[at]! * (factors?.scale[out] ?? 1);
  }
  const biases = bias?.dataSync();
  const shifts = Float32Array.from({ length: to }, (_, out) => (biases?.[out] ?? 0) * (factors?.scale[out] ?? 1) + (factors?.shift[out] ?? 0));
  const name = uniqueName(layer.name, state);
  state.initializers.push(floatTensor(`${layer.name}/kernel`, [to, from, height, width], turned), floatTensor(`${layer.name}/bias`, [to], shifts));
  const strides = pair(config['strides']);
  if (pair(config['dilationRate'] ?? 1).some((rate) => rate !== 1)) throw unknown(layer, 'dilation', state);
  const same = config['padding'] === 'same';
  if (!same && config['padding'] !== 'valid') throw unknown(layer, 'padding', state);
  const odd = height % 2 === 1 && width % 2 === 1;
  const stepless = strides.every((stride) => stride === 1);
  // TensorFlow pads a strided convolution so that the last pixel is used, which depends on the size: SAME_UPPER.
  const padding: Record<string, number[] | string> = !same ? {} : stepless && odd ? { pads: [(height - 1) / 2, (width - 1) / 2, (height - 1) / 2, (width - 1) / 2] } : { auto_pad: 'SAME_UPPER' };
  state.nodes.push(node('Conv', [input, `${layer.name}/kernel`, `${layer.name}/bias`], [name], { kernel_shape: [height, width], strides, ...padding }));
  const kind = activationOf(layer);
  if (kind === 'linear') return name;
  const add = (opType: string, inputs: readonly string[], attributes: Parameters<typeof node>[3] = {}): string => {
    const out = uniqueName(layer.name, state);
    state.nodes.push(node(opType, inputs, [out], attributes));
    return out;
  };
  return activation(kind, name, 4, add, state);
}

/** Batch normalisation with fixed statistics as `x · scale + shift`. */
function normalization(layer: layers.Layer): { readonly scale: Float64Array; readonly shift: Float64Array } {
  const config = layer.getConfig();
  const epsilon = config['epsilon'] as number;
  const values: ArrayLike<number>[] = layer.getWeights().map((weight) => weight.dataSync());
  const gamma = config['scale'] === false ? undefined : values.shift();
  const beta = config['center'] === false ? undefined : values.shift();
  const [mean, variance] = values as [ArrayLike<number>, ArrayLike<number>];
  const scale = Float64Array.from(variance, (value, index) => (gamma?.[index] ?? 1) / Math.sqrt(value + epsilon));
  return { scale, shift: Float64Array.from(scale, (factor, index) => (beta?.[index] ?? 0) - mean[index]! * factor) };
}

function activationOf(layer: layers.Layer): string {
  const name = layer.getConfig()['activation'];
  return typeof name === 'string' ? name : 'linear';
}

function inputsOf(tensor: SymbolicTensor): SymbolicTensor[] {
  return (tensor.sourceLayer.inboundNodes[tensor.nodeIndex] as unknown as { inputTensors: SymbolicTensor[] }).inputTensors;
}

function countConsumers(models: readonly LayersModel[]): Map<string, number> {
  const counts = new Map<string, number>();
  const seen = new Set<string>();
  const visit = (tensor: SymbolicTensor): void => {
    if (seen.has(tensor.name)) return;
    seen.add(tensor.name);
    if (tensor.sourceLayer.getClassName() === 'InputLayer') return;
    for (const input of inputsOf(tensor)) {
      counts.set(input.name, (counts.get(input.name) ?? 0) + 1);
      visit(input);
    }
  };
  for (const model of models) {
    counts.set(model.outputs[0]!.name, (counts.get(model.outputs[0]!.name) ?? 0) + 1);
    visit(model.outputs[0]!);
  }
  return counts;
}

/** A name for a layer's value that neither another value nor an output of the graph has. */
function uniqueName(base: string, state: State): string {
  const taken = state.nodes.filter((item) => item.output[0]!.startsWith(`${base}/`)).length;
  return `${base}/${taken}`;
}

function pair(value: unknown): number[] {
  return Array.isArray(value) ? (value as number[]) : [value as number, value as number];
}

function unknown(layer: layers.Layer, what: string, state: State): ModelError {
  return new ModelError(state.model, `expected layers that can be exported to ONNX, found ${layer.name} (${layer.getClassName()}) of another ${what}`);
}

