import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { readCheckpoint, readProgress, writeCheckpoint, type Checkpoint } from '../../src/train/index.js';
import { root, scratch } from '../places.js';

const folder = scratch();
const run = promisify(execFile);

function checkpoint(epoch: number): Checkpoint {
  const values = (length: number, from: number): Float32Array => Float32Array.from({ length }, (_, i) => from + i / 7);
  return { fingerprint: 'f', epoch, steps: epoch * 10, history: [], bestEpoch: epoch, weights: [values(5, epoch), values(3, 1)], best: [values(5, 2), values(3, 3)], moments: [values(4, 4)], average: [values(60_000, epoch)] };
}

describe('a checkpoint', () => {
  it('is read as it was written, array by array; a cut one is refused', async () => {
    const file = join(folder, 'whole.bin');
    await writeCheckpoint(file, checkpoint(3));
    expect(await readCheckpoint(file, 'f')).toEqual(checkpoint(3));
    expect(await readProgress(file)).toMatchObject({ epoch: 3 });
    expect(await readCheckpoint(join(folder, 'nowhere.bin'), 'f')).toBeUndefined();
    await expect(readCheckpoint(file, 'other')).rejects.toThrow('found one of another run');
    writeFileSync(file, readFileSync(file).subarray(0, -1));
    await expect(readCheckpoint(file, 'f')).rejects.toThrow('expected 240080 bytes of weights, found 240079');
    writeFileSync(file, 'tilewright-checkpoint-1\n{"epoch": 1');
    await expect(readCheckpoint(file, 'f')).rejects.toThrow('found something else');
    expect(await readProgress(file)).toBeUndefined();
  });

  it('that the disk has no room for leaves the last one whole, and nothing else', async () => {
    const file = join(folder, 'full', 'checkpoint.bin');
    const script = join(folder, 'write.mjs');
    writeFileSync(script, `
      import { mkdirSync } from 'node:fs';
      import { writeCheckpoint } from ${JSON.stringify(pathToFileURL(join(root, 'dist/src/train/checkpoint.js')).href)};
      mkdirSync(${JSON.stringify(join(folder, 'full'))}, { recursive: true });
      const values = (length, from) => Float32Array.from({ length }, (_, i) => from + i / 7);
      await writeCheckpoint(${JSON.stringify(file)}, { fingerprint: 'f', epoch: 1, steps: 10, history: [], bestEpoch: 1, weights: [values(5, 1)], best: [values(5, 2)], moments: [], average: [values(Number(process.argv[2]), 1)] });
    `);
    await run(process.execPath, [script, '30000']);
    const before = readFileSync(file);
    // Files of at most 128 blocks of 512 bytes: the last array is written in part, as on a disk that becomes full.
    const failed = await run('sh', ['-c', 'ulimit -f 128; exec "$0" "$@"', process.execPath, script, '60000']).catch((error: { stderr: string }) => error.stderr);
    expect(failed).toMatch(/EFBIG[^]*path: .*checkpoint\.bin/);
    expect(Buffer.compare(readFileSync(file), before)).toBe(0);
    expect(readdirSync(join(folder, 'full'))).toEqual(['checkpoint.bin']);
  });
});
