import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EnvHttpProxyAgent, fetch, type Response } from 'undici';
import { InvalidFileError, OutputError, RemoteError, throwIfAborted } from '../errors.js';

/** What a file's digest must be; of `sha256` as torch.hub has it only the beginning may be known. */
export interface Checksum {
  readonly algorithm: 'md5' | 'sha256';
  /** Hexadecimal; the digest must begin with it. */
  readonly digest: string;
}

export interface DownloadOptions {
  readonly url: string;
  /** Where the file is put when it is whole and right. What there is of it before lies beside it, as `.partial`. */
  readonly file: string;
  readonly checksum: Checksum;
  /** What to do where the server cannot be reached. */
  readonly advice?: string;
  /** Times that a lost connection is taken up again without a byte in between. Default 5. */
  readonly attempts?: number;
  /** First pause between two attempts in milliseconds, doubled each time. Default 500. */
  readonly pauseMs?: number;
  /** Milliseconds without a byte after which a connection counts as stalled. Default 30,000. */
  readonly idleMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Bytes so far and in all, where the server says. */
  readonly onProgress?: (done: number, total: number | undefined) => void;
}

export interface Downloaded {
  readonly bytes: number;
  /** Bytes that an earlier, interrupted download had. */
  readonly resumedBytes: number;
}

/** What a `.partial` file is a part of. */
interface Note { readonly url: string; readonly validator: string | undefined }

/** The connection was lost; asking for the rest may help. */
class Lost extends Error {}

/**
 * Fetches a file over HTTP(S), through the proxies of HTTP_PROXY, HTTPS_PROXY and NO_PROXY. What was fetched stays when it is
 * interrupted or the connection is lost, and the next call asks for the rest only (RFC 9110, range requests with If-Range), if
 * the server still has the same file. It gets its name when its checksum was right.
 * @throws {RemoteError} if there is no such file, the server cannot be reached or the checksum is another; one line each
 */
export async function download(options: DownloadOptions): Promise<Downloaded> {
  const { url, file, attempts = 5, pauseMs = 500, idleMs = 30_000, signal } = options;
  await mkdir(dirname(file), { recursive: true }).catch((cause: unknown) => { throw new OutputError(dirname(file), 'the folder for downloads cannot be made', { cause, advice: 'set TILEWRIGHT_CACHE to another folder' }); });
  const agent = new EnvHttpProxyAgent({ headersTimeout: idleMs, bodyTimeout: idleMs, connect: { timeout: Math.min(idleMs, 10_000) } });
  const resumedBytes = await partialBytes(file, url);
  try {
    for (let tries = 1; ; tries++) {
      throwIfAborted(signal);
      const before = await partialBytes(file, url);
      try {
        await fetchRest(options, before, agent);
        break;
      } catch (error) {
        if (!(error instanceof Lost)) throw error;
        if (await partialBytes(file, url) > before) tries = 0; // it moves on
        else if (tries >= attempts) throw new RemoteError(url, `${error.message}, after ${attempts} attempts`, { cause: error, advice: options.advice ?? 'the same command goes on where it was' });
        await new Promise((resolve) => setTimeout(resolve, pauseMs * 2 ** tries / 2));
      }
    }
  } finally {
    await agent.close().catch(() => undefined);
  }
  const found = await digestOf(partialOf(file), options.checksum.algorithm, signal);
  if (!found.startsWith(options.checksum.digest)) {
    await drop(file);
    throw new RemoteError(url, `expected a file whose ${options.checksum.algorithm} begins with ${options.checksum.digest}, found ${found}`, { advice: 'it was removed; a proxy may have changed it' });
  }
  const { size } = await stat(partialOf(file));
  await rename(partialOf(file), file);
  await rm(noteOf(file), { force: true });
  return { bytes: size, resumedBytes };
}

/** @throws {InvalidFileError} if a file is not the one that a checksum is of. */
export async function checkFile(file: string, checksum: Checksum, signal?: AbortSignal): Promise<void> {
  const found = await digestOf(file, checksum.algorithm, signal).catch((cause: unknown) => { throw new InvalidFileError(file, 'the file cannot be read', { cause }); });
  if (!found.startsWith(checksum.digest)) throw new InvalidFileError(file, `expected the file whose ${checksum.algorithm} begins with ${checksum.digest}, found ${found}`, { advice: 'other weights go in with: tilewright models import --architecture' });
}

function partialOf(file: string): string {
  return `${file}.partial`;
}

function noteOf(file: string): string {
  return `${file}.partial.json`;
}

async function drop(file: string): Promise<void> {
  await rm(partialOf(file), { force: true });
  await rm(noteOf(file), { force: true });
}

/** Bytes that are there of this file. */
async function partialBytes(file: string, url: string): Promise<number> {
  const note = await readNote(file);
  if (note?.url !== url || note.validator === undefined) return 0;
  return (await stat(partialOf(file)).catch(() => undefined))?.size ?? 0;
}

async function readNote(file: string): Promise<Note | undefined> {
  try {
    return JSON.parse(await readFile(noteOf(file), 'utf8')) as Note;
  } catch {
    return undefined;
  }
}

async function fetchRest(options: DownloadOptions, start: number, agent: EnvHttpProxyAgent): Promise<void> {
  const { url, file, signal, onProgress } = options;
  const validator = start > 0 ? (await readNote(file))?.validator : undefined;
  const response = await ask(options, agent, validator === undefined ? {} : { range: `bytes=${start}-`, 'if-range': validator });
  const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get('content-range') ?? '');
  const goesOn = response.status === 206 && range !== null && Number(range[1]) === start;
  if (response.status === 416) {
    // Nothing is left to fetch, or the file is another one: the checksum tells.
    await response.body?.cancel().catch(() => undefined);
    if (new RegExp(`/${start}$`).test(response.headers.get('content-range') ?? '')) return;
    await drop(file);
    throw new Lost('the server has another file now');
  }
  if (response.status !== 200 && !goesOn) {
    await response.body?.cancel().catch(() => undefined);
    throw new RemoteError(url, `the server answers ${response.status}${response.statusText === '' ? '' : ` (${response.statusText})`}`, options.advice === undefined ? {} : { advice: options.advice });
  }
  const from = goesOn ? start : 0;
  const length = Number(response.headers.get('content-length') ?? Number.NaN);
  const total = goesOn ? Number(range[2]) : Number.isFinite(length) && response.headers.get('content-encoding') === null ? length : undefined;
  const etag = response.headers.get('etag');
  await writeFile(noteOf(file), JSON.stringify({ url, validator: (etag !== null && !etag.startsWith('W/') ? etag : response.headers.get('last-modified')) ?? undefined }));
  const out = await open(partialOf(file), goesOn ? 'a' : 'w');
  let done = from;
  try {
    for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      throwIfAborted(signal);
      await out.write(part);
      done += part.length;
      onProgress?.(done, total);
    }
    await out.sync();
  } catch (error) {
    throwIfAborted(signal);
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw new OutputError(file, 'the disk is full', { cause: error, advice: 'make room, or set TILEWRIGHT_CACHE to another folder; the same command goes on' });
    throw new Lost('the connection is lost', { cause: error });
  } finally {
    await out.close();
  }
  if (total !== undefined && done < total) throw new Lost(`the connection ended after ${done} of ${total} bytes`);
}

const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

async function ask(options: DownloadOptions, dispatcher: EnvHttpProxyAgent, headers: Record<string, string>): Promise<Response> {
  const { url, signal } = options;
  let response: Response;
  try {
    response = await fetch(url, { headers: { ...headers, 'accept-encoding': 'identity' }, dispatcher, redirect: 'follow', ...(signal === undefined ? {} : { signal }) });
  } catch (error) {
    throwIfAborted(signal);
    const reason = innermost(error);
    const code = (reason as NodeJS.ErrnoException).code ?? '';
    if (['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH', 'ERR_INVALID_URL'].includes(code) || /proxy/i.test((reason as Error).message)) {
      throw new RemoteError(url, `the server cannot be reached (${code === '' ? (reason as Error).message : code})`, { cause: error, ...(options.advice === undefined ? {} : { advice: options.advice }) });
    }
    throw new Lost(`the connection fails (${code === '' ? (reason as Error).message : code})`, { cause: error });
  }
  if (!PASSING.has(response.status)) return response;
  await response.body?.cancel().catch(() => undefined);
  throw new Lost(`the server answers ${response.status}`);
}

function innermost(error: unknown): unknown {
  let inner = error;
  while (inner instanceof Error && inner.cause !== undefined) inner = inner.cause;
  return inner instanceof AggregateError && inner.errors.length > 0 ? innermost(inner.errors[0]) : inner;
}

async function digestOf(file: string, algorithm: Checksum['algorithm'], signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash(algorithm);
  for await (const part of createReadStream(file, { highWaterMark: 2 ** 20 }) as AsyncIterable<Uint8Array>) {
    throwIfAborted(signal);
    hash.update(part);
  }
  return hash.digest('hex');
}
