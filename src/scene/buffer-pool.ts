import { sharedMemory } from './shared-memory.js';

/**
 * Memory that is used again: what is read from a file, and needed no longer once it is decoded. Fresh memory costs more than filling it,
 * and all of it waits for the garbage collector.
 */
export class BufferPool {
  readonly #free: ArrayBufferLike[] = [];
  #bytes = 0;

  /** Keeps at most so many bytes that nobody uses; shared ones can be given to threads without copies. */
  constructor(private readonly most: number, private readonly kind: 'own' | 'shared' = 'own') {}

  /** `length` bytes that may hold anything, at the start of a buffer that may be larger. */
  take(length: number): Uint8Array {
    const fitting = this.#free.findIndex((buffer) => buffer.byteLength >= length);
    if (fitting < 0) return new Uint8Array(this.kind === 'shared' ? sharedMemory(roomFor(length)) : Buffer.allocUnsafeSlow(roomFor(length)).buffer, 0, length);
    const [buffer] = this.#free.splice(fitting, 1) as [ArrayBufferLike];
    this.#bytes -= buffer.byteLength;
    return new Uint8Array(buffer, 0, length);
  }

  /** Hands back what {@link take} gave; nobody may hold it any more. */
  give(bytes: Uint8Array): void {
    this.#free.push(bytes.buffer);
    this.#bytes += bytes.buffer.byteLength;
    while (this.#bytes > this.most) this.#bytes -= this.#free.shift()!.byteLength;
  }
}

/** A little more than asked for, so that the next one fits as well. */
function roomFor(length: number): number {
  return Math.ceil(length * 1.25 / 65536) * 65536;
}
