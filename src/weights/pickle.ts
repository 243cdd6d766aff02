import { InvalidFileError } from '../errors.js';

/** A name that a pickle wants to import. It is never imported; the caller says what it stands for. */
export class PickleGlobal {
  constructor(readonly module: string, readonly name: string) {}
  get text(): string { return `${this.module}.${this.name}`; }
}

/** A Python dict in insertion order. Keys are compared by value for texts and numbers. */
export class PickleDict {
  readonly entries: [unknown, unknown][] = [];
  /** Attributes set on it after it was made (`_metadata` of a state dict); nobody reads them. */
  state: unknown;
  get(key: unknown): unknown {
    return this.entries.find(([own]) => own === key)?.[1];
  }
}

/** The bytes end before the pickle does: damaged, or more of the file has to be read. */
export class PickleCutOff extends InvalidFileError {}

/** What a caller lets a pickle do. */
export interface PickleRules {
  /** The object for `name(*args)`. Throws for a callable that is not allowed. */
  readonly call: (callable: PickleGlobal, args: readonly unknown[]) => unknown;
  /** The object for a persistent id. */
  readonly persistent: (id: unknown) => unknown;
}

export interface Unpickled {
  readonly value: unknown;
  /** Position behind the pickle's end. */
  readonly end: number;
}

/** A pickle of weights has a few opcodes for each tensor; one that has more than this is a bomb. */
const MOST_STEPS = 5_000_000;
const MOST_DEPTH = 100_000;
const MARK = Symbol('mark');

/**
 * Reads a pickle of protocols 0 to 5 (pickletools.py of CPython describes the opcodes) without running any of it: globals
 * stay names, and what they are called with goes to `rules`. Opcodes that import or build by other ways are refused.
 * @throws {InvalidFileError} naming the opcode or class that is not read.
 */
export function unpickle(file: string, bytes: Uint8Array, start: number, rules: PickleRules): Unpickled {
  return new Machine(file, bytes, start, rules).run();
}

class Machine {
  private readonly stack: unknown[] = [];
  private readonly memo = new Map<number, unknown>();
  private readonly view: DataView;
  private at: number;

  constructor(private readonly file: string, private readonly bytes: Uint8Array, start: number, private readonly rules: PickleRules) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = start;
  }

  run(): Unpickled {
    for (let steps = 0; steps < MOST_STEPS; steps++) {
      const code = this.byte();
      if (code === 0x2e) return { value: this.pop(), end: this.at };
      this.step(code);
      if (this.stack.length > MOST_DEPTH * 10) break;
    }
    throw this.damaged('a pickle of weights, found one that never ends');
  }

  private step(code: number): void {
    const { stack } = this;
    switch (String.fromCharCode(code)) {
      case '\x80': this.byte(); return;
      case '\x95': this.take(8); return;
      case '(': stack.push(MARK); return;
      case '0': this.pop(); return;
      case '1': this.toMark(); return;
      case '2': stack.push(this.top()); return;
      case 'N': stack.push(null); return;
      case '\x88': stack.push(true); return;
      case '\x89': stack.push(false); return;
      case 'K': stack.push(this.byte()); return;
      case 'M': stack.push(this.view.getUint16(this.take(2), true)); return;
      case 'J': stack.push(this.view.getInt32(this.take(4), true)); return;
      case '\x8a': stack.push(this.long(this.byte())); return;
      case '\x8b': stack.push(this.long(this.length(4))); return;
      case 'G': stack.push(this.view.getFloat64(this.take(8), false)); return;
      case 'I': { const line = this.line(); stack.push(line === '00' ? false : line === '01' ? true : Number(line)); return; }
      case 'L': stack.push(Number(this.line().replace(/L$/, ''))); return;
      case 'F': stack.push(Number(this.line())); return;
      case 'S': stack.push(this.line().slice(1, -1)); return;
      case 'V': stack.push(this.line()); return;
      case '\x8c': stack.push(this.text(this.byte())); return;
      case 'X': stack.push(this.text(this.length(4))); return;
      case '\x8d': stack.push(this.text(this.length(8))); return;
      case 'U': stack.push(this.latin(this.byte())); return;
      case 'T': stack.push(this.latin(this.length(4))); return;
      case 'C': stack.push(this.slice(this.byte())); return;
      case 'B': stack.push(this.slice(this.length(4))); return;
      case '\x8e': stack.push(this.slice(this.length(8))); return;
      case ')': stack.push([]); return;
      case 't': { const items = this.toMark(); stack.push(items); return; }
      case '\x85': this.tuple(1); return;
      case '\x86': this.tuple(2); return;
      case '\x87': this.tuple(3); return;
      case ']': stack.push([]); return;
      case 'l': { const items = this.toMark(); stack.push(items); return; }
      case 'a': { const item = this.pop(); this.list().push(item); return; }
      case 'e': { const items = this.toMark(); const list = this.list(); for (const item of items) list.push(item); return; }
      case '}': stack.push(new PickleDict()); return;
      case 'd': { const items = this.toMark(); stack.push(new PickleDict()); this.fill(items); return; }
      case 's': { const value = this.pop(); const key = this.pop(); this.fill([key, value]); return; }
      case 'u': this.fill(this.toMark()); return;
      case '\x8f': stack.push([]); return;
      case '\x90': { const items = this.toMark(); const list = this.list(); for (const item of items) list.push(item); return; }
      case 'q': this.memo.set(this.byte(), this.top()); return;
      case 'r': this.memo.set(this.view.getUint32(this.take(4), true), this.top()); return;
      case 'p': this.memo.set(Number(this.line()), this.top()); return;
      case '\x94': this.memo.set(this.memo.size, this.top()); return;
      case 'h': this.remember(this.byte()); return;
      case 'j': this.remember(this.view.getUint32(this.take(4), true)); return;
      case 'g': this.remember(Number(this.line())); return;
      case 'c': { const module = this.line(); stack.push(new PickleGlobal(module, this.line())); return; }
      case '\x93': { const name = this.pop(); const module = this.pop(); stack.push(new PickleGlobal(String(module), String(name))); return; }
      case 'Q': stack.push(this.rules.persistent(this.pop())); return;
      case 'R': case '\x81': { const args = this.pop(); this.call(this.pop(), args); return; }
      case 'b': this.build(); return;
      default: throw new InvalidFileError(this.file, `expected a pickle of weights, found the opcode 0x${code.toString(16)} at ${this.at - 1}, which is not read`, { advice: 'save a state dict, or .safetensors' });
    }
  }

  private call(callable: unknown, args: unknown): void {
    if (!(callable instanceof PickleGlobal) || !Array.isArray(args)) throw this.damaged('a call of a named function, found another');
    this.stack.push(this.rules.call(callable, args));
  }

  /** Attributes: kept on dicts, where PyTorch sets `_metadata`; anything else has no state that is read. */
  private build(): void {
    const state = this.pop();
    const target = this.top();
    if (!(target instanceof PickleDict)) throw this.damaged('a state for a dict only, found one for another object');
    target.state = state;
  }

  private fill(items: readonly unknown[]): void {
    const dict = this.top();
    if (!(dict instanceof PickleDict) || items.length % 2 !== 0) throw this.damaged('pairs for a dict, found others');
    for (let i = 0; i < items.length; i += 2) dict.entries.push([items[i], items[i + 1]]);
  }

  private tuple(count: number): void {
    if (this.stack.length < count) throw this.damaged('enough values on the stack, found too few');
    this.stack.push(this.stack.splice(this.stack.length - count, count));
  }

  private list(): unknown[] {
    const list = this.top();
    if (!Array.isArray(list)) throw this.damaged('a list, found another object');
    return list as unknown[];
  }

  private toMark(): unknown[] {
    const at = this.stack.lastIndexOf(MARK);
    if (at < 0) throw this.damaged('a mark on the stack, found none');
    const items = this.stack.splice(at);
    items.shift();
    return items;
  }

  private pop(): unknown {
    if (this.stack.length === 0) throw this.damaged('a value on the stack, found none');
    return this.stack.pop();
  }

  private top(): unknown {
    if (this.stack.length === 0) throw this.damaged('a value on the stack, found none');
    return this.stack[this.stack.length - 1];
  }

  private remember(index: number): void {
    if (!this.memo.has(index)) throw this.damaged(`a remembered value ${index}, found none`);
    this.stack.push(this.memo.get(index));
  }

  private byte(): number {
    return this.bytes[this.take(1)]!;
  }

  /** Moves on by `count` bytes. @returns where they start. */
  private take(count: number): number {
    const from = this.at;
    if (!(count >= 0 && from + count <= this.bytes.length)) throw this.cutOff();
    this.at += count;
    return from;
  }

  private length(bytes: 4 | 8): number {
    const from = this.take(bytes);
    return bytes === 4 ? this.view.getUint32(from, true) : Number(this.view.getBigUint64(from, true));
  }

  private slice(length: number): Uint8Array {
    const from = this.take(length);
    return this.bytes.subarray(from, from + length);
  }

  private text(length: number): string {
    return new TextDecoder().decode(this.slice(length));
  }

  private latin(length: number): string {
    return Buffer.from(this.slice(length)).toString('latin1');
  }

  /** Two's complement, little endian. As a number where that is exact. */
  private long(length: number): number | bigint {
    if (length > 64) throw this.damaged('a whole number of at most 64 bytes, found a longer one');
    let value = 0n;
    const bytes = this.slice(length);
    for (let i = bytes.length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[i]!);
    const signed = BigInt.asIntN(Math.max(1, length * 8), value);
    const number = Number(signed);
    return Number.isSafeInteger(number) ? number : signed;
  }

  private line(): string {
    const end = this.bytes.indexOf(10, this.at);
    if (end < 0) throw this.cutOff();
    const text = Buffer.from(this.bytes.subarray(this.at, end)).toString('utf8').replace(/\r$/, '');
    this.at = end + 1;
    return text;
  }

  private cutOff(): PickleCutOff {
    return new PickleCutOff(this.file, 'expected a whole pickle, found its end cut off', { advice: 'check that the file is complete' });
  }

  private damaged(message: string): InvalidFileError {
    return new InvalidFileError(this.file, `expected ${message} (in the pickle)`, { advice: 'check that the file is complete' });
  }
}
