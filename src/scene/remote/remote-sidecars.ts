import { crsFromWkt, parseWorldFile, worldFileExtensions } from '../../georef/index.js';
import type { ByteSource } from '../byte-source.js';
import { parsePam } from '../pam.js';
import type { Beside, Sidecars } from '../sidecars.js';

/**
 * What stands beside a file on a server: `.aux.xml`, world file, `.prj`, each of which costs a request. Masks and reduced
 * copies in files of their own are not looked for.
 */
export async function readRemoteSidecars(source: ByteSource): Promise<Sidecars> {
  const { beside, url } = source;
  if (beside === undefined) return { notes: [] };
  const extension = /\.[a-z0-9]+$/i.exec(url.replace(/[?#].*$/, ''))?.[0] ?? '';
  const replaced = (end: string) => (path: string): string => `${path.slice(0, path.length - extension.length)}${end}`;
  const find = async <T>(changes: readonly ((path: string) => string)[], parse: (text: string) => T | undefined): Promise<Beside<T> | undefined> => {
    for (const change of changes) {
      const text = await beside(change);
      const value = text === undefined ? undefined : parse(text);
      if (value !== undefined) return { value, name: nameOf(url, change) };
    }
    return undefined;
  };
  const [pam, world, prj] = await Promise.all([
    find([(path) => `${path}.aux.xml`], parsePam),
    find(worldFileExtensions(extension.toLowerCase()).map(replaced), parseWorldFile),
    find([replaced('.prj')], crsFromWkt),
  ]);
  return {
    ...(pam === undefined ? {} : { pam }), ...(world === undefined ? {} : { world }), ...(prj === undefined ? {} : { prj }),
    notes: pam?.value.notes ?? [],
  };
}

function nameOf(url: string, change: (path: string) => string): string {
  return change(url.replace(/[?#].*$/, '')).split('/').at(-1) ?? '';
}
