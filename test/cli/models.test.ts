import { execFile } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root, scratch } from '../places.js';

const folder = scratch();

interface Answer { readonly code: number | null; readonly stdout: string; readonly stderr: string }

function tilewright(...args: readonly string[]): Promise<Answer> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [join(root, 'dist', 'cli', 'main.js'), ...args], { cwd: folder }, (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }));
  });
}

describe('tilewright models', () => {
  it('imports, shows and refuses, with one line and the right exit code', async () => {
    const file = join(root, 'fixtures', 'predict', 'crop2.onnx');
    writeFileSync(join(folder, 'card.json'), JSON.stringify({
      task: 'semantic-segmentation',
      input: { bands: ['red', 'green', 'blue'], dim_order: 'bchw', shape: [-1, 3, -1, -1], data_type: 'float32', value_scaling: { scale: 1 / 255 } },
      output: { dim_order: 'bchw', activation: 'none', classes: ['land', 'water', 'ice'].map((name, value) => ({ value, name, color_hint: '#123456' })) },
    }));
    const imported = await tilewright('models', 'import', file, '--card', 'card.json', '--name', 'arctic');
    expect(imported).toMatchObject({ code: 0, stderr: '' });
    expect(imported.stdout).toContain('note    output.margin is 2');
    const shown = await tilewright('models', 'show', 'arctic', '--json');
    expect(JSON.parse(shown.stdout)).toMatchObject({ model: 'arctic', card: { name: 'arctic', output: { margin: 2 } } });
    expect((await tilewright('models', 'show', 'arctic')).stdout).toMatch(/1 {2}water +#123456/);

    expect(await tilewright('models', 'import', file, '--card', 'card.json', '--name', 'arctic')).toMatchObject({ code: 2, stderr: expect.stringMatching(/^tilewright: -o: .*arctic exists \(add --overwrite to replace it\)\n$/) as string });
    expect(await tilewright('models', 'show', 'nothing')).toMatchObject({ code: 2, stdout: '', stderr: expect.stringMatching(/^tilewright: model: no model called nothing is shipped[^\n]*\n$/) as string });
    expect(await tilewright('models', 'import', join(root, 'package.json'), '--name', 'x')).toMatchObject({ code: 3, stdout: '' });
    expect(existsSync(join(folder, 'x'))).toBe(false);
  });
});
