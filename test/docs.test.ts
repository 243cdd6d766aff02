import { execFile } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { createCog } from '../src/cog/index.js';
import { windowTransform } from '../src/georef/index.js';
import { openScene } from '../src/scene/index.js';
import { root, scratch } from './places.js';
import { brightestBand } from './tasks/known-models.js';

/** The pages whose commands a reader can type as they stand, with a scene of their own as scene.tif. */
const PAGES = ['README.md', 'docs/tiles.md', 'docs/convert.md', 'docs/segment.md', 'docs/vectors.md', 'docs/classify.md', 'docs/search.md', 'docs/models.md', 'docs/datasets.md'] as const;
const WINDOW = { x: 500, y: 500, width: 600, height: 560 };

const folder = scratch();
const run = promisify(execFile);

function commandsOf(page: string): string[] {
  return readFileSync(join(root, page), 'utf8').split('\n')
    .filter((line) => /^ {4}(npx )?tilewright /.test(line))
    .flatMap((line) => line.trim().split(' && '))
    .map((line) => line.replace(/^npx /, '').replace(/\s+#.*$/, ''));
}

beforeAll(async () => {
  const scene = await openScene(join(root, 'assets/demo/dubai-crop.tif'));
  const { data } = await scene.read(WINDOW);
  const { transform, crs } = scene.profile;
  const writer = await createCog({
    width: WINDOW.width, height: WINDOW.height, bands: 3, dtype: 'uint8', scratch: join(folder, 'scratch'), crs: crs!, transform: windowTransform(transform!, WINDOW),
  });
  await writer.write(data, WINDOW.height);
  await writer.finish(join(folder, 'scene.tif'));
  await writer.abort();
  const chip = await scene.read({ ...WINDOW, width: 256, height: 256 });
  mkdirSync(join(folder, 'my-data/chips'), { recursive: true });
  for (let i = 0; i < 12; i++) {
    const part = await scene.read({ x: 300 + 60 * i, y: 400, width: 256, height: 256 });
    await sharp(part.data as Uint8Array, { raw: { width: 256, height: 256, channels: 3 } }).jpeg().toFile(join(folder, 'my-data/chips', `chip_${i}.jpg`));
  }
  writeFileSync(join(folder, 'my-data/tags.csv'), `image_name,tags\n${Array.from({ length: 12 }, (_, i) => `chip_${i},clear${i % 2 === 0 ? ' road' : ''}`).join('\n')}\n`);
  await scene.close();
  const truth = await createCog({
    width: WINDOW.width, height: WINDOW.height, bands: 1, dtype: 'uint8', scratch: join(folder, 'scratch-truth'), crs: crs!, transform: windowTransform(transform!, WINDOW),
    classNames: ['Building', 'Land', 'Road', 'Vegetation', 'Water'],
  });
  await truth.write(Uint8Array.from({ length: WINDOW.width * WINDOW.height }, (_, i) => Math.floor(i / 9000) % 5), WINDOW.height);
  await truth.finish(join(folder, 'truth.tif'));
  await truth.abort();
  mkdirSync(join(folder, 'chips'));
  for (const name of ['a', 'b']) await sharp(chip.data as Uint8Array, { raw: { width: 256, height: 256, channels: 3 } }).jpeg().toFile(join(folder, 'chips', `${name}.jpg`));
  writeFileSync(join(folder, 'labels.csv'), 'id,class\nscene_r0000_c0000,one\nscene_r0002_c0002,other\n');
  const own = brightestBand(folder);
  copyFileSync(join(own, 'model.onnx'), join(folder, 'their.onnx'));
  const card = JSON.parse(readFileSync(join(own, 'card.json'), 'utf8')) as object;
  writeFileSync(join(folder, 'card.json'), JSON.stringify({ ...card, name: 'their', file: 'their.onnx' }));
});

describe('the commands in the documents', () => {
  it.each(PAGES)('%s: all run', async (page) => {
    const place = join(folder, page.replaceAll('/', '-'));
    mkdirSync(place);
    for (const name of readdirSync(folder)) {
      if (/^(scene\.tif|truth\.tif|their\.onnx|card\.json|labels\.csv)$/.test(name)) copyFileSync(join(folder, name), join(place, name));
    }
    cpSync(join(folder, 'my-data'), join(place, 'my-data'), { recursive: true });
    copyFileSync(join(folder, 'scene.tif'), join(place, 'image.tif'));
    copyFileSync(join(folder, 'truth.tif'), join(place, 'mask.tif'));
    mkdirSync(join(place, 'chips'));
    for (const name of ['a.jpg', 'b.jpg']) copyFileSync(join(folder, 'chips', name), join(place, 'chips', name));
    const commands = commandsOf(page);
    expect(commands.length).toBeGreaterThan(1);
    for (const command of commands) {
      // A page may show the same output twice, with other options.
      const words = command.split(/\s+/).slice(1);
      const again = words.some((word) => existsSync(join(place, word)) && /^(map\.tif|tags|their)$/.test(word));
      await run(process.execPath, [join(root, 'dist/cli/main.js'), ...words, ...(again && !words.includes('--dry-run') ? ['--overwrite'] : [])], { cwd: place, env: { ...process.env, TILEWRIGHT_CACHE: join(folder, 'cache') } });
    }
  });
});
