import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { ModelCard } from '../src/card/index.js';
import { createCog } from '../src/cog/index.js';
import { crsFromEpsg } from '../src/georef/index.js';
import { seededRandom } from '../src/samples/index.js';
import { openScene } from '../src/scene/index.js';
import { root, scratch } from './places.js';

/** docs/training.md from a folder of pictures to a map: its commands as they stand there, with tiny data and `--set` for tiny networks. */
const folder = scratch();
const page = readFileSync(join(root, 'docs/training.md'), 'utf8');
const documented = [...new Set([...page.matchAll(/^ {4,}(tilewright .*)$|`(tilewright [^`]+)`/gm)].map((match) => (match[1] ?? match[2]!).trim()))];
const ran = new Set<string>();

/** Documented, and not run: needs weights of 100 MB; stands for any recipe. */
const NOT_RUN = ['tilewright train planet-resnet50 --data planet -o out --set stages.head128.epochs=2 --set network.weights=resnet50.pth', 'tilewright train <name>'];

/** Milliseconds: several commands one after the other, also on a busy machine. */
const SLOW = 240_000;

const run = promisify(execFile);

/** Runs a command of the page, with the user's own folder and more options where said; what it printed. */
async function follow(place: string, command: string, more: readonly string[] = []): Promise<string> {
  expect(documented).toContain(command);
  ran.add(command);
  const words = command.replace('<folder>', 'my-data').split(' ').slice(1);
  // In plain JavaScript, installed or not: the same on every machine.
  const { stdout, stderr } = await run(process.execPath, [join(root, 'dist/cli/main.js'), ...words, ...more], { cwd: place, env: { ...process.env, TILEWRIGHT_TENSORFLOW: join(folder, 'nowhere'), TILEWRIGHT_CACHE: join(place, 'cache') } });
  return stdout + stderr;
}

const sets = (settings: readonly string[]): string[] => settings.flatMap((setting) => ['--set', setting]);

const random = seededRandom(2);
/** Pixels `[height, width, 3]`: dark or bright by place, with noise. */
function pixelsOf(width: number, height: number, isBright: (x: number, y: number) => boolean, green = 0): Uint8Array {
  return Uint8Array.from({ length: width * height * 3 }, (_, i) => { const at = Math.floor(i / 3); return (isBright(at % width, Math.floor(at / width)) ? 190 : 40) + (i % 3 === 1 ? green : 0) + Math.floor(random() * 30); });
}

async function picture(path: string, width: number, height: number, pixels: Uint8Array): Promise<void> {
  mkdirSync(dirname(path), { recursive: true });
  await sharp(pixels, { raw: { width, height, channels: 3 } }).png().toFile(path);
}

function placeOf(kind: string): string {
  const place = join(folder, kind);
  mkdirSync(join(place, 'my-data'), { recursive: true });
  return place;
}

const SCENE = { width: 70, height: 60 };
/** A scene that is bright in blocks. */
const isBright = (x: number, y: number): boolean => (Math.floor(x / 23) + Math.floor(y / 20)) % 2 === 1;

async function writeScene(place: string): Promise<void> {
  const writer = await createCog({ ...SCENE, bands: 3, dtype: 'uint8', scratch: join(place, 'scratch'), crs: crsFromEpsg(32640)!, transform: [331000, 2, 0, 2790000, 0, -2] });
  await writer.write(pixelsOf(SCENE.width, SCENE.height, isBright), SCENE.height);
  await writer.finish(join(place, 'scene.tif'));
  await writer.abort();
}

function cardOf(place: string): ModelCard {
  for (const file of ['model.onnx', 'README.md', 'report.html', 'curves.png']) expect(existsSync(join(place, 'my-model', file)), file).toBe(true);
  return JSON.parse(readFileSync(join(place, 'my-model/card.json'), 'utf8')) as ModelCard;
}

/** Scores on the screen are the card's, after training and when the kept part is evaluated. */
function expectScore(card: ModelCard, metric: string, texts: readonly string[]): void {
  const { value } = card.scores!.find((score) => score.metric === metric && score.of === undefined)!;
  for (const text of texts) expect(text).toContain(value.toFixed(4));
}

describe('docs/training.md, from a folder of pictures to a map', () => {
  it('pictures with masks: a segmenter, whose map of a scene is its truth', { timeout: SLOW }, async () => {
    const place = placeOf('segmenter');
    for (let i = 0; i < 10; i++) {
      const border = 6 + 2 * i;
      const right = (x: number): boolean => x >= border;
      await picture(join(place, `my-data/images/p${i}.png`), 32, 28, pixelsOf(32, 28, right));
      await picture(join(place, `my-data/masks/p${i}.png`), 32, 28, Uint8Array.from({ length: 32 * 28 * 3 }, (_, at) => (right(Math.floor(at / 3) % 32) ? [200, 210, 220] : [10, 20, 30])[at % 3]!));
    }
    writeFileSync(join(place, 'my-data/classes.json'), JSON.stringify({ classes: [{ id: 0, name: 'Dark', color: [10, 20, 30] }, { id: 1, name: 'Bright', color: [200, 210, 220] }] }));
    await writeScene(place);
    expect(await follow(place, 'tilewright doctor')).toContain('npm run setup:tensorflow');
    expect(await follow(place, 'tilewright dataset info <folder>')).toMatch(/10 pictures[\s\S]*Dark[\s\S]*Bright/);
    const small = ['network.widths=[4]', 'network.reduce=2', 'training.patch=8', 'training.batch=2', 'training.steps=10', 'training.epochs=3', 'optimizer.lr=0.03'];
    const said = await follow(place, 'tilewright train segmenter --data my-data -o my-model', sets(small));
    const card = cardOf(place);
    expect(existsSync(join(place, 'my-model/maps/epoch-003.png'))).toBe(true);
    expect(card).toMatchObject({ name: 'my-model', output: { classes: [{ name: 'Dark' }, { name: 'Bright' }] } });
    await follow(place, 'tilewright segment scene.tif -m my-model -o map.tif --preview map.png');
    const map = await openScene(join(place, 'map.tif'));
    const { data } = await map.read({ x: 0, y: 0, ...SCENE });
    expect(map.profile).toMatchObject({ ...SCENE, transform: [331000, 2, 0, 2790000, 0, -2] });
    expect(map.profile.classNames!.slice(0, 2)).toEqual(['Dark', 'Bright']);
    await map.close();
    const right = Array.from(data).filter((id, i) => id === (isBright(i % SCENE.width, Math.floor(i / SCENE.width)) ? 1 : 0)).length;
    // Blocks have 23 × 20 pixels and the network sees pairs of pixels: it may miss along the borders.
    expect(right / data.length).toBeGreaterThan(0.85);
    expect((await sharp(join(place, 'map.png')).metadata()).width).toBeGreaterThan(200);
    expectScore(card, 'miou', [said, await follow(place, 'tilewright evaluate my-model --data my-data --part test')]);
  });

  const CHIPS = ['network.size=8', 'network.widths=[3]', 'network.blocks=[0]', 'training.batch=4', 'training.epochs=2', 'split={seed: 1, validation: 0.2, test: 0.2}'];

  it('a folder per class: a classifier, and the classes of a scene\'s chips', { timeout: SLOW }, async () => {
    const place = placeOf('classifier');
    for (let i = 0; i < 24; i++) await picture(join(place, 'my-data', i % 2 === 0 ? 'dark' : 'bright', `${i}.png`), 16, 16, pixelsOf(16, 16, () => i % 2 === 1));
    await writeScene(place);
    const said = await follow(place, 'tilewright train classifier --data my-data -o my-model', sets(CHIPS));
    const card = cardOf(place);
    expect(card.output.classes.map(({ name }) => name)).toEqual(['bright', 'dark']);
    await follow(place, 'tilewright classify scene.tif -m my-model -o tags');
    expect(readFileSync(join(place, 'tags/chips.csv'), 'utf8')).toMatch(/bright|dark/);
    expectScore(card, 'accuracy', [said, await follow(place, 'tilewright evaluate my-model --data my-data --part test')]);
  });

  it('a table of tags: a learning rate, a tagger, and once more on everything', { timeout: SLOW }, async () => {
    const place = placeOf('tagger');
    const rows = Array.from({ length: 24 }, (_, i) => [i % 2 === 0 ? 'dark' : 'bright', ...(i % 3 === 0 ? ['green'] : [])]);
    for (const [i, tags] of rows.entries()) await picture(join(place, `my-data/chips/c${i}.png`), 16, 16, pixelsOf(16, 16, () => tags[0] === 'bright', tags.length > 1 ? 35 : 0));
    writeFileSync(join(place, 'my-data/tags.csv'), `image_name,tags\n${rows.map((tags, i) => `c${i},${tags.join(' ')}`).join('\n')}\n`);
    expect(await follow(place, 'tilewright train tagger --data my-data -o my-model --find-lr', sets([...CHIPS, 'training.batch=2']))).toMatch(/the loss falls most steeply at [\d.]+/);
    for (const file of ['lr-finder.png', 'lr-finder.csv']) expect(existsSync(join(place, 'my-model', file)), file).toBe(true);
    const said = await follow(place, 'tilewright train tagger --data my-data -o my-model', sets(CHIPS));
    expectScore(cardOf(place), 'f2_samples', [said]);
    await run(process.execPath, [join(root, 'dist/cli/main.js'), 'train', 'tagger', '--data', 'my-data', '-o', 'my-final', '--finalise', ...sets([...CHIPS.slice(0, -1), 'training.threshold=0.5'])], { cwd: place, env: { ...process.env, TILEWRIGHT_TENSORFLOW: join(folder, 'nowhere') } });
    expect(existsSync(join(place, 'my-final/model.onnx'))).toBe(true);
  });

  it('a recipe of the project with other settings', { timeout: SLOW }, async () => {
    const place = placeOf('planet');
    for (let i = 0; i < 10; i++) await picture(join(place, `planet/train-jpg/train_${i}.png`), 32, 32, pixelsOf(32, 32, () => i % 2 === 1));
    writeFileSync(join(place, 'planet/train_v2.csv'), `image_name,tags\n${Array.from({ length: 10 }, (_, i) => `train_${i},${i % 2 === 0 ? 'cloudy' : 'clear primary'}`).join('\n')}\n`);
    await follow(place, 'tilewright train planet-vgg3 --data planet -o out --set optimizer.lr=0.003 --set training.epochs=10', sets(['network.size=16', 'network.width=0.125', 'training.batch=2', 'training.epochs=2']));
    const recipe = readFileSync(join(place, 'out/recipe.yaml'), 'utf8');
    expect(recipe).toMatch(/lr: 0\.003/);
    expect(recipe).toMatch(/epochs: 2/);
  });

  it('no command of the page is left out', () => {
    expect([...documented].sort()).toEqual([...ran, ...NOT_RUN].sort());
  });
});
