import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { root } from '../places.js';

/** Runs a module in a Node process of its own. */
function runModule(source: string): Promise<{ readonly code: number | null; readonly signal: string | null; readonly stderr: string }> {
  const library = pathToFileURL(join(root, 'dist', 'src', 'predict', 'index.js')).href;
  const cards = pathToFileURL(join(root, 'dist', 'test', 'predict', 'small-card.js')).href;
  const start = `import { loadModel, openPredictor } from '${library}'; import { smallCard, smallNet } from '${cards}';
    const predictor = await openPredictor(await loadModel(smallNet, { card: smallCard }), { outputs: ['scores'], threads: 2 });
    const patch = () => ({ data: new Uint8Array(1024 * 1024 * 3), count: 1, width: 1024, height: 1024, bands: 3 });\n`;
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['--input-type=module', '-e', start + source], { cwd: root }, (_error, _stdout, stderr) => {
      resolve({ code: child.exitCode, signal: child.signalCode, stderr });
    });
  });
}

describe('the process ends', () => {
  it('by itself when a predictor was left open and idle', async () => {
    expect(await runModule('await predictor.predict(patch());')).toEqual({ code: 0, signal: null, stderr: '' });
  });

  it('in order when a predictor was closed while it worked', async () => {
    const source = `const running = [1, 2, 3, 4].map(() => predictor.predict(patch()).catch((error) => error.name));
      await new Promise((resolve) => setTimeout(resolve, 60));
      await predictor.close();
      const names = await Promise.all(running);
      if (!names.every((name) => name === 'Interrupted')) console.error(names);`;
    expect(await runModule(source)).toEqual({ code: 0, signal: null, stderr: '' });
  });

  it('only after the answer when nothing else waits', async () => {
    expect(await runModule('predictor.predict(patch()).then(({ scores }) => { process.exitCode = scores.length === 5 * 1024 * 1024 ? 7 : 1; });')).toMatchObject({ code: 7 });
  });
});
