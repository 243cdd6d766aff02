import { readFileSync } from 'node:fs';
import { takingMemory } from '../errors.js';
import { bytesPerSample } from '../raster/index.js';
import { differenceFloatRows } from './predictor.js';
import type { Packing } from './encode.js';

/** What the kernel packs; `runs` of Deflate are left to zlib. */
export type KernelPacking = Pick<Packing, 'compression' | 'level' | 'predictor' | 'dtype' | 'bands'>;

/**
 * Packing in the memory of a WebAssembly instance, which is used again for every block: `fixtures/block-kernel/pack.c` with the compressor of
 * libdeflate (docs/decisions/0033-a-kernel-that-packs.md).
 */
export interface PackKernel {
  /** Packs the bytes of a block of rows of `width` pixels, which stay as they are. The view is good until the next call. */
  pack(bytes: Uint8Array, width: number): Uint8Array;
}

const PAGE = 65_536;
/** An instance with more memory than this is not used again: it cannot give any back. */
const MOST_KEPT = 2 ** 26;

interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  readonly __heap_base: { readonly value: number };
  readonly deflate_room: (length: number) => number;
  readonly pack_deflate: (bytes: number, length: number, out: number, room: number, level: number) => number;
  readonly lzw_room: (length: number) => number;
  readonly pack_lzw: (bytes: number, length: number, out: number) => number;
  readonly differences: (data: number, rowSamples: number, rows: number, bits: number, step: number) => void;
}

/** The part of WebAssembly that is used here; its types come with those of browsers only. */
const { WebAssembly: wasm } = globalThis as unknown as {
  readonly WebAssembly: { readonly Module: new (bytes: Uint8Array) => object; readonly Instance: new (module: object) => { readonly exports: unknown } };
};

let compiled: object | undefined;

/** The compiled kernel, which threads can be given. */
export function packKernelModule(): object {
  return compiled ??= new wasm.Module(readFileSync(new URL('../../../assets/block-kernel/pack.wasm', import.meta.url)));
}

/** Whether blocks are packed by the kernel. */
export function isKernelPacking({ compression, predictor, matching }: Packing): boolean {
  return compression === 'lzw' || (compression === 'deflate' && predictor === 2 && matching === 'search');
}

/** A kernel with memory of its own. */
export function openPackKernel(module: object, { compression, level, predictor, dtype, bands }: KernelPacking): PackKernel {
  const open = (): Exports => takingMemory(() => new wasm.Instance(module).exports as Exports);
  const sampleBytes = bytesPerSample(dtype);
  let exports = open();
  return {
    pack(bytes, width) {
      if (exports.memory.buffer.byteLength > MOST_KEPT) exports = open();
      const { memory } = exports;
      const { length } = bytes;
      // Unsigned in the kernel, and signed when they come back.
      const room = (compression === 'lzw' ? exports.lzw_room(length) : exports.deflate_room(length)) >>> 0;
      const block = aligned(exports.__heap_base.value);
      const out = aligned(block + length);
      const missing = out + room - memory.buffer.byteLength;
      if (missing > 0) takingMemory(() => memory.grow(Math.ceil(missing / PAGE)));
      new Uint8Array(memory.buffer, block, length).set(bytes);
      const rowSamples = width * bands;
      if (predictor === 2) exports.differences(block, rowSamples, length / (rowSamples * sampleBytes), 8 * sampleBytes, bands);
      else if (predictor === 3) differenceFloatRows(new Uint8Array(memory.buffer, block, length), rowSamples, sampleBytes, bands);
      const packed = (compression === 'lzw' ? exports.pack_lzw(block, length, out) : exports.pack_deflate(block, length, out, room, level)) >>> 0;
      if (packed === 0) throw new Error(`the kernel found too little room for a block of ${length} bytes`);
      return new Uint8Array(memory.buffer, out, packed);
    },
  };
}

function aligned(address: number): number {
  return Math.ceil(address / 64) * 64;
}

/** Packs bytes with TIFF's LZW: codes of 9 to 12 bits, most significant bit first (TIFF 6.0, section 13). */
export function encodeLzw(bytes: Uint8Array): Uint8Array {
  return (lzw ??= openPackKernel(packKernelModule(), { compression: 'lzw', level: 1, predictor: 1, dtype: 'uint8', bands: 1 })).pack(bytes, bytes.length).slice();
}

let lzw: PackKernel | undefined;
