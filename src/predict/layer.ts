import { ModelError } from '../errors.js';
import { graphOutputs, hasValue } from '../onnx/index.js';
import { askOutputs } from './ask.js';
import { patchSize, scoreOutput } from './inspect.js';
import type { LoadedModel } from './load.js';
import { openPool } from './pool.js';

/** Nodes that change the form of numbers, or turn scores into probabilities: what is before them is looked for. */
const AFTERWARDS: ReadonlySet<string> = new Set(['Softmax', 'Sigmoid', 'LogSoftmax', 'Transpose', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten', 'Cast', 'Identity', 'Resize', 'Add']);

/**
 * A model whose features are another tensor of its graph: any value that a node gives, an output or not. Maps are averaged over
 * both axes; other tensors are flattened. The engine says how long the vectors are.
 * @param patch edge lengths of the patches that will come
 * @throws {ModelError} if no node gives a value of that name, or it has no fixed length.
 */
export async function withLayer(model: LoadedModel, layer: string, patch: { readonly width: number; readonly height: number }): Promise<LoadedModel> {
  const { card, graph, source } = model;
  if (!hasValue(graph, layer)) {
    const likely = layerBeforeClasses(model);
    throw new ModelError(source, `no node of its graph gives ${layer}`, {
      advice: `its outputs are ${graphOutputs(graph).map(({ name }) => name).join(', ')}${likely === undefined ? '' : `; the layer before its classes is ${likely}`}`,
    });
  }
  const scores = scoreOutput(graph, card, source);
  const asked = { ...model, card: { ...card, output: { ...card.output, ...(scores === undefined ? {} : { name: scores }), features: { name: layer, dimensions: 1 } } } };
  const size = patchSize(card, patch.width, patch.height);
  if ('reason' in size) throw new ModelError(source, size.reason, { advice: size.advice });
  const pool = openPool({ model: source, device: 'cpu', workers: 1, threads: 1 });
  try {
    const { featureDims } = await askOutputs(pool, asked, { size, batch: 1, session: 0 });
    const dims = featureDims ?? [];
    const axis = card.input.dim_order === 'bhwc' ? 3 : 1;
    const dimensions = dims.length === 4 ? dims[axis]! : dims.slice(1).reduce((product, n) => product * n, 1);
    if (dims.length < 2 || dims[0] !== 1 || !(Number.isInteger(dimensions) && dimensions >= 1)) {
      throw new ModelError(source, `${layer} has the shape [${dims.join(', ')}], expected numbers for each patch, the patch first`, { advice: 'choose another --layer' });
    }
    return { ...asked, card: { ...asked.card, output: { ...asked.card.output, features: { name: layer, dimensions } } } };
  } finally {
    await pool.close();
  }
}

/** Name of the tensor that the last layer with weights reads: what a model knows of a patch before it decides on classes. */
export function layerBeforeClasses({ graph, card, source }: LoadedModel): string | undefined {
  const weights = new Set((graph.graph.initializer ?? []).map(({ name }) => name));
  let name = scoreOutput(graph, card, source);
  for (let steps = 0; name !== undefined && steps < 50; steps++) {
    const wanted = name;
    const node = graph.graph.node.find(({ output }) => output.includes(wanted));
    if (node === undefined) return undefined;
    const before = node.input.find((input) => !weights.has(input));
    if (['Gemm', 'MatMul', 'Conv', 'ConvTranspose'].includes(node.opType)) return before !== undefined && hasValue(graph, before) ? before : undefined;
    if (!AFTERWARDS.has(node.opType)) return undefined;
    name = before;
  }
  return undefined;
}
