import { sharedMemory } from './shared-memory.js';
import type { TypedArray } from '../raster/index.js';

/** Memory that is kept for blocks to come, at most, by all scenes together. */
export const KEPT_BYTES = 16 * 2 ** 20;

const free: ArrayBufferLike[] = [];
let bytes = 0;
/** Only memory that was lent comes back: other blocks may be views of what somebody else holds. */
const lent = new WeakSet<ArrayBufferLike>();

/**
 * Memory for a block, which may hold anything: that of blocks that left a cache where there is some of this length. It is shared, so that threads
 * write into it.
 */
export function takeBlockMemory(length: number): ArrayBufferLike {
  const at = free.findIndex((buffer) => buffer.byteLength === length);
  if (at < 0) return sharedMemory(length);
  bytes -= length;
  return free.splice(at, 1)[0]!;
}

/** Marks a block in memory that was taken here: it comes back by {@link recycleBlock}. */
export function lendBlock(block: TypedArray): TypedArray {
  lent.add(block.buffer);
  return block;
}

/** Takes back the memory of a block that left a cache; not before those that are just being given the block have copied it. */
export function recycleBlock(block: TypedArray): void {
  const { buffer } = block;
  if (!lent.delete(buffer)) return;
  setImmediate(() => {
    free.push(buffer);
    bytes += buffer.byteLength;
    while (bytes > KEPT_BYTES) bytes -= free.shift()!.byteLength;
  });
}
