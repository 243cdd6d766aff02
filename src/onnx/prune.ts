import type { OnnxGraph, OnnxModel, OnnxNode } from './types.js';

/** The same model without nodes, constants and notes on shapes that none of its outputs needs. */
export function pruneModel(model: OnnxModel): OnnxModel {
  const needed = new Set(model.graph.output.map((output) => output.name));
  const kept: OnnxNode[] = [];
  // Nodes stand after those that they read from, so one walk from the end sees every reader before its source.
  for (let i = model.graph.node.length - 1; i >= 0; i--) {
    const node = model.graph.node[i];
    if (node === undefined || !node.output.some((name) => needed.has(name))) continue;
    kept.push(node);
    for (const name of valuesRead(node)) needed.add(name);
  }
  return {
    ...model,
    graph: {
      ...model.graph,
      node: kept.reverse(),
      initializer: (model.graph.initializer ?? []).filter((tensor) => needed.has(tensor.name ?? '')),
      input: model.graph.input.filter((input) => needed.has(input.name)),
      valueInfo: (model.graph.valueInfo ?? []).filter((info) => needed.has(info.name)),
    },
  };
}

/** Names that a node reads, those inside its branches and loop bodies included. */
function valuesRead(node: OnnxNode): string[] {
  const inner = (node.attribute ?? []).flatMap((attribute) => [...(attribute.g === undefined ? [] : [attribute.g]), ...(attribute.graphs ?? [])]);
  return [...node.input, ...inner.flatMap(graphReads)];
}

function graphReads(graph: OnnxGraph): string[] {
  return [...graph.node.flatMap(valuesRead), ...graph.output.map((output) => output.name)];
}
