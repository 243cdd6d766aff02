import { readFileSync } from 'node:fs';

/** A directory of a TIFF, read here by hand so that the writer is not checked by its own reader. */
export interface Directory {
  readonly offset: number;
  /** First byte after the directory and its values. */
  readonly end: number;
  readonly tags: ReadonlyMap<number, readonly number[]>;
  readonly texts: ReadonlyMap<number, string>;
}

export interface Structure {
  readonly file: Buffer;
  readonly big: boolean;
  /** Text between the header and the first directory. */
  readonly ghost: string;
  readonly directories: readonly Directory[];
}

const SIZES: Readonly<Record<number, number>> = { 1: 1, 2: 1, 3: 2, 4: 4, 12: 8, 16: 8 };

export function structureOf(path: string): Structure {
  const file = readFileSync(path);
  const big = file.readUInt16LE(2) === 43;
  const directories: Directory[] = [];
  const first = big ? Number(file.readBigUInt64LE(8)) : file.readUInt32LE(4);
  for (let offset = first; offset !== 0;) {
    const { directory, next } = readDirectory(file, offset, big);
    directories.push(directory);
    offset = next;
  }
  return { file, big, ghost: file.toString('latin1', big ? 16 : 8, first), directories };
}

function readDirectory(file: Buffer, offset: number, big: boolean): { directory: Directory; next: number } {
  const pointer = (at: number): number => (big ? Number(file.readBigUInt64LE(at)) : file.readUInt32LE(at));
  const count = big ? Number(file.readBigUInt64LE(offset)) : file.readUInt16LE(offset);
  const [entry, inline] = big ? [20, 8] : [12, 4];
  const tags = new Map<number, readonly number[]>();
  const texts = new Map<number, string>();
  const table = offset + (big ? 8 : 2);
  let end = table + count * entry + inline;
  let lastTag = 0;
  for (let i = 0; i < count; i++) {
    const at = table + i * entry;
    const tag = file.readUInt16LE(at);
    if (tag <= lastTag) throw new Error(`tag ${tag} after ${lastTag}`);
    lastTag = tag;
    const type = file.readUInt16LE(at + 2);
    const length = big ? Number(file.readBigUInt64LE(at + 4)) : file.readUInt32LE(at + 4);
    const bytes = length * SIZES[type]!;
    const place = bytes <= inline ? at + (big ? 12 : 8) : pointer(at + (big ? 12 : 8));
    if (bytes > inline) end = Math.max(end, place + bytes);
    if (type === 2) texts.set(tag, file.toString('utf8', place, place + length - 1));
    else tags.set(tag, Array.from({ length }, (_, k) => readValue(file, type, place + k * SIZES[type]!)));
  }
  return { directory: { offset, end, tags, texts }, next: pointer(table + count * entry) };
}

function readValue(file: Buffer, type: number, at: number): number {
  switch (type) {
    case 3: return file.readUInt16LE(at);
    case 4: return file.readUInt32LE(at);
    case 12: return file.readDoubleLE(at);
    case 16: return Number(file.readBigUInt64LE(at));
    default: return file[at]!;
  }
}

export function isMask({ tags }: Directory): boolean {
  return ((tags.get(254)?.[0] ?? 0) & 4) !== 0;
}

/** Each picture with the mask that follows it. */
function levelsOf(directories: readonly Directory[]): Directory[][] {
  const levels: Directory[][] = [];
  for (const directory of directories) {
    const last = levels.at(-1);
    if (!isMask(directory)) levels.push([directory]);
    else if (last?.[0]!.tags.get(256)![0] === directory.tags.get(256)![0]) last!.push(directory);
    else throw new Error('a mask that does not follow its picture');
  }
  return levels;
}

/**
 * Throws where a file is not laid out as its ghost text promises: directories before pixels, overviews from the smallest
 * to the largest before the scene, blocks row by row, each followed by that of its mask, each with its length
 * before and its last four bytes after it, and nothing in between.
 */
export function checkCogLayout({ file, ghost, directories }: Structure): void {
  const head = /^GDAL_STRUCTURAL_METADATA_SIZE=(\d{6}) bytes\n/.exec(ghost);
  if (head === null) throw new Error('no structural metadata');
  const text = ghost.slice(head[0].length, head[0].length + Number(head[1]));
  for (const line of ['LAYOUT=IFDS_BEFORE_DATA', 'BLOCK_ORDER=ROW_MAJOR', 'BLOCK_LEADER=SIZE_AS_UINT4', 'BLOCK_TRAILER=LAST_4_BYTES_REPEATED', 'KNOWN_INCOMPATIBLE_EDITION=NO']) {
    if (!text.includes(`${line}\n`)) throw new Error(`no ${line}`);
  }
  let at = 0;
  for (const { offset, end } of directories) {
    if (offset < at) throw new Error(`directory at ${offset} before ${at}`);
    at = end;
  }
  at += at % 2;
  const masked = text.includes('MASK_INTERLEAVED_WITH_IMAGERY=YES\n');
  if (masked !== directories.some(isMask)) throw new Error('the text and the directories disagree about masks');
  for (const level of levelsOf(directories).reverse()) {
    if (level.length !== (masked ? 2 : 1)) throw new Error(`${level.length} directories of a level`);
    level[0]!.tags.get(324)!.forEach((_, block) => {
      for (const { tags } of level) {
        const offset = tags.get(324)![block]!;
        const count = tags.get(325)![block]!;
        if (offset !== at + 4) throw new Error(`block ${block} at ${offset}, expected ${at + 4}`);
        if (file.readUInt32LE(at) !== count) throw new Error(`leader of block ${block}`);
        if (!file.subarray(offset + count, offset + count + 4).equals(file.subarray(offset + count - 4, offset + count))) throw new Error(`trailer of block ${block}`);
        at = offset + count + 4;
      }
    });
  }
  if (at !== file.length) throw new Error(`${file.length - at} bytes after the last block`);
}
