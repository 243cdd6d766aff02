import { takingMemory } from '../errors.js';

/** Multiplies rows of 8-bit codes with a query of 16-bit codes; sums are exact. */
export interface CodeProducts {
  /** Room for `rows × stride` codes: rows are put here before {@link multiply}. */
  readonly rows: Uint8Array;
  /** The query's codes, `stride` of them, 0 where it has no more. */
  readonly query: Int16Array;
  /** Products of the first `count` rows with the query. Good until the next call. */
  multiply(count: number): Int32Array;
}

/** Codes of a row are padded with 0 to a multiple of this many. */
export const CODE_STEP = 32;

/**
 * `fixtures/search/code-products.wat`, assembled by `fixtures/search/assemble.mjs`: 128-bit integer products, which onnxruntime has for
 * other layouts only (docs/decisions/0015-a-sieve-of-codes.md).
 */
const MODULE = 'AGFzbQEAAAABCQFgBX9/f39/AAMCAQAFBgEBAYCABAcVAgZtZW1vcnkCAAhwcm9kdWN0cwAACvABAe0BAgN/AnsgBCABQQJ0aiEHAkADQCAEIAdPDQEgACADaiEGIAIhBf0MAAAAAAAAAAAAAAAAAAAAACEI/QwAAAAAAAAAAAAAAAAAAAAAIQkDQCAIIAD9AQMAIAX9AAQA/boB/a4BIQggCSAA/QEDCCAF/QAEEP26Af2uASEJIAggAP0BAxAgBf0ABCD9ugH9rgEhCCAJIAD9AQMYIAX9AAQw/boB/a4BIQkgBUHAAGohBSAAQSBqIgAgBkkNAAsgCCAJ/a4BIQggBCAI/RsAIAj9GwFqIAj9GwIgCP0bA2pqNgIAIARBBGohBAwACwsL';

/** Bytes of a page of WebAssembly's memory. */
const PAGE = 65_536;

interface Kernel {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  readonly products: (rows: number, count: number, query: number, stride: number, out: number) => void;
}

/** The part of WebAssembly that is used here; its types come with those of browsers only. */
const { WebAssembly: wasm } = globalThis as unknown as {
  readonly WebAssembly: { validate(bytes: Uint8Array): boolean; readonly Module: new (bytes: Uint8Array) => object; readonly Instance: new (module: object) => { readonly exports: unknown } };
};

/** Whether this machine has the instructions. */
export function hasCodeProducts(): boolean {
  return wasm.validate(Buffer.from(MODULE, 'base64'));
}

/** @param rows how many at a time. @param stride codes per row, a multiple of {@link CODE_STEP}. */
export function openCodeProducts(rows: number, stride: number): CodeProducts {
  const { memory, products } = takingMemory(() => new wasm.Instance(new wasm.Module(Buffer.from(MODULE, 'base64'))).exports as Kernel);
  // The rows first, so that they are aligned; then the query and the products.
  const query = rows * stride;
  const out = query + 2 * stride;
  takingMemory(() => memory.grow(Math.ceil((out + 4 * rows) / PAGE) - memory.buffer.byteLength / PAGE));
  const found = new Int32Array(memory.buffer, out, rows);
  return {
    rows: new Uint8Array(memory.buffer, 0, rows * stride),
    query: new Int16Array(memory.buffer, query, stride),
    multiply(count) {
      products(0, count, query, stride, out);
      return found.subarray(0, count);
    },
  };
}
