import { EnvHttpProxyAgent, fetch } from 'undici';
import type { Response } from 'undici';
import { NotFollowed, nextRequest } from './redirect.js';
import type { Redirects, Request } from './redirect.js';

export type { Redirects, Request } from './redirect.js';

/** How servers are asked. */
export interface RemoteOptions {
  /** Times that a request is made before it is given up. Default 5. */
  readonly attempts?: number;
  /** First pause between two attempts in milliseconds, doubled each time, shortened at random by up to half. Default 500. */
  readonly pauseMs?: number;
  /** Milliseconds without a byte after which a connection counts as stalled. Default 30,000. */
  readonly idleMs?: number;
}

export const DEFAULT_REMOTE: Required<RemoteOptions> = { attempts: 5, pauseMs: 500, idleMs: 30_000 };

/** The longest pause, whatever a server asks for. */
const MAX_PAUSE_MS = 60_000;

/** Connections to one server. */
const CONNECTIONS = 8;

/** Answers that another attempt may turn into a better one. */
const RETRIED = new Set([408, 425, 429, 500, 502, 503, 504]);

/** Errors of connections that another attempt may help. A name that does not exist or a certificate that is wrong stays so. */
const RETRIED_CODES = new Set([
  'ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'ENETUNREACH', 'EHOSTUNREACH', 'EAI_AGAIN',
  'UND_ERR_SOCKET', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'HTTP_PARSER_ERROR', 'HPE_INVALID_CONSTANT',
]);

/** An attempt that failed in a way that another one may mend. */
export class Passing extends Error {
  /** Milliseconds that the server asks to wait. */
  readonly waitMs: number | undefined;
  constructor(message: string, details: { readonly cause?: unknown; readonly waitMs?: number | undefined } = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.waitMs = details.waitMs;
  }
}

const agents = new Map<number, EnvHttpProxyAgent>();

/** Connections are shared by all sources; proxies are those of HTTP_PROXY, HTTPS_PROXY and NO_PROXY. */
function agentFor(idleMs: number): EnvHttpProxyAgent {
  let agent = agents.get(idleMs);
  if (agent === undefined) {
    agent = new EnvHttpProxyAgent({ connections: CONNECTIONS, headersTimeout: idleMs, bodyTimeout: idleMs, connect: { timeout: Math.min(idleMs, 10_000) } });
    agents.set(idleMs, agent);
  }
  return agent;
}

export interface Asking {
  readonly idleMs: number;
  readonly signal: AbortSignal;
  /** Where answers may send on to. */
  readonly redirects: Redirects;
}

/**
 * Makes one attempt at a GET, and follows where the server sends on to. The answer's body is not read yet; its connection
 * counts as stalled when no byte comes for `idleMs`.
 * @throws {Passing} where another attempt may help
 * @throws {NotFollowed} where it is sent on to a place that may not be asked
 */
export async function ask(request: Request, { idleMs, signal, redirects }: Asking): Promise<Response> {
  let response: Response;
  let at = request;
  for (let hops = 0; ; hops++) {
    try {
      response = await fetch(at.url, { headers: at.headers, dispatcher: agentFor(idleMs), signal, redirect: 'manual' });
    } catch (error) {
      throw passingOr(error);
    }
    const next = nextRequest(at, response, redirects, hops);
    if (next === undefined) break;
    await discard(response);
    if (next instanceof NotFollowed) throw next;
    at = next;
  }
  if (!RETRIED.has(response.status)) return response;
  const waitMs = retryAfter(response.headers.get('retry-after'));
  await discard(response);
  throw new Passing(`the server answers ${response.status}${response.statusText === '' ? '' : ` (${response.statusText})`}`, { waitMs });
}

/**
 * The body of an answer, at most `limit` bytes; `undefined` if it is longer.
 * @throws {Passing} if the connection is lost or stalls
 */
export async function bodyOf(response: Response, limit: number): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = [];
  let length = 0;
  try {
    if (response.body !== null) {
      for await (const part of response.body as AsyncIterable<Uint8Array>) {
        length += part.length;
        if (length > limit) return undefined;
        parts.push(part);
      }
    }
  } catch (error) {
    throw passingOr(error);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** Gives an answer up without reading it. */
export async function discard(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

/** Repeats an attempt with growing, random pauses. */
export async function withRetries<T>(options: Required<RemoteOptions>, signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof Passing) || signal.aborted) throw error;
      if (tries >= options.attempts) throw new Passing(`${error.message}, after ${tries} attempts`, { cause: error });
      const pause = options.pauseMs * 2 ** (tries - 1) * (1 - Math.random() / 2);
      await sleep(Math.min(MAX_PAUSE_MS, Math.max(pause, error.waitMs ?? 0)), signal);
    }
  }
}

/** Errors of a connection in words. */
function passingOr(error: unknown): unknown {
  const cause = causeOf(error);
  const code = (cause as { readonly code?: string }).code ?? '';
  if (code === 'UND_ERR_BODY_TIMEOUT' || code === 'UND_ERR_HEADERS_TIMEOUT') return new Passing('the connection stalled', { cause: error });
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return new Passing('the server does not take a connection', { cause: error });
  const isLost = RETRIED_CODES.has(code) || (cause instanceof Error && /terminated|other side closed|socket hang up/i.test(cause.message));
  return isLost ? new Passing(`the connection is lost (${code === '' ? 'closed' : code})`, { cause: error }) : error;
}

/** The innermost reason of a failed fetch. */
export function causeOf(error: unknown): unknown {
  let inner = error;
  while (inner instanceof Error && inner.cause !== undefined) inner = inner.cause;
  if (inner instanceof AggregateError && inner.errors.length > 0) return causeOf(inner.errors[0]);
  return inner;
}

function retryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = Number(header);
  const wait = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(wait) && wait > 0 ? wait : undefined;
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end, { once: true });
  });
}
