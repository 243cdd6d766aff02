import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp, { type Sharp } from 'sharp';
import { seededRandom } from '../src/samples/index.js';
import { loadSamples } from '../src/tasks/train/samples.js';
import { openCourse } from '../src/tasks/train/stages.js';
import { architectureOf, chooseLayers, createOptimizer, fuseTrainingOps, loadTensorflow, parseRecipe, resolveStages, trainedWeights, trainStep } from '../src/train/index.js';
import { median, print, printMachine } from './rounds.js';

/**
 * Processor time per sample of reading and varying, beside that of a training step, with a recipe's network,
 * variation, loss and optimiser, on decoded samples of noise. The two take turns; every recipe has a process of its own.
 *
 *     node dist/bench/augment.js [--rounds 3] [--case planet-vgg3-augment]
 */
interface Case {
  readonly recipe: string;
  /** What is other than in the recipe: smaller batches and patches, so that a step ends soon; no weights to begin with. */
  readonly set: readonly string[];
  readonly make: (folder: string) => Promise<void>;
}

const LEGEND = [[0, 255, 255], [255, 255, 0], [255, 0, 255], [0, 255, 0], [0, 0, 255], [255, 255, 255]];

/** Noise of so many pixels an edge. */
function noise(edge: number, seed: number): Sharp {
  const random = seededRandom(seed);
  return sharp(Buffer.from(Uint8Array.from({ length: edge * edge * 3 }, () => Math.floor(random() * 256))), { raw: { width: edge, height: edge, channels: 3 } });
}

/** Squares of 64 pixels in the colours of the legend. */
function mask(edge: number): Sharp {
  const pixels = new Uint8Array(edge * edge * 3);
  for (let i = 0; i < edge * edge; i++) pixels.set(LEGEND[(((i % edge) >> 6) + (Math.floor(i / edge) >> 6)) % LEGEND.length]!, i * 3);
  return sharp(Buffer.from(pixels), { raw: { width: edge, height: edge, channels: 3 } });
}

const CASES: readonly Case[] = [
  {
    recipe: 'planet-vgg3-augment', set: ['training.batch=32'],
    async make(folder) {
      mkdirSync(join(folder, 'train-jpg'));
      for (let i = 0; i < 64; i++) await noise(256, i).jpeg().toFile(join(folder, 'train-jpg', `train_${i}.jpg`));
      writeFileSync(join(folder, 'train_v2.csv'), `image_name,tags\n${Array.from({ length: 64 }, (_, i) => `train_${i},${Array.from({ length: 17 }, (_tag, tag) => `t${tag}`).filter((_tag, tag) => (i + tag) % 5 === 0).join(' ')}`).join('\n')}\n`);
    },
  },
  {
    recipe: 'folders-vgg19', set: ['network.weights=null', 'split={seed: 1, validation: 0.2, test: 0}'],
    async make(folder) {
      for (let i = 0; i < 24; i++) {
        mkdirSync(join(folder, `class-${i % 4}`), { recursive: true });
        await noise(256, i).jpeg().toFile(join(folder, `class-${i % 4}`, `${i}.jpg`));
      }
    },
  },
  {
    recipe: 'deepglobe-unet', set: ['training.batch=1', 'training.patch=256', 'split={seed: 1, validation: 0.5, test: 0}'],
    async make(folder) {
      for (const i of [1, 2]) {
        await noise(2448, i).jpeg().toFile(join(folder, `${i}_sat.jpg`));
        await mask(2448).png().toFile(join(folder, `${i}_mask.png`));
      }
      writeFileSync(join(folder, 'class_dict.csv'), `name,r,g,b\n${LEGEND.map((color, i) => `class-${i},${color.join(',')}`).join('\n')}\n`);
    },
  },
];

interface Measured { readonly size: string; readonly sample: number; readonly step: number }

function processorTime(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** Medians over the rounds, in seconds of processor per sample. */
async function measure({ recipe: name, set, make }: Case, rounds: number): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'tilewright-augment-'));
  try {
    await make(folder);
    const { tf } = await loadTensorflow();
    const recipe = parseRecipe(readFileSync(join(import.meta.dirname, '..', '..', 'models', 'recipes', `${name}.yaml`), 'utf8'), name, set);
    const data = { data: folder, cacheFolder: join(folder, 'cache') };
    const course = openCourse(tf, { recipe, data, first: await loadSamples(recipe, data, {}), begin: () => Promise.resolve() }, {});
    const [stage] = resolveStages(recipe);
    const { model, learner } = await course.stages[0]!.open(undefined);
    const frozen = chooseLayers(architectureOf(recipe), model, stage!.freeze, 'freeze');
    fuseTrainingOps(tf, learner.network.logits);
    const weights = trainedWeights(learner.network.logits, frozen);
    const parts = { learner, optimizer: createOptimizer(tf, weights.map(({ variable }) => variable), stage!.optimizer), weights, l2: weights.map(() => 0) };
    const rates = weights.map(() => 1e-5);
    let at = 0;
    let batch = learner.batch(0, at++);
    trainStep(tf, parts, batch, rates);
    const samples = batch.xShape[0]!;
    // Enough of them for the clock, after as many that compile the loops.
    const times = Math.ceil(64 / samples);
    const read = (): void => { for (let i = 0; i < times; i++) batch = learner.batch(0, at++); };
    read();
    const [reading, stepping]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round++) {
      reading.push(processorTime(read) / (times * samples));
      stepping.push(processorTime(() => { trainStep(tf, parts, batch, rates); }) / samples);
    }
    const size = `${samples} × ${batch.xShape[1]}²`;
    await course.close();
    return { size, sample: median(reading), step: median(stepping) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function child(name: string, rounds: number): Promise<Measured> {
  return new Promise((done, fail) => {
    const process_ = spawn(process.execPath, [fileURLToPath(import.meta.url), '--one', name, '--rounds', String(rounds)], { stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    process_.stdout.on('data', (part: Buffer) => { text += part.toString(); });
    process_.on('error', fail);
    process_.on('close', (code) => { if (code === 0) done(JSON.parse(text.trim().split('\n').at(-1)!) as Measured); else fail(new Error(`${name} ended with ${code}`)); });
  });
}

const option = (name: string, otherwise: string): string => { const at = process.argv.indexOf(`--${name}`); return at < 0 ? otherwise : process.argv[at + 1]!; };

async function main(): Promise<void> {
  const rounds = Number(option('rounds', '3'));
  const one = option('one', '');
  if (one !== '') { print(JSON.stringify(await measure(CASES.find(({ recipe }) => recipe === one)!, rounds))); return; }
  printMachine();
  for (const { recipe } of CASES.filter((item) => option('case', item.recipe) === item.recipe)) {
    const { size, sample, step } = await child(recipe, rounds);
    print(`${recipe}, ${size}: reading and varying ${(1000 * sample).toFixed(2)} ms of processor per sample, a step ${(1000 * step).toFixed(0)} ms, share of both ${(100 * sample / (sample + step)).toFixed(2)} %`);
  }
}

await main();
