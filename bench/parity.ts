import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { areChips, loadSamples } from '../src/tasks/train/samples.js';
import { readRecipe, train } from '../src/tasks/train.js';
import { targetsOf, type Recipe } from '../src/train/index.js';

/**
 * Trains a recipe here and the same network, data, split, epochs and optimizer in Keras, over some seeds, and prints the validation
 * scores side by side.
 *
 *     node dist/bench/parity.js planet-vgg3 <folder> [--python <python with keras>] [--seeds 3] [--set key=value …]
 *
 * Both sides get the same decoded samples and make the same number of steps. Taggers are scored through our exported ONNX file; segmenters by the last
 * validation of the training, on the resized pictures that both sides see (a finished model is scored at full size). First weights and order of samples
 * differ, as they do between two seeds; pictures are drawn anew for each step on both sides. What the Keras side does not have is refused.
 */
const RECIPES = ['planet-vgg3', 'deepglobe-unet'] as const;
/** What both sides leave out, so that there is nothing to differ in. */
const PLAIN = ['augment={turns: false}', 'training.keep=last', 'training.patience=null', 'schedule={name: constant}'];

/** What a recipe may say of network, optimizer, loss and training: `bench/parity.py` does the same. */
const MIRRORED: Readonly<Record<string, readonly string[]>> = {
  network: ['architecture', 'size', 'width', 'widths', 'normalization'],
  optimizer: ['name', 'lr', 'momentum', 'clipnorm'],
  loss: ['name', 'class_weights'],
  training: ['epochs', 'batch', 'patch', 'seed', 'monitor', 'keep', 'threshold', 'cache_features'],
};

/** @throws {Error} naming the first key that the Keras side would leave out silently */
function refuseUnmirrored(recipe: Recipe): void {
  const { network, optimizer, loss, training, stages, schedule } = recipe;
  const fail = (what: string): never => { throw new Error(`expected a recipe that both sides can train, found ${what}: bench/parity.py has nothing like it`); };
  for (const [section, value] of Object.entries({ network, optimizer, loss, training })) {
    for (const [key, item] of Object.entries(value as object)) if (item !== undefined && item !== null && !MIRRORED[section]!.includes(key)) fail(`${section}.${key}=${JSON.stringify(item)}`);
  }
  if (!(RECIPES as readonly string[]).includes(recipe.name) || !['vgg3', 'unet'].includes(network.architecture)) fail(`network.architecture=${network.architecture}`);
  if (!['sgd', 'adam'].includes(optimizer.name)) fail(`optimizer.name=${optimizer.name}`);
  if (typeof optimizer.lr !== 'number') fail('optimizer.lr by layers');
  if (optimizer.name !== 'sgd' && optimizer.momentum !== undefined) fail('optimizer.momentum of adam');
  if ((loss.name ?? 'cross-entropy') !== 'cross-entropy') fail(`loss.name=${loss.name}`);
  if (loss.class_weights !== undefined ? loss.class_weights !== 'equal' : recipe.task === 'segmenter') fail(`loss.class_weights=${JSON.stringify(loss.class_weights ?? 'sqrt')}`);
  const normalization = network.normalization ?? (network.architecture === 'vgg3' ? 'none' : undefined);
  if (normalization !== (network.architecture === 'vgg3' ? 'unit' : undefined)) fail(`network.normalization=${normalization}`);
  if (training.threshold === 'per-tag') fail('training.threshold=per-tag');
  if (schedule.name !== 'constant') fail(`schedule.name=${schedule.name}`);
  if (stages.length > 1) fail('stages');
}

interface Given { readonly name: string; readonly folder: string; readonly python: string; readonly seeds: number; readonly set: readonly string[] }

function given(): Given {
  const [name = '', folder = '', ...rest] = process.argv.slice(2);
  if (!RECIPES.some((known) => known === name) || folder === '') throw new Error(`expected one of ${RECIPES.join(', ')} and a folder`);
  const all = (key: string): string[] => rest.flatMap((word, at) => (word === `--${key}` ? [rest[at + 1]!] : []));
  return { name, folder, python: all('python')[0] ?? 'python3', seeds: Number(all('seeds')[0] ?? '3'), set: all('set') };
}

/** Samples, truth and settings, as the other side reads them. */
async function writeForKeras(recipeFile: string, { folder, set }: Given, work: string): Promise<{ readonly steps: number }> {
  const recipe = await readRecipe({ recipe: recipeFile, set });
  refuseUnmirrored(recipe);
  const loaded = await loadSamples(recipe, { data: folder, cacheFolder: join(work, 'cache') }, {});
  const { training, network, optimizer, task } = recipe;
  const pixels: Uint8Array[] = [];
  let truth: Uint8Array;
  let shape: readonly number[];
  if (areChips(loaded)) {
    const { samples } = loaded;
    shape = [samples.count, samples.size, samples.size, 3];
    for (let index = 0; index < samples.count; index++) { const chip = new Uint8Array(samples.size ** 2 * 3); samples.read(index, chip, 0); pixels.push(chip); }
    truth = Uint8Array.from(targetsOf(samples, Int32Array.from({ length: samples.count }, (_, index) => index)));
  } else {
    const pictures = loaded.samples.pictures.map((_, index) => loaded.samples.read(index));
    shape = [pictures.length, pictures[0]!.height, pictures[0]!.width, 3];
    if (pictures.some(({ height, width }) => height !== shape[1] || width !== shape[2])) throw new Error('expected pictures of one size: --set data.resize=[w, h]');
    pixels.push(...pictures.map((picture) => picture.pixels));
    truth = Buffer.concat(pictures.map(({ mask }) => mask));
  }
  writeFileSync(join(work, 'pixels.u8'), Buffer.concat(pixels));
  writeFileSync(join(work, 'truth.u8'), truth);
  writeFileSync(join(work, 'meta.json'), JSON.stringify({
    task, shape, outputs: loaded.outputs.length, train: Array.from(loaded.split.train), validation: Array.from(loaded.split.validation), epochs: training.epochs, batch: training.batch, threshold: training.threshold ?? 0.5,
    width: network.width ?? 1, widths: network.widths ?? [64, 128, 256], optimizer,
  }));
  await loaded.samples.close();
  return { steps: Math.ceil(loaded.split.train.length / training.batch) };
}

function keras(python: string, work: string, seed: number): Promise<number> {
  return new Promise((done, fail) => {
    const child = spawn(python, [join(import.meta.dirname, '..', '..', 'bench', 'parity.py'), work, String(seed)], { stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    child.stdout.on('data', (data: Buffer) => { text += data.toString(); });
    child.on('error', fail);
    child.on('close', (code) => { if (code === 0) done(Number(text.trim().split('\n').at(-1))); else fail(new Error(`${python} ended with ${code}`)); });
  });
}

/** The last epoch's value of a column of `history.csv`. */
function lastOf(file: string, column: string): number {
  const [head = '', ...rows] = readFileSync(file, 'utf8').trim().split('\n');
  return Number(rows.at(-1)!.split(',')[head.split(',').indexOf(column)]);
}

const print = (line: string): void => { process.stdout.write(`${line}\n`); };
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

async function main(): Promise<void> {
  const asked = given();
  const set = [...PLAIN, ...asked.set];
  const recipe = join(import.meta.dirname, '..', '..', 'models', 'recipes', `${asked.name}.yaml`);
  const metric = asked.name === 'planet-vgg3' ? 'f2_samples' : 'pixel_accuracy';
  const work = mkdtempSync(join(tmpdir(), 'tilewright-parity-'));
  try {
    mkdirSync(join(work, 'cache'));
    const { steps } = await writeForKeras(recipe, { ...asked, set }, work);
    print(`${asked.name}, ${metric} on the validation part, ${set.join(' ')}`);
    const [ours, theirs]: [number[], number[]] = [[], []];
    for (let seed = 1; seed <= asked.seeds; seed++) {
      const output = join(work, `seed-${seed}`);
      const { card } = await train({ recipe, data: asked.folder, output, set: [...set, `training.seed=${seed}`, ...(metric === 'f2_samples' ? [] : [`training.steps=${steps}`])] });
      ours.push(metric === 'f2_samples' ? card.scores!.find((score) => score.metric === metric && score.of === undefined)!.value : lastOf(join(output, 'history.csv'), metric));
      theirs.push(await keras(asked.python, work, seed));
      print(`  seed ${seed}: ours ${ours.at(-1)!.toFixed(4)}, Keras ${theirs.at(-1)!.toFixed(4)}`);
    }
    print(`  mean: ours ${mean(ours).toFixed(4)}, Keras ${mean(theirs).toFixed(4)}, difference ${(mean(ours) - mean(theirs)).toFixed(4)} (aim: within 0.015)`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

await main();
