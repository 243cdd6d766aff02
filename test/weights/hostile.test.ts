import { existsSync, readFileSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { TilewrightError } from '../../src/errors.js';
import { seededRandom } from '../../src/samples/index.js';
import { readWeights } from '../../src/weights/index.js';
import { root, scratch } from '../places.js';

const fixtures = join(root, 'fixtures', 'weights');
const folder = scratch();
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

async function read(name: string, bytes: Uint8Array): Promise<void> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  await readAll(path);
}

async function readAll(path: string): Promise<void> {
  const file = await readWeights(path);
  try {
    for (const tensor of file.tensors) await tensor.floats();
  } finally {
    await file.close();
  }
}

describe('a hostile file of weights', () => {
  it('runs nothing: classes and functions are named and refused', async () => {
    await expect(readAll(join(fixtures, 'evil.pth'))).rejects.toThrow(/posix\.system, which is not read/);
    expect(existsSync('/tmp/should-not-be-there')).toBe(false);
    await expect(readAll(join(fixtures, 'module.pth'))).rejects.toThrow(/torch\.nn\.modules\.linear\.Linear/);
    // Protocol 0, and a call through the stack instead of a name.
    const pickle = (body: string): Uint8Array => zipSync({ 'a/data.pkl': [text(body), { level: 0 }] });
    await expect(read('os.pth', pickle('cos\nsystem\n(S\'true\'\ntR.'))).rejects.toThrow(/os\.system/);
    await expect(read('call.pth', pickle('(S\'a\'\nS\'b\'\ntR.'))).rejects.toThrow(/call of a named function|enough|value/);
    await expect(read('inst.pth', pickle('(S\'true\'\nios\nsystem\n.'))).rejects.toThrow(/opcode 0x69/);
    await expect(read('ext.pth', new Uint8Array(zipSync({ 'a/data.pkl': [Uint8Array.of(0x80, 2, 0x82, 1, 0x2e), { level: 0 }] })))).rejects.toThrow(/opcode 0x82/);
  });

  it('with calls and numbers of the wrong kind is refused in one line', async () => {
    const pickle = (body: string): Uint8Array => zipSync({ 'a/data.pkl': [text(body), { level: 0 }] });
    await expect(read('dict.pth', pickle('ccollections\nOrderedDict\n(I7\ntR.'))).rejects.toThrow(/pairs in an OrderedDict/);
    await expect(read('type.pth', pickle('ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_tensor_v2\nI1\nI2\ntR.'))).rejects.toThrow(/storage, offset, sizes and strides/);
    await expect(read('magic.pth', Uint8Array.of(0x80, 2, 0x58, 3, 0, 0, 0, ...text('abc'), 0x2e))).rejects.toThrow(/magic number/);
  });

  it('with bytes changed anywhere ends in an error of one line, or is read', async () => {
    const random = seededRandom(11);
    for (const name of ['state.pth', 'legacy.pth', 'module.pth']) {
      const whole = readFileSync(join(fixtures, name));
      const from = name === 'legacy.pth' ? 0 : whole.indexOf('data.pkl') + 8;
      for (let turn = 0; turn < 150; turn++) {
        const bytes = Uint8Array.from(whole);
        for (let change = 0; change < 3; change++) bytes[from + Math.floor(random() * 700)] = Math.floor(random() * 256);
        const found: unknown = await read(`changed-${name}`, bytes).catch((error: unknown) => error);
        if (found !== undefined) {
          expect(found).toBeInstanceOf(TilewrightError);
          expect((found as Error).message).not.toContain('\n');
        }
      }
    }
  });

  it('that claims more than it has is refused before memory is taken', async () => {
    const header = (fields: object): Uint8Array => {
      const json = text(JSON.stringify(fields));
      return Uint8Array.of(...new Uint8Array(BigUint64Array.of(BigInt(json.length)).buffer), ...json, 0, 0, 0, 0);
    };
    await expect(read('a.safetensors', header({ w: { dtype: 'F32', shape: [1e9, 1e9], data_offsets: [0, 4] } }))).rejects.toThrow(/room for 4/);
    await expect(read('b.safetensors', header({ w: { dtype: 'F32', shape: [-1], data_offsets: [0, 4] } }))).rejects.toThrow(/whole numbers/);
    await expect(read('c.safetensors', header({ w: { dtype: 'F32', shape: [2], data_offsets: [0, 4] } }))).rejects.toThrow(/expected 8 bytes/);
    await expect(read('d.safetensors', Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 127, 0x7b))).rejects.toThrow(TilewrightError);
    // A deflated member that claims gigabytes.
    const bomb = zipSync({ 'a/data.pkl': [new Uint8Array(1000), { level: 9 }] });
    const view = new DataView(bomb.buffer);
    for (let at = 0; at < bomb.length - 4; at++) if (view.getUint32(at, true) === 0x02014b50) view.setUint32(at + 24, 2 ** 31 - 1, true);
    await expect(read('bomb.pth', bomb)).rejects.toThrow(/64 MB|of a size/);
    const stride = '(lp0\n.';
    await expect(read('list.pth', zipSync({ 'a/data.pkl': [text(stride), { level: 0 }] }))).rejects.toThrow(/state dict/);
  });

  it('cannot reach files outside: shards and archive members', async () => {
    const place = join(folder, 'inside');
    await mkdir(place);
    await writeFile(join(folder, 'secret.bin'), new Uint8Array(16));
    await symlink(join(folder, 'secret.bin'), join(place, 'link.bin'));
    for (const name of ['../secret.bin', join(folder, 'secret.bin'), 'link.bin', '', '.']) {
      const json = { modelTopology: { class_name: 'Sequential', config: [] }, weightsManifest: [{ paths: [name], weights: [{ name: 'w', shape: [4], dtype: 'float32' }] }] };
      await writeFile(join(place, 'model.json'), JSON.stringify(json));
      await expect(readAll(join(place, 'model.json')), name).rejects.toThrow(/in the folder of model\.json/);
    }
    await expect(read('slip.keras', zipSync({ '../config.json': text('{}'), '../../model.weights.h5': text('x') }))).rejects.toThrow(/expected config\.json/);
  });

  // HDF5 files take a thread each; the long run tries more of them.
  const tries = process.env['TILEWRIGHT_TEST_FULL'] === '1' ? { quick: 600, hdf5: 60 } : { quick: 60, hdf5: 3 };
  it.each([['types.safetensors', tries.quick], ['state.pth', tries.quick], ['legacy.pth', tries.quick], ['evil.pth', tries.quick], ['nested.h5', tries.hdf5], ['plain.keras', tries.hdf5]])(
    'that was damaged gives one line or is read: %s', async (name, count) => {
      const bytes = readFileSync(join(fixtures, name));
      let seed = 7;
      const random = (below: number): number => { seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0; return seed % below; };
      for (let i = 0; i < count; i++) {
        const damaged = new Uint8Array(i % 3 === 0 ? bytes.subarray(0, random(bytes.length)) : bytes);
        if (i % 3 !== 0) for (let n = 0; n < 1 + random(6); n++) damaged[random(damaged.length)] = [0, 255, 0x7f, random(256)][random(4)]!;
        await read(`damaged-${name}`, damaged).catch((error: unknown) => {
          if (!(error instanceof TilewrightError)) throw error;
          expect(error.message.split('\n')).toHaveLength(1);
          expect(error.exitCode).toBe(3);
        });
      }
      expect(process.memoryUsage().rss).toBeLessThan(1.5 * 2 ** 30);
    }, 120_000);
});
