import type { TypedArray } from '../raster/index.js';

/** Memory that is kept for blocks to come. */
const MOST_BYTES = 16 * 2 ** 20;

const free: ArrayBuffer[] = [];
let bytes = 0;
/** Only memory that was lent comes back: other blocks may be views of what somebody else holds. */
const lent = new WeakSet<ArrayBufferLike>();

/** Memory for a block, which may hold anything: that of blocks that left a cache where there is some of this length. */
export function takeBlockMemory(length: number): ArrayBuffer {
  const at = free.findIndex((buffer) => buffer.byteLength === length);
  if (at < 0) return new ArrayBuffer(length);
  bytes -= length;
  return free.splice(at, 1)[0]!;
}

/** Marks a block that a thread made in memory that was taken here. */
export function lendBlock(block: TypedArray): TypedArray {
  lent.add(block.buffer);
  return block;
}

/**
 * Takes the memory of a block back that left a cache. Reads that have just been given the block copy it before anything else happens: so only
 * what follows from no promise may write into it.
 */
export function recycleBlock(block: TypedArray): void {
  const { buffer } = block;
  if (!lent.delete(buffer)) return;
  setImmediate(() => {
    free.push(buffer as ArrayBuffer);
    bytes += buffer.byteLength;
    while (bytes > MOST_BYTES) bytes -= free.shift()!.byteLength;
  });
}
