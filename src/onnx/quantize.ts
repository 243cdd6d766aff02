import { node, stringAttribute } from './build.js';
import { ModelError } from '../errors.js';
import { opsetOf } from './shape.js';
import { tensorValues } from './tensor.js';
import { TENSOR, type OnnxModel, type OnnxNode, type OnnxTensor } from './types.js';

/** Smallest and largest value of a tensor that 8 bits have to hold. */
export interface ValueRange { readonly low: number; readonly high: number }

export interface QuantizeOptions {
  /** By name of the value; every name of {@link quantizableValues} has to be there. */
  readonly ranges: ReadonlyMap<string, ValueRange>;
  /** Outputs of convolutions and matrix products that stay in float. */
  readonly keepFloat?: ReadonlySet<string>;
  /**
   * Bits of the weights. 7 (default) keeps the sums of two products of an unsigned and a signed byte within 16 bits, which
   * processors without VNNI add them up in: with 8 they overflow there, and answers depend on the processor.
   */
  readonly weightBits?: 7 | 8;
  /** Type of values between layers. Default `uint8`; `int8` is for comparison. */
  readonly activations?: 'uint8' | 'int8';
}

/** Operators whose weights become bytes. */
const WEIGHTED = ['Conv', 'Gemm'];
/** Operators that give what they take, in the same range. */
const SAME_RANGE = ['MaxPool', 'Resize', 'Flatten', 'Identity'];
/** Operators that stay in 8 bits where all their inputs are. */
const FOLLOWING = [...SAME_RANGE, 'Concat', 'Add', 'GlobalAveragePool', 'AveragePool'];
/** First version of the operators that quantises by channel. */
const OLDEST_OPSET = 13;

/** Outputs of the nodes that can be quantised, in the graph's order: what `keepFloat` may name. */
export function quantizableLayers(model: OnnxModel): readonly string[] {
  const constants = constantsOf(model);
  return model.graph.node.filter((one) => isWeighted(one, constants)).map((one) => one.output[0]!);
}

/** Names of all values whose range has to be known. */
export function quantizableValues(model: OnnxModel): readonly string[] {
  return [...plan(model, new Set()).values];
}

/**
 * Writes a float graph with 8-bit integers: values between layers by one scale each, weights by one scale per output
 * channel (symmetric), biases as 32-bit integers, as pairs of QuantizeLinear and DequantizeLinear (QDQ) that runtimes fuse
 * with what stands between them.
 * @throws {ModelError} if the graph is older than such operators.
 */
export function quantizeModel(model: OnnxModel, options: QuantizeOptions): OnnxModel {
  if (opsetOf(model) < OLDEST_OPSET) throw new ModelError(model.graph.name ?? 'model', `expected operators of version ${OLDEST_OPSET} or later, found ${opsetOf(model)}`, { advice: 'convert it with onnx.version_converter' });
  const constants = constantsOf(model);
  const { values, weighted, sharing } = plan(model, options.keepFloat ?? new Set());
  const signed = options.activations === 'int8';
  const added = new Map<string, OnnxTensor>();
  const nodes: OnnxNode[] = [];
  const scaleOf = (name: string): number => {
    const range = options.ranges.get(sharing.get(name) ?? name);
    if (range === undefined) throw new RangeError(`the range of ${name} is not known`);
    // 0 is always a value: of padding, and of what an activation cuts off.
    return Math.max(Math.max(0, range.high) - Math.min(0, range.low), 1e-8) / 255;
  };
  const zeroOf = (name: string): number => Math.round(-Math.min(0, options.ranges.get(sharing.get(name) ?? name)!.low) / scaleOf(name)) - (signed ? 128 : 0);
  const pair = (name: string): void => {
    const [scale, zero] = [`${name}/scale_q`, `${name}/zero_q`];
    added.set(scale, floats(scale, [], [scaleOf(name)]));
    added.set(zero, { name: zero, dims: [], dataType: signed ? TENSOR.int8 : TENSOR.uint8, rawData: Uint8Array.of(zeroOf(name) & 255) });
    nodes.push(node('QuantizeLinear', [name, scale, zero], [`${name}/q`]), node('DequantizeLinear', [`${name}/q`, scale, zero], [`${name}/dq`]));
  };
  const inputs = new Set(model.graph.input.map(({ name }) => name));
  for (const name of inputs) if (values.has(name)) pair(name);
  for (const one of model.graph.node) {
    const input = one.input.map((name) => (values.has(name) ? `${name}/dq` : name));
    if (weighted.has(one.output[0]!)) quantizeWeights(one, input, { constants, added, nodes, scaleOf, bits: options.weightBits ?? 7 });
    nodes.push({ ...one, input });
    for (const name of one.output) if (values.has(name)) pair(name);
  }
  const used = new Set(nodes.flatMap((one) => one.input));
  const initializer = [...(model.graph.initializer ?? []), ...added.values()].filter((tensor) => used.has(tensor.name ?? ''));
  return { ...model, graph: { ...model.graph, node: nodes, initializer, valueInfo: [] } };
}

interface Plan {
  readonly values: ReadonlySet<string>;
  readonly weighted: ReadonlySet<string>;
  /** Values that have the scale of another one. */
  readonly sharing: ReadonlyMap<string, string>;
}

function plan(model: OnnxModel, keepFloat: ReadonlySet<string>): Plan {
  const constants = constantsOf(model);
  const readers = new Map<string, OnnxNode[]>();
  for (const one of model.graph.node) for (const name of one.input) readers.set(name, [...(readers.get(name) ?? []), one]);
  const outputs = new Set(model.graph.output.map(({ name }) => name));
  /** The value after the activation that belongs to a node, where nothing else reads what is before it. */
  const finished = (name: string): string => {
    const [only, ...others] = readers.get(name) ?? [];
    return only?.opType === 'Relu' && others.length === 0 ? only.output[0]! : name;
  };
  const values = new Set<string>();
  const weighted = new Set<string>();
  const sharing = new Map<string, string>();
  for (const one of model.graph.node) {
    const [out] = one.output;
    if (out === undefined) continue;
    const result = finished(out);
    const asOutput = outputs.has(result) || outputs.has(out);
    if (isWeighted(one, constants)) {
      // What only probabilities are made of keeps all its digits.
      const last = (readers.get(result) ?? []).every((reader) => ['Softmax', 'Sigmoid', 'LogSoftmax'].includes(reader.opType));
      if (keepFloat.has(out) || asOutput || last) continue;
      weighted.add(out);
      values.add(one.input[0]!);
      values.add(result);
    } else if (FOLLOWING.includes(one.opType) && !asOutput && one.input.filter((name) => name !== '' && !constants.has(name)).every((name) => values.has(name)) && one.input[0] !== '' && !(one.opType === 'Add' && one.input.some((name) => constants.has(name)))) {
      if (one.opType === 'Resize' && stringAttribute(one, 'mode') === 'cubic') continue;
      values.add(result);
      if (SAME_RANGE.includes(one.opType)) sharing.set(result, sharing.get(one.input[0]!) ?? one.input[0]!);
    }
  }
  return { values, weighted, sharing };
}

/** Steps of the largest bias: of 32 bits, with room for the sum of a channel's products beside it. */
const LARGEST_BIAS = 2 ** 30;

interface Weights {
  readonly constants: ReadonlyMap<string, OnnxTensor>;
  readonly added: Map<string, OnnxTensor>;
  readonly nodes: OnnxNode[];
  readonly scaleOf: (name: string) => number;
  readonly bits: 7 | 8;
}

/** Puts weights and bias of a node in as integers, and their dequantisation before the node; `input` then names it. */
function quantizeWeights(one: OnnxNode, input: string[], { constants, added, nodes, scaleOf, bits }: Weights): void {
  const kernel = constants.get(one.input[1]!)!;
  const values = tensorValues(kernel)!;
  const dims = kernel.dims.map(Number);
  const axis = one.opType === 'Gemm' && integer(one, 'transB') !== 1 ? 1 : 0;
  const channels = dims[axis]!;
  const inner = dims.slice(axis + 1).reduce((product, size) => product * size, 1);
  const most = bits === 7 ? 63 : 127;
  const scales = new Float32Array(channels);
  const channelOf = (at: number): number => Math.floor(at / inner) % channels;
  for (let at = 0; at < values.length; at++) scales[channelOf(at)] = Math.max(scales[channelOf(at)]!, Math.abs(values[at]!));
  const bias = one.input[2] === undefined ? undefined : constants.get(one.input[2]);
  const own = bias === undefined ? undefined : tensorValues(bias)!;
  const inputScale = scaleOf(one.input[0]!);
  for (let channel = 0; channel < channels; channel++) {
    // The bias is counted in steps of weight times input, which a channel of tiny weights must not make too small for it.
    scales[channel] = Math.max(scales[channel]! / most, Math.abs(own?.[channel] ?? 0) / (inputScale * LARGEST_BIAS), 1e-10);
  }
  const bytes = new Int8Array(values.length);
  for (let at = 0; at < values.length; at++) bytes[at] = Math.max(-most, Math.min(most, Math.round(values[at]! / scales[channelOf(at)]!)));
  const name = one.output[0]!;
  add(`${name}/weight`, { dims, dataType: TENSOR.int8, rawData: new Uint8Array(bytes.buffer) }, scales, { dataType: TENSOR.int8, rawData: new Uint8Array(channels) }, axis);
  input[1] = `${name}/weight_dq`;
  if (own === undefined) return;
  const biasScales = scales.map((scale) => scale * inputScale);
  const whole = Int32Array.from(own, (value, channel) => Math.round(value / biasScales[channel]!));
  add(`${name}/bias`, { dims: [channels], dataType: TENSOR.int32, rawData: new Uint8Array(whole.buffer) }, biasScales, { dataType: TENSOR.int32, rawData: new Uint8Array(channels * 4) }, 0);
  input[2] = `${name}/bias_dq`;

  function add(prefix: string, tensor: Omit<OnnxTensor, 'name'>, factors: Float32Array, zero: Pick<OnnxTensor, 'dataType' | 'rawData'>, along: number): void {
    added.set(`${prefix}_q`, { ...tensor, name: `${prefix}_q` });
    added.set(`${prefix}_scale`, floats(`${prefix}_scale`, [channels], factors));
    added.set(`${prefix}_zero`, { ...zero, name: `${prefix}_zero`, dims: [channels] });
    nodes.push(node('DequantizeLinear', [`${prefix}_q`, `${prefix}_scale`, `${prefix}_zero`], [`${prefix}_dq`], { axis: along }));
  }
}

function isWeighted(one: OnnxNode, constants: ReadonlyMap<string, OnnxTensor>): boolean {
  const kernel = constants.get(one.input[1] ?? '');
  const bias = one.input[2] === undefined || one.input[2] === '' || constants.has(one.input[2]);
  return WEIGHTED.includes(one.opType) && kernel?.dataType === TENSOR.float32 && bias && !(one.attribute ?? []).some((item) => (item.name === 'alpha' || item.name === 'beta') && item.f !== 1);
}

function integer(one: OnnxNode, name: string): number {
  return Number(one.attribute?.find((item) => item.name === name)?.i ?? 0);
}

function constantsOf(model: OnnxModel): ReadonlyMap<string, OnnxTensor> {
  return new Map((model.graph.initializer ?? []).map((tensor) => [tensor.name ?? '', tensor]));
}

function floats(name: string, dims: readonly number[], values: ArrayLike<number>): OnnxTensor {
  return { name, dims: [...dims], dataType: TENSOR.float32, rawData: new Uint8Array(Float32Array.from(values).buffer) };
}
