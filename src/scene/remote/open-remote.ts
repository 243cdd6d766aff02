import { InvalidFileError } from '../../errors.js';
import { openHttpSource } from './http-source.js';
import type { RemoteFile, RemoteSource } from './http-source.js';
import { s3File } from './s3.js';
import type { Redirects, RemoteOptions } from './server.js';
import { webAddress } from './web-address.js';

export type { RemoteOptions } from './server.js';

/** Whether a scene's name is a URL of a kind that is read. */
export function isRemote(source: string): boolean {
  return /^(https?|s3):\/\//i.test(source);
}

/**
 * Opens a file on a server: `https://…`, `http://…`, `s3://bucket/key`.
 * @throws {InvalidFileError} if the URL is none
 * @param redirects whether its server may send on to another one
 * @throws {RemoteError} if it cannot be read
 */
export async function openRemoteSource(url: string, options: RemoteOptions = {}, redirects: Redirects = 'anywhere'): Promise<RemoteSource> {
  return openHttpSource(/^s3:/i.test(url) ? await s3File(url) : webFile(url), options, redirects);
}

function webFile(url: string): RemoteFile {
  if (!URL.canParse(url)) throw new InvalidFileError(url, 'expected a URL such as https://server/scene.tif');
  const { href, name, authorization } = webAddress(url);
  return {
    name,
    refusedAdvice: 'check the URL; a signed one may have run out',
    request: (headers) => Promise.resolve({ url: href, headers: { ...headers, ...(authorization === undefined ? {} : { authorization }) } }),
    // A signature is of one file.
    ...(href === name ? { sibling: (change) => {
      const address = new URL(url);
      address.pathname = change(address.pathname);
      return webFile(address.href);
    } } : {}),
  };
}
