import type { Response } from 'undici';
import { InvalidFileError, RemoteError, TilewrightError } from '../../errors.js';
import type { ByteSource } from '../byte-source.js';
import { createReadQueue } from './read-queue.js';
import { DEFAULT_REMOTE, Passing, ask, bodyOf, causeOf, discard, withRetries } from './server.js';
import type { Asking, Redirects, RemoteOptions, Request } from './server.js';
import { NotFollowed } from './redirect.js';

/** What is asked for first: all directories of most cloud-optimised files. */
const FIRST_BYTES = 65536;

/** Headers are kept in one piece up to so many bytes: the lists of five hundred thousand blocks. */
const MAX_HEAD_BYTES = 8 * 2 ** 20;

/** Attribute tables in an `.aux.xml` may be long. */
const MAX_TEXT_BYTES = 4 * 2 ** 20;

/** A server that gives whole files only may give one of so many bytes. */
const MAX_WHOLE_BYTES = 32 * 2 ** 20;

/** A file on a server. */
export interface RemoteFile {
  /** Without passwords and signatures, for messages and lists. */
  readonly name: string;
  /** A request for the file; signed anew for every attempt. */
  request(headers: Readonly<Record<string, string>>): Promise<Request>;
  /** Looks at an answer that is no success; `true` if the request should be made again because of what was learnt. */
  learn?(response: Response): Promise<boolean>;
  /** A file whose path is made from this one's, where it can be asked for in the same way. */
  sibling?(change: (path: string) => string): RemoteFile;
  /** What to do about an answer of 401 or 403. */
  readonly refusedAdvice: string;
}

/** What tells one state of a remote file from another. */
interface Version {
  readonly size: number;
  readonly etag: string | null;
  readonly modified: string | null;
}

interface Part {
  readonly bytes: Uint8Array;
  readonly version: Version;
  /** The server gave the whole file. */
  readonly isWhole: boolean;
}

/** A remote source that also tells what it cost. */
export interface RemoteSource extends ByteSource {
  /** Requests that were answered, and bytes of their bodies, since it was opened. */
  readonly requests: number;
  readonly bytesRead: number;
}

/**
 * Opens a file on a server that answers range requests (RFC 9110, section 14). Its first bytes come with the first request;
 * later reads are exact, neighbours joined, several at a time.
 * @throws {InvalidFileError} if there is no such file
 * @throws {RemoteError} if the server does not answer after all attempts, refuses, or knows no ranges
 */
export async function openHttpSource(file: RemoteFile, given: RemoteOptions = {}, redirects: Redirects = 'anywhere'): Promise<RemoteSource> {
  const options = { ...DEFAULT_REMOTE, ...given };
  const stop = new AbortController();
  const count = { requests: 0, bytes: 0 };
  const get = (start: number, length: number, known: Version | undefined): Promise<Part> => getPart(file, { start, length, known, options, redirects, signal: stop.signal, count });
  const first = await get(0, FIRST_BYTES, undefined);
  const { version } = first;
  if (version.size === 0) throw new RemoteError(file.name, 'the file is empty');
  let head = first.bytes;
  let reading: 'header' | 'pixels' = 'header';
  let growing: Promise<void> | undefined;
  // A header that goes on behind the first bytes has two lists of about one length there, so twice as much is fetched.
  const grow = async (end: number): Promise<void> => {
    while (growing !== undefined) await growing;
    if (end <= head.length) return;
    growing = (async () => {
      const more = await get(head.length, Math.min(version.size, MAX_HEAD_BYTES, 2 * end) - head.length, version);
      const longer = new Uint8Array(head.length + more.bytes.length);
      longer.set(head);
      longer.set(more.bytes, head.length);
      head = longer;
    })().finally(() => { growing = undefined; });
    await growing;
  };
  const queue = createReadQueue(async (start, length) => (await get(start, length, version)).bytes);
  const modified = version.modified === null ? Number.NaN : Date.parse(version.modified);
  return {
    url: file.name,
    size: version.size,
    ...(Number.isNaN(modified) ? {} : { modified }),
    state: `${file.name} ${version.size} ${version.etag ?? ''} ${version.modified ?? ''}`,
    get requests() { return count.requests; },
    get bytesRead() { return count.bytes; },
    read: async (offset, length) => {
      const end = Math.min(version.size, offset + length);
      if (end <= offset) return new Uint8Array(0);
      if (reading === 'header' && end > head.length && end <= MAX_HEAD_BYTES && offset < 2 * head.length) await grow(end);
      if (end <= head.length) return head.slice(offset, end);
      return queue.read(offset, end - offset);
    },
    opened: () => { reading = 'pixels'; },
    ...(file.sibling === undefined ? {} : { beside: (change: (path: string) => string) => textOf(file.sibling!(change), options, { idleMs: options.idleMs, redirects, signal: stop.signal }) }),
    close: () => {
      stop.abort();
      return Promise.resolve();
    },
  };
}

/** Text of a small file; `undefined` if there is none, or it may not be seen: servers answer so where they hide what they have. */
async function textOf(file: RemoteFile, options: Required<RemoteOptions>, asking: Asking): Promise<string | undefined> {
  const { signal } = asking;
  const bytes = await named(file, signal, () => withRetries(options, signal, async () => {
    const response = await ask(await file.request({}), asking);
    if (response.status === 200) return bodyOf(response, MAX_TEXT_BYTES);
    await discard(response);
    return undefined;
  }));
  return bytes === undefined ? undefined : Buffer.from(bytes).toString('utf8');
}

interface Get {
  readonly start: number;
  readonly length: number;
  /** The state that the file had before; another one is an error. */
  readonly known: Version | undefined;
  readonly options: Required<RemoteOptions>;
  readonly redirects: Redirects;
  readonly signal: AbortSignal;
  readonly count: { requests: number; bytes: number };
}

function getPart(file: RemoteFile, get: Get): Promise<Part> {
  return named(file, get.signal, () => withRetries(get.options, get.signal, () => attempt(file, get)));
}

/** Turns what is thrown into one sentence about the file. */
async function named<T>(file: RemoteFile, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TilewrightError) throw error;
    if (error instanceof Passing) throw new RemoteError(file.name, error.message, { cause: error, advice: 'try again later; a run goes on where it was' });
    if (error instanceof NotFollowed) throw new RemoteError(file.name, error.message, { cause: error, advice: error.advice });
    if (signal.aborted) throw new RemoteError(file.name, 'it was closed while it was read', { cause: error });
    const cause = causeOf(error);
    const code = (cause as { readonly code?: string }).code;
    throw new RemoteError(file.name, `it cannot be reached: ${code === 'ENOTFOUND' ? 'there is no server of this name' : cause instanceof Error ? cause.message : String(cause)}`, { cause: error });
  }
}

async function attempt(file: RemoteFile, get: Get): Promise<Part> {
  const { start, length, known, count } = get;
  const strong = known?.etag !== null && known?.etag !== undefined && !known.etag.startsWith('W/') ? known.etag : undefined;
  // fetch asks for the bytes as they are (Accept-Encoding: identity) wherever there is a range.
  const headers = { range: `bytes=${start}-${start + length - 1}`, ...(strong === undefined ? {} : { 'if-range': strong }) };
  const asking = { idleMs: get.options.idleMs, redirects: get.redirects, signal: get.signal };
  let response = await ask(await file.request(headers), asking);
  count.requests++;
  if (response.status >= 300 && await file.learn?.(response)) {
    await discard(response);
    response = await ask(await file.request(headers), asking);
    count.requests++;
  }
  if (response.status === 206) return partial(file, response, get);
  if (response.status === 200) return whole(file, response, get);
  await discard(response);
  // An empty file has no bytes to give.
  if (response.status === 416 && known === undefined) throw new RemoteError(file.name, 'the file is empty');
  if (response.status === 416 || response.status === 412) throw changed(file);
  throw refused(file, response.status);
}

/** A part, checked to be the one that was asked for. */
async function partial(file: RemoteFile, response: Response, { start, length, known, count }: Get): Promise<Part> {
  const refuse = async (message: string): Promise<never> => {
    await discard(response);
    throw new RemoteError(file.name, message, { advice: 'the server is at fault; download the file' });
  };
  const range = response.headers.get('content-range') ?? '';
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(range);
  if (match === null) return refuse(`the server answers with a part that does not say what it is (Content-Range "${range}")`);
  const encoding = response.headers.get('content-encoding');
  if (encoding !== null && encoding !== 'identity') return refuse(`the server packs parts of the file (${encoding}), which cannot be used`);
  const [from, to, size] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const version = versionOf(response, size);
  if (known !== undefined && !isSame(known, version)) {
    await discard(response);
    throw changed(file);
  }
  if (from !== start || to !== Math.min(start + length, size) - 1) return refuse(`asked for bytes ${start} to ${start + length - 1}, the server answers with ${from} to ${to} of ${size}`);
  const bytes = await bodyOf(response, to - from + 1);
  if (bytes === undefined) return refuse(`asked for ${to - from + 1} bytes, the server sends more`);
  count.bytes += bytes.length;
  if (bytes.length < to - from + 1) throw new Passing(`the connection is lost (${bytes.length} of ${to - from + 1} bytes came)`);
  return { bytes, version, isWhole: false };
}

/** The whole file instead of a part: the server knows no ranges, or the file is another one now. */
async function whole(file: RemoteFile, response: Response, { known, count }: Get): Promise<Part> {
  const declared = Number(response.headers.get('content-length') ?? Number.NaN);
  const version = versionOf(response, declared);
  if (known !== undefined) {
    const isOther = !isSame(known, { ...version, size: Number.isNaN(declared) ? known.size : declared });
    // A small file came whole with the first request, so that nothing is asked for again.
    await discard(response);
    throw isOther ? changed(file) : new RemoteError(file.name, 'the server no longer answers range requests', { advice: 'download the file' });
  }
  const bytes = declared > MAX_WHOLE_BYTES ? undefined : await bodyOf(response, MAX_WHOLE_BYTES);
  if (bytes === undefined) {
    await discard(response);
    throw new RemoteError(file.name, `the server does not answer range requests, and the file is larger than ${MAX_WHOLE_BYTES / 2 ** 20} MB`, { advice: 'download it first' });
  }
  count.bytes += bytes.length;
  if (!Number.isNaN(declared) && bytes.length !== declared) throw new Passing(`the connection is lost (${bytes.length} of ${declared} bytes came)`);
  return { bytes, version: { ...version, size: bytes.length }, isWhole: true };
}

function versionOf(response: Response, size: number): Version {
  return { size, etag: response.headers.get('etag'), modified: response.headers.get('last-modified') };
}

/** Servers may leave a validator out now and then; one that is there must be the same. */
function isSame(a: Version, b: Version): boolean {
  const agree = (x: string | null, y: string | null): boolean => x === null || y === null || x === y;
  return a.size === b.size && agree(a.etag, b.etag) && agree(a.modified, b.modified);
}

function changed(file: RemoteFile): RemoteError {
  return new RemoteError(file.name, 'the file changed while it was read', { advice: 'start again with the new one' });
}

function refused(file: RemoteFile, status: number): TilewrightError {
  // As a path that leads nowhere.
  if (status === 404 || status === 410) return new InvalidFileError(file.name, 'there is no such file on the server');
  if (status === 401 || status === 403) return new RemoteError(file.name, `the server does not allow it to be read (${status})`, { advice: file.refusedAdvice });
  return new RemoteError(file.name, `the server answers ${status}`);
}
