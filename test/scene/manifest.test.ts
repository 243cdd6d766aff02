import { describe, expect, it } from 'vitest';
import { InvalidFileError } from '../../src/errors.js';
import { openScene } from '../../src/scene/index.js';
import { agree, fileOf, rows } from './manifest.js';
import { readAll } from './read.js';

/** What a file that GDAL refuses may take before it is refused here. */
const LIMIT = { seconds: 2, bytes: 300e6 };

describe('files of other projects, as GDAL reads them', () => {
  it.skipIf(rows.length > 0)('are not here', () => undefined);

  const read = rows.filter((row) => row['gdal_ok'] === 'yes');
  if (rows.length > 0) it.each(read.map((row) => [row['file']!, row] as const))('%s', (_, row) => agree(row));

  const refused = rows.filter((row) => row['gdal_ok'] !== 'yes');
  if (rows.length > 0) it.each(refused.map((row) => [row['file']!, row] as const))('%s is refused, soon and in little memory', async (_, row) => {
    const before = process.memoryUsage.rss();
    const start = performance.now();
    const error: unknown = await openScene(fileOf(row)).then(async (scene) => readAll(scene).finally(() => scene.close())).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(InvalidFileError);
    expect((error as InvalidFileError).message).not.toContain('\n');
    expect((performance.now() - start) / 1000).toBeLessThan(LIMIT.seconds);
    expect(process.memoryUsage.rss() - before).toBeLessThan(LIMIT.bytes);
  });
});
