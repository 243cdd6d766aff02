import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import type { AsyncBuffer, RowGroup } from 'hyparquet';
import { InvalidFileError, throwIfAborted } from '../errors.js';
import type { LonLat } from '../georef/index.js';
import { FIELDS } from './write-parts.js';
import type { IndexEntry, IndexPart } from './types.js';

/** Why a part cannot be used, in a few words; `undefined` if its size is right. */
export async function partProblem(folder: string, part: IndexPart): Promise<string | undefined> {
  const found = await stat(join(folder, part.file)).catch(() => undefined);
  if (found === undefined) return 'is missing';
  if (found.size < part.bytes) return `is truncated: expected ${part.bytes} bytes, found ${found.size}`;
  return found.size === part.bytes ? undefined : `was changed: expected ${part.bytes} bytes, found ${found.size}`;
}

/** As {@link partProblem}, after reading every byte. */
export async function checksumProblem(folder: string, part: IndexPart, signal?: AbortSignal): Promise<string | undefined> {
  const problem = await partProblem(folder, part);
  if (problem !== undefined) return problem;
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(join(folder, part.file), { highWaterMark: 1 << 20 })) {
    throwIfAborted(signal);
    hash.update(chunk as Buffer);
  }
  return hash.digest('hex') === part.sha256 ? undefined : 'was changed or is damaged: its checksum is another one';
}

/** The error for a part that cannot be used. */
export function partError(folder: string, part: IndexPart, problem: string): InvalidFileError {
  return new InvalidFileError(join(folder, part.file), `this part of the index (${part.rows} entries of ${part.source}) ${problem}`, {
    advice: 'bring it back from a copy, take its scene out with tilewright index remove and embed it again, or leave it out with --skip-bad',
  });
}

/** Rows of a part that belong together. */
export interface PartRows {
  readonly entries: readonly IndexEntry[];
  /** `entries.length × dimensions`, row-major. */
  readonly vectors: Float32Array;
}

/** A part, one row group at a time. Its checksum must have been looked at: vectors are taken from where our own files have them. */
export async function* readPart(folder: string, part: IndexPart, dimensions: number): AsyncGenerator<PartRows> {
  const handle = await open(join(folder, part.file), 'r');
  const read = async (start: number, end: number): Promise<ArrayBuffer> => {
    const bytes = new Uint8Array(end - start);
    for (let done = 0; done < bytes.length;) {
      const { bytesRead } = await handle.read(bytes, done, bytes.length - done, start + done);
      if (bytesRead === 0) throw new InvalidFileError(join(folder, part.file), `ends before byte ${end}`);
      done += bytesRead;
    }
    return bytes.buffer;
  };
  const file: AsyncBuffer = { byteLength: part.bytes, slice: (start, end) => read(start, end ?? part.bytes) };
  try {
    const metadata = await parquetMetadataAsync(file);
    let first = 0;
    for (const group of metadata.row_groups) {
      const rows = Number(group.num_rows);
      const objects = await parquetReadObjects({ file, metadata, columns: [...FIELDS.map(({ name }) => name), 'geometry'], rowStart: first, rowEnd: first + rows });
      yield { entries: (objects as unknown as readonly Row[]).map(entryOf), vectors: await vectorsOf(group, rows * dimensions, read) };
      first += rows;
    }
  } finally {
    await handle.close();
  }
}

/** The last bytes of the chunk of the last column (see `src/vector/vector-column.ts`). */
async function vectorsOf(group: RowGroup, values: number, read: (start: number, end: number) => Promise<ArrayBuffer>): Promise<Float32Array> {
  const chunk = group.columns.at(-1)!.meta_data!;
  const end = Number(chunk.data_page_offset + chunk.total_compressed_size);
  return new Float32Array(await read(end - values * 4, end));
}

interface Row {
  readonly id: string;
  readonly source: string;
  readonly scene: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly scale: number;
  readonly gsd: number | null;
  readonly lon: number | null;
  readonly lat: number | null;
  readonly tags: readonly string[] | null;
  /** GeoJSON geometry, as hyparquet decodes WKB. */
  readonly geometry: { readonly coordinates: readonly (readonly LonLat[])[] } | null;
}

function entryOf(row: Row): IndexEntry {
  const { id, source, scene, x, y, width, height, scale, gsd, lon, lat, tags, geometry } = row;
  return {
    id, source, scene, window: { x, y, width, height }, scale, ...(gsd === null ? {} : { gsd }), ...(lon === null || lat === null ? {} : { lon, lat }),
    ...(geometry === null ? {} : { footprint: geometry.coordinates[0]! }), ...(tags === null ? {} : { tags }),
  };
}
