import { parentPort, workerData } from 'node:worker_threads';
import { viewAs } from '../raster/index.js';
import { encodeLzw } from './lzw.js';
import type { PackWork } from './packer.js';
import { predict } from './predictor.js';

const { packing, blockSize } = workerData as PackWork;

/** One of the threads that pack LZW. It loads no other codec, and leaves nothing behind but what is packed. */
parentPort!.on('message', (bytes: Uint8Array) => {
  predict(viewAs(packing.dtype, bytes.buffer, bytes.byteOffset, blockSize * blockSize * packing.bands), blockSize, packing);
  const packed = encodeLzw(bytes);
  parentPort!.postMessage(packed, [packed.buffer as ArrayBuffer]);
});
