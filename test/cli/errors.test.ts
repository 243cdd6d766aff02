import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { counted, groundArea } from '../../cli/words.js';
import { root } from '../places.js';

const main = join(root, 'dist/cli/main.js');

describe('wrong usage', () => {
  it.each([
    [['convert'], /missing required argument/], [['tile', 'a.tif', 'b', '--patchsize', '3'], /unknown option.*did you mean --patch-size/i],
    [['tile', 'a.tif', 'b', '--patch-size', 'x'], /--patch-size/], [['convert', 'a.tif', 'b.tif', '--compress', 'zip'], /Allowed choices are/], [['segmnt'], /unknown command/],
    // Options are looked at before files: none of these is there.
    [['convert', 'a.tif', 'b.tif', '--quality', '200'], /'--quality <1-100>'.*expected a whole number from 1 to 100, got '200'/], [['convert', 'a.tif', 'b.tif', '--level', '0'], /--level.*1 to 9 with deflate, 1 to 22 with zstd/],
    [['convert', 'a.tif', 'b.tif', '--block-size', '500'], /--block-size.*a multiple of 16/], [['convert', 'a.tif', 'b.tif', '--block-size', '65536'], /a multiple of 16 up to 4096/], [['tile', 'a.tif', 'b', '--format', 'jpg', '--quality', '0'], /--quality/],
    [['tile', 'a.tif', '--xyz', '--dry-run'], /'--xyz <folder>' lacks its value: found the option --dry-run/],
  ])('%j is told in one line, with exit code 2', async (args, message) => {
    const failed = await promisify(execFile)(process.execPath, [main, ...args]).then(() => undefined, (error: unknown) => error as { readonly code: number; readonly stderr: string });
    expect(failed?.code).toBe(2);
    expect(failed?.stderr).toMatch(/^tilewright: [^\n]+ \(--help shows the options\)\n$/);
    expect(failed?.stderr).toMatch(message);
  });
});

describe('Ctrl-C', () => {
  it('is told while the program still loads', async () => {
    // The signal comes as soon as somebody listens for it, which nobody did before.
    const child = spawn(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent('process.on("newListener", (name) => { if (name === "SIGINT") setImmediate(() => process.kill(process.pid, "SIGINT")); });')}`, main, 'segment', 'none.tif', '-m', 'aerial-landcover', '-o', 'none-map.tif']);
    let told = '';
    child.stderr.on('data', (data: Buffer) => { told += data.toString(); });
    const [code, signal] = await once(child, 'close') as [number | null, string | null];
    expect([code, signal]).toEqual([null, 'SIGINT']);
    expect(told).toBe('tilewright: interrupted (the same command goes on)\n');
  });
});

describe('an option of the library', () => {
  it.each([[['--predictor', '3'], '--predictor: expected 1 or 2 for uint8'], [['--compress', 'lzw', '--level', '5'], '--level: expected none with compression lzw']])('is named as it was typed: %j', async (flags, message) => {
    const failed = await promisify(execFile)(process.execPath, [main, 'convert', join(root, 'fixtures/convert/rgb.tif'), 'refused.tif', '--dry-run', ...flags]).then(() => undefined, (error: unknown) => error as { readonly stderr: string });
    expect(failed?.stderr).toContain(`tilewright: ${message}`);
  });
});

describe('--help', () => {
  it('says which options are required', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [main, 'classify', '--help']);
    const flat = stdout.replace(/\s+/g, ' ');
    expect(flat).toMatch(/--model <model> shipped model, model folder or ONNX file \(required\)/);
    expect(flat.match(/\(required\)/g)).toHaveLength(2);
  });
});

describe('words', () => {
  it('count one and many, and say small areas in square metres', () => {
    expect([counted(1, 'tile'), counted(0, 'tile'), counted(2, 'patch', 'patches')]).toEqual(['1 tile', '0 tiles', '2 patches']);
    expect([groundArea(0), groundArea(0.00023), groundArea(0.01234), groundArea(0.5)]).toEqual(['0.00 ha', '2.3 m²', '123 m²', '0.50 ha']);
  });
});
