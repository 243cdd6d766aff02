import { parentPort, workerData } from 'node:worker_threads';
import { viewAs } from '../raster/index.js';
import { encodeBlock } from './encode.js';
import type { PackWork } from './packer.js';

const { packing, blockSize } = workerData as PackWork;

parentPort!.on('message', (bytes: Uint8Array) => {
  const block = viewAs(packing.dtype, bytes.buffer, bytes.byteOffset, blockSize * blockSize * packing.bands);
  void encodeBlock(block, blockSize, blockSize, packing).then((packed) => {
    const own = packed.slice();
    parentPort!.postMessage(own, [own.buffer]);
  });
});
