import { floatTensor, int64Tensor, node } from '../build.js';
import type { OnnxNode, OnnxTensor } from '../types.js';
import { OUTSIDE, ZERO } from './axis.js';
import type { Run } from './axis.js';
import { latticeOf, mapKey, partsOf } from './demand.js';
import type { Demand, Part, Range } from './demand.js';
import type { Kernel, PatchValue, Step } from './value.js';

/** Sizes of a dense map of n × n answers: channels, and numbers along each axis as `first + perStep · (n − 1)`. */
export interface MapSize {
  readonly channels: number;
  readonly y: readonly [first: number, perStep: number];
  readonly x: readonly [first: number, perStep: number];
}

/** A dense graph while it is written. */
export class DenseWriter {
  readonly nodes: OnnxNode[] = [];
  readonly constants = new Map<string, OnnxTensor>();
  /** Sizes of what every node gives, by name. */
  readonly sizes = new Map<string, MapSize>();
  /** Multiplications per number of what a convolution gives, by name. */
  readonly work = new Map<string, number>();
  private count = 0;
  /** The scene's pixels as they come, channels first. */
  private pixels?: { readonly name: string; readonly size: MapSize };

  constructor(readonly stride: number, readonly demand: Demand, readonly values: ReadonlyMap<string, PatchValue>, readonly opset: number) {}

  /** The scene's pixels, channels first. Their map begins where the first answer's patch does. */
  addInput(name: string, value: PatchValue, called: string): void {
    const found = [...this.demand.get(name)?.values() ?? []];
    const [only] = found;
    const map = mapKey(name, 0, 0);
    const lattice = latticeOf(value, this.stride);
    // Rows and columns that no answer reads are cut away, so that a window of answers is one of pixels, whatever the network leaves out.
    const whole: Range = { y: [0, value.y.kinds.length - 1], x: [0, value.x.kinds.length - 1] };
    const all = sizeOf(value.channels, whole, lattice, this.stride);
    const turned = value.layout === 'chw' ? called : this.put(node('Transpose', [called], [this.fresh()], { perm: [0, 3, 1, 2] }), all);
    this.pixels = { name: turned, size: all };
    // Nothing is asked for where all answers are the same constant.
    if (only === undefined) return;
    const size = sizeOf(value.channels, only.range, lattice, this.stride);
    const starts = [only.range.y[0] / lattice.y, only.range.x[0] / lattice.x];
    const trims = [(whole.y[1] - only.range.y[1]) / lattice.y, (whole.x[1] - only.range.x[1]) / lattice.x];
    this.finishNamed(map, this.slice(turned, { starts, trims, steps: [1, 1] }, size), size);
  }

  private finishNamed(name: string, input: string, size: MapSize): void {
    this.put(node('Identity', [input], [name]), size);
  }

  /** Adds all maps of a step's result that are needed. */
  add(step: Step): void {
    const lattice = latticeOf(step.value, this.stride);
    for (const { y, x, range } of this.demand.get(step.output)?.values() ?? []) {
      const name = mapKey(step.output, y, x);
      const size = sizeOf(step.value.channels, range, lattice, this.stride);
      const parts = partsOf(step, { y, x }, range);
      this.compute(step, { name, size, kind: { y, x }, lattice }, parts);
    }
  }

  private compute(step: Step, result: Result, parts: readonly Part[]): void {
    const { compute } = step;
    switch (compute.kind) {
      case 'convolution': this.convolution(step, compute.kernel, result, parts); return;
      case 'maximum': {
        // A zero that stands around the map is a number like others; padding is none.
        const zero = this.readsZero(step, result);
        if (parts.length === 0) {
          if (!zero) step.refuse('a window of it lies in padding altogether');
          this.constantMap(new Float32Array(step.value.channels), result);
          return;
        }
        const name = this.accumulate(step, 'Max', result, parts);
        this.finish(zero ? 'Relu' : 'Identity', [name], result);
        return;
      }
      case 'mean': {
        const counted = (recipe: readonly number[]): number => recipe.filter((kind) => compute.counts === 'padding' || kind !== OUTSIDE).length;
        const total = counted(step.y.recipes[result.kind.y]!) * counted(step.x.recipes[result.kind.x]!);
        if (total === 0) step.refuse('a window of it lies in padding altogether');
        if (parts.length === 0) {
          this.constantMap(new Float32Array(step.value.channels), result);
          return;
        }
        this.finish('Mul', [this.accumulate(step, 'Add', result, parts), this.number(1 / total)], result);
        return;
      }
      case 'same': {
        const { strides } = this.moves(step, parts[0]!, result);
        this.finish('Identity', [this.slice(this.window(parts[0]!, step.inputs[0]!), { starts: [0, 0], trims: [0, 0], steps: strides }, result.size)], result);
        return;
      }
      case 'pointwise': this.pointwise(compute, step, result, parts); return;
    }
  }

  private pointwise(compute: Extract<Step['compute'], { kind: 'pointwise' }>, step: Step, result: Result, parts: readonly Part[]): void {
    const { node: own, constants } = compute;
    const maps = parts.map((part) => this.window(part, part.value));
    const names = constants.map((tensor) => (tensor.name === '' ? '' : this.constant(`${tensor.name ?? ''}/${tensor.dims.join('x')}`, tensor)));
    const after = own.input[0] === step.inputs[0] || step.inputs.length > 1;
    const input = after ? [...maps, ...names] : [...names, ...maps];
    const softmax = own.opType === 'Softmax' || own.opType === 'LogSoftmax';
    if (softmax && this.opset < 13) {
      // Before version 13 everything from the axis on counts as one: channels go last.
      const turned = this.put(node('Transpose', input, [this.fresh()], { perm: [0, 2, 3, 1] }), result.size);
      const soft = this.put(node(own.opType, [turned], [this.fresh()], { axis: 3 }), result.size);
      this.put(node('Transpose', [soft], [result.name], { perm: [0, 3, 1, 2] }), result.size);
      return;
    }
    const attribute = (own.attribute ?? []).filter(({ name }) => !(softmax || own.opType === 'Concat') || name !== 'axis');
    const plain = node(own.opType, input, [result.name], softmax || own.opType === 'Concat' ? { axis: 1 } : {});
    this.put({ ...plain, attribute: [...attribute, ...(plain.attribute ?? [])] }, result.size);
  }

  /** The parts of a kernel that read one map each, added up; the bias once. */
  private convolution(step: Step, kernel: Kernel, result: Result, parts: readonly Part[]): void {
    if (parts.length === 0) {
      this.constantMap(kernel.bias ?? new Float32Array(kernel.to), result);
      return;
    }
    let sum: string | undefined;
    for (const [index, part] of parts.entries()) {
      const { dilations, strides } = this.moves(step, part, result);
      const weights = this.subKernel(step.output, kernel, part.y, part.x);
      const bias = index > 0 || kernel.bias === undefined ? [] : [this.constant(`${step.output}/bias`, floatTensor('', [kernel.to], kernel.bias))];
      const last = parts.length === 1;
      const name = last ? result.name : this.fresh();
      this.put(node('Conv', [this.window(part, part.value), weights, ...bias], [name], { kernel_shape: [part.y.to - part.y.from + 1, part.x.to - part.x.from + 1], dilations, strides, ...(kernel.groups === 1 ? {} : { group: kernel.groups }) }), result.size);
      this.work.set(name, kernel.from * (part.y.to - part.y.from + 1) * (part.x.to - part.x.from + 1));
      if (sum === undefined) sum = name;
      else sum = this.put(node('Add', [sum, name], [index === parts.length - 1 ? result.name : this.fresh()]), result.size);
    }
  }

  /** Whether a window reads one of the zeros around a map. */
  private readsZero(step: Step, result: Result): boolean {
    const [y, x] = [step.y.recipes[result.kind.y]!, step.x.recipes[result.kind.x]!];
    const inside = (recipe: readonly number[]): boolean => recipe.some((kind) => kind !== OUTSIDE);
    return (y.includes(ZERO) && inside(x)) || (x.includes(ZERO) && inside(y));
  }

  /** A map of windows that read no pixel: the same number per channel everywhere, as large as the map would be for these pixels. */
  private constantMap(values: Float32Array, result: Result): void {
    const { name, size: all } = this.pixels!;
    const { channels, y, x } = result.size;
    const four = (...list: number[]): string => this.constant(`dense/int64/${list.join()}`, int64Tensor('', [4], list));
    const vector: MapSize = { channels: 4, y: [1, 0], x: [1, 0] };
    let shape = this.put(node('Shape', [name], [this.fresh()]), vector);
    // [batch, channels, height, width] of the pixels: less those of one answer, by answers along each axis, to those of the map.
    for (const [by, numbers] of [
      ['Sub', four(0, all.channels, all.y[0], all.x[0])], ['Div', four(1, 1, all.y[1], all.x[1])], ['Mul', four(1, 1, y[1], x[1])], ['Add', four(0, channels, y[0], x[0])],
    ] as const) shape = this.put(node(by, [shape, numbers], [this.fresh()]), vector);
    const each = this.constant(`${result.name}/constant`, floatTensor('', [1, channels, 1, 1], values));
    this.finish('Expand', [each, shape], result);
  }

  /** Dilation and stride, in numbers of the map that a part reads. */
  private moves(step: Step, part: Part, result: Result): { readonly dilations: number[]; readonly strides: number[] } {
    const from = latticeOf(this.values.get(part.value)!, this.stride);
    const gap = (offsets: readonly number[], run: Run): number => (run.to === run.from ? 0 : offsets[run.from + 1]! - offsets[run.from]!);
    return {
      dilations: [Math.max(1, gap(step.y.offsets, part.y) / from.y), Math.max(1, gap(step.x.offsets, part.x) / from.x)],
      strides: [result.lattice.y / from.y, result.lattice.x / from.x],
    };
  }

  /** Maximum or sum over all taps of all parts. */
  private accumulate(step: Step, by: 'Max' | 'Add', result: Result, parts: readonly Part[]): string {
    const found = parts.map((part) => {
      const { dilations, strides } = this.moves(step, part, result);
      const counts = [part.y.to - part.y.from + 1, part.x.to - part.x.from + 1];
      const map = this.window(part, part.value);
      if (by === 'Max' && dilations.every((gap, axis) => gap === 1 || counts[axis] === 1)) {
        return this.put(node('MaxPool', [map], [this.fresh()], { kernel_shape: counts, strides }), result.size);
      }
      const rows = this.along(map, by, { axis: 2, count: counts[0]!, gap: dilations[0]! });
      const all = this.along(rows, by, { axis: 3, count: counts[1]!, gap: dilations[1]! });
      return strides.every((stride) => stride === 1) ? all : this.slice(all, { starts: [0, 0], trims: [0, 0], steps: strides }, result.size);
    });
    return found.reduce((sum, next) => this.put(node(by, [sum, next], [this.fresh()]), result.size));
  }

  /** Maximum or sum of `count` numbers, `gap` apart, along one axis: of halves, so that few passes do. */
  private along(map: string, by: 'Max' | 'Add', move: { readonly axis: 2 | 3; readonly count: number; readonly gap: number }): string {
    const { axis, count, gap } = move;
    if (count === 1) return map;
    const half = Math.floor(count / 2);
    const part = this.along(map, by, { axis, count: half, gap });
    const two = this.shifted(part, by, part, { axis, gap: half * gap });
    return count % 2 === 0 ? two : this.shifted(two, by, map, { axis, gap: (count - 1) * gap });
  }

  /** `first` with what stands `gap` behind it in `second`. */
  private shifted(first: string, by: 'Max' | 'Add', second: string, { axis, gap }: { readonly axis: 2 | 3; readonly gap: number }): string {
    const [a, b] = [this.sizes.get(first)!, this.sizes.get(second)!];
    const key = axis === 2 ? 'y' : 'x';
    const length = Math.min(a[key][0], b[key][0] - gap);
    const cut = (name: string, size: MapSize, start: number): string => {
      const trim = size[key][0] - start - length;
      return this.slice(name, { starts: axis === 2 ? [start, 0] : [0, start], trims: axis === 2 ? [trim, 0] : [0, trim], steps: [1, 1] }, { ...size, [key]: [length, size[key][1]] });
    };
    const [one, other] = [cut(first, a, 0), cut(second, b, gap)];
    return this.put(node(by, [one, other], [this.fresh()]), this.sizes.get(one)!);
  }

  /** The part of a map where it is needed. */
  private window(part: Part, value: string): string {
    const own = this.values.get(value)!;
    const held = this.demand.get(value)!.get(`${part.y.kind},${part.x.kind}`)!.range;
    const lattice = latticeOf(own, this.stride);
    const starts = [(part.range.y[0] - held.y[0]) / lattice.y, (part.range.x[0] - held.x[0]) / lattice.x];
    const trims = [(held.y[1] - part.range.y[1]) / lattice.y, (held.x[1] - part.range.x[1]) / lattice.x];
    return this.slice(part.map, { starts, trims, steps: [1, 1] }, sizeOf(own.channels, part.range, lattice, this.stride));
  }

  private slice(map: string, { starts, trims, steps }: { readonly starts: readonly number[]; readonly trims: readonly number[]; readonly steps: readonly number[] }, size: MapSize): string {
    const axes = [0, 1].filter((axis) => starts[axis] !== 0 || trims[axis] !== 0 || steps[axis] !== 1);
    if (axes.length === 0) return map;
    const key = `${map}[${starts.join()}:${trims.join()}:${steps.join()}]`;
    if (this.sizes.has(key)) return key;
    const numbers = (list: readonly number[]): string => this.constant(`dense/int64/${list.join()}`, int64Tensor('', [list.length], list));
    return this.put(node('Slice', [map, numbers(axes.map((axis) => starts[axis]!)), numbers(axes.map((axis) => (trims[axis] === 0 ? END : -trims[axis]!))), numbers(axes.map((axis) => axis + 2)), numbers(axes.map((axis) => steps[axis]!))], [key]), size);
  }

  /** The part of a kernel between taps. Constants have the name of the layer's result: several layers may share weights, and each changes them its own way. */
  private subKernel(output: string, kernel: Kernel, y: Run, x: Run): string {
    const { to, from, height, width, values } = kernel;
    const [rows, columns] = [y.to - y.from + 1, x.to - x.from + 1];
    const name = `${output}/kernel/${y.from}-${y.to},${x.from}-${x.to}`;
    if (this.constants.has(name)) return name;
    const part = new Float32Array(to * from * rows * columns);
    for (let plane = 0, at = 0; plane < to * from; plane++) {
      for (let i = y.from; i <= y.to; i++) for (let j = x.from; j <= x.to; j++, at++) part[at] = values[(plane * height + i) * width + j]!;
    }
    return this.constant(name, floatTensor('', [to, from, rows, columns], part));
  }

  private number(value: number): string {
    return this.constant(`dense/number/${value}`, floatTensor('', [1], [value]));
  }

  private constant(name: string, tensor: OnnxTensor): string {
    if (!this.constants.has(name)) this.constants.set(name, { ...tensor, name });
    return name;
  }

  private finish(op: string, inputs: readonly string[], result: Result): void {
    this.put(node(op, inputs, [result.name]), result.size);
  }

  private put(one: OnnxNode, size: MapSize): string {
    this.nodes.push(one);
    const name = one.output[0]!;
    this.sizes.set(name, size);
    return name;
  }

  private fresh(): string {
    this.count += 1;
    return `dense/${this.count}`;
  }
}

/** Beyond the end of any axis. */
const END = 2 ** 31 - 1;

interface Result {
  readonly name: string;
  readonly size: MapSize;
  readonly kind: { readonly y: number; readonly x: number };
  readonly lattice: { readonly y: number; readonly x: number };
}

function sizeOf(channels: number, range: Range, lattice: { readonly y: number; readonly x: number }, stride: number): MapSize {
  return {
    channels,
    y: [(range.y[1] - range.y[0]) / lattice.y + 1, stride / lattice.y],
    x: [(range.x[1] - range.x[0]) / lattice.x + 1, stride / lattice.x],
  };
}

