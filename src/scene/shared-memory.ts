/**
 * V8 is told of so many bytes at a time. More than the 32 MB up to which glibc may take memory from its heap, where zeros would have to be written into
 * it: by 4 MB at a time, reading took 70 MB more and a tenth more time.
 */
const TOLD_BYTES = 40 * 2 ** 20;

let untold = 0;
/** Holds the last notice, so that it is not seen to be of no use. */
const told: { notice?: ArrayBuffer } = {};

/**
 * Memory that threads share. V8 does not count it, so it would not look for what nobody holds any more until something else makes it: ordinary
 * memory of the same length, which is never written to and costs no pages, is asked for and dropped, and that it does count.
 */
export function sharedMemory(length: number): SharedArrayBuffer {
  tellOfSharedMemory(length);
  return new SharedArrayBuffer(length);
}

/** For threads that are given shared memory: V8 keeps books for each of them. */
export function tellOfSharedMemory(length: number): void {
  untold += length;
  if (untold < TOLD_BYTES) return;
  told.notice = new ArrayBuffer(untold);
  untold = 0;
}
