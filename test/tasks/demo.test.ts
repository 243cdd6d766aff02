import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { demo } from '../../src/tasks/demo.js';
import { scratch } from '../places.js';

const folder = scratch();

describe('demo', () => {
  it('replaces nothing in a folder that no demo made', async () => {
    mkdirSync(join(folder, 'mine/tiles'), { recursive: true });
    writeFileSync(join(folder, 'mine/tiles/mine.txt'), 'kept');
    await expect(demo({ output: join(folder, 'mine') })).rejects.toThrow(/-o: .*mine is a folder with other files \(tiles\)/);
    expect(readFileSync(join(folder, 'mine/tiles/mine.txt'), 'utf8')).toBe('kept');
  });
});
