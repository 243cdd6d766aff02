import { TENSOR } from './types.js';
import type { OnnxDimension, OnnxModel, OnnxValueInfo, TensorTypeName } from './types.js';

/** A value of the graph as far as the file says: type, and sizes (−1 where free or unknown). */
export interface ValueShape {
  readonly name: string;
  /** `undefined` for types outside {@link TENSOR} and for sequences, maps and the like. */
  readonly type: TensorTypeName | undefined;
  /** `undefined` where the file does not even say the rank. */
  readonly shape: readonly number[] | undefined;
}

/** What a caller has to feed: the graph's inputs without those that have a constant of the same name (IR version 3 lists them too). */
export function graphInputs(model: OnnxModel): readonly ValueShape[] {
  const constants = new Set((model.graph.initializer ?? []).map((tensor) => tensor.name));
  return model.graph.input.filter((input) => !constants.has(input.name)).map(valueShape);
}

export function graphOutputs(model: OnnxModel): readonly ValueShape[] {
  return model.graph.output.map(valueShape);
}

/** Version of the standard operators that the graph is written in. */
export function opsetOf(model: OnnxModel): number {
  const standard = model.opsetImport.find((opset) => (opset.domain ?? '') === '' || opset.domain === 'ai.onnx');
  return Number(standard?.version ?? 1);
}

/** Metadata of the file by key. */
export function metadataOf(model: OnnxModel): Readonly<Record<string, string>> {
  return Object.fromEntries((model.metadataProps ?? []).map(({ key, value }) => [key, value]));
}

/** Whether some node gives a value of this name. */
export function hasValue(model: OnnxModel, name: string): boolean {
  return model.graph.node.some((node) => node.output.includes(name));
}

function valueShape(info: OnnxValueInfo): ValueShape {
  const tensor = info.type?.tensorType;
  const shape = tensor?.shape?.dim.map(dimension);
  return { name: info.name, type: tensor === undefined ? undefined : tensorTypeName(tensor.elemType), shape };
}

function dimension(dim: OnnxDimension): number {
  const value = Number(dim.dimValue ?? -1);
  return value > 0 ? value : -1;
}

function tensorTypeName(elemType: number): TensorTypeName | undefined {
  return (Object.keys(TENSOR) as TensorTypeName[]).find((name) => TENSOR[name] === elemType);
}
