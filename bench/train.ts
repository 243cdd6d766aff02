import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { findArchitecture } from '../models/architectures/index.js';
import { chooseLayers, classLoss, createOptimizer, fuseTrainingOps, loadTensorflow, tagLoss, trainedWeights, trainStep } from '../src/train/index.js';

/**
 * Steps per second and processor time per step of two recipes' networks, losses and optimisers, with our loop and with
 * Keras's `train_on_batch` on the same TensorFlow build, interleaved.
 *
 *     node dist/bench/train.js [--python <python with tensorflow>] [--rounds 3] [--steps 3]
 */
interface Case { readonly name: string; readonly batch: number; readonly size: number }

const CASES: readonly Case[] = [{ name: 'planet-vgg3', batch: 32, size: 128 }, { name: 'deepglobe-unet', batch: 2, size: 256 }];

interface Measured { readonly cpu: number; readonly wall: number; readonly rss: number }

async function ours(one: Case, steps: number): Promise<Measured> {
  const { tf } = await loadTensorflow();
  const maps = one.name === 'deepglobe-unet';
  const architecture = findArchitecture(maps ? 'unet' : 'vgg3')!;
  const network = maps ? architecture.build(tf, { outputs: 7 }) : architecture.build(tf, { outputs: 17, activation: 'sigmoid', size: one.size, normalization: 'unit' });
  fuseTrainingOps(tf, network.logits);
  const weights = trainedWeights(network.logits, chooseLayers(architecture, network.logits, [], ''));
  const optimizer = createOptimizer(tf, weights.map((weight) => weight.variable), maps ? { name: 'adam', clipnorm: 1 } : { name: 'sgd', momentum: 0.9 });
  const learner = { network, loss: maps ? classLoss(tf, { name: 'cross-entropy' }) : tagLoss(tf, { name: 'cross-entropy' }) };
  const x = Float32Array.from({ length: one.batch * one.size * one.size * 3 }, (_, at) => (at * 37) % 256);
  const outputs = maps ? 7 : 17;
  const places = maps ? one.batch * one.size * one.size : one.batch;
  const y = new Float32Array(places * outputs);
  for (let place = 0; place < places; place++) y[place * outputs + (place % outputs)] = 1;
  const batch = { x, xShape: [one.batch, one.size, one.size, 3], y, yShape: maps ? [one.batch, one.size, one.size, 7] : [one.batch, 17] };
  const rates = weights.map(() => 1e-4);
  const l2 = weights.map(() => 0);
  for (let step = 0; step < 2; step++) trainStep(tf, { learner, optimizer, weights, l2 }, batch, rates);
  const before = process.cpuUsage();
  const started = performance.now();
  for (let step = 0; step < steps; step++) trainStep(tf, { learner, optimizer, weights, l2 }, batch, rates);
  const { user, system } = process.cpuUsage(before);
  return { cpu: (user + system) / 1e6 / steps, wall: (performance.now() - started) / 1000 / steps, rss: process.resourceUsage().maxRSS * 1024 };
}

function child(command: string, args: readonly string[]): Promise<Measured> {
  return new Promise((done, fail) => {
    const process_ = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    let text = '';
    process_.stdout.on('data', (data: Buffer) => { text += data.toString(); });
    process_.on('error', fail);
    process_.on('close', (code) => { if (code === 0) done(JSON.parse(text.trim().split('\n').at(-1)!) as Measured); else fail(new Error(`${command} ended with ${code}`)); });
  });
}

const option = (name: string, otherwise: string): string => { const at = process.argv.indexOf(`--${name}`); return at < 0 ? otherwise : process.argv[at + 1]!; };
const least = (values: readonly number[]): number => Math.min(...values);

async function main(): Promise<void> {
  const steps = Number(option('steps', '3'));
  const only = option('one', '');
  if (only !== '') { process.stdout.write(`${JSON.stringify(await ours(CASES.find((one) => one.name === only)!, steps))}\n`); return; }
  const python = option('python', 'python3');
  const script = join(import.meta.dirname, '..', '..', 'bench', 'train_keras.py');
  const chosen = CASES.filter((one) => option('case', one.name) === one.name);
  for (const one of chosen) {
    const [us, keras]: [Measured[], Measured[]] = [[], []];
    for (let round = 0; round < Number(option('rounds', '3')); round++) {
      us.push(await child(process.execPath, [process.argv[1]!, '--one', one.name, '--steps', String(steps)]));
      keras.push(await child(python, [script, one.name, String(one.batch), String(one.size), String(steps)]));
    }
    const of = (list: readonly Measured[], key: keyof Measured): number => least(list.map((item) => item[key]));
    process.stdout.write(`${one.name}, ${one.batch} × ${one.size}²: ours ${of(us, 'cpu').toFixed(2)} s of processor, ${(1 / of(us, 'wall')).toFixed(2)} steps/s, ${(of(us, 'rss') / 1e9).toFixed(1)} GB; Keras ${of(keras, 'cpu').toFixed(2)} s, ${(1 / of(keras, 'wall')).toFixed(2)} steps/s, ${(of(keras, 'rss') / 1e9).toFixed(1)} GB; ratio of processor time ${(of(us, 'cpu') / of(keras, 'cpu')).toFixed(2)}, of time ${(of(us, 'wall') / of(keras, 'wall')).toFixed(2)}\n`);
  }
}

await main();
