import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';

/** What a server of files does to one request instead of answering it; `undefined`: it answers as it should. */
export type Misbehave = (request: IncomingMessage, response: ServerResponse, count: number) => boolean;

export interface FileServer {
  readonly url: string;
  /** What it serves, by path without the slash; may be changed. */
  readonly files: Map<string, { bytes: Uint8Array; etag?: string; modified?: string }>;
  /** Requests so far, and bytes of answers. */
  readonly seen: { readonly method: string; readonly path: string; readonly headers: IncomingMessage['headers'] }[];
  readonly count: { bytes: number };
  misbehave: Misbehave | undefined;
}

/** A server of range requests (RFC 9110) on this machine, closed after the tests of the file. */
export async function fileServer(): Promise<FileServer> {
  const served: FileServer = { url: '', files: new Map(), seen: [], count: { bytes: 0 }, misbehave: undefined };
  const server: Server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://server').pathname.slice(1));
    served.seen.push({ method: request.method ?? '', path, headers: request.headers });
    if (served.misbehave?.(request, response, served.seen.length) === true) return;
    answer(served, path, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterAll(() => new Promise<void>((resolve) => {
    server.closeAllConnections();
    server.close(() => resolve());
  }));
  return Object.assign(served, { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

function answer(served: FileServer, path: string, request: IncomingMessage, response: ServerResponse): void {
  const file = served.files.get(path);
  if (file === undefined) {
    response.writeHead(404).end('nothing here');
    return;
  }
  const { bytes, etag, modified } = file;
  const headers = { ...(etag === undefined ? {} : { etag }), ...(modified === undefined ? {} : { 'last-modified': modified }) };
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  const condition = request.headers['if-range'];
  if (range === null || (condition !== undefined && condition !== etag)) {
    served.count.bytes += bytes.length;
    response.writeHead(200, { ...headers, 'content-length': bytes.length }).end(bytes);
    return;
  }
  const start = Number(range[1]);
  const end = Math.min(Number(range[2]), bytes.length - 1);
  if (start > end) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
    return;
  }
  served.count.bytes += end - start + 1;
  response.writeHead(206, { ...headers, 'content-range': `bytes ${start}-${end}/${bytes.length}`, 'content-length': end - start + 1 }).end(bytes.subarray(start, end + 1));
}
