/**
 * `convert` into another CRS or resolution against `gdalwarp`, on scenes that are made here: processor time of whole processes (user and system,
 * all threads), and how many pixels differ.
 *
 *     node dist/bench/warp.js [--rounds 3] [--only pole]
 *
 * Needs sh, gdalwarp, gdal_translate and gdalinfo on the path. `convert` writes a COG with overviews and statistics; gdalwarp a plain TIFF and a COG, both
 * with positions by its own approximation and with exact ones (`-et 0`). Pixels are compared with exact positions on the same grid, with GDAL's kernel
 * at its plain size (XSCALE, YSCALE), and read by GDAL on both sides.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median, print, printMachine, runProcess } from './rounds.js';

interface Case {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly crs: string;
  /** Upper left and lower right corner. */
  readonly corners: readonly [number, number, number, number];
  /** Options of `convert`, and what they are for gdalwarp. */
  readonly ours: readonly string[];
  readonly theirs: readonly string[];
}

const CASES: readonly Case[] = [
  { name: 'pole', width: 1440, height: 120, bands: 1, crs: 'EPSG:4326', corners: [-180, 90, 180, 60], ours: ['--crs', 'EPSG:3995', '--resampling', 'bilinear'], theirs: ['-t_srs', 'EPSG:3995', '-r', 'bilinear'] },
  { name: 'UTM', width: 3000, height: 3000, bands: 3, crs: 'EPSG:32640', corners: [330_000, 2_790_000, 331_500, 2_788_500], ours: ['--crs', 'EPSG:3857', '--resampling', 'bilinear'], theirs: ['-t_srs', 'EPSG:3857', '-r', 'bilinear'] },
  { name: 'UTM, four times as coarse', width: 3000, height: 3000, bands: 3, crs: 'EPSG:32640', corners: [330_000, 2_790_000, 331_500, 2_788_500], ours: ['--gsd', '2', '--resampling', 'average'], theirs: ['-tr', '2', '2', '-r', 'average'] },
];

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' }, only: { type: 'string' } } });
const MAIN = fileURLToPath(new URL('../cli/main.js', import.meta.url));
const PLAIN_KERNEL = ['-wo', 'XSCALE=1', '-wo', 'YSCALE=1'];

const folder = mkdtempSync(join(tmpdir(), 'tilewright-bench-'));
try {
  printMachine();
  print((await runProcess('gdalinfo', ['--version'])).stdout.trim());
  for (const one of CASES.filter(({ name }) => name.startsWith(values.only ?? ''))) await bench(one, Number(values.rounds));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function bench(one: Case, rounds: number): Promise<void> {
  const scene = await makeScene(one);
  const [ours, theirs] = [join(folder, 'ours.tif'), join(folder, 'theirs.tif')];
  const cog = ['-of', 'COG', '-co', 'COMPRESS=DEFLATE', '-co', 'PREDICTOR=2'];
  const sides: readonly (readonly [name: string, command: readonly string[]])[] = [
    ['tilewright convert', [process.execPath, MAIN, 'convert', scene, ours, ...one.ours, '--overwrite', '--json']],
    ['gdalwarp', ['gdalwarp', '-q', '-overwrite', ...one.theirs, scene, theirs]],
    ['gdalwarp -et 0', ['gdalwarp', '-q', '-overwrite', '-et', '0', ...one.theirs, scene, theirs]],
    ['gdalwarp -of COG', ['gdalwarp', '-q', '-overwrite', ...cog, ...one.theirs, scene, theirs]],
    ['gdalwarp -et 0 -of COG', ['gdalwarp', '-q', '-overwrite', '-et', '0', ...cog, ...one.theirs, scene, theirs]],
  ];
  print(`\n${one.name}: ${one.width} × ${one.height} × ${one.bands}, ${one.crs}, ${one.ours.join(' ')}; ${rounds} rounds in turn, seconds of processor time`);
  const seconds = sides.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < sides.length; i++) {
      const side = (i + round) % sides.length;
      seconds[side]!.push(await processorTime(sides[side]![1]));
    }
  }
  const first = median(seconds[0]!);
  for (const [i, [name]] of sides.entries()) {
    const all = seconds[i]!;
    print(`  ${name.padEnd(24)} median ${median(all).toFixed(2)} (${Math.min(...all).toFixed(2)} to ${Math.max(...all).toFixed(2)})${i === 0 ? '' : `; tilewright takes ${(first / median(all)).toFixed(2)} times as much`}`);
  }
  print(`  ${await difference(one, scene, ours)}`);
}

/** A picture of hills of several sizes with some noise, always the same, as an uncompressed TIFF without overviews. */
async function makeScene({ width, height, bands, crs, corners }: Case): Promise<string> {
  const pixels = new Uint8Array(width * height * bands);
  let noise = 1;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let band = 0; band < bands; band++) {
        noise = (Math.imul(noise, 1_664_525) + 1_013_904_223) >>> 0;
        const hills = Math.sin(x / 37 + band) + Math.sin(y / 23) + Math.sin((x + y) / 5);
        pixels[(y * width + x) * bands + band] = 128 + 35 * hills + (noise >>> 28);
      }
    }
  }
  const [raw, path] = [join(folder, 'scene.bin'), join(folder, 'scene.tif')];
  writeFileSync(raw, pixels);
  writeFileSync(join(folder, 'scene.hdr'), `ENVI\nsamples = ${width}\nlines = ${height}\nbands = ${bands}\nheader offset = 0\ndata type = 1\ninterleave = bip\nbyte order = 0\n`);
  await runProcess('gdal_translate', ['-q', '-co', 'TILED=YES', '-a_srs', crs, '-a_ullr', ...corners.map(String), raw, path]);
  return path;
}

/** Seconds of processor time, user and system, of a command and all that it started. */
async function processorTime(command: readonly string[]): Promise<number> {
  const { stdout } = await runProcess('sh', ['-c', '"$@" > /dev/null || exit $?; times', 'sh', ...command]);
  // The second line is about children: "0m1.23s 0m0.10s".
  return [...stdout.trim().split('\n').at(-1)!.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, minutes, rest]) => sum + Number(minutes) * 60 + Number(rest), 0);
}

/** Pixels of what `convert` wrote beside those of gdalwarp on the same grid. */
async function difference({ theirs, bands }: Case, scene: string, ours: string): Promise<string> {
  const { size, geoTransform } = JSON.parse((await runProcess('gdalinfo', ['-json', ours])).stdout) as { size: [number, number]; geoTransform: [number, number, number, number, number, number] };
  const [x0, dx, , y0, , dy] = geoTransform;
  const grid = ['-te', x0, y0 + size[1] * dy, x0 + size[0] * dx, y0, '-ts', ...size].map(String);
  const exact = join(folder, 'exact.tif');
  const withoutSize = theirs.filter((_, i) => theirs[i] !== '-tr' && theirs[i - 1] !== '-tr' && theirs[i - 2] !== '-tr');
  await runProcess('gdalwarp', ['-q', '-overwrite', '-et', '0', ...(theirs.includes('average') ? [] : PLAIN_KERNEL), '-dstalpha', ...grid, ...withoutSize, scene, exact]);
  const own = await samples(ours, [...Array.from({ length: bands }, (_, i) => String(i + 1)), 'mask']);
  const other = await samples(exact, Array.from({ length: bands + 1 }, (_, i) => String(i + 1)));
  let [valid, onOneSide, different, most, sum] = [0, 0, 0, 0, 0];
  const count = size[0] * size[1];
  for (let i = 0; i < count; i++) {
    const [a, b] = [own[bands * count + i] !== 0, other[bands * count + i] !== 0];
    if (a !== b) onOneSide++;
    if (!a || !b) continue;
    valid++;
    let worst = 0;
    for (let band = 0; band < bands; band++) {
      const by = Math.abs(own[band * count + i]! - other[band * count + i]!);
      worst = Math.max(worst, by);
      sum += by;
    }
    if (worst > 0) different++;
    most = Math.max(most, worst);
  }
  return `${size[0]} × ${size[1]} new pixels, ${valid} valid in both, ${onOneSide} in one only; ${different} differ, by ${most} at most, ${(sum / Math.max(1, valid * bands)).toFixed(5)} on average`;
}

/** Bands of a file one after the other, as bytes, read by GDAL. */
async function samples(path: string, bands: readonly string[]): Promise<Uint8Array> {
  const raw = join(folder, 'samples.bin');
  await runProcess('gdal_translate', ['-q', '-of', 'ENVI', '-ot', 'Byte', '-co', 'INTERLEAVE=BSQ', ...bands.flatMap((band) => ['-b', band]), path, raw]);
  return readFileSync(raw);
}
