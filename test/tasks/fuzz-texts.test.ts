import fc from 'fast-check';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseCard } from '../../src/card/index.js';
import { TilewrightError } from '../../src/errors.js';
import { crsFromEpsg } from '../../src/georef/index.js';
import { INDEX_FORMAT, addToIndex, openIndex, writeParts } from '../../src/index-store/index.js';
import type { EmbeddedEntry, IndexManifest } from '../../src/index-store/index.js';
import { openScene } from '../../src/scene/index.js';
import { placeArea, polygonsInText } from '../../src/tasks/rows/area.js';
import { mosaic } from '../../src/tasks/mosaic.js';
import { tile } from '../../src/tasks/tile.js';
import { root, scratch } from '../places.js';
import { mutateJson, mutateXml, textMutations } from '../scene/text-mutations.js';
import type { TextMutation } from '../scene/text-mutations.js';

const work = scratch();
const FULL = process.env['TILEWRIGHT_TEST_FULL'] === '1';
const RUNS = FULL ? 2000 : 60;

/** A text may take so much time of the processor at most, in milliseconds, and so many bytes. */
const PATIENCE = 5000;
const MOST_GROWTH = 400 * 2 ** 20;
const TIMEOUT = FULL ? 1_800_000 : 120_000;

let read = 0;

/** Works with a changed text: it ends well, or with one line that says what is wrong, soon and in bounded memory. */
async function survives(list: readonly TextMutation[], work_: () => Promise<unknown>): Promise<void> {
  const used = process.cpuUsage();
  const before = process.memoryUsage().rss;
  try {
    await work_();
    read++;
  } catch (error) {
    if (!(error instanceof TilewrightError)) throw error;
    expect(error.message).not.toContain('\n');
    expect(error.message.length).toBeLessThan(1000);
    expect([2, 3]).toContain(error.exitCode);
  }
  const { user, system } = process.cpuUsage(used);
  expect((user + system) / 1000, JSON.stringify(list)).toBeLessThan(PATIENCE);
  expect(process.memoryUsage().rss - before).toBeLessThan(MOST_GROWTH);
}

async function readSome(path: string): Promise<void> {
  const scene = await openScene(path);
  try {
    const { width, height } = scene.profile;
    const window = { x: 0, y: 0, width: Math.min(width, 200), height: Math.min(height, 200) };
    await scene.read(window);
    await scene.readReduced(window, { width: Math.ceil(window.width / 3), height: Math.ceil(window.height / 3) });
    const far = { x: width - 1, y: height - 1, width: 1, height: 1 };
    await scene.read(far);
  } finally {
    await scene.close();
  }
}

/** Texts that change, and how many of them must be read all the same (less three standard deviations, as changes are drawn anew each time): else the changes say nothing. */
function property(texts: readonly string[], change: (text: string, list: readonly TextMutation[]) => Promise<unknown>, share = 0.03): Promise<void> {
  read = 0;
  return fc.assert(fc.asyncProperty(fc.constantFrom(...texts), textMutations, (text, list) => survives(list, () => change(text, list))), { numRuns: RUNS })
    .then(() => expect(read).toBeGreaterThan(Math.max(0, RUNS * share - 3 * Math.sqrt(RUNS * share * (1 - share)))));
}

describe('a changed text is read or refused, in time, in bounded memory and without any other error:', () => {
  it('a VRT beside its files', async () => {
    const from = join(root, 'fixtures', 'scene', 'vrt');
    const folder = join(work, 'vrt');
    mkdirSync(folder);
    for (const name of readdirSync(from)) copyFileSync(join(from, name), join(folder, name));
    const names = readdirSync(from).filter((name) => /\.(vrt|tif)$/.test(name));
    const texts = names.filter((name) => name.endsWith('.vrt')).map((name) => readFileSync(join(from, name), 'utf8'));
    const path = join(folder, 'changed.vrt');
    const openFiles = (): number => (existsSync('/proc/self/fd') ? readdirSync('/proc/self/fd').length : 0);
    const before = openFiles();
    await property(texts, async (text, list) => {
      writeFileSync(path, mutateXml(text, list, [...names, 'changed.vrt', '/etc/hostname', 'http://127.0.0.1:9/x.tif', '.', '']));
      await readSome(path);
    }, 0.3);
    // Errors leave no file open.
    await new Promise((resolve) => { setTimeout(resolve, 100); });
    expect(openFiles()).toBeLessThanOrEqual(before + 2);
  }, TIMEOUT);

  it('metadata beside a file', async () => {
    const folder = join(work, 'pam');
    mkdirSync(folder);
    const [scene, side] = ['classes_sidecar.tif', 'classes_sidecar.tif.aux.xml'].map((name) => join(root, 'fixtures', 'scene', name)) as [string, string];
    const described = join(root, 'fixtures', 'convert', 'described.tif');
    copyFileSync(scene, join(folder, 'scene.tif'));
    await property([side, `${described}.aux.xml`].map((path) => readFileSync(path, 'utf8')), async (text, list) => {
      writeFileSync(join(folder, 'scene.tif.aux.xml'), mutateXml(text, list, ['x']));
      await readSome(join(folder, 'scene.tif'));
    }, 0.3);
  }, TIMEOUT);

  it('a list of tiles', async () => {
    const folder = join(work, 'tiles');
    await tile({ scene: join(root, 'fixtures', 'convert', 'rgb.tif'), folder, patchSize: 16, overlap: 4 });
    const list = readFileSync(join(folder, 'tiles.json'), 'utf8');
    await property([list], async (text, changes) => {
      writeFileSync(join(folder, 'tiles.json'), mutateJson(text, changes));
      await readSome(join(folder, 'tiles.json'));
    });
  }, TIMEOUT);

  it('a list of tiles that are joined', async () => {
    const folder = join(work, 'joined');
    await tile({ scene: join(root, 'fixtures', 'convert', 'rgb.tif'), folder, patchSize: 16, overlap: 4 });
    const list = readFileSync(join(folder, 'tiles.json'), 'utf8');
    await property([list], async (text, changes) => {
      writeFileSync(join(folder, 'tiles.json'), mutateJson(text, changes));
      const output = join(work, 'joined.tif');
      rmSync(`${output}.partial`, { recursive: true, force: true });
      await mosaic({ folder, output, overwrite: true });
    });
  }, TIMEOUT);

  it('an area of interest', async () => {
    const texts = [
      readFileSync(join(root, 'fixtures', 'convert', 'area.geojson'), 'utf8'),
      JSON.stringify({ type: 'FeatureCollection', crs: { type: 'name', properties: { name: 'urn:ogc:def:crs:OGC:1.3:CRS84' } }, features: [{ type: 'Feature', properties: {}, geometry: { type: 'MultiPolygon', coordinates: [[[[15, 41], [15.1, 41], [15.1, 41.1], [15, 41]]]] } }] }),
    ];
    await property(texts, (text, list) => {
      const polygons = polygonsInText(mutateJson(text, list), 'area.geojson');
      const area = placeArea(polygons, { transform: [500000, 2, 0, 4600000, 0, -2], crs: crsFromEpsg(32633)!, width: 100, height: 100 });
      const mask = new Uint8Array(100 * 100).fill(255);
      area?.clip(mask, { x: 0, y: 0, width: 100, count: 100 });
      return Promise.resolve();
    });
  }, TIMEOUT);

  it('a model card', async () => {
    const zoo = join(root, 'models', 'zoo');
    const cards = readdirSync(zoo, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => readFileSync(join(zoo, name, 'card.json'), 'utf8'));
    await property(cards, (text, list) => {
      const changed = mutateJson(text, list);
      let json: unknown;
      try {
        json = JSON.parse(changed);
      } catch {
        return Promise.resolve();
      }
      parseCard(json, 'card.json');
      return Promise.resolve();
    });
  }, TIMEOUT);

  describe('an index', () => {
    const folder = join(work, 'index');
    let text = '';
    beforeAll(async () => {
      async function* entries(): AsyncGenerator<EmbeddedEntry> {
        for (let i = 0; i < 5; i++) {
          yield await Promise.resolve({ entry: { id: `s_${i}`, source: 's', scene: '/data/s.tif', window: { x: i * 10, y: 5, width: 10, height: 20 }, scale: 1 }, vector: Float32Array.of(i, 1, 2) });
        }
      }
      const from = join(work, 'parts');
      const parts = await writeParts(entries(), { folder: from, source: 's', dimensions: 3, rows: 3 });
      const empty: IndexManifest = { format: INDEX_FORMAT, createdBy: 'test', model: { name: 'm', source: 'm', fingerprint: 'f', layer: 'features', card: {} as never }, dimensions: 3, metric: 'l2', count: 0, sources: [], parts: [] };
      await addToIndex(folder, [{ source: { name: 's', kind: 'scene', path: '/data/s.tif', fingerprint: 's', count: 5, nodata: 0 }, parts }], { from, empty });
      text = readFileSync(join(folder, 'index.json'), 'utf8');
    });

    it('with its list of parts', async () => {
      await property([text], async (original, list) => {
        rmSync(join(folder, 'cache'), { recursive: true, force: true });
        writeFileSync(join(folder, 'index.json'), mutateJson(original, list));
        const index = await openIndex(folder);
        try {
          for (let row = 0; row < Math.min(5, index.count); row++) await index.entry(row);
          await index.rowOf('s_1');
          if (index.count > 0) index.sourceOf(0);
        } finally {
          await index.close();
        }
      }, 0.03);
    }, TIMEOUT);
  });
});
