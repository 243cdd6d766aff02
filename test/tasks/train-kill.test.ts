import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/samples/index.js';
import { train } from '../../src/tasks/train.js';
import { readProgress } from '../../src/train/index.js';
import { root, scratch } from '../places.js';

const folder = scratch();
/** Plain JavaScript: the same numbers to the last bit on every machine. */
process.env['TILEWRIGHT_TENSORFLOW'] = join(folder, 'nowhere');
const environment = { ...process.env, TILEWRIGHT_TENSORFLOW: join(folder, 'nowhere') };

const RECIPE = `
name: two-stages
task: classifier
network: { architecture: vgg3-dropout, size: 8, width: 0.1, normalization: unit }
split: { validation: 0.25, test: 0.25 }
training: { batch: 4, epochs: 3, average: 0.9 }
optimizer: { name: adam, lr: { head: 0.01, "*": 0.002 }, clipnorm: 1 }
schedule: { name: plateau, patience: 1 }
loss: { name: focal, label_smoothing: 0.1, l2: 0.001 }
augment: { flip: both, rotate: 20, shift: 0.1 }
stages:
  - { name: head, freeze: [block1, block2], augment: { flip: both } }
  - { name: all, lr: 0.005 }
card: { license: CC0-1.0 }
`;

beforeAll(async () => {
  const random = seededRandom(2);
  for (const name of ['bright', 'dark', 'green']) {
    mkdirSync(join(folder, 'data', name), { recursive: true });
    for (let chip = 0; chip < 8; chip++) {
      const pixels = Buffer.from(Array.from({ length: 8 * 8 * 3 }, (_, at) => (name === 'bright' ? 180 : name === 'dark' ? 20 : at % 3 === 1 ? 180 : 30) + Math.floor(random() * 60)));
      await sharp(pixels, { raw: { width: 8, height: 8, channels: 3 } }).png().toFile(join(folder, 'data', name, `${name}${chip}.png`));
    }
  }
  writeFileSync(join(folder, 'recipe.yaml'), RECIPE);
});

interface Ended { readonly code: number | null; readonly signal: NodeJS.Signals | null; readonly errors: string; readonly milliseconds: number }

/** Runs the command, and sends a signal when this many epochs have been told; `blocks`: files may have so many of 512 bytes. */
function run(output: string, stop?: { readonly epochs: number; readonly signal: NodeJS.Signals }, blocks?: number): Promise<Ended> {
  return new Promise((done) => {
    const command = [process.execPath, join(root, 'dist/cli/main.js'), 'train', '--recipe', join(folder, 'recipe.yaml'), '--data', join(folder, 'data'), '-o', join(folder, output)];
    const [program, ...given] = blocks === undefined ? command : ['sh', '-c', `ulimit -f ${blocks}; exec "$0" "$@"`, ...command];
    const child = spawn(program!, given, { env: environment });
    let errors = '';
    let stopped = 0;
    child.stderr.on('data', (data: Buffer) => {
      errors += data.toString();
      if (stop !== undefined && stopped === 0 && errors.includes(`train ${stop.epochs}/`)) { stopped = performance.now(); child.kill(stop.signal); }
    });
    child.on('close', (code, signal) => done({ code, signal, errors, milliseconds: performance.now() - stopped }));
  });
}

/** Without the seconds. */
function history(output: string): string[] {
  return readFileSync(join(folder, output, 'history.csv'), 'utf8').trim().split('\n').map((line) => line.split(',').filter((_, column) => column !== 5).join(','));
}

describe('training that is killed', () => {
  it('goes on, in any of its stages, and gives the losses and the model of a run that was not', async () => {
    await train({ recipe: join(folder, 'recipe.yaml'), data: join(folder, 'data'), output: join(folder, 'whole') });
    expect(history('whole').length).toBe(7);
    expect((await run('killed', { epochs: 2, signal: 'SIGKILL' })).signal).toBe('SIGKILL');
    expect(existsSync(join(folder, 'killed', 'model.onnx'))).toBe(false);
    expect((await run('killed', { epochs: 4, signal: 'SIGKILL' })).signal).toBe('SIGKILL');
    expect(await run('killed')).toMatchObject({ code: 0 });
    expect(history('killed')).toEqual(history('whole'));
    expect(Buffer.compare(readFileSync(join(folder, 'killed', 'model.onnx')), readFileSync(join(folder, 'whole', 'model.onnx')))).toBe(0);
    const report = readFileSync(join(folder, 'killed', 'report.html'), 'utf8');
    expect(report).toContain('data:image/png;base64,');
    expect(report).not.toMatch(/(src|href)="(?!data:)/);
    for (const name of ['bright', 'dark', 'green', 'Worst samples', 'architecture: vgg3-dropout']) expect(report).toContain(name);
  }, 240_000);

  it('keeps its last checkpoint where the next one has no room, says so in one line, and goes on from it', async () => {
    // The second stage trains all layers: its checkpoints are larger by their moments, and only they do not fit.
    const blocks = Math.floor((statSync(join(folder, 'whole', 'checkpoint.bin')).size - 2048) / 512);
    const full = await run('full', undefined, blocks);
    expect(full.code).toBe(4);
    expect(full.errors.trim().split('\n').at(-1)).toBe(`tilewright: ${join(folder, 'full', 'checkpoint.bin')}: the file is larger than the disk or ulimit -f allows; the same command goes on when there is room`);
    expect((await readProgress(join(folder, 'full', 'checkpoint.bin')))?.epoch).toBe(3);
    expect(readdirSync(join(folder, 'full')).filter((name) => /partial|lock/.test(name))).toEqual([]);
    expect(await run('full')).toMatchObject({ code: 0 });
    expect(history('full')).toEqual(history('whole'));
    expect(Buffer.compare(readFileSync(join(folder, 'full', 'model.onnx')), readFileSync(join(folder, 'whole', 'model.onnx')))).toBe(0);
  }, 240_000);

  it('ends within a second of Ctrl-C, whatever the engine is at', async () => {
    const ended = await run('stopped', { epochs: 1, signal: 'SIGINT' });
    expect(ended.code === 130 || ended.signal === 'SIGINT').toBe(true);
    expect(ended.errors.trim().split('\n').at(-1)).toBe('tilewright: interrupted (the same command goes on)');
    expect(ended.milliseconds).toBeLessThan(2000);
    expect(readdirSync(join(folder, 'stopped'))).not.toContain('lock');
  }, 120_000);
});

describe('training that is stopped before its first epoch', () => {
  it('ends as soon, in the same words, and gives its folder back', async () => {
    const ended = await run('early', { epochs: 0, signal: 'SIGINT' });
    expect(ended.code === 130 || ended.signal === 'SIGINT').toBe(true);
    expect(ended.errors.trim().split('\n').at(-1)).toBe('tilewright: interrupted (the same command goes on)');
    expect(ended.milliseconds).toBeLessThan(2000);
    expect(readdirSync(join(folder, 'early'))).not.toContain('lock');
  }, 120_000);
});

describe('training on everything', () => {
  it('validates nothing, scores nothing, and says so', async () => {
    const result = await train({ recipe: join(folder, 'recipe.yaml'), data: join(folder, 'data'), output: join(folder, 'final'), set: ['training.finalise=true', 'training.epochs=1'] });
    expect(result.card.scores).toEqual([]);
    expect(result.card.data?.split).toBe('none: all 24 samples trained on');
    expect(readFileSync(join(folder, 'final', 'history.csv'), 'utf8').split('\n')[1]).toMatch(/^1,0\.01,[\d.]+,,,/);
    expect(readFileSync(join(folder, 'final', 'report.html'), 'utf8')).toContain('nothing was kept apart');
  });
});
