import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Files that systems and tools put beside pictures: nobody misses them. */
const BESIDE = /^(\.|__MACOSX|Thumbs\.db$|desktop\.ini$|dataset\.ya?ml$)|\.(aux\.xml|ovr|msk|tfw|jgw|pgw|wld|prj)$/i;

/** Whether a file that is no picture was most likely meant to be one, or is in the wrong place: worth a remark. */
export function isForeign(path: string): boolean {
  return !path.split('/').some((step) => BESIDE.test(step));
}

export interface FolderEntry { readonly name: string; readonly kind: 'file' | 'folder' }

/** Files and folders in a folder, sorted by name; links are what they lead to, and links that lead nowhere are left out. */
export async function folderEntries(folder: string): Promise<readonly FolderEntry[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const found = await Promise.all(entries.map(async (entry): Promise<FolderEntry[]> => {
    const target = entry.isSymbolicLink() ? await stat(join(folder, entry.name)).catch(() => undefined) : entry;
    return target?.isFile() === true ? [{ name: entry.name, kind: 'file' }] : target?.isDirectory() === true ? [{ name: entry.name, kind: 'folder' }] : [];
  }));
  return found.flat().sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Paths with `/` of all files in a folder and in the folders in it, sorted. A link to a folder that holds it is not followed. */
export async function filesWithin(folder: string): Promise<string[]> {
  const names: string[] = [];
  const walk = async (inside: string, above: readonly string[]): Promise<void> => {
    const here = await realpath(join(folder, inside));
    if (above.includes(here)) return;
    for (const { name, kind } of await folderEntries(join(folder, inside))) {
      const path = inside === '' ? name : `${inside}/${name}`;
      if (kind === 'file') names.push(path);
      else await walk(path, [...above, here]);
    }
  };
  await walk('', []);
  return names.sort();
}
