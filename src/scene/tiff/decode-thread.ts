import { parentPort } from 'node:worker_threads';
import type { DecodeJob, DecodeReply } from './decode-threads.js';
import { decodePackedBlock } from './packed-block.js';

/** One of the threads that decode blocks (see decode-threads.ts). */

async function decode(job: DecodeJob): Promise<DecodeReply> {
  const blocks = [];
  for (const [i, { offset, length, shape }] of job.blocks.entries()) {
    try {
      blocks.push(await decodePackedBlock(job.stored.subarray(offset, offset + length), shape, job.context));
    } catch (error) {
      return { id: job.id, block: i, problem: error instanceof Error ? error.message : String(error) };
    }
  }
  return { id: job.id, blocks, stored: job.stored };
}

parentPort!.on('message', (job: DecodeJob) => {
  void decode(job).then((reply) => {
    parentPort!.postMessage(reply, 'blocks' in reply ? [...reply.blocks, reply.stored].map(({ buffer }) => buffer as ArrayBuffer) : []);
  });
});
