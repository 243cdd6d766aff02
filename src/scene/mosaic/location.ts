import { dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import { InvalidFileError } from '../../errors.js';
import { isVrt } from './vrt-file.js';

/** Where a mosaic stands, or one of its members: a file or a URL, as it is opened. */
export interface Location {
  readonly kind: 'file' | 'url';
  readonly at: string;
}

/** A member of a mosaic: something to open, or a VRT that is written in its place. */
export type MemberLocation = Location | { readonly kind: 'inline'; readonly text: string; readonly base: Location };

export interface LocationPolicy {
  /** Whether a mosaic may name files on servers (other servers, if it is remote itself). */
  readonly network: 'refuse' | 'allow';
}

const WEB = /^(https?|s3):\/\//i;

/**
 * Finds out what a name in a VRT means. A VRT on this machine may name files anywhere on it; files on servers only if that
 * is allowed. A remote one may name files of its own server only, and never files of this machine.
 * @throws {InvalidFileError} if the name is none that may be opened
 */
export function locate(name: string, fromVrt: boolean, vrt: Location, url: string, policy: LocationPolicy): MemberLocation {
  if (isVrt(name)) return { kind: 'inline', text: name, base: vrt };
  if (name.includes('\0')) throw new InvalidFileError(url, 'the name of a source holds a zero byte, which no file has');
  const remote = remoteName(name, url);
  if (remote !== undefined) {
    if (policy.network === 'allow' || (vrt.kind === 'url' && sameServer(remote, vrt.at))) return { kind: 'url', at: remote };
    throw new InvalidFileError(url, `its source ${shortName(name)} is on ${vrt.kind === 'url' ? 'another' : 'a'} server, which a VRT may not name`,
      { advice: 'set TILEWRIGHT_VRT_NETWORK=1 if you trust it, or download the files' });
  }
  if (/^[a-z][a-z0-9_+.-]+:/i.test(name)) {
    throw new InvalidFileError(url, `its source ${shortName(name)} is not the name of a file`, { advice: 'write it as a GeoTIFF first, for example with gdal_translate' });
  }
  if (vrt.kind === 'file') return { kind: 'file', at: fromVrt ? resolve(dirname(vrt.at), name) : resolve(name) };
  if (!fromVrt || isAbsolute(name) || name.includes('\\')) {
    throw new InvalidFileError(url, `its source ${shortName(name)} would be a file of this machine, which a remote VRT may not name`);
  }
  const at = new URL(vrt.at);
  const resolved = new URL(name.split('/').map(encodeURIComponent).join('/'), at.protocol === 's3:' ? `http://s3${at.pathname}` : at);
  return { kind: 'url', at: at.protocol === 's3:' ? `s3://${at.host}${resolved.pathname}` : resolved.href };
}

/** How a member is called in messages and notes. */
export function shortName(name: string): string {
  const line = name.replace(/\s+/g, ' ').trim();
  return line.length > 120 ? `${line.slice(0, 117)}…` : line;
}

/** Whether a file lies in the folder of the VRT, or in one inside it. */
export function isInside(file: string, folder: string): boolean {
  const path = relative(folder, file);
  return path !== '..' && !path.startsWith(`..${sep}`) && !isAbsolute(path);
}

/** The URL that a name stands for, also in GDAL's own spelling. */
function remoteName(name: string, url: string): string | undefined {
  if (WEB.test(name)) return name;
  const virtual = /^\/vsi([a-z0-9_]+)\/(.*)$/is.exec(name);
  if (virtual === null) return undefined;
  const [, system = '', rest = ''] = virtual;
  if (system.toLowerCase() === 'curl' && WEB.test(rest)) return rest;
  if (system.toLowerCase() === 's3') return `s3://${rest}`;
  throw new InvalidFileError(url, `its source ${shortName(name)} is in a file system of GDAL, /vsi${system}/, which is not read`, { advice: 'copy the file beside the VRT' });
}

function sameServer(a: string, b: string): boolean {
  if (!URL.canParse(a) || !URL.canParse(b)) return false;
  const [one, other] = [new URL(a), new URL(b)];
  return one.protocol === other.protocol && one.host === other.host;
}
