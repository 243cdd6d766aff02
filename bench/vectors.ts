/**
 * `vectorize` against `gdal_polygonize.py`: both make a FlatGeobuf of the same map, whole processes in turn.
 *
 *     node dist/bench/vectors.js [map.tif] [--rounds 3]
 *     node dist/bench/vectors.js memory [map.tif]
 *
 * Compares the number of polygons and the area of each class, as GDAL reads both files, and the processor time and peak memory of the
 * processes, as `time` tells them (processor time suffers less from a busy machine than the clock). `memory` runs vectorize
 * on the map and on four copies of it below each other. Needs gdal_polygonize.py, ogr2ogr and /usr/bin/time.
 */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createCog } from '../src/cog/index.js';
import { openScene } from '../src/scene/index.js';
import { median, print, printMachine, runProcess } from './rounds.js';

const here = dirname(fileURLToPath(import.meta.url));
const cli = join(here, '../cli/main.js');
const { values, positionals } = parseArgs({ allowPositionals: true, options: { rounds: { type: 'string', default: '3' } } });
const memory = positionals[0] === 'memory';
const map = positionals[memory ? 1 : 0] ?? join(here, '../../../shared/data/scenes/dubai_tile7_truth.tif');
const folder = mkdtempSync(join(tmpdir(), 'tilewright-bench-'));

interface Cost { readonly cpu: number; readonly megabytes: number }

async function timed(command: string, args: readonly string[]): Promise<Cost> {
  const report = join(folder, 'time');
  await runProcess('/usr/bin/time', ['-o', report, '-f', '%U %S %M', command, ...args]);
  const [user, system, kilobytes] = readFileSync(report, 'utf8').trim().split(' ').map(Number) as [number, number, number];
  return { cpu: user + system, megabytes: kilobytes / 1024 };
}

const ours = (output: string, ...options: string[]): Promise<Cost> => timed(process.execPath, [cli, 'vectorize', map, output, '--overwrite', '--json', ...options]);

async function theirs(output: string): Promise<Cost> {
  rmSync(output, { force: true });
  return timed('gdal_polygonize.py', ['-q', '-f', 'FlatGeobuf', map, output, 'polygons', 'class']);
}

/** Polygons and area by class, as GDAL reads them. */
async function tableOf(path: string): Promise<Map<number, { polygons: number; area: number }>> {
  const { stdout } = await runProcess('ogr2ogr', ['-f', 'CSV', '/vsistdout/', path, '-sql', 'SELECT class, OGR_GEOM_AREA AS area FROM polygons']);
  const table = new Map<number, { polygons: number; area: number }>();
  for (const line of stdout.trim().split('\n').slice(1)) {
    const [id, area] = line.replaceAll('"', '').split(',').map(Number) as [number, number];
    const entry = table.get(id) ?? { polygons: 0, area: 0 };
    table.set(id, { polygons: entry.polygons + 1, area: entry.area + area });
  }
  return table;
}

function costText({ cpu, megabytes }: Cost): string {
  return `${cpu.toFixed(2)} s, ${megabytes.toFixed(0)} MB`;
}

async function against(): Promise<void> {
  const [a, b] = [join(folder, 'ours.fgb'), join(folder, 'theirs.fgb')];
  const costs: (readonly [Cost, Cost])[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    const first = round % 2 === 0 ? await ours(a) : undefined;
    const other = await theirs(b);
    const one = first ?? await ours(a);
    costs.push([one, other]);
    print(`  round ${round + 1}: tilewright ${costText(one)}; gdal_polygonize.py ${costText(other)}; load ${loadavg()[0]!.toFixed(1)}`);
  }
  print(`  median ratio of processor time ${median(costs.map(([one, other]) => one.cpu / other.cpu)).toFixed(3)}, of peak memory ${median(costs.map(([one, other]) => one.megabytes / other.megabytes)).toFixed(3)}`);
  print(`  ${(statSync(a).size / 1e6).toFixed(1)} MB / ${(statSync(b).size / 1e6).toFixed(1)} MB`);
  const [own, reference] = [await tableOf(a), await tableOf(b)];
  for (const [id, entry] of [...reference].sort(([x], [y]) => x - y)) {
    const found = own.get(id);
    print(`  class ${id}: ${found?.polygons ?? 0} / ${entry.polygons} polygons, ${found?.area ?? 0} / ${entry.area} square units: ${found?.polygons === entry.polygons && found.area === entry.area ? 'the same' : 'DIFFERENT'}`);
  }
  for (const options of [['--min-area', '200'], ['--simplify', '2'], ['--min-area', '200', '--simplify', '2']]) print(`  with ${options.join(' ')}: ${costText(await ours(a, ...options))}`);
  for (const ending of ['geojson', 'parquet']) print(`  as ${ending}: ${costText(await ours(join(folder, `ours.${ending}`)))}, ${(statSync(join(folder, `ours.${ending}`)).size / 1e6).toFixed(1)} MB`);
}

async function fourTimes(): Promise<void> {
  const high = join(folder, 'high.tif');
  const scene = await openScene(map);
  const { width, height, transform, crs, nodata } = scene.profile;
  const writer = await createCog({
    width, height: 4 * height, bands: 1, dtype: 'uint8', scratch: join(folder, 'scratch'),
    ...(transform === undefined ? {} : { transform }), ...(crs === undefined ? {} : { crs }), ...(nodata === undefined ? {} : { nodata }),
  });
  for (let copy = 0; copy < 4; copy++) {
    for (let y = 0; y < height; y += 512) {
      const rows = Math.min(512, height - y);
      await writer.write((await scene.read({ x: 0, y, width, height: rows })).data, rows);
    }
  }
  await writer.finish(high);
  await writer.abort();
  await scene.close();
  for (const ending of ['fgb', 'geojson', 'parquet']) {
    for (const options of [[], ['--min-area', '200', '--simplify', '2']]) {
      const one = await timed(process.execPath, [cli, 'vectorize', map, join(folder, `one.${ending}`), '--overwrite', '--json', ...options]);
      const four = await timed(process.execPath, [cli, 'vectorize', high, join(folder, `four.${ending}`), '--overwrite', '--json', ...options]);
      print(`  ${ending} ${options.join(' ')}: ${costText(one)}; four times as high ${costText(four)}: memory ratio ${(four.megabytes / one.megabytes).toFixed(2)}`);
    }
  }
}

try {
  printMachine();
  print((await runProcess('gdalinfo', ['--version'])).stdout.trim());
  await (memory ? fourTimes() : against());
} finally {
  rmSync(folder, { recursive: true, force: true });
}
