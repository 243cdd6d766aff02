import type { SymbolicTensor, layers } from '@tensorflow/tfjs';
import { ModelError } from '../errors.js';
import { node, type OnnxTensor } from '../onnx/index.js';
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

/**
 * A constant, put in once. `of` is what it is made of, `name` what it is called where no other constant is: layers of several
 * networks may have one name, and a layer that is called twice has its weights once.
 */
export function constant(of: string, name: string, state: GraphState, make: (name: string) => OnnxTensor): string {
  const known = state.constants.get(of);
  if (known !== undefined) return known;
  const taken = new Set(state.constants.values());
  let free = name;
  for (let number = 2; taken.has(free); number++) free = `${name}_${number}`;
  state.constants.set(of, free);
  state.initializers.push(make(free));
  return free;
}

/** What a constant of a layer is made of. */
export function ownConstant(layer: layers.Layer, suffix: string): string {
  return `${layer.id}/${suffix}`;
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
