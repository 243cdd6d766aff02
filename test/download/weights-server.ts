import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { afterAll } from 'vitest';

export interface WeightsServer {
  readonly url: string;
  readonly files: Map<string, Uint8Array>;
  etag: string;
  readonly requests: { readonly path: string; readonly range: string | undefined }[];
  /** Sends so many bytes of an answer, then cuts the connection; so often. */
  cut: { after: number; times: number };
  /** Answers this instead. */
  status: number | undefined;
}

/** A server of whole files and of their rests (`bytes=100-`), closed after the tests of the file. */
export async function weightsServer(): Promise<WeightsServer> {
  const state: WeightsServer = { url: '', files: new Map(), etag: '"one"', requests: [], cut: { after: 0, times: 0 }, status: undefined };
  const server = createServer((request, response) => answer(state, request, response));
  return Object.assign(state, { url: `http://127.0.0.1:${await listen(server)}` });
}

/** A proxy that lets connections through (CONNECT), and keeps their targets. */
export async function tunnelProxy(): Promise<{ readonly url: string; readonly targets: string[] }> {
  const targets: string[] = [];
  const server = createServer((_, response) => { response.writeHead(500).end(); });
  server.on('connect', (request, socket) => {
    targets.push(request.url ?? '');
    const [host, port] = (request.url ?? '').split(':');
    const out = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      out.pipe(socket).pipe(out);
    });
    out.on('error', () => socket.destroy());
    socket.on('error', () => out.destroy());
  });
  return { url: `http://127.0.0.1:${await listen(server)}`, targets };
}

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterAll(() => new Promise<void>((resolve) => {
    server.closeAllConnections();
    server.close(() => resolve());
  }));
  return (server.address() as AddressInfo).port;
}

function answer(state: WeightsServer, request: IncomingMessage, response: ServerResponse): void {
  const path = (request.url ?? '/').slice(1);
  const bytes = state.files.get(path);
  state.requests.push({ path, range: request.headers.range });
  if (state.status !== undefined || bytes === undefined) {
    response.writeHead(state.status ?? 404).end('no');
    return;
  }
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
  const start = asked !== null && request.headers['if-range'] === state.etag ? Number(asked[1]) : 0;
  const rest = bytes.subarray(start);
  const headers = { etag: state.etag, 'content-length': rest.length };
  if (start > 0) response.writeHead(206, { ...headers, 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` });
  else response.writeHead(200, headers);
  if (state.cut.times <= 0) {
    response.end(rest);
    return;
  }
  state.cut.times--;
  response.write(rest.subarray(0, state.cut.after), () => setTimeout(() => response.destroy(), 30));
}
