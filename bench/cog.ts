/**
 * `convert` against `gdal_translate -of COG`: labels and imagery, whole processes with their start, on two cores each (`taskset`).
 *
 *     node dist/bench/cog.js [--rounds 5] [--size 10000] [--only labels] [--scene rgb.tif --labels labels.tif]
 *
 * The input is the synthetic scene of fixtures/make.ts, or real ones, repeated up to size, rewritten without compression so that reading costs
 * both sides little. Synthetic noise compresses unlike real ground: for questions of compression, give real scenes.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeScene } from '../fixtures/make.js';
import { repeatedScene } from './repeated.js';
import { compare, print, printMachine, runProcess } from './rounds.js';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, size: { type: 'string', default: '10000' }, scene: { type: 'string' }, labels: { type: 'string' }, only: { type: 'string' } },
});
/** Threads are as many as there are cores, whatever variables say. */
const TWO_CORES = ['-c', '0,1'];
const MAIN = fileURLToPath(new URL('../cli/main.js', import.meta.url));

await bench();

async function bench(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tilewright-bench-'));
  const environment = { ...process.env, UV_THREADPOOL_SIZE: '2', GDAL_NUM_THREADS: '2' };
  try {
    printMachine();
    print((await runProcess('gdalinfo', ['--version'])).stdout.trim());
    const size = Number(values.size);
    const made = values.scene === undefined || values.labels === undefined ? await makeScene({ folder, width: size, height: size }) : { scene: values.scene, truth: values.labels };
    for (const [name, path, compression, options] of [
      ['imagery, deflate', made.scene, 'deflate', ['-co', 'PREDICTOR=2', '-co', 'RESAMPLING=AVERAGE']],
      ['imagery, deflate, GDAL without predictor', made.scene, 'deflate', ['-co', 'RESAMPLING=AVERAGE']],
      ['imagery, LZW', made.scene, 'lzw', ['-co', 'PREDICTOR=2', '-co', 'RESAMPLING=AVERAGE']],
      ['labels, deflate', made.truth, 'deflate', ['-co', 'RESAMPLING=MODE']],
      ['labels, LZW', made.truth, 'lzw', ['-co', 'RESAMPLING=MODE']],
    ] as const) {
      if (values.only !== undefined && !name.startsWith(values.only)) continue;
      const [plain, ours, theirs] = [join(folder, 'plain.tif'), join(folder, 'ours.tif'), join(folder, 'theirs.tif')];
      rmSync(plain, { force: true });
      await runProcess('gdal_translate', ['-q', '-co', 'TILED=YES', '-co', 'BLOCKXSIZE=512', '-co', 'BLOCKYSIZE=512', values.scene === undefined ? path : await repeatedScene(path, size, folder), plain]);
      await compare(`${name}, ${size} × ${size}`, {
        name: 'tilewright',
        run: async () => (await runProcess('taskset', [...TWO_CORES, process.execPath, MAIN, 'convert', plain, ours, '--compress', compression, '--overwrite', '--json'], environment)).seconds,
      }, {
        name: 'gdal_translate -of COG',
        run: async () => {
          rmSync(theirs, { force: true });
          return (await runProcess('taskset', [...TWO_CORES, 'gdal_translate', '-q', '-of', 'COG', '-co', `COMPRESS=${compression.toUpperCase()}`, '-co', 'NUM_THREADS=2', ...options, plain, theirs], environment)).seconds;
        },
      }, Number(values.rounds));
      print(`  ${(statSync(ours).size / 1e6).toFixed(1)} MB / ${(statSync(theirs).size / 1e6).toFixed(1)} MB`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
