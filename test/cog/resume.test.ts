import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createCog, resumeCog, type CogCheckpoint, type CogOptions, type CogWriter } from '../../src/cog/index.js';
import { scratch } from '../places.js';
import { samplesOf, writeAllRows } from './rows.js';

const folder = scratch();

async function finished(writer: CogWriter, name: string): Promise<Buffer> {
  const path = join(folder, name);
  await writer.finish(path);
  await writer.abort();
  return readFileSync(path);
}

/** What a journal keeps. */
function noted(checkpoint: CogCheckpoint): CogCheckpoint {
  return { state: JSON.parse(JSON.stringify(checkpoint.state)) as CogCheckpoint['state'], carry: checkpoint.carry };
}

const CASES: readonly (Omit<CogOptions, 'scratch'> & { readonly strip: number })[] = [
  { width: 150, height: 403, bands: 3, dtype: 'uint8', blockSize: 16, strip: 28 },
  { width: 1100, height: 1301, bands: 1, dtype: 'uint8', overviews: 'mode', nodata: 7, strip: 113 },
  { width: 700, height: 1211, bands: 1, dtype: 'float32', blockSize: 64, strip: 77 },
];

describe('resumeCog', () => {
  it.each(CASES)('gives the same bytes after a stop at any strip ($width × $height $dtype)', async ({ strip, ...options }) => {
    const rowLength = options.width * options.bands;
    const rows = samplesOf(options.dtype, rowLength * options.height);
    const whole = await createCog({ ...options, scratch: join(folder, 'whole') });
    await writeAllRows(whole, rows, rowLength, strip);
    const expected = await finished(whole, 'whole.tif');

    // One writer after the other: each does two strips, notes a checkpoint after each, and is then lost in the middle of a third.
    const scratchFolder = join(folder, 'stopped');
    let writer = await createCog({ ...options, scratch: scratchFolder });
    let stops = 0;
    while (writer.rowsWritten < options.height) {
      let note: CogCheckpoint | undefined;
      for (let strips = 0; strips < 2 && writer.rowsWritten < options.height; strips++) {
        const count = Math.min(strip, options.height - writer.rowsWritten);
        await writer.write(rows.subarray(writer.rowsWritten * rowLength, (writer.rowsWritten + count) * rowLength), count);
        note = noted(await writer.checkpoint());
      }
      const at = writer.rowsWritten;
      const lost = Math.min(strip * 5, options.height - at);
      await writer.write(rows.subarray(at * rowLength, (at + lost) * rowLength), lost);
      // What a checkpoint writes that nobody could note any more must not harm the noted one.
      if (stops % 2 === 1) await writer.checkpoint();
      await writer.close();
      writer = await resumeCog({ ...options, scratch: scratchFolder }, note!);
      expect(writer.rowsWritten).toBe(at);
      stops++;
    }
    expect(stops).toBeGreaterThan(3);
    expect((await finished(writer, 'stopped.tif')).equals(expected)).toBe(true);
  });

  it('goes on while rows are written during a checkpoint', async () => {
    const options: CogOptions = { width: 800, height: 900, bands: 3, dtype: 'uint8', blockSize: 128, scratch: join(folder, 'during') };
    const rows = samplesOf('uint8', 2400 * 900);
    const whole = await createCog({ ...options, scratch: join(folder, 'during-whole') });
    await writeAllRows(whole, rows, 2400, 900);
    const expected = await finished(whole, 'during-whole.tif');
    const writer = await createCog(options);
    await writer.write(rows, 333);
    const [checkpoint] = await Promise.all([writer.checkpoint(), writer.write(rows.subarray(333 * 2400), 500)]);
    await writer.close();
    const resumed = await resumeCog(options, noted(checkpoint));
    expect(resumed.rowsWritten).toBe(333);
    await writeAllRows(resumed, rows, 2400, 100);
    expect((await finished(resumed, 'during.tif')).equals(expected)).toBe(true);
  });

  it('refuses a checkpoint that was made with other options', async () => {
    const options: CogOptions = { width: 64, height: 64, bands: 1, dtype: 'uint8', scratch: join(folder, 'other') };
    const writer = await createCog(options);
    await writer.write(new Uint8Array(64 * 10), 10);
    const checkpoint = await writer.checkpoint();
    await writer.close();
    await expect(resumeCog({ ...options, level: 9 }, checkpoint)).rejects.toThrow('it was begun with other options');
    await expect(resumeCog({ ...options, scratch: join(folder, 'absent') }, checkpoint)).rejects.toThrow('the folder or a file in it is missing');
  });

  it('keeps checkpoints small and appends only new rows', async () => {
    const options: CogOptions = { width: 2000, height: 2000, bands: 1, dtype: 'uint8', scratch: join(folder, 'small') };
    const writer = await createCog(options);
    for (let y = 0; y < 2000; y += 50) {
      await writer.write(new Uint8Array(2000 * 50), 50);
      const { state, carry } = await writer.checkpoint();
      expect(carry.length + JSON.stringify(state).length).toBeLessThan(3000);
    }
    await writer.abort();
  });
});
