import { encodeModel, floatTensor, node, valueInfo } from '../src/onnx/index.js';
import type { OnnxNode, OnnxTensor } from '../src/onnx/index.js';

/** Networks with random weights, as large as real ones: for time and memory the numbers in them do not matter. */

interface Builder {
  readonly nodes: OnnxNode[];
  readonly constants: OnnxTensor[];
  /** Numbers in −1 … 1, the same each time. */
  random(): number;
}

function builder(): Builder {
  let state = 1;
  return { nodes: [], constants: [], random: () => { state = (Math.imul(state, 1664525) + 1013904223) >>> 0; return state / 2 ** 31 - 1; } };
}

function weights(b: Builder, name: string, dims: readonly number[], fanIn: number): string {
  const length = dims.reduce((product, n) => product * n, 1);
  const size = Math.sqrt(6 / fanIn);
  b.constants.push(floatTensor(name, dims, Float32Array.from({ length }, () => b.random() * size)));
  return name;
}

interface ConvOptions {
  readonly kernel?: number;
  readonly stride?: number;
  readonly relu?: boolean;
}

function conv(b: Builder, from: string, inputs: number, outputs: number, { kernel = 3, stride = 1, relu = true }: ConvOptions = {}): string {
  const name = `conv${b.nodes.length}`;
  const pad = Math.floor(kernel / 2);
  const w = weights(b, `${name}.w`, [outputs, inputs, kernel, kernel], inputs * kernel * kernel);
  const bias = weights(b, `${name}.b`, [outputs], outputs);
  b.nodes.push(node('Conv', [from, w, bias], [name], { kernel_shape: [kernel, kernel], pads: [pad, pad, pad, pad], strides: [stride, stride] }));
  if (!relu) return name;
  b.nodes.push(node('Relu', [name], [`${name}.relu`]));
  return `${name}.relu`;
}

function pair(b: Builder, from: string, inputs: number, outputs: number): string {
  return conv(b, conv(b, from, inputs, outputs), outputs, outputs);
}

/** U-Net 64-128-256, two convolutions each, bilinear up, 6 classes: 1.9 M parameters. Input `[n, 3, h, w]` float32, logits out. */
export function unetBytes(): Uint8Array {
  const b = builder();
  b.constants.push(floatTensor('twice', [4], [1, 1, 2, 2]));
  const down = (from: string): string => { b.nodes.push(node('MaxPool', [from], [`${from}.down`], { kernel_shape: [2, 2], strides: [2, 2] })); return `${from}.down`; };
  const join = (from: string, skip: string): string => {
    b.nodes.push(node('Resize', [from, '', 'twice'], [`${from}.up`], { mode: 'linear', coordinate_transformation_mode: 'asymmetric' }));
    b.nodes.push(node('Concat', [`${from}.up`, skip], [`${from}.join`], { axis: 1 }));
    return `${from}.join`;
  };
  const one = pair(b, 'input', 3, 64);
  const two = pair(b, down(one), 64, 128);
  const three = pair(b, down(two), 128, 256);
  const four = pair(b, join(three, two), 384, 128);
  const five = pair(b, join(four, one), 192, 64);
  const last = conv(b, five, 64, 6, { kernel: 1, relu: false });
  return finish(b, last, ['n', 3, 'h', 'w'], ['n', 6, 'h', 'w']);
}

/** Residual network 32-64-128 for chips of 32×32: 0.7 M parameters. Input `[n, 3, 32, 32]` float32, 17 logits out. */
export function residualBytes(): Uint8Array {
  const b = builder();
  const block = (from: string, inputs: number, outputs: number, stride = 1): string => {
    const inner = conv(b, conv(b, from, inputs, outputs, { stride }), outputs, outputs, { relu: false });
    const side = stride === 1 && inputs === outputs ? from : conv(b, from, inputs, outputs, { kernel: 1, stride, relu: false });
    b.nodes.push(node('Add', [inner, side], [`${inner}.sum`]), node('Relu', [`${inner}.sum`], [`${inner}.out`]));
    return `${inner}.out`;
  };
  const first = block(conv(b, 'input', 3, 32), 32, 32);
  const second = block(first, 32, 64, 2);
  const third = block(second, 64, 128, 2);
  const fourth = block(third, 128, 128);
  const w = weights(b, 'head.w', [128, 17], 128);
  b.nodes.push(node('GlobalAveragePool', [fourth], ['pool']), node('Flatten', ['pool'], ['flat'], { axis: 1 }), node('MatMul', ['flat', w], ['head']));
  return finish(b, 'head', ['n', 3, 32, 32], ['n', 17]);
}

function finish(b: Builder, from: string, input: readonly (number | string)[], output: readonly (number | string)[]): Uint8Array {
  b.nodes.push(node('Identity', [from], ['output']));
  return encodeModel({
    irVersion: 8,
    opsetImport: [{ version: 17 }],
    graph: { name: 'bench', node: b.nodes, initializer: b.constants, input: [valueInfo('input', 'float32', input)], output: [valueInfo('output', 'float32', output)] },
  });
}
