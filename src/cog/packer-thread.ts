import { parentPort, workerData } from 'node:worker_threads';
import { openPackKernel } from './pack-kernel.js';
import type { PackReply, PackWork } from './packer.js';

const { packing, blockSize, module } = workerData as PackWork;
const kernel = openPackKernel(module, packing);

/** One of the threads that pack blocks by the kernel. It loads no other codec, and leaves nothing behind: what is packed goes where the block was. */
parentPort!.on('message', (block: Uint8Array) => {
  const packed = kernel.pack(block, blockSize);
  const fits = block.buffer instanceof SharedArrayBuffer && packed.length <= block.length;
  if (fits) block.set(packed);
  parentPort!.postMessage((fits ? packed.length : packed.slice()) satisfies PackReply);
});
