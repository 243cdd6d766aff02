import type { Response } from 'undici';

/** A request that can be made again: its headers may be signed anew each time. */
export interface Request {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where a server may send on to: any other, as for a URL that the user named; or only places on itself. */
export type Redirects = 'anywhere' | 'same-server';

/** Times that one request may be sent on. */
const MAX_HOPS = 10;

/** Answers that send on (RFC 9110, section 15.4), of those that a GET may follow. */
const SENDS_ON = new Set([301, 302, 303, 307, 308]);

/** All that another server is told; what gives access to the first one stays there. */
const TOLD_TO_ALL = new Set(['range', 'if-range']);

/** A request was sent on to a place that is not asked. */
export class NotFollowed extends Error {
  readonly advice: string;
  constructor(message: string, advice: string) {
    super(message);
    this.advice = advice;
  }
}

/**
 * What to ask after an answer that sends on; `undefined` if it is none. Credentials, signed headers included, go to the server
 * that they were made for, no other.
 */
export function nextRequest(asked: Request, response: Response, redirects: Redirects, hops: number): Request | NotFollowed | undefined {
  const location = response.headers.get('location');
  if (location === null || !SENDS_ON.has(response.status)) return undefined;
  if (hops >= MAX_HOPS) return new NotFollowed(`the server sends on more than ${MAX_HOPS} times`, 'the server is at fault; download the file');
  if (!URL.canParse(location, asked.url)) return new NotFollowed('the server sends on to something that is no URL', 'the server is at fault; download the file');
  const [from, to] = [new URL(asked.url), new URL(location, asked.url)];
  if (!/^https?:$/.test(to.protocol)) return new NotFollowed(`the server sends on to ${to.protocol}, which is not followed`, 'download the file');
  to.username = '';
  to.password = '';
  if (redirects === 'same-server' && !isSameServer(from, to)) {
    return new NotFollowed(`the server sends on to another server (${to.host}), which a VRT may not name`, 'set TILEWRIGHT_VRT_NETWORK=1 if you trust it, or download the files');
  }
  const headers = from.origin === to.origin ? asked.headers
    : Object.fromEntries(Object.entries(asked.headers).filter(([name]) => TOLD_TO_ALL.has(name.toLowerCase())));
  return { url: to.href, headers };
}

/** The same protocol, host and port; or, as many servers ask for it, https instead of http on the usual ports. */
function isSameServer(from: URL, to: URL): boolean {
  return from.origin === to.origin || (from.hostname === to.hostname && from.port === '' && to.port === '' && from.protocol === 'http:');
}
