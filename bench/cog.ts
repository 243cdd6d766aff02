/**
 * The COG writer against `gdal_translate -of COG`: labels and imagery, whole processes with their start, two threads each.
 *
 *     node dist/bench/cog.js [--rounds 5] [--size 6000]
 *
 * The input is the synthetic scene of fixtures/make.ts, rewritten without compression so that reading costs both sides little.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeScene } from '../fixtures/make.js';
import { createCog } from '../src/cog/index.js';
import { openScene } from '../src/scene/index.js';
import { compare, print, printMachine, runProcess } from './rounds.js';

const { values, positionals } = parseArgs({
  allowPositionals: true, options: { rounds: { type: 'string', default: '5' }, size: { type: 'string', default: '6000' } },
});
const STRIP = 512;

if (positionals[0] === 'write') await write(positionals[1]!, positionals[2]!);
else await bench();

/** One side's work: a file in, a COG out. */
async function write(input: string, output: string): Promise<void> {
  const scene = await openScene(input, { cacheBytes: 0 });
  const { width, height, bands, dtype, palette, classNames, transform, crs } = scene.profile;
  const writer = await createCog({ width, height, bands, dtype, palette, classNames, transform, crs, scratch: `${output}.partial` });
  const read = (y: number): ReturnType<typeof scene.read> => scene.read({ x: 0, y, width, height: Math.min(STRIP, height - y) });
  let next = read(0);
  for (let y = 0; y < height; y += STRIP) {
    const raster = await next;
    if (y + STRIP < height) next = read(y + STRIP);
    await writer.write(raster.data, raster.height);
  }
  await writer.finish(output);
  await writer.abort();
  await scene.close();
}

async function bench(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tilewright-bench-'));
  const environment = { ...process.env, UV_THREADPOOL_SIZE: '2', GDAL_NUM_THREADS: '2' };
  try {
    printMachine();
    print((await runProcess('gdalinfo', ['--version'])).stdout.trim());
    const size = Number(values.size);
    const made = await makeScene({ folder, width: size, height: size });
    for (const [name, path, options] of [
      ['imagery', made.scene, ['-co', 'PREDICTOR=2', '-co', 'RESAMPLING=AVERAGE']],
      ['imagery, GDAL without predictor', made.scene, ['-co', 'RESAMPLING=AVERAGE']],
      ['labels', made.truth, ['-co', 'RESAMPLING=MODE']],
    ] as const) {
      const [plain, ours, theirs] = [join(folder, 'plain.tif'), join(folder, 'ours.tif'), join(folder, 'theirs.tif')];
      rmSync(plain, { force: true });
      await runProcess('gdal_translate', ['-q', '-co', 'TILED=YES', '-co', 'BLOCKXSIZE=512', '-co', 'BLOCKYSIZE=512', path, plain]);
      await compare(`${name}, ${size} × ${size}`, {
        name: 'tilewright',
        run: async () => (await runProcess(process.execPath, [fileURLToPath(import.meta.url), 'write', plain, ours], environment)).seconds,
      }, {
        name: 'gdal_translate -of COG',
        run: async () => {
          rmSync(theirs, { force: true });
          return (await runProcess('gdal_translate', ['-q', '-of', 'COG', '-co', 'COMPRESS=DEFLATE', '-co', 'NUM_THREADS=2', ...options, plain, theirs], environment)).seconds;
        },
      }, Number(values.rounds));
      print(`  ${(statSync(ours).size / 1e6).toFixed(1)} MB / ${(statSync(theirs).size / 1e6).toFixed(1)} MB`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
