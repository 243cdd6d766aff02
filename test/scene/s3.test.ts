import { createHash, createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { SignatureV4 } from '@smithy/signature-v4';
import { openScene } from '../../src/scene/index.js';
import { s3File } from '../../src/scene/remote/s3.js';
import { root, scratch } from '../places.js';
import { fileServer } from './file-server.js';
import type { FileServer } from './file-server.js';
import { readAll } from './read.js';

const work = scratch();
const tiff = readFileSync(join(root, 'fixtures', 'scene', 'rgb_tiled_deflate.tif'));
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };

let server: FileServer;

/** Digests for the independent signer: AWS's own. */
class Sha256 {
  readonly #hash: ReturnType<typeof createHash>;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = (secret === undefined ? createHash('sha256') : createHmac('sha256', typeof secret === 'string' ? secret : Buffer.from(secret as Uint8Array))) as ReturnType<typeof createHash>;
  }

  update(data: string | Uint8Array): void { this.#hash.update(data); }
  digest(): Promise<Uint8Array> { return Promise.resolve(this.#hash.digest()); }
  reset(): void { throw new Error('not used'); }
}

beforeAll(async () => {
  server = await fileServer();
  server.files.set('my-bucket/a folder/scène (1).tif', { bytes: tiff, etag: '"e"' });
});

afterEach(() => {
  vi.unstubAllEnvs();
  server.misbehave = undefined;
  server.seen.length = 0;
});

function environment(values: Readonly<Record<string, string>>): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
  vi.stubEnv('HOME', work);
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  vi.stubEnv('AWS_ENDPOINT_URL', server.url);
  for (const [name, value] of Object.entries(values)) vi.stubEnv(name, value);
}

const URL_ = 's3://my-bucket/a folder/scène (1).tif';

/** Whether AWS's own library signs the last request in the same way. */
async function isSignedBy(keys: typeof KEYS & { readonly sessionToken?: string }, region: string): Promise<boolean> {
  const { headers } = server.seen.at(-1)!;
  const authorization = headers.authorization ?? '';
  const names = /SignedHeaders=([^,]+)/.exec(authorization)![1]!.split(';');
  const date = String(headers['x-amz-date']).replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/, '$1-$2-$3T$4:$5:$6Z');
  const signer = new SignatureV4({ credentials: keys, region, service: 's3', sha256: Sha256, uriEscapePath: false, applyChecksum: false });
  const signed = await signer.sign({
    method: 'GET', protocol: 'http:', hostname: '127.0.0.1', path: '/my-bucket/a%20folder/sc%C3%A8ne%20%281%29.tif', query: {},
    headers: Object.fromEntries(names.map((name) => [name, String(headers[name])])),
  }, { signingDate: new Date(date), signableHeaders: new Set(names) });
  const signature = (text: string): string => /Signature=([0-9a-f]{64})/.exec(text)![1]!;
  return signature(String(signed.headers['authorization'])) === signature(authorization);
}

async function read(): Promise<void> {
  const scene = await openScene(URL_);
  expect(scene.profile.source).toBe(URL_);
  const near = await openScene(join(root, 'fixtures', 'scene', 'rgb_tiled_deflate.tif'));
  expect((await readAll(scene)).data).toEqual((await readAll(near)).data);
  await Promise.all([scene.close(), near.close()]);
}

describe('a file in a bucket', () => {
  it('is read unsigned where there are no credentials, or they are not wanted', async () => {
    environment({});
    await read();
    expect(server.seen.every(({ headers }) => headers.authorization === undefined)).toBe(true);
    environment({ AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_NO_SIGN_REQUEST: 'YES' });
    await read();
    expect(server.seen.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  it('is signed as AWS\'s own library does it: keys of the environment', async () => {
    environment({ AWS_ACCESS_KEY_ID: KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey, AWS_REGION: 'eu-central-1' });
    await read();
    expect(await isSignedBy(KEYS, 'eu-central-1')).toBe(true);
    expect(await isSignedBy({ ...KEYS, secretAccessKey: 'another' }, 'eu-central-1')).toBe(false);
    environment({ AWS_ACCESS_KEY_ID: KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey, AWS_SESSION_TOKEN: 'session' });
    await read();
    expect(server.seen.at(-1)!.headers['x-amz-security-token']).toBe('session');
    expect(await isSignedBy({ ...KEYS, sessionToken: 'session' }, 'us-east-1')).toBe(true);
  });

  it('is signed with a profile of the shared files', async () => {
    const file = join(work, 'credentials');
    writeFileSync(file, `[default]\naws_access_key_id = other\naws_secret_access_key = other\n[mine]\naws_access_key_id = ${KEYS.accessKeyId}\naws_secret_access_key = ${KEYS.secretAccessKey}\n`);
    environment({ AWS_SHARED_CREDENTIALS_FILE: file, AWS_CONFIG_FILE: join(work, 'none'), AWS_PROFILE: 'mine' });
    await read();
    expect(await isSignedBy(KEYS, 'us-east-1')).toBe(true);
    environment({ AWS_SHARED_CREDENTIALS_FILE: file, AWS_CONFIG_FILE: join(work, 'none'), AWS_PROFILE: 'nobody' });
    await expect(openScene(URL_)).rejects.toThrow(/credentials for s3:\/\/ cannot be read/);
  });

  it('is asked for where the bucket is', async () => {
    environment({ AWS_REGION: 'eu-west-1' });
    vi.stubEnv('AWS_ENDPOINT_URL', undefined);
    const file = await s3File('s3://my-bucket/a/b.tif');
    expect((await file.request({})).url).toBe('https://my-bucket.s3.eu-west-1.amazonaws.com/a/b.tif');
    expect(await file.learn!(new Response(null, { status: 403, headers: { 'x-amz-bucket-region': 'us-west-2' } }) as never)).toBe(true);
    expect((await file.request({})).url).toBe('https://my-bucket.s3.us-west-2.amazonaws.com/a/b.tif');
    expect(await file.learn!(new Response(null, { status: 403, headers: { 'x-amz-bucket-region': 'us-west-2' } }) as never)).toBe(false);
    expect((await (await s3File('s3://my.bucket/a.tif')).request({})).url).toBe('https://s3.eu-west-1.amazonaws.com/my.bucket/a.tif');
  });

  it('is refused with one line', async () => {
    environment({ AWS_ACCESS_KEY_ID: KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey });
    server.misbehave = (_, response) => { response.writeHead(403).end(); return true; };
    await expect(openScene(URL_)).rejects.toThrow(/does not allow it to be read \(403\)/);
    await expect(openScene('s3://bucket')).rejects.toThrow(/expected s3:\/\/bucket\/key/);
  });
});
