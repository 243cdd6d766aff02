/**
 * `tile` and `mosaic` against GDAL's tools, whole processes with their start, on two threads each.
 *
 *     node dist/bench/tile-mosaic.js [scene.tif] [--rounds 5]
 *
 * Needs gdal_retile.py, gdalbuildvrt and gdal_translate on the path. Both sides cut 512-pixel tiles with 64 pixels of overlap,
 * deflate, and join their own tiles to a COG with deflate. The scene is by default tile 7 of the Dubai set.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compare, print, printMachine, runProcess } from './rounds.js';

const here = dirname(fileURLToPath(import.meta.url));
const cli = join(here, '../cli/main.js');
const { values, positionals } = parseArgs({ allowPositionals: true, options: { rounds: { type: 'string', default: '5' } } });
const scene = positionals[0] ?? join(here, '../../../shared/data/scenes/dubai_tile7_rgb_tiled_jpeg_PLACEHOLDERGEOREF.tif');
const rounds = Number(values.rounds);
const folder = mkdtempSync(join(tmpdir(), 'tilewright-bench-'));
const ours = join(folder, 'ours');
const theirs = join(folder, 'theirs');
const environment = { ...process.env, UV_THREADPOOL_SIZE: '2', GDAL_NUM_THREADS: '2' };

try {
  printMachine();
  print((await runProcess('gdalinfo', ['--version'])).stdout.trim());
  const tileRatio = await compare('tile', {
    name: 'tilewright tile',
    run: async () => {
      rmSync(ours, { recursive: true, force: true });
      return (await runProcess(process.execPath, [cli, 'tile', scene, ours], environment)).seconds;
    },
  }, {
    name: 'gdal_retile.py',
    run: async () => {
      rmSync(theirs, { recursive: true, force: true });
      mkdirSync(theirs);
      return (await runProcess('gdal_retile.py', [
        '-q', '-ps', '512', '512', '-overlap', '64', '-co', 'COMPRESS=DEFLATE', '-co', 'NUM_THREADS=2', '-targetDir', theirs, scene,
      ], environment)).seconds;
    },
  }, rounds);
  print(`  ${sizeOf(ours)} MB / ${sizeOf(theirs)} MB`);
  const ourMosaic = join(folder, 'ours.tif');
  const theirMosaic = join(folder, 'theirs.tif');
  const mosaicRatio = await compare('mosaic', {
    name: 'tilewright mosaic',
    run: async () => (await runProcess(process.execPath, [cli, 'mosaic', ours, ourMosaic, '--overwrite'], environment)).seconds,
  }, {
    name: 'gdalbuildvrt + gdal_translate -of COG',
    run: async () => {
      rmSync(theirMosaic, { force: true });
      const vrt = join(folder, 'theirs.vrt');
      const tiles = readdirSync(theirs).filter((name) => name.endsWith('.tif')).map((name) => join(theirs, name));
      const build = await runProcess('gdalbuildvrt', ['-q', '-overwrite', vrt, ...tiles], environment);
      const translate = await runProcess('gdal_translate', ['-q', '-of', 'COG', '-co', 'COMPRESS=DEFLATE', '-co', 'NUM_THREADS=2', vrt, theirMosaic], environment);
      return build.seconds + translate.seconds;
    },
  }, rounds);
  print(`  ${megabytes(statSync(ourMosaic).size)} MB / ${megabytes(statSync(theirMosaic).size)} MB`);
  print(`ratio tile ${tileRatio.toFixed(3)}, mosaic ${mosaicRatio.toFixed(3)} (1.000 or less: not slower than GDAL)`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function sizeOf(path: string): string {
  return megabytes(readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0));
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
