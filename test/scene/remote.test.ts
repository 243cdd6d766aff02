import { readFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createCog } from '../../src/cog/index.js';
import { InvalidFileError, RemoteError } from '../../src/errors.js';
import type { Window } from '../../src/raster/index.js';
import { openScene } from '../../src/scene/index.js';
import { root, scratch } from '../places.js';
import { fileServer } from './file-server.js';
import type { FileServer } from './file-server.js';
import { readAll } from './read.js';

const work = scratch();
const folder = join(root, 'fixtures', 'scene');
const EDGE = 2048;
const BLOCK = 128;

/** Retries at once; a connection that is silent for a fifth of a second has stalled. */
const remote = { attempts: 3, pauseMs: 1, idleMs: 200 };

let server: FileServer;
/** A second server, which only sees what is sent on to it. */
let other: FileServer;
let cog: Buffer;

beforeAll(async () => {
  [server, other] = await Promise.all([fileServer(), fileServer()]);
  const writer = await createCog({ width: EDGE, height: EDGE, bands: 3, dtype: 'uint8', scratch: join(work, 'scratch'), blockSize: BLOCK, overviews: 'nearest' });
  // Noise, which deflate cannot make smaller: blocks weigh what they hold.
  let state = 1;
  const rows = Uint8Array.from({ length: EDGE * BLOCK * 3 }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  });
  for (let row = 0; row < EDGE; row += BLOCK) await writer.write(rows, BLOCK);
  await writer.finish(join(work, 'cog.tif'));
  await writer.abort();
  cog = readFileSync(join(work, 'cog.tif'));
});

beforeEach(() => {
  server.misbehave = undefined;
  server.files.clear();
  server.files.set('cog.tif', { bytes: cog, etag: '"one"', modified: 'Thu, 01 Jan 2026 00:00:00 GMT' });
  server.seen.length = 0;
  server.count.bytes = 0;
  other.files.clear();
  other.seen.length = 0;
});

/** Makes the server answer these paths with other places. */
function sendOn(places: Readonly<Record<string, string>>): void {
  server.misbehave = (request, response) => {
    const location = places[request.url ?? ''];
    if (location !== undefined) response.writeHead(302, { location }).end('elsewhere');
    return location !== undefined;
  };
}

/** Opens and reads a window; the error, which must be one line about the server. */
async function failure(window: Window = { x: 1000, y: 1000, width: 300, height: 300 }, url = `${server.url}/cog.tif`): Promise<string> {
  const error: unknown = await (async () => {
    const scene = await openScene(url, { remote });
    try {
      await scene.read(window);
    } finally {
      await scene.close();
    }
  })().then(() => undefined, (reason: unknown) => reason);
  expect(error).toBeInstanceOf(/there is no such file/.test(String(error)) ? InvalidFileError : RemoteError);
  expect((error as Error).message).not.toContain('\n');
  return (error as Error).message;
}

async function expectSame(window: Window): Promise<void> {
  const [far, near] = await Promise.all([openScene(`${server.url}/cog.tif`, { remote }), openScene(join(work, 'cog.tif'))]);
  const [a, b] = await Promise.all([far.read(window), near.read(window)]);
  expect(Buffer.compare(a.data as Uint8Array, b.data as Uint8Array)).toBe(0);
  await Promise.all([far.close(), near.close()]);
}

describe('a file on a server', () => {
  it('opens with one request, and a window costs what its blocks weigh', async () => {
    const scene = await openScene(`${server.url}/cog.tif`, { remote });
    // It has no place: its sidecars are asked for, and are not there.
    expect(server.seen.filter(({ path }) => path === 'cog.tif').length).toBe(1);
    expect(server.count.bytes).toBe(65536);
    server.seen.length = 0;
    server.count.bytes = 0;
    // Three by three blocks.
    const window = { x: BLOCK * 5, y: BLOCK * 6, width: BLOCK * 3, height: BLOCK * 3 };
    await scene.read(window);
    const block = BLOCK * BLOCK * 3;
    expect(server.count.bytes).toBeGreaterThan(9 * block * 0.99);
    expect(server.count.bytes).toBeLessThan(9 * block * 1.02);
    expect(server.seen.length).toBe(3);
    await scene.read(window);
    expect(server.seen.length).toBe(3);
    expect(server.seen.every(({ method, headers }) => method === 'GET' && headers['if-range'] === '"one"' && headers['accept-encoding'] === 'identity')).toBe(true);
    await scene.close();
    await expectSame(window);
  });

  it('opens with two requests where its lists of blocks are long', async () => {
    const writer = await createCog({ width: 16 * 120, height: 16 * 120, bands: 1, dtype: 'uint8', scratch: join(work, 'small'), blockSize: 16, overviews: 'none' });
    await writer.write(new Uint8Array(1920 * 1920).fill(7), 1920);
    await writer.finish(join(work, 'small.tif'));
    await writer.abort();
    const bytes = readFileSync(join(work, 'small.tif'));
    server.files.set('small.tif', { bytes });
    const scene = await openScene(`${server.url}/small.tif`, { remote });
    expect(server.seen.filter(({ path }) => path === 'small.tif').length).toBe(2);
    expect((await scene.read({ x: 1500, y: 1500, width: 40, height: 40 })).data.every((value) => value === 7)).toBe(true);
    await scene.close();
  });

  it.each(['rgb_tiled_deflate.tif', 'rgb.jpg', 'rgb.png', 'internal_mask.tif'])('%s: is the same as on this machine', async (name) => {
    server.files.set(name, { bytes: readFileSync(join(folder, name)) });
    const [far, near] = await Promise.all([openScene(`${server.url}/${name}`, { remote }), openScene(join(folder, name))]);
    const [a, b] = await Promise.all([readAll(far), readAll(near)]);
    expect([a.data, a.mask]).toEqual([b.data, b.mask]);
    await Promise.all([far.close(), near.close()]);
  });

  it('takes its place from files beside it, which are asked for only where it does not know it', async () => {
    for (const name of ['rgb_placed.png', 'rgb_placed.pgw', 'rgb_placed.prj']) server.files.set(name, { bytes: readFileSync(join(folder, name)) });
    const [far, near] = await Promise.all([openScene(`${server.url}/rgb_placed.png`, { remote }), openScene(join(folder, 'rgb_placed.png'))]);
    expect(near.profile.transform).toBeDefined();
    expect([far.profile.transform, far.profile.crs, far.profile.sidecars]).toEqual([near.profile.transform, near.profile.crs, near.profile.sidecars]);
    await Promise.all([far.close(), near.close()]);
    server.files.set('geographic.tif', { bytes: readFileSync(join(folder, 'geographic.tif')) });
    server.seen.length = 0;
    await (await openScene(`${server.url}/geographic.tif`, { remote })).close();
    expect(server.seen.map(({ path }) => path)).toEqual(['geographic.tif']);
  });

  it('keeps passwords and signatures out of its name, and its fingerprint', async () => {
    const [a, b] = await Promise.all(['?token=abc&X-Amz-Signature=1', '?X-Amz-Signature=2'].map((query) => openScene(`${server.url.replace('//', '//me:secret@')}/cog.tif${query}`, { remote })));
    expect(a!.profile.source).toBe(`${server.url}/cog.tif`);
    expect(a!.profile.fingerprint).toBe(b!.profile.fingerprint);
    expect(server.seen[0]!.headers.authorization).toBe(`Basic ${Buffer.from('me:secret').toString('base64')}`);
    await Promise.all([a!.close(), b!.close()]);
    server.files.set('cog.tif', { bytes: cog, etag: '"two"' });
    const c = await openScene(`${server.url}/cog.tif`, { remote });
    expect(c.profile.fingerprint).not.toBe(a!.profile.fingerprint);
    await c.close();
    server.misbehave = (_, response) => { response.writeHead(403).end(); return true; };
    expect(await failure(undefined, `${server.url.replace('//', '//me:secret@')}/cog.tif?sig=hidden`)).not.toMatch(/secret|hidden/);
  });

  it('goes through a proxy where the environment names one', async () => {
    const asked: string[] = [];
    const proxy = createServer((request, response) => {
      asked.push(request.url ?? '');
      request.pipe(httpRequest(request.url!, { method: request.method!, headers: request.headers }, (inner) => {
        response.writeHead(inner.statusCode!, inner.headers);
        inner.pipe(response);
      }));
    });
    proxy.on('connect', (request, socket) => {
      asked.push(request.url ?? '');
      const [host, port] = (request.url ?? '').split(':');
      const through = connect(Number(port), host, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        through.pipe(socket).pipe(through);
      });
      through.on('error', () => socket.destroy());
      socket.on('error', () => through.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [join(root, 'dist/cli/main.js'), 'info', `${server.url}/cog.tif`, '--json'], {
        env: { ...process.env, http_proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, no_proxy: '', NO_PROXY: '' },
      });
      expect(JSON.parse(stdout)).toMatchObject({ width: EDGE, source: `${server.url}/cog.tif` });
      expect(asked.join()).toContain(server.url.slice('http://'.length));
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });
});

describe('a server that fails at first', () => {
  const window = { x: 300, y: 300, width: 500, height: 500 };

  /** The first thousand bytes of an answer. */
  const begin = (request: IncomingMessage, response: ServerResponse, then: () => void): void => {
    const [start, end] = /(\d+)-(\d+)/.exec(request.headers.range ?? '')!.slice(1).map(Number) as [number, number];
    response.writeHead(206, { 'content-range': `bytes ${start}-${end}/${cog.length}`, 'content-length': end - start + 1 });
    response.write(cog.subarray(start, start + 1000), then);
  };

  it.each<readonly [string, FileServer['misbehave'] & object]>([
    ['answers 503', (_, response) => { response.writeHead(503, { 'retry-after': '0' }).end(); return true; }],
    ['answers 429', (_, response) => { response.writeHead(429).end('slow down'); return true; }],
    ['cuts the connection', (request) => { request.socket.destroy(); return true; }],
    ['cuts the connection in the middle of an answer', (request, response) => {
      begin(request, response, () => request.socket.destroy());
      return true;
    }],
    ['never answers', () => true],
    ['stalls in the middle of an answer', (request, response) => {
      begin(request, response, () => undefined);
      return true;
    }],
  ])('%s: is asked again, then given up with one line', async (_name, failing) => {
    let failed = 0;
    // Both the first request and one for pixels fail once.
    const counted = new Map<string, number>();
    server.misbehave = (request, response, count) => {
      if (request.url !== '/cog.tif') return false;
      const n = (counted.get('cog') ?? 0) + 1;
      counted.set('cog', n);
      return (n === 1 || n === 4) && ++failed > 0 && failing(request, response, count);
    };
    await expectSame(window);
    expect(failed).toBe(2);
    server.seen.length = 0;
    server.misbehave = failing;
    expect(await failure()).toMatch(/after 3 attempts$/);
    expect(server.seen.length).toBe(3);
  });
});

describe('a server that answers wrongly', () => {
  const later = (wrong: FileServer['misbehave'] & object): void => { let asked = 0; server.misbehave = (request, response, count) => request.url === '/cog.tif' && ++asked > 1 && wrong(request, response, count); };

  it('with the whole of a large file is refused, that of a small one is used', async () => {
    server.misbehave = (_, response) => { response.writeHead(200, { 'content-length': 2 ** 30 }); response.write('II'); return true; };
    expect(await failure()).toMatch(/does not answer range requests, and the file is larger/);
    server.misbehave = (_, response) => { response.writeHead(200, { 'content-length': cog.length }).end(cog); return true; };
    await expectSame({ x: 100, y: 100, width: 100, height: 100 });
    server.misbehave = (_, response) => { response.writeHead(200); response.end(cog); return true; };
    await expectSame({ x: 100, y: 100, width: 100, height: 100 });
  });

  it('with another part is refused', async () => {
    later((_, response) => { response.writeHead(206, { 'content-range': `bytes 0-99/${cog.length}`, 'content-length': 100 }).end(cog.subarray(0, 100)); return true; });
    expect(await failure()).toMatch(/the server answers with 0 to 99/);
    later((_, response) => { response.writeHead(206, { 'content-type': 'multipart/byteranges; boundary=x' }).end('--x--'); return true; });
    expect(await failure()).toMatch(/does not say what it is/);
    later((_, response) => { response.writeHead(404).end(); return true; });
    expect(await failure()).toMatch(/no such file/);
    later((_, response) => { response.writeHead(418).end(); return true; });
    expect(await failure()).toMatch(/answers 418/);
  });

  it.each<readonly [string, { readonly etag?: string; readonly modified?: string; readonly longer?: boolean }]>([
    ['another ETag', { etag: '"two"', modified: 'Thu, 01 Jan 2026 00:00:00 GMT' }],
    ['another time', { modified: 'Fri, 02 Jan 2026 00:00:00 GMT' }],
    ['another length', { longer: true }],
  ])('with a file that changed meanwhile: %s', async (_name, { longer, ...state }) => {
    if (state.etag === undefined) server.files.set('cog.tif', { bytes: cog, modified: 'Thu, 01 Jan 2026 00:00:00 GMT' });
    const scene = await openScene(`${server.url}/cog.tif`, { remote });
    await scene.read({ x: 0, y: 0, width: 10, height: 10 });
    server.files.set('cog.tif', { bytes: longer ? Buffer.concat([cog, Buffer.alloc(1)]) : cog, ...state });
    await expect(scene.read({ x: 1000, y: 1000, width: 10, height: 10 })).rejects.toThrow(/changed while it was read/);
    await scene.close();
  });

  it('or is not there at all', async () => {
    expect(await failure(undefined, 'http://nowhere.invalid/a.tif')).toMatch(/cannot be reached: there is no server of this name/);
    expect(await failure(undefined, 'http://127.0.0.1:9/a.tif')).toMatch(/connection is lost \(ECONNREFUSED\), after 3 attempts|cannot be reached/);
    expect(await failure(undefined, `${server.url}/other.tif`)).toMatch(/no such file on the server/);
    server.files.set('empty.tif', { bytes: new Uint8Array(0) });
    expect(await failure(undefined, `${server.url}/empty.tif`)).toMatch(/empty/);
  });
});

describe('a VRT on a server', () => {
  const vrt = (name: string, relative = 1): Uint8Array => Buffer.from(`<VRTDataset rasterXSize="${EDGE}" rasterYSize="${EDGE}"><VRTRasterBand dataType="Byte"><SimpleSource><SourceFilename relativeToVRT="${relative}">${name}</SourceFilename><SourceBand>2</SourceBand></SimpleSource></VRTRasterBand></VRTDataset>`);

  it('reads files beside it, and on its server', async () => {
    const near = await openScene(join(work, 'cog.tif'));
    const window = { x: 40, y: 50, width: 60, height: 70 };
    const expected = (await near.read(window, { bands: [1] })).data;
    await near.close();
    for (const [i, name] of ['cog.tif', '../cog.tif', `${server.url}/cog.tif`, `/vsicurl/${server.url}/cog.tif`].entries()) {
      server.files.set(`folder${i}/a.vrt`, { bytes: vrt(name, i < 2 ? 1 : 0) });
      if (i === 0) server.files.set('folder0/cog.tif', { bytes: cog });
      const scene = await openScene(`${server.url}/folder${i}/a.vrt`, { remote });
      expect((await scene.read(window)).data).toEqual(expected);
      await scene.close();
    }
  });

  it('may not name files of this machine or other servers', async () => {
    const refused = async (name: string, relative: number): Promise<string> => {
      server.files.set('a.vrt', { bytes: vrt(name, relative) });
      return openScene(`${server.url}/a.vrt`, { remote }).then(() => 'opened', (error: unknown) => (error as Error).message);
    };
    for (const [name, relative] of [[join(work, 'cog.tif'), 0], [join(work, 'cog.tif'), 1], ['cog.tif', 0]] as const) {
      expect(await refused(name, relative)).toMatch(/a file of this machine, which a remote VRT may not name/);
    }
    expect(await refused('http://127.0.0.1:9/cog.tif', 0)).toMatch(/on another server/);
    expect(await refused('s3://bucket/cog.tif', 0)).toMatch(/on another server/);
  });

  it('may not be sent on to another server for its files, unless the user allows it', async () => {
    other.files.set('cog.tif', { bytes: cog });
    server.files.set('a.vrt', { bytes: vrt('moved.tif') });
    sendOn({ '/moved.tif': `${other.url}/cog.tif` });
    const message = await failure(undefined, `${server.url}/a.vrt`);
    expect(message).toBe(`${server.url}/moved.tif: the server sends on to another server (${new URL(other.url).host}), which a VRT may not name`);
    expect(other.seen).toEqual([]);
    const scene = await openScene(`${server.url}/a.vrt`, { remote, vrtNetwork: 'allow' });
    await scene.read({ x: 0, y: 0, width: 9, height: 9 });
    await scene.close();
    expect(other.seen.length).toBeGreaterThan(0);
    // On its own server it may.
    sendOn({ '/moved.tif': '/cog.tif' });
    const near = await openScene(`${server.url}/a.vrt`, { remote });
    await near.read({ x: 0, y: 0, width: 9, height: 9 });
    await near.close();
  });
});

describe('a server that sends on', () => {
  it('is followed, to another server as well, which is not told what gives access to the first', async () => {
    other.files.set('there.tif', { bytes: cog });
    sendOn({ '/moved.tif': '/again.tif', '/again.tif': `${other.url}/there.tif` });
    const scene = await openScene(`${server.url.replace('http://', 'http://ada:secret@')}/moved.tif`, { remote });
    expect((await scene.read({ x: 1000, y: 1000, width: 30, height: 20 })).width).toBe(30);
    await scene.close();
    const own = server.seen.filter(({ path }) => path === 'again.tif');
    expect(own.length).toBeGreaterThan(1);
    expect(own.every(({ headers }) => headers.authorization?.startsWith('Basic ') && headers.range !== undefined)).toBe(true);
    const theirs = other.seen.filter(({ path }) => path === 'there.tif');
    expect(theirs.length).toBe(own.length);
    expect(theirs.every(({ headers }) => headers.authorization === undefined && headers.range !== undefined)).toBe(true);
  });

  it('keeps signatures of S3 from another host', async () => {
    other.files.set('there.tif', { bytes: cog });
    sendOn({ '/bucket/key.tif': `${other.url}/there.tif` });
    const set = { AWS_ENDPOINT_URL: server.url, AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret', AWS_SESSION_TOKEN: 'session' };
    const before = Object.fromEntries(Object.keys(set).map((name) => [name, process.env[name]]));
    Object.assign(process.env, set);
    try {
      await (await openScene('s3://bucket/key.tif', { remote })).close();
    } finally {
      for (const [name, value] of Object.entries(before)) if (value === undefined) Reflect.deleteProperty(process.env, name); else process.env[name] = value;
    }
    expect(server.seen[0]!.headers).toMatchObject({ 'x-amz-security-token': 'session', authorization: expect.stringContaining('AKIDEXAMPLE') as string });
    const told = other.seen.filter(({ path }) => path === 'there.tif').flatMap(({ headers }) => Object.keys(headers));
    expect(told).toContain('range');
    expect(told.filter((name) => name === 'authorization' || name.startsWith('x-amz-'))).toEqual([]);
  });

  it('in a circle, to a file, or to nothing is refused with one line', async () => {
    sendOn({ '/circle.tif': '/circle.tif', '/file.tif': 'file:///etc/passwd', '/none.tif': 'http://' });
    expect(await failure(undefined, `${server.url}/circle.tif`)).toMatch(/sends on more than 10 times$/);
    expect(await failure(undefined, `${server.url}/file.tif`)).toMatch(/sends on to file:, which is not followed$/);
    expect(await failure(undefined, `${server.url}/none.tif`)).toMatch(/sends on to something that is no URL$/);
  });
});
