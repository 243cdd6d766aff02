import { ModelError } from '../../errors.js';
import { opsetOf } from '../shape.js';
import type { OnnxModel, OnnxNode, OnnxTensor } from '../types.js';
import { joinedAxis, padAxis, pixelAxis } from './axis.js';
import { dimsOf, int, ints, layerName, numbersOf, refuseLayer } from './value.js';
import type { PatchValue, Reading, Step } from './value.js';
import { readDense, readGlobalPool, readWindow } from './windows.js';

type Found = Omit<Step, 'layer' | 'refuse' | 'output'>;

/** Operators on single numbers that keep 0 as 0, and such that may not. */
const ZERO_KEEPING = ['Relu', 'LeakyRelu', 'Elu', 'Selu', 'Tanh', 'Softsign', 'Abs', 'Neg', 'Identity', 'Dropout', 'Cast', 'Sqrt', 'HardSwish', 'Gelu', 'Mish', 'ThresholdedRelu', 'Erf', 'Floor', 'Ceil', 'Round', 'Sign', 'Sin'];
const UNARY = [...ZERO_KEEPING, 'Sigmoid', 'HardSigmoid', 'Softplus', 'Clip', 'Exp', 'Log', 'Reciprocal'];
const BINARY = ['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Min', 'Max', 'Sum', 'PRelu'];
/** Oldest operators that dense maps can be written in: max pooling and slices by constants as inputs. */
const OLDEST_OPSET = 10;

export interface PatchGraph {
  /** In an order in which each step comes after those that it reads from. */
  readonly steps: readonly Step[];
  readonly input: PatchValue;
  readonly output: PatchValue;
  readonly opset: number;
}

export interface PatchGraphOptions {
  /** Names of the input with the patch and of the output with one vector per patch. */
  readonly input: string;
  readonly output: string;
  /** Sizes of the patch, and the order in which the input has them. */
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly layout: 'chw' | 'hwc';
  /** For messages. */
  readonly model: string;
}

/**
 * Goes through the graph of a patch classifier and finds out for every operator what each place of its result is made of.
 * @throws {ModelError} naming the first layer that cannot be computed for all pixels at once.
 */
export function readPatchGraph(model: OnnxModel, options: PatchGraphOptions): PatchGraph {
  const opset = opsetOf(model);
  if (opset < OLDEST_OPSET) throw new ModelError(options.model, `it is written in version ${opset} of ONNX's operators; a dense form takes ${OLDEST_OPSET}`, { advice: 'convert it with onnx.version_converter' });
  const input: PatchValue = { channels: options.bands, y: pixelAxis(options.height), x: pixelAxis(options.width), layout: options.layout, rank: 4 };
  const reading: Reading = { model: options.model, opset, values: new Map([[options.input, input]]), constants: new Map((model.graph.initializer ?? []).map((tensor) => [tensor.name ?? '', tensor])), nodes: new Map() };
  const steps: Step[] = [];
  for (const node of model.graph.node) {
    if (node.opType === 'Constant') {
      const tensor = node.attribute?.find(({ name }) => name === 'value')?.t;
      if (tensor !== undefined) reading.constants.set(node.output[0]!, { ...tensor, name: node.output[0]! });
      continue;
    }
    // What depends on nothing but constants is looked at when something reads it.
    if (!node.input.some((name) => reading.values.has(name))) continue;
    if (node.domain !== undefined && node.domain !== '' && node.domain !== 'ai.onnx') refuseLayer(reading, node, `its operators are those of ${node.domain}`);
    const found = readNode(reading, node);
    reading.values.set(node.output[0]!, found.value);
    reading.nodes.set(node.output[0]!, node);
    steps.push({ ...found, layer: layerName(node), refuse: (why) => refuseLayer(reading, node, why), output: node.output[0]! });
  }
  const output = reading.values.get(options.output);
  if (output === undefined || (output.y.kinds.length === 1 && output.x.kinds.length === 1 && hasZeros(output))) throw new ModelError(options.model, `its output ${options.output} does not depend on the patch`);
  if (output.y.kinds.length !== 1 || output.x.kinds.length !== 1) throw new ModelError(options.model, `its output ${options.output} has ${output.x.kinds.length} × ${output.y.kinds.length} places, expected one answer per patch`);
  return { steps, input, output, opset };
}

function readNode(reading: Reading, node: OnnxNode): Found {
  const inputs = node.input.filter((name) => reading.values.has(name));
  const value = reading.values.get(inputs[0]!)!;
  const first = node.input[0] === inputs[0];
  switch (node.opType) {
    case 'Conv': case 'MaxPool': case 'AveragePool': if (first) return readWindow(reading, node, value); break;
    case 'GlobalAveragePool': case 'GlobalMaxPool':
      if (value.layout !== 'chw') break;
      return readGlobalPool(reading, node, value, { kind: node.opType === 'GlobalMaxPool' ? 'maximum' : 'mean', rank: 4 });
    case 'ReduceMean': case 'ReduceMax': return readReduction(reading, node, value);
    case 'Gemm': case 'MatMul': if (first) return readDense(reading, node, value); break;
    case 'Pad': return readPad(reading, node, value);
    case 'Transpose': return readTranspose(reading, node, value);
    case 'Flatten': if (int(node, 'axis', 1) === 1) return sameValue(node, { ...value, rank: 2 }); break;
    case 'Reshape': case 'Squeeze': case 'Unsqueeze': return readReshape(reading, node, value);
    case 'Concat': return readConcat(reading, node);
    case 'Softmax': case 'LogSoftmax': return readSoftmax(reading, node, value);
    case 'BatchNormalization':
      if (!first || value.layout !== 'chw' || !isVectorOrMap(value) || hasZeros(value)) break;
      return pointwise(node, [value], node.input.slice(1).map((name) => reading.constants.get(name) ?? refuseLayer(reading, node, 'its statistics are not constant')));
    default:
      if (UNARY.includes(node.opType) && first && inputs.length === 1) return readUnary(reading, node, value);
      if (BINARY.includes(node.opType)) return readBinary(reading, node);
      refuseLayer(reading, node, 'such an operator is not translated');
  }
  refuseLayer(reading, node, 'it is used in a way that is not translated');
}

/** Vectors of several places are only read by dense layers: their numbers have no channel each. */
function isVectorOrMap(value: PatchValue): boolean {
  return value.rank === 4 || (value.y.kinds.length === 1 && value.x.kinds.length === 1);
}

function hasZeros({ y, x }: PatchValue): boolean {
  return [...y.kinds, ...x.kinds].some((kind) => kind < 0);
}

function pointwise(node: OnnxNode, values: readonly PatchValue[], constants: readonly OnnxTensor[], inputs: readonly string[] = [node.input[0]!]): Found {
  const [value] = values as [PatchValue];
  const [y, x] = [joinedAxis(values.map((one) => one.y))!, joinedAxis(values.map((one) => one.x))!];
  return { inputs, y, x, value: { ...value, y: y.axis, x: x.axis }, compute: { kind: 'pointwise', node, constants } };
}

function sameValue(node: OnnxNode, value: PatchValue): Found {
  const [y, x] = [joinedAxis([value.y])!, joinedAxis([value.x])!];
  return { inputs: [node.input[0]!], y, x, value: { ...value, y: y.axis, x: x.axis }, compute: { kind: 'same' } };
}

function readUnary(reading: Reading, node: OnnxNode, value: PatchValue): Found {
  const constants = node.input.slice(1).filter((name) => name !== '');
  if (constants.some((name) => tensorSize(reading, node, name) !== 1)) refuseLayer(reading, node, 'its limits are not single numbers');
  if (hasZeros(value) && !ZERO_KEEPING.includes(node.opType)) refuseLayer(reading, node, 'it changes the zeros around a map');
  if (['Identity', 'Dropout'].includes(node.opType)) return sameValue(node, value);
  // Optional inputs that are left out keep their place: their names are empty.
  return pointwise(node, [value], node.input.slice(1).map((name) => (name === '' ? { name: '', dims: [], dataType: 1 } : reading.constants.get(name)!)));
}

function tensorSize(reading: Reading, node: OnnxNode, name: string): number {
  return dimsOf(reading.constants.get(name) ?? refuseLayer(reading, node, `${name} is computed from the patch`)).reduce((product, size) => product * size, 1);
}

function readBinary(reading: Reading, node: OnnxNode): Found {
  const maps = node.input.filter((name) => reading.values.has(name));
  const values = maps.map((name) => reading.values.get(name)!);
  const [value] = values as [PatchValue];
  if (maps.length === node.input.length) {
    if (values.some(({ layout, rank, channels }) => layout !== value.layout || rank !== value.rank || channels !== value.channels)
      || joinedAxis(values.map(({ y }) => y)) === undefined || joinedAxis(values.map(({ x }) => x)) === undefined) {
      refuseLayer(reading, node, 'it joins numbers of other places, such as one of the whole patch with one of a pixel');
    }
    return pointwise(node, values, [], maps);
  }
  if (maps.length !== 1 || node.input.length !== 2) refuseLayer(reading, node, 'it joins several maps and constants');
  if (hasZeros(value) && !(node.opType === 'Mul' || (node.opType === 'Div' && node.input[0] === maps[0]))) refuseLayer(reading, node, 'it changes the zeros around a map');
  const name = node.input.find((one) => one !== maps[0])!;
  return pointwise(node, [value], [perChannel(reading, node, name, value)], maps);
}

/** A constant with its numbers along the channels of a dense map. */
function perChannel(reading: Reading, node: OnnxNode, name: string, value: PatchValue): OnnxTensor {
  const tensor = reading.constants.get(name) ?? refuseLayer(reading, node, `${name} is computed from the patch`);
  const size = tensorSize(reading, node, name);
  if (size === 1) return { ...tensor, dims: [1, 1, 1, 1] };
  const dims = dimsOf(tensor);
  const padded = [...new Array<number>(Math.max(0, value.rank - dims.length)).fill(1), ...dims];
  const axis = value.rank === 2 || value.layout === 'chw' ? 1 : 3;
  if (padded.length !== value.rank || padded[axis] !== size || size !== value.channels || !isVectorOrMap(value)) refuseLayer(reading, node, `${name} has other numbers from place to place`);
  return { ...tensor, dims: [1, size, 1, 1] };
}

function readReduction(reading: Reading, node: OnnxNode, value: PatchValue): Found {
  const axes = (ints(node, 'axes') ?? Array.from(numbersOf(reading, node, node.input[1]) ?? [])).map((axis) => (axis < 0 ? axis + 4 : axis)).sort((a, b) => a - b);
  const spatial = value.layout === 'chw' ? '2,3' : '1,2';
  if (value.rank !== 4 || axes.join() !== spatial) refuseLayer(reading, node, 'it does not reduce rows and columns together');
  return readGlobalPool(reading, node, value, { kind: node.opType === 'ReduceMax' ? 'maximum' : 'mean', rank: int(node, 'keepdims', 1) === 1 ? 4 : 2 });
}

function readPad(reading: Reading, node: OnnxNode, value: PatchValue): Found {
  const pads = ints(node, 'pads') ?? Array.from(numbersOf(reading, node, node.input[1]) ?? []);
  const fill = numbersOf(reading, node, node.input[2])?.[0] ?? 0;
  const mode = new TextDecoder().decode(node.attribute?.find(({ name }) => name === 'mode')?.s ?? new TextEncoder().encode('constant'));
  const [top, left] = value.layout === 'chw' ? [2, 3] : [1, 2];
  const others = pads.filter((_, at) => ![top, left, top + 4, left + 4].includes(at));
  if (value.rank !== 4 || mode !== 'constant' || fill !== 0 || pads.length !== 8 || others.some((count) => count !== 0) || (node.input[3] ?? '') !== '') refuseLayer(reading, node, 'it puts other things than zeros around rows and columns');
  const [y, x] = [padAxis(value.y, pads[top]!, pads[top + 4]!), padAxis(value.x, pads[left]!, pads[left + 4]!)];
  return { inputs: [node.input[0]!], y, x, value: { ...value, y: y.axis, x: x.axis }, compute: { kind: 'same' } };
}

function readTranspose(reading: Reading, node: OnnxNode, value: PatchValue): Found {
  const order = ints(node, 'perm')?.join();
  if (value.rank === 4 && order === '0,2,3,1' && value.layout === 'chw') return sameValue(node, { ...value, layout: 'hwc' });
  if (value.rank === 4 && order === '0,3,1,2' && value.layout === 'hwc') return sameValue(node, { ...value, layout: 'chw' });
  refuseLayer(reading, node, 'it turns more than channels to the other end');
}

/** From maps to vectors, and from single places to vectors and back. */
function readReshape(reading: Reading, node: OnnxNode, value: PatchValue): Found {
  const { channels } = value;
  const count = channels * value.y.kinds.length * value.x.kinds.length;
  if (node.opType === 'Reshape') {
    const shape = Array.from(numbersOf(reading, node, node.input[1]) ?? []);
    if (shape.length === 2 && [-1, count].includes(shape[1]!)) return sameValue(node, { ...value, rank: 2 });
    if (shape.length === 4 && count === channels) {
      const at = [1, 3].find((axis) => [-1, channels].includes(shape[axis]!) && shape.every((size, i) => i === 0 || i === axis || size === 1));
      if (at !== undefined) return sameValue(node, { ...value, rank: 4, layout: at === 1 ? 'chw' : 'hwc' });
    }
    refuseLayer(reading, node, 'it does more than laying out a map in a row');
  }
  const axes = ints(node, 'axes') ?? Array.from(numbersOf(reading, node, node.input[1]) ?? []);
  const key = axes.map((axis) => (axis < 0 ? axis + 4 : axis)).sort((a, b) => a - b).join();
  const squeezing = node.opType === 'Squeeze';
  if (count !== channels || value.rank !== (squeezing ? 4 : 2)) refuseLayer(reading, node, 'it does more than dropping or adding axes of a single place');
  if (squeezing && key === (value.layout === 'chw' ? '2,3' : '1,2')) return sameValue(node, { ...value, rank: 2 });
  if (!squeezing && (key === '2,3' || key === '1,2')) return sameValue(node, { ...value, rank: 4, layout: key === '2,3' ? 'chw' : 'hwc' });
  refuseLayer(reading, node, 'it does more than dropping or adding axes of a single place');
}

function readConcat(reading: Reading, node: OnnxNode): Found {
  const values = node.input.map((name) => reading.values.get(name) ?? refuseLayer(reading, node, 'it joins constants to maps'));
  const [value] = values as [PatchValue];
  const axis = int(node, 'axis', 1);
  const own = value.rank === 2 || value.layout === 'chw' ? 1 : 3;
  if ((axis < 0 ? axis + value.rank : axis) !== own || values.some((one) => one.layout !== value.layout || one.rank !== value.rank || !isVectorOrMap(one))
    || joinedAxis(values.map(({ y }) => y)) === undefined || joinedAxis(values.map(({ x }) => x)) === undefined) refuseLayer(reading, node, 'it joins something else than channels of the same places');
  const found = pointwise(node, values, [], node.input);
  return { ...found, value: { ...found.value, channels: values.reduce((sum, { channels }) => sum + channels, 0) } };
}

function readSoftmax(reading: Reading, node: OnnxNode, value: PatchValue): Found {
  const axis = int(node, 'axis', reading.opset < 13 ? 1 : -1);
  const own = value.rank === 2 || value.layout === 'chw' ? 1 : 3;
  // Before version 13 everything from the axis on counts as one; that is the channels where there is one place.
  const single = value.y.kinds.length === 1 && value.x.kinds.length === 1;
  if (hasZeros(value) || !isVectorOrMap(value) || ((axis < 0 ? axis + value.rank : axis) !== own && !(single && axis === 1)) || (reading.opset < 13 && !single)) refuseLayer(reading, node, 'it runs over more than channels');
  return pointwise(node, [value], []);
}

