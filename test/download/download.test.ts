import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { cacheFolder, checkFile, download, type Checksum } from '../../src/download/index.js';
import { InvalidFileError, Interrupted, RemoteError } from '../../src/errors.js';
import { scratch } from '../places.js';
import { tunnelProxy, weightsServer } from './weights-server.js';

const folder = scratch();
const server = await weightsServer();
const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31 + (i >> 8)) & 255);
const md5: Checksum = { algorithm: 'md5', digest: createHash('md5').update(bytes).digest('hex') };
const sha8: Checksum = { algorithm: 'sha256', digest: createHash('sha256').update(bytes).digest('hex').slice(0, 8) };
server.files.set('weights.h5', bytes);
const url = `${server.url}/weights.h5`;
const quick = { pauseMs: 1, idleMs: 2000 };

afterEach(() => {
  server.requests.length = 0;
  server.cut = { after: 0, times: 0 };
  server.status = undefined;
  server.etag = '"one"';
  for (const name of ['HTTP_PROXY', 'http_proxy', 'NO_PROXY', 'no_proxy']) delete process.env[name];
});

describe('a download', () => {
  it('has the file, checked, and tells how far it is', async () => {
    const file = join(folder, 'plain', 'weights.h5');
    const told: number[] = [];
    expect(await download({ url, file, checksum: md5, ...quick, onProgress: (done, total) => { told.push(done); expect(total).toBe(bytes.length); } })).toEqual({ bytes: bytes.length, resumedBytes: 0 });
    expect(Buffer.from(bytes).equals(readFileSync(file))).toBe(true);
    expect(told.at(-1)).toBe(bytes.length);
    expect(readdirSync(join(folder, 'plain'))).toEqual(['weights.h5']);
  });

  it('takes a lost connection up again where it was, again and again', async () => {
    server.cut = { after: 70_000, times: 3 };
    const file = join(folder, 'cut.h5');
    await download({ url, file, checksum: sha8, ...quick });
    expect(Buffer.from(bytes).equals(readFileSync(file))).toBe(true);
    expect(server.requests.length).toBe(4);
    expect(server.requests.slice(1).every(({ range }) => /^bytes=[1-9]\d*-$/.test(range ?? ''))).toBe(true);
  });

  it('that was interrupted goes on with the next call', async () => {
    const file = join(folder, 'stopped.h5');
    const stop = new AbortController();
    server.cut = { after: 100_000, times: 1 };
    await expect(download({ url, file, checksum: md5, ...quick, signal: stop.signal, onProgress: () => stop.abort() })).rejects.toBeInstanceOf(Interrupted);
    const kept = statSync(`${file}.partial`).size;
    expect(kept).toBeGreaterThan(0);
    expect(existsSync(file)).toBe(false);
    expect((await download({ url, file, checksum: md5, ...quick })).resumedBytes).toBe(kept);
    expect(server.requests.at(-1)?.range).toBe(`bytes=${kept}-`);
    expect(Buffer.from(bytes).equals(readFileSync(file))).toBe(true);
  });

  it('begins anew where the server has another file now', async () => {
    const file = join(folder, 'changed.h5');
    const stop = new AbortController();
    await expect(download({ url, file, checksum: md5, ...quick, signal: stop.signal, onProgress: () => stop.abort() })).rejects.toBeInstanceOf(Interrupted);
    server.etag = '"two"';
    await download({ url, file, checksum: md5, ...quick });
    expect(Buffer.from(bytes).equals(readFileSync(file))).toBe(true);
  });

  it('with another checksum is refused and removed', async () => {
    const file = join(folder, 'wrong.h5');
    const wrong = download({ url, file, checksum: { algorithm: 'sha256', digest: 'deadbeef' }, ...quick });
    await expect(wrong).rejects.toThrow(`${url}: expected a file whose sha256 begins with deadbeef, found ${sha8.digest}`);
    await expect(wrong).rejects.toBeInstanceOf(RemoteError);
    expect(readdirSync(folder).filter((name) => name.startsWith('wrong'))).toEqual([]);
  });

  it('of nothing, from nobody, or from a server that fails ends with one line and what to do', async () => {
    const file = join(folder, 'none.h5');
    const ask = (address: string): Promise<unknown> => download({ url: address, file, checksum: md5, ...quick, attempts: 2, advice: 'give it with --from' });
    await expect(ask(`${server.url}/other.h5`)).rejects.toMatchObject({ message: `${server.url}/other.h5: the server answers 404 (Not Found)`, advice: 'give it with --from', exitCode: 4 });
    await expect(ask('http://127.0.0.1:59997/weights.h5')).rejects.toMatchObject({ message: 'http://127.0.0.1:59997/weights.h5: the server cannot be reached (ECONNREFUSED)', advice: 'give it with --from' });
    server.status = 503;
    await expect(ask(url)).rejects.toThrow('the server answers 503, after 2 attempts');
    expect(existsSync(file)).toBe(false);
  });

  it('goes through the proxy of the environment, unless the host is left out', async () => {
    const proxy = await tunnelProxy();
    process.env['HTTP_PROXY'] = proxy.url;
    await download({ url, file: join(folder, 'proxied.h5'), checksum: md5, ...quick });
    expect(proxy.targets).toEqual([new URL(url).host]);
    process.env['NO_PROXY'] = '127.0.0.1';
    await download({ url, file: join(folder, 'direct.h5'), checksum: md5, ...quick });
    expect(proxy.targets.length).toBe(1);
    delete process.env['NO_PROXY'];
    process.env['HTTP_PROXY'] = 'http://127.0.0.1:1';
    await expect(download({ url, file: join(folder, 'lost.h5'), checksum: md5, ...quick })).rejects.toThrow(/cannot be reached/);
  });
});

describe('a file at hand', () => {
  it('must be the one that the checksum is of', async () => {
    const file = join(folder, 'hand.h5');
    writeFileSync(file, bytes);
    await checkFile(file, sha8);
    writeFileSync(file, bytes.subarray(1));
    await expect(checkFile(file, sha8)).rejects.toBeInstanceOf(InvalidFileError);
    await expect(checkFile(join(folder, 'absent.h5'), sha8)).rejects.toThrow('the file cannot be read');
  });
});

describe('the cache', () => {
  it('is where the user says, else where caches go', () => {
    expect(cacheFolder({ TILEWRIGHT_CACHE: '/big' })).toBe('/big');
    expect(cacheFolder({ XDG_CACHE_HOME: '/home/u/.c' })).toBe('/home/u/.c/tilewright');
    expect(cacheFolder({})).toMatch(/\.cache.tilewright$/);
  });
});
