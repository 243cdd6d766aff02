import type { SymbolicTensor, layers } from '@tensorflow/tfjs';
import { ModelError } from '../errors.js';
import { floatTensor, node } from '../onnx/index.js';
import type { GraphState } from './export-onnx.js';

/** Adds a node, gives the name of its value. */
export type Add = (opType: string, from: readonly string[], attributes?: Parameters<typeof node>[3]) => string;

/** Nodes of one layer; their values are called after it. */
export function adder(layer: layers.Layer, state: GraphState): Add {
  return (opType, from, attributes = {}) => {
    const taken = state.nodes.filter((item) => item.output[0]!.startsWith(`${layer.name}/`)).length;
    const name = `${layer.name}/${taken}`;
    state.nodes.push(node(opType, from, [name], attributes));
    return name;
  };
}

/** The nodes of an activation by its Keras name. */
export function activation(name: string, input: string, rank: number, add: Add, state: GraphState): string {
  switch (name) {
    case 'linear': return input;
    case 'relu': return add('Relu', [input]);
    case 'relu6': {
      const bounds = ['relu6/low', 'relu6/high'];
      if (!state.initializers.some((item) => item.name === bounds[0])) state.initializers.push(floatTensor(bounds[0]!, [], [0]), floatTensor(bounds[1]!, [], [6]));
      return add('Clip', [input, ...bounds]);
    }
    case 'sigmoid': return add('Sigmoid', [input]);
    case 'tanh': return add('Tanh', [input]);
    case 'softmax': return add('Softmax', [input], { axis: rank === 4 ? 1 : -1 });
    default: throw new ModelError(state.model, `expected the activation linear, relu, relu6, sigmoid, tanh or softmax for export to ONNX, found ${name}`);
  }
}

export function activationOf(layer: layers.Layer): string {
  const name = layer.getConfig()['activation'];
  return typeof name === 'string' ? name : 'linear';
}

export function pair(value: unknown): number[] {
  return Array.isArray(value) ? (value as number[]) : [value as number, value as number];
}

export function unknown(layer: layers.Layer, what: string, state: GraphState): ModelError {
  return new ModelError(state.model, `expected layers that can be exported to ONNX, found ${layer.name} (${layer.getClassName()}) of another ${what}`);
}

/** The values that a layer reads to give this one. */
export function inputsOf(tensor: SymbolicTensor): SymbolicTensor[] {
  return (tensor.sourceLayer.inboundNodes[tensor.nodeIndex] as unknown as { inputTensors: SymbolicTensor[] }).inputTensors;
}
