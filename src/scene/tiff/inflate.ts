import { createInflate, inflate, inflateSync } from 'node:zlib';

/** Below this, handing a block to the thread pool costs more than inflating it here. */
const SYNC_BELOW = 16384;

/** Room for zlib to see the end of the stream without a second output buffer. */
const SLACK = 64;

/**
 * Inflates a zlib stream into a buffer of its own, at most `length` bytes; shorter where the stream ends early. Runs on
 * libuv's threads.
 */
export async function inflateBlock(source: Uint8Array, length: number): Promise<Uint8Array> {
  const options = { chunkSize: length + SLACK, maxOutputLength: length + SLACK };
  try {
    const data = source.length < SYNC_BELOW && length < 4 * SYNC_BELOW
      ? inflateSync(source, options)
      : await new Promise<Buffer>((resolve, reject) => {
        inflate(source, options, (error, result) => { if (error === null) resolve(result); else reject(error); });
      });
    return data.byteOffset === 0 ? data.subarray(0, Math.min(length, data.length)) : new Uint8Array(data.subarray(0, length));
  } catch (error) {
    // Some writers fill their last strip beyond the picture: the part that is needed is good.
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return inflatePart(source, length);
    throw error;
  }
}

/** Inflates no more than the first `length` bytes. */
function inflatePart(source: Uint8Array, length: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const out = new Uint8Array(length);
    let filled = 0;
    const stream = createInflate();
    stream.on('data', (chunk: Buffer) => {
      const part = chunk.subarray(0, length - filled);
      out.set(part, filled);
      filled += part.length;
      if (filled === length) { stream.destroy(); resolve(out); }
    });
    stream.on('end', () => resolve(out.subarray(0, filled)));
    stream.on('error', reject);
    stream.end(source);
  });
}
