/**
 * Reading against rasterio (GDAL): all blocks in rows, and 1,000 random windows, of one picture stored in five ways.
 *
 *     node dist/bench/read.js [scene.tif] [--rounds 5] [--size 10000] [--only deflate] [--what all]
 *
 * Needs `gdal_translate`, and a Python with rasterio: `python3`, or what the environment variable `PYTHON` names. A real scene is
 * enlarged to size by cubic resampling unless it is as large. Both sides run in processes of their own with two threads, and are timed
 * inside, from opening the file on; the peak memory is that of the whole process.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { openScene } from '../src/scene/index.js';
import { compare, median, print, printMachine, runProcess } from './rounds.js';

const here = fileURLToPath(import.meta.url);
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' }, size: { type: 'string', default: '10000' }, only: { type: 'string' }, what: { type: 'string' }, child: { type: 'string' } },
});

const WINDOW = 512;
const WINDOWS = 1000;
/** GDAL's block cache and this reader's, so that neither has an advantage. */
const CACHE_BYTES = 64 * 2 ** 20;

const KINDS: Readonly<Record<string, readonly string[]>> = {
  none: [],
  deflate: ['-co', 'COMPRESS=DEFLATE', '-co', 'PREDICTOR=2', '-co', 'NUM_THREADS=2'],
  lzw: ['-co', 'COMPRESS=LZW', '-co', 'PREDICTOR=2', '-co', 'NUM_THREADS=2'],
  zstd: ['-co', 'COMPRESS=ZSTD', '-co', 'PREDICTOR=2', '-co', 'NUM_THREADS=2'],
  jpeg: ['-co', 'COMPRESS=JPEG', '-co', 'PHOTOMETRIC=YCBCR', '-co', 'JPEG_QUALITY=85', '-co', 'NUM_THREADS=2'],
};

/** The same places on both sides: a linear congruential generator. */
const PYTHON = `
import resource, sys, time, rasterio
from rasterio.windows import Window
file, what = sys.argv[1:]
def places(count, width, height):
    state = 12345
    for _ in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        x = state % (width - ${WINDOW})
        state = (state * 1103515245 + 12345) % 2**31
        yield x, state % (height - ${WINDOW})
with rasterio.Env(GDAL_NUM_THREADS='2', GDAL_CACHEMAX=${CACHE_BYTES}):
    start = time.perf_counter()
    with rasterio.open(file) as src:
        if what == 'all':
            for y in range(0, src.height, ${WINDOW}):
                src.read(window=Window(0, y, src.width, min(${WINDOW}, src.height - y)))
        else:
            for x, y in places(${WINDOWS}, src.width, src.height):
                src.read(window=Window(x, y, ${WINDOW}, ${WINDOW}))
    seconds = time.perf_counter() - start
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
`;

function* places(count: number, width: number, height: number): Generator<[number, number]> {
  let state = 12345n;
  const step = (): number => Number(state = (state * 1103515245n + 12345n) % 2147483648n);
  for (let i = 0; i < count; i++) {
    const x = step() % (width - WINDOW);
    yield [x, step() % (height - WINDOW)];
  }
}

/** One run of this side, in its own process: seconds, and the most memory it held. */
async function runOwn(file: string, what: string): Promise<string> {
  const start = performance.now();
  const scene = await openScene(file, { cacheBytes: CACHE_BYTES });
  const { width, height } = scene.profile;
  if (what === 'all') {
    for (let y = 0; y < height; y += WINDOW) await scene.read({ x: 0, y, width, height: Math.min(WINDOW, height - y) });
  } else {
    for (const [x, y] of places(WINDOWS, width, height)) await scene.read({ x, y, width: WINDOW, height: WINDOW });
  }
  await scene.close();
  return `${(performance.now() - start) / 1000} ${process.resourceUsage().maxRSS * 1024}`;
}

async function prepare(source: string, kind: string): Promise<string> {
  const folder = join(tmpdir(), 'tilewright-bench-read');
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${kind}-${values.size}.tif`);
  if (!existsSync(file)) {
    print(`making ${file}`);
    await runProcess('gdal_translate', ['-q', '-r', 'cubic', '-outsize', values.size, values.size, '-co', 'TILED=YES', '-co', 'BLOCKXSIZE=512', '-co', 'BLOCKYSIZE=512', ...KINDS[kind]!, source, file]);
  }
  return file;
}

async function main(): Promise<void> {
  printMachine();
  const [source = join(dirname(here), '../../../shared/data/scenes/dubai_tile7_rgb_tiled_jpeg_PLACEHOLDERGEOREF.tif')] = positionals;
  const kinds = values.only === undefined ? Object.keys(KINDS) : [values.only];
  const files = new Map<string, string>();
  for (const kind of kinds) files.set(kind, await prepare(source, kind));
  for (const [kind, file] of files) {
    for (const what of values.what === undefined ? ['all', 'windows'] : [values.what]) {
      const peaks: [number[], number[]] = [[], []];
      const run = async (side: 0 | 1, command: string, args: readonly string[]): Promise<number> => {
        const [seconds, peak] = (await runProcess('taskset', ['-c', '0,1', command, ...args], { ...process.env, UV_THREADPOOL_SIZE: '2' })).stdout.trim().split(' ').map(Number) as [number, number];
        peaks[side].push(peak);
        return seconds;
      };
      await compare(`${kind}, ${what === 'all' ? 'all blocks' : `${WINDOWS} windows of ${WINDOW}²`}`, {
        name: 'tilewright',
        run: () => run(0, process.execPath, [here, file, '--child', what]),
      }, {
        name: 'rasterio (GDAL, 2 threads)',
        run: () => run(1, process.env['PYTHON'] ?? 'python3', ['-c', PYTHON, file, what]),
      }, Number(values.rounds));
      print(`  peak memory ${(median(peaks[0]) / 1e6).toFixed(0)} MB / ${(median(peaks[1]) / 1e6).toFixed(0)} MB`);
    }
  }
}

if (values.child === undefined) await main();
else print(await runOwn(positionals[0]!, values.child));
