import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root, scratch } from '../places.js';
import { bandMeans, patches, writeScene } from '../tasks/chip-models.js';

const folder = scratch();
const model = bandMeans(folder);

interface Ran { readonly code: number | null; readonly out: string; readonly err: string }

function tilewright(...words: string[]): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'dist/cli/main.js'), ...words]);
    let out = '';
    let err = '';
    child.stdout.on('data', (data: Buffer) => { out += data.toString(); });
    child.stderr.on('data', (data: Buffer) => { err += data.toString(); });
    child.on('error', reject);
    child.on('exit', (code) => resolve({ code, out, err }));
  });
}

describe('classify, embed and search on the command line', () => {
  it('print results as JSON and as tables, and leave stdout to them', async () => {
    const scene = await writeScene(join(folder, 'scene.tif'), patches(128, 64));
    const classified = await tilewright('classify', scene, '-m', model, '-o', join(folder, 'tags'), '--patch-size', '64', '--threshold', '0.3', '--json');
    expect(classified.code).toBe(0);
    expect(JSON.parse(classified.out)).toMatchObject({ chips: 2, strips: 1, device: 'cpu' });
    const embedded = await tilewright('embed', scene, '-m', model, '--index', join(folder, 'index'), '--patch-size', '64', '--overlap', '32');
    expect(embedded).toMatchObject({ code: 0, out: expect.stringContaining('3 chips of scene added, 3 in all') as unknown });
    const found = await tilewright('search', join(folder, 'index'), '--at', '15.0002,36.1445', '-k', '2', '--json');
    const result = JSON.parse(found.out) as { results: { rank: number; id: string; distance: number; window: unknown; scene: string }[]; seconds: number };
    expect(result.results[0]).toMatchObject({ rank: 1, id: 'scene_r0000_c0000', distance: 0, scene, window: { x: 0, y: 0, width: 64, height: 64 } });
    expect(result.results).toHaveLength(2);
    expect(result.seconds).toBeGreaterThan(0);
    const table = await tilewright('search', join(folder, 'index'), '--id', 'scene_r0000_c0002', '--metric', 'cosine');
    expect(table.out.split('\n')[1]).toMatch(/^ {3}1 {2}0\.0+ +scene_r0000_c0002 +15\.\d{5}, 36\.\d{5}$/);
    const west = await tilewright('search', join(folder, 'index'), '--at', '-15.0002,36.1445');
    expect(west).toMatchObject({ code: 2, err: expect.stringContaining('outside every scene') as unknown });
  });

  it('end with one line and the right exit code on bad input', async () => {
    const cases: [number, string[]][] = [
      [3, ['classify', join(folder, 'nothing.tif'), '-m', model, '-o', join(folder, 'out')]],
      [2, ['classify', join(folder, 'nothing.tif'), '-m', model]],
      [2, ['embed', folder, '--index', join(folder, 'i'), '--ovrelap', '3']],
      [3, ['search', folder, '--id', 'a']],
      [2, ['search', join(folder, 'index')]],
      [2, ['search', join(folder, 'index'), '--id', 'a', '--image', 'b']],
      [2, ['search', join(folder, 'index'), '--at', 'here']],
      [2, ['classify', folder, '-m', model, '-o', join(folder, 'out'), '--threshold', '2']],
    ];
    for (const [code, words] of cases) {
      const ran = await tilewright(...words);
      expect(ran.code, `${words.join(' ')}: ${ran.err}`).toBe(code);
      expect(ran.out).toBe('');
      expect(ran.err).not.toMatch(/\n\s+at /);
      // usage errors have a hint and a line on --help
      expect(ran.err.trim().split('\n').length, ran.err).toBeLessThanOrEqual(code === 2 && ran.err.startsWith('error:') ? 3 : 1);
    }
    expect(existsSync(join(folder, 'out'))).toBe(false);
  });
});
