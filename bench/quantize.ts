import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zooFolder } from '../src/predict/index.js';
import { quantize } from '../src/tasks/quantize.js';

/**
 * Speed and score of both forms of the shipped models, on copies of them:
 *   node dist/bench/quantize.js <folder with tile1 … tile7> <folder with the Amazon chips> [names of models, separated by commas]
 * Ratios are of processor time on one thread, both forms in turn; scores are of the recipes' validation parts.
 */
const [aerial, amazon, names = 'aerial-chips,amazon-chips,aerial-landcover'] = process.argv.slice(2);
const folder = await mkdtemp(join(tmpdir(), 'tilewright-bench-'));
try {
  process.stdout.write('| model | score | float32 | integers | times as fast | float32 MB | integers MB | in float |\n|---|---|---|---|---|---|---|---|\n');
  for (const [name, data] of [['aerial-chips', aerial], ['amazon-chips', amazon], ['aerial-landcover', aerial]] as const) {
    if (data === undefined || !names.split(',').includes(name)) continue;
    const model = join(folder, name);
    await cp(join(zooFolder(), name), model, { recursive: true });
    const { int8, bytes, floatBytes } = await quantize({ model, recipe: join('models', 'recipes', `${name}.yaml`), data, overwrite: true });
    const cells = [name, int8.metric, int8.float32, int8.value, int8.speedup, (floatBytes / 1e6).toFixed(2), (bytes / 1e6).toFixed(2), (int8.float_layers ?? []).join(' ')];
    process.stdout.write(`| ${cells.join(' | ')} |\n`);
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
