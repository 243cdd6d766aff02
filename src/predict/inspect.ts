import { shapeSizes } from '../card/index.js';
import type { ModelCard } from '../card/index.js';
import { ModelError } from '../errors.js';
import { graphInputs, graphOutputs, hasValue, opsetOf } from '../onnx/index.js';
import type { OnnxModel, ValueShape } from '../onnx/index.js';

/** The oldest operators that the nodes around a graph can be written in. */
const OLDEST_OPSET = 7;

const DEFAULT_THRESHOLD = 0.5;

/** The graph's input that takes the patches. */
export function findInput(model: OnnxModel, name: string | undefined, where: string): ValueShape {
  const inputs = graphInputs(model);
  const names = inputs.map((input) => input.name).join(', ');
  if (name !== undefined) {
    const found = inputs.find((input) => input.name === name);
    if (found === undefined) throw new ModelError(where, `card field input.name says ${name}, but the graph's inputs are: ${names || 'none'}`);
    if (inputs.length > 1) throw new ModelError(where, `the graph wants ${inputs.length} inputs (${names}); only graphs with one are run`);
    return found;
  }
  const [only] = inputs;
  if (only === undefined) throw new ModelError(where, 'the graph has no input');
  if (inputs.length > 1) throw new ModelError(where, `the graph wants ${inputs.length} inputs (${names}); only graphs with one are run`);
  return only;
}

/** The graph's output with scores or classes. */
export function findOutput(model: OnnxModel, name: string | undefined, where: string): ValueShape {
  const outputs = graphOutputs(model);
  const names = outputs.map((output) => output.name).join(', ');
  if (name !== undefined) {
    const found = outputs.find((output) => output.name === name);
    if (found === undefined) throw new ModelError(where, `card field output.name says ${name}, but the graph's outputs are: ${names || 'none'}`);
    return found;
  }
  const [only] = outputs;
  if (only === undefined) throw new ModelError(where, 'the graph has no output');
  if (outputs.length > 1) throw new ModelError(where, `the graph has ${outputs.length} outputs (${names}) and the card does not choose one`, { advice: 'set output.name in the card' });
  return only;
}

/** Name of the graph's output with scores or classes; an embedding model may have none but its features. */
export function scoreOutput(model: OnnxModel, card: ModelCard, where: string): string | undefined {
  if (card.output.name === undefined && card.task === 'embedding' && card.output.classes.length === 0) return undefined;
  if (card.output.name === undefined && card.output.features !== undefined) {
    const others = graphOutputs(model).filter((output) => output.name !== card.output.features?.name);
    if (others.length === 1) return others[0]?.name;
  }
  return findOutput(model, card.output.name, where).name;
}

/**
 * Compares what the file says about itself with the card, without running anything.
 * @throws {ModelError} naming the card's field that does not fit.
 */
export function checkGraph(model: OnnxModel, card: ModelCard, where: string): void {
  const opset = opsetOf(model);
  if (opset < OLDEST_OPSET) throw new ModelError(where, `it is written in version ${opset} of ONNX's operators; ${OLDEST_OPSET} is the oldest that is read`, { advice: 'convert it with onnx.version_converter' });
  const input = findInput(model, card.input.name, where);
  if (input.type !== card.input.data_type) {
    throw new ModelError(where, `card field input.data_type says ${card.input.data_type}, but the graph's input ${input.name} takes ${input.type ?? 'no tensor'}`);
  }
  checkInputShape(input, card, where);
  scoreOutput(model, card, where);
  const features = card.output.features?.name;
  if (features !== undefined && !hasValue(model, features)) {
    throw new ModelError(where, `card field output.features.name says ${features}, but no node of the graph gives it`);
  }
}

function checkInputShape(input: ValueShape, card: ModelCard, where: string): void {
  const graph = input.shape;
  if (graph === undefined) return;
  const said = `card field input.shape says [${card.input.shape.join(', ')}] (${card.input.dim_order}), but the graph's input ${input.name} is [${graph.map((size) => (size === -1 ? 'free' : size)).join(', ')}]`;
  if (graph.length !== 4) throw new ModelError(where, `the graph's input ${input.name} has ${graph.length} axes, expected 4: batch, bands, height and width`);
  const bandsAxis = card.input.dim_order === 'bchw' ? 1 : 3;
  const bands = graph[bandsAxis] ?? -1;
  if (bands !== -1 && bands !== card.input.bands.length) {
    const other = graph[bandsAxis === 1 ? 3 : 1];
    const turned = other === card.input.bands.length ? { advice: `is input.dim_order ${card.input.dim_order === 'bchw' ? 'bhwc' : 'bchw'}?` } : {};
    throw new ModelError(where, `${said}: ${bands} bands, not ${card.input.bands.length}`, turned);
  }
  for (const [axis, size] of graph.entries()) {
    const own = card.input.shape[axis] ?? -1;
    if (size !== -1 && own !== size && !(axis === bandsAxis && own === -1)) throw new ModelError(where, said);
  }
}

/** Channels that the graph's output must have for a card: two classes may share one, the probability of class 1. */
export function channelsAllowed(card: ModelCard): readonly number[] {
  const count = card.output.classes.length;
  return card.task === 'semantic-segmentation' && count === 2 && card.output.activation !== 'softmax' ? [2, 1] : [count];
}

/** Edge lengths of what comes in and of what the graph takes. */
export interface PatchSize {
  /** The patch as it comes, scene pixels. */
  readonly width: number;
  readonly height: number;
  /** The graph's input; smaller than the patch where chips are reduced. */
  readonly inputWidth: number;
  readonly inputHeight: number;
}

/**
 * The sizes that a patch of `width` × `height` gives rise to; a reason if the model cannot take it.
 * Chips (one answer per patch) are reduced to a fixed input; maps are not, their pixels must stay where they are.
 */
export function patchSize(card: ModelCard, width: number, height: number): PatchSize | { readonly reason: string; readonly advice: string } {
  const fixed = shapeSizes(card.input);
  const step = card.input.multiple_of ?? 1;
  const inputWidth = fixed.width === -1 ? width : fixed.width;
  const inputHeight = fixed.height === -1 ? height : fixed.height;
  const reducible = card.output.dim_order === 'bc';
  if (!reducible && (inputWidth !== width || inputHeight !== height)) {
    return { reason: `takes patches of ${inputWidth}×${inputHeight}, not ${width}×${height}`, advice: `use a patch size of ${inputWidth}` };
  }
  if (inputWidth > width || inputHeight > height) {
    return { reason: `needs at least ${inputWidth}×${inputHeight} pixels, a patch has ${width}×${height}`, advice: `use a patch size from ${Math.max(inputWidth, inputHeight)} on` };
  }
  if (inputWidth % step !== 0 || inputHeight % step !== 0) {
    const below = Math.max(step, Math.floor(Math.min(inputWidth, inputHeight) / step) * step);
    return { reason: `takes patches whose sides are multiples of ${step}, not ${width}×${height}`, advice: `use a patch size of ${below} or ${below + step}` };
  }
  return { width, height, inputWidth, inputHeight };
}

/**
 * Maps of one class: its score from which on a pixel is 1, else 0. `undefined` for maps of several classes, whose pixels are
 * the most likely class.
 */
export function mapThreshold(card: ModelCard): number | undefined {
  const [only, second] = card.output.classes;
  return card.task === 'semantic-segmentation' && only !== undefined && second === undefined ? only.threshold ?? DEFAULT_THRESHOLD : undefined;
}
