import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { fitMiddle, fitText, measureText } from '../../src/picture/index.js';
import { root, scratch } from '../places.js';

const folder = scratch();

describe('the shipped font', () => {
  it('is measured as FreeType measures it', () => {
    const widths = JSON.parse(readFileSync(join(root, 'fixtures/picture/widths.json'), 'utf8')) as Record<'regular' | 'semibold', Record<string, number>>;
    for (const weight of ['regular', 'semibold'] as const) {
      for (const [character, width] of Object.entries(widths[weight])) expect(measureText(character, 1000, weight), `${weight} ${character}`).toBeCloseTo(width * 1000, 6);
    }
    expect(measureText('AB', 20)).toBeCloseTo(measureText('A', 20) + measureText('B', 20), 9);
  });

  it('shortens text that is too wide, and nothing else', () => {
    expect(fitText('short', 100, 14)).toBe('short');
    const cut = fitText('a rather long name of a scene.tif', 100, 14);
    expect(cut.endsWith('…')).toBe(true);
    expect(measureText(cut, 14)).toBeLessThanOrEqual(100);
    expect(measureText(`${cut.slice(0, -1)}nn…`, 14)).toBeGreaterThan(100);
    expect(fitText('anything', 0, 14)).toBe('…');
    const middle = fitMiddle('a_long_name_of_a_scene_r0003_c0004', 120, 14);
    expect(middle).toMatch(/^a_.*….*_c0004$/);
    expect(measureText(middle, 14)).toBeLessThanOrEqual(120);
    expect(fitMiddle('anything', 0, 14)).toBe('…');
  });

  it('draws its glyphs, not empty boxes, where no other font is installed', () => {
    const boxes = drawInChild({ FONTCONFIG_FILE: conf('none', '') });
    const alone = drawInChild({ FONTCONFIG_FILE: conf('alone', `<dir>${join(root, 'assets/fonts')}</dir>`) });
    const normal = drawInChild({ FONTCONFIG_PATH: emptyFolder() });
    // With no font at all sharp draws boxes and says nothing: that is what this test is about.
    expect(boxes.ink).toBeGreaterThan(0);
    expect(alone.sha).not.toBe(boxes.sha);
    // The project's own configuration finds the shipped font, and no font of the machine in its place.
    expect(normal).toEqual(alone);
    // W is the widest letter: 40 px of it stand where the font's metrics say.
    const expected = measureText('WWWW', 40);
    expect(Math.abs(alone.width - expected)).toBeLessThan(4);
  });
});

function conf(name: string, dirs: string): string {
  const path = join(folder, `${name}.conf`);
  writeFileSync(path, `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd"><fontconfig>${dirs}</fontconfig>`);
  return path;
}

function emptyFolder(): string {
  const path = join(folder, 'empty');
  mkdirSync(path, { recursive: true });
  return path;
}

/** Draws `WWWW` in a new process: fontconfig is read once per process. */
function drawInChild(environment: Record<string, string>): { ink: number; width: number; sha: string } {
  const source = `
    import { createHash } from 'node:crypto';
    import sharp from ${JSON.stringify(pathToFileURL(join(root, 'node_modules/sharp/dist/index.mjs')).href)};
    import { composePng } from ${JSON.stringify(pathToFileURL(join(root, 'dist/src/picture/picture.js')).href)};
    import { svgText } from ${JSON.stringify(pathToFileURL(join(root, 'dist/src/picture/svg.js')).href)};
    const png = await composePng({ width: 300, height: 60, over: [svgText('WWWW', { x: 10, y: 45, size: 40, fill: '#000000' })] });
    const { data, info } = await sharp(png).removeAlpha().greyscale().raw().toBuffer({ resolveWithObject: true });
    let ink = 0, x0 = 300, x1 = 0;
    for (let i = 0; i < data.length; i++) if (data[i] < 128) { ink++; x0 = Math.min(x0, i % info.width); x1 = Math.max(x1, i % info.width); }
    process.stdout.write(JSON.stringify({ ink, width: x1 - x0 + 1, sha: createHash('sha256').update(data).digest('hex') }));
  `;
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('FONTCONFIG_')));
  const text = execFileSync(process.execPath, ['--input-type=module', '-e', source], { env: { ...inherited, ...environment }, encoding: 'utf8' });
  return JSON.parse(text) as { ink: number; width: number; sha: string };
}
