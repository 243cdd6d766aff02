import { even, headerBytes, ifdBytes, writeHeader, writeIfd, type Field } from './ifd.js';
import { imageFields, maskFields, sceneFields, TAG, type ImageShape } from './describe.js';
import type { Packing } from './encode.js';
import type { TiffDescription } from './types.js';

export interface LevelSize {
  readonly width: number;
  readonly height: number;
}

/** Sizes of the scene and its overviews, each half of the one before (rounded up), down to at most `smallest` on both axes. */
export function levelSizes(width: number, height: number, smallest: number): LevelSize[] {
  const sizes = [{ width, height }];
  for (let last = sizes[0]!; Math.max(last.width, last.height) > smallest;) {
    last = { width: Math.ceil(last.width / 2), height: Math.ceil(last.height / 2) };
    sizes.push(last);
  }
  return sizes;
}

export function blocksAcross(size: LevelSize, blockSize: number): number {
  return Math.ceil(size.width / blockSize);
}

export function blocksDown(size: LevelSize, blockSize: number): number {
  return Math.ceil(size.height / blockSize);
}

/** Bytes before and after each block: its length, and its last four bytes again. */
export const LEADER_BYTES = 4;
export const TRAILER_BYTES = 4;

/**
 * What GDAL's COG driver writes behind the header, and what this file keeps: directories before pixels, overviews from the
 * smallest to the largest and then the scene, blocks row by row, each with leader and trailer
 * (https://gdal.org/en/stable/drivers/raster/cog.html#file-format-details).
 */
const STRUCTURE = [
  'LAYOUT=IFDS_BEFORE_DATA',
  'BLOCK_ORDER=ROW_MAJOR',
  'BLOCK_LEADER=SIZE_AS_UINT4',
  'BLOCK_TRAILER=LAST_4_BYTES_REPEATED',
  'KNOWN_INCOMPATIBLE_EDITION=NO',
  ' ',
].join('\n');
/** Each block of the samples is followed by that of the mask. */
const MASK_STRUCTURE = 'MASK_INTERLEAVED_WITH_IMAGERY=YES\n';

function ghostText(mask: boolean): string {
  const text = mask ? STRUCTURE + MASK_STRUCTURE : STRUCTURE;
  return `GDAL_STRUCTURAL_METADATA_SIZE=${String(text.length).padStart(6, '0')} bytes\n${text}`;
}

const CLASSIC_LIMIT = 2 ** 32 - 1;

export interface CogLayout {
  readonly big: boolean;
  /** Header and all directories: everything before the first block. */
  readonly head: Buffer;
  /** Length of the whole file. */
  readonly bytes: number;
}

export interface LayoutOptions {
  readonly shape: ImageShape;
  readonly packing: Packing;
  readonly description: TiffDescription;
  readonly blockSize: number;
  /** Sizes of all levels, the scene first. */
  readonly levels: readonly LevelSize[];
  /** Lengths of the packed blocks of every level, row by row. */
  readonly byteCounts: readonly Uint32Array[];
  /** The same of the mask, where there is one. */
  readonly maskByteCounts?: readonly Uint32Array[] | undefined;
  /** Default: when the file would not fit 4 GiB. */
  readonly bigTiff?: boolean | undefined;
}

/** Places every directory and block of a COG. */
export function layOut(options: LayoutOptions): CogLayout {
  const big = options.bigTiff ?? place(options, false).bytes > CLASSIC_LIMIT;
  const { ghost, directories, fields, head, bytes } = place(options, big);
  const parts = [writeHeader(directories[0]!, big), Buffer.from(ghost, 'latin1')];
  parts.push(Buffer.alloc(directories[0]! - headerBytes(big) - ghost.length));
  fields.forEach((list, index) => {
    parts.push(writeIfd(list, { offset: directories[index]!, next: directories[index + 1] ?? 0, big }));
  });
  const buffer = Buffer.concat(parts);
  if (buffer.length !== head) throw new Error(`head of ${buffer.length} bytes was planned as ${head}`);
  return { big, head: buffer, bytes };
}

interface Placement {
  readonly ghost: string;
  readonly directories: readonly number[];
  readonly fields: readonly (readonly Field[])[];
  readonly head: number;
  readonly bytes: number;
}

/** One directory's blocks: their lengths, and their places once these are known. */
interface Blocks {
  readonly counts: Uint32Array;
  readonly offsets: Float64Array;
}

/** Directories come from the scene to the smallest overview, each before that of its mask; blocks the other way round. */
function place(options: LayoutOptions, big: boolean): Placement {
  const { levels, byteCounts, maskByteCounts } = options;
  const blocks = levels.map((_, level) => [byteCounts, maskByteCounts].flatMap((all): Blocks[] => (
    all === undefined ? [] : [{ counts: all[level]!, offsets: new Float64Array(all[level]!.length) }]
  )));
  const fields = levels.flatMap((size, level) => blocks[level]!.map((list, kind) => [
    ...(kind === 0 ? levelFields(options, size, level) : maskLevelFields(size, level)),
    ...blockFields(list, options.blockSize, big),
  ]));
  const ghost = ghostText(maskByteCounts !== undefined);
  const directories: number[] = [];
  let at = even(headerBytes(big) + ghost.length);
  for (const list of fields) {
    directories.push(at);
    at += ifdBytes(list, big);
  }
  const head = at;
  for (const lists of [...blocks].reverse()) {
    for (let block = 0; block < lists[0]!.counts.length; block++) {
      for (const { counts, offsets } of lists) {
        offsets[block] = at + LEADER_BYTES;
        at += LEADER_BYTES + counts[block]! + TRAILER_BYTES;
      }
    }
  }
  return { ghost, directories, fields, head, bytes: at };
}

/** NewSubfileType: a reduced copy of another image of the file; a mask. */
const REDUCED = 1;
const MASK = 4;

function levelFields({ shape, packing, description }: LayoutOptions, size: LevelSize, level: number): Field[] {
  return [
    ...imageFields({ ...shape, ...size }, packing, description),
    ...(level === 0 ? sceneFields(shape, description) : [{ tag: TAG.newSubfileType, type: 'long', values: [REDUCED] } as const]),
  ];
}

function maskLevelFields(size: LevelSize, level: number): Field[] {
  return [...maskFields(size), { tag: TAG.newSubfileType, type: 'long', values: [level === 0 ? MASK : MASK | REDUCED] }];
}

function blockFields({ counts, offsets }: Blocks, blockSize: number, big: boolean): Field[] {
  return [
    { tag: TAG.tileWidth, type: 'short', values: [blockSize] },
    { tag: TAG.tileLength, type: 'short', values: [blockSize] },
    { tag: TAG.tileOffsets, type: big ? 'long8' : 'long', values: offsets },
    { tag: TAG.tileByteCounts, type: 'long', values: counts },
  ];
}
