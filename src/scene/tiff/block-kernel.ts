import { readFileSync } from 'node:fs';
import { takingMemory } from '../../errors.js';

/**
 * Decoding in the memory of a WebAssembly instance, which is used again for every block: `fixtures/block-kernel/kernel.c` with the decoders of
 * zstd and libdeflate (docs/decisions/0024-a-kernel-for-blocks.md).
 */
export interface BlockKernel {
  /**
   * Unpacks at most `length` bytes, fewer where the stored ones end before them, and undoes the predictor in whole rows of them. The view is good until the next call.
   * Otherwise a negative number: {@link KERNEL_NO_ROOM}, {@link KERNEL_NO_CODE} and below, or another for damaged data.
   */
  unpack(coding: KernelCoding, stored: Uint8Array, length: number, rows?: PredictedRows): Uint8Array | number;
}

export type KernelCoding = 'inflate' | 'unpack_lzw' | 'unpack_zstd';

/** Rows with a predictor, in little-endian order. */
export interface PredictedRows {
  /** 2: horizontal differences; 3: of floating-point numbers, by their bytes. */
  readonly predictor: 2 | 3;
  /** 8, 16, 32 or 64. */
  readonly bits: number;
  readonly rowSamples: number;
  /** Samples from one to the next of the same band. */
  readonly step: number;
}

/** There is more than `length` bytes. LZW just stops there. */
export const KERNEL_NO_ROOM = -2;
/** From this number downwards: an LZW code that was not defined, 0 and upwards. */
export const KERNEL_NO_CODE = -3;

/** What may be written over behind the bytes that were asked for. */
const MARGIN = 64;
/** Bytes of a page of WebAssembly's memory. */
const PAGE = 65_536;
/** An instance with more memory than this is not used again: it cannot give any back. */
const MOST_KEPT = 2 ** 26;

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  readonly __heap_base: { readonly value: number };
  readonly inflate: Unpack;
  readonly unpack_lzw: Unpack;
  readonly unpack_zstd: Unpack;
  readonly undo_horizontal: (data: number, rowSamples: number, rows: number, bits: number, step: number) => void;
  readonly undo_floating_point: (data: number, rowSamples: number, rows: number, bits: number, step: number, spare: number) => void;
}

type Unpack = (stored: number, storedLength: number, out: number, room: number) => number;

/** The part of WebAssembly that is used here; its types come with those of browsers only. */
const { WebAssembly: wasm } = globalThis as unknown as {
  readonly WebAssembly: { readonly Module: new (bytes: Uint8Array) => object; readonly Instance: new (module: object) => { readonly exports: unknown } };
};

let compiled: object | undefined;

/** The compiled kernel, which threads can be given. */
export function kernelModule(): object {
  return compiled ??= new wasm.Module(readFileSync(new URL('../../../../assets/block-kernel/kernel.wasm', import.meta.url)));
}

/** A kernel with memory of its own. */
export function openBlockKernel(module: object): BlockKernel {
  const open = (): Exports => takingMemory(() => new wasm.Instance(module).exports as Exports);
  let exports = open();
  return {
    unpack(coding, stored, length, rows) {
      if (exports.memory.buffer.byteLength > MOST_KEPT) exports = open();
      const { memory } = exports;
      const out = aligned(exports.__heap_base.value);
      // What is stored lies behind the result; and later, where it is needed, a row.
      const behind = aligned(out + length + MARGIN);
      const rowBytes = rows === undefined ? 0 : rows.rowSamples * rows.bits / 8;
      const missing = behind + Math.max(stored.length, rowBytes) + MARGIN - memory.buffer.byteLength;
      if (missing > 0) takingMemory(() => memory.grow(Math.ceil(missing / PAGE)));
      new Uint8Array(memory.buffer, behind, stored.length).set(stored);
      const found = exports[coding](behind, stored.length, out, length);
      if (found < 0) return found;
      if (rows !== undefined) {
        const count = Math.floor(found / rowBytes);
        if (rows.predictor === 2) exports.undo_horizontal(out, rows.rowSamples, count, rows.bits, rows.step);
        else exports.undo_floating_point(out, rows.rowSamples, count, rows.bits, rows.step, behind);
      }
      return new Uint8Array(memory.buffer, out, found);
    },
  };
}

function aligned(address: number): number {
  return Math.ceil(address / 64) * 64;
}

let here: BlockKernel | undefined;

/** Unpacks on this thread, into memory that belongs to the caller. */
export function unpackHere(coding: KernelCoding, stored: Uint8Array, length: number): Uint8Array | number {
  const found = (here ??= openBlockKernel(kernelModule())).unpack(coding, stored, length);
  return typeof found === 'number' || found.buffer.byteLength > MOST_KEPT ? found : found.slice();
}

/**
 * Decodes LZW as TIFF has it since version 6.0: at most `length` bytes, fewer where the data end early.
 * @throws {RangeError} for a code that was not defined
 */
export function decodeLzw(source: Uint8Array, length: number): Uint8Array {
  const found = unpackHere('unpack_lzw', source, length);
  if (typeof found === 'number') throw new RangeError(`LZW code ${KERNEL_NO_CODE - found} is not defined`);
  return found;
}
