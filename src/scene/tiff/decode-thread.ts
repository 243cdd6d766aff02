import { parentPort, workerData } from 'node:worker_threads';
import { tellOfSharedMemory } from '../shared-memory.js';
import { openBlockKernel } from './block-kernel.js';
import type { DecodeJob, DecodeReply } from './decode-threads.js';

/** One of the threads that decode blocks (see decode-threads.ts). It loads nothing but the kernel: its start is waited for. */

const kernel = openBlockKernel(workerData as object);

parentPort!.on('message', ({ id, stored, work, memory }: DecodeJob) => {
  const found = kernel.unpack(work.coding, stored, work.length, work.rows);
  const isGood = typeof found !== 'number' && found.length >= work.least;
  if (isGood) memory.set(found);
  tellOfSharedMemory(memory.byteLength);
  parentPort!.postMessage((isGood ? { id, length: found.length } : { id }) satisfies DecodeReply);
});
