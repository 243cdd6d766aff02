import { Readable } from 'node:stream';
import { crc32, createInflate } from 'node:zlib';
import { InvalidFileError } from '../errors.js';
import type { ByteSource } from './byte-source.js';
import type { PngHeader } from './png-header.js';

/** Bytes that are read from the file at once. */
const READ_BYTES = 1 << 18;

/** One pass of a picture: ordinary pictures have one, interlaced ones seven (PNG specification, 8.2). */
export interface Pass {
  readonly width: number;
  readonly height: number;
  readonly x: number;
  readonly y: number;
  readonly stepX: number;
  readonly stepY: number;
}

const ADAM7: readonly (readonly [x: number, y: number, stepX: number, stepY: number])[] = [
  [0, 0, 8, 8], [4, 0, 8, 8], [0, 4, 4, 8], [2, 0, 4, 4], [0, 2, 2, 4], [1, 0, 2, 2], [0, 1, 1, 2],
];

export function passesOf(header: Pick<PngHeader, 'width' | 'height' | 'interlaced'>): Pass[] {
  const { width, height } = header;
  if (!header.interlaced) return [{ width, height, x: 0, y: 0, stepX: 1, stepY: 1 }];
  return ADAM7
    .map(([x, y, stepX, stepY]) => ({ width: Math.ceil((width - x) / stepX), height: Math.ceil((height - y) / stepY), x, y, stepX, stepY }))
    .filter((pass) => pass.width > 0 && pass.height > 0);
}

/** Takes the packed bytes of one row; they are overwritten after the call. */
export type RowSink = (row: Uint8Array, index: number, pass: Pass) => Promise<void> | void;

/**
 * Decodes the rows of a PNG from top to bottom, holding two of them: inflates, undoes the filters (PNG specification,
 * section 9), checks every chunk's checksum.
 * @throws {InvalidFileError} if the data are damaged or end early
 */
export async function decodePngRows(source: ByteSource, header: PngHeader, sink: RowSink): Promise<void> {
  const state = createRowReader(header, sink);
  const stored = Readable.from(pixelChunks(source, header.dataOffset));
  const inflate = createInflate({ chunkSize: 65536 });
  // `stream.pipeline` would sometimes report that it was aborted instead of why.
  stored.on('error', (error) => inflate.destroy(error));
  try {
    for await (const chunk of stored.pipe(inflate) as AsyncIterable<Buffer>) await state.push(chunk);
  } catch (error) {
    stored.destroy();
    inflate.destroy();
    if (error instanceof InvalidFileError || !isZlibError(error)) throw error;
    throw new InvalidFileError(source.url, `the PNG's pixels are damaged or cut off: ${error.message}`, { cause: error });
  }
  if (!state.done()) throw new InvalidFileError(source.url, 'the PNG ends before its last row', { advice: 'the file is cut off; copy or download it again' });
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && ((error as NodeJS.ErrnoException).code?.startsWith('Z_') ?? false) || error instanceof RangeError;
}

/** The content of the IDAT chunks, in pieces. */
async function* pixelChunks(source: ByteSource, offset: number): AsyncGenerator<Uint8Array> {
  let at = offset;
  for (;;) {
    const head = await source.read(at, 8);
    if (head.length < 8) throw new InvalidFileError(source.url, 'the PNG ends without its end chunk', { advice: 'the file is cut off; copy or download it again' });
    const length = new DataView(head.buffer, head.byteOffset).getUint32(0);
    const type = head.subarray(4, 8);
    if (Buffer.from(type).toString('latin1') !== 'IDAT') return;
    let sum = crc32(type);
    at += 8;
    for (let left = length; left > 0;) {
      const bytes = await source.read(at, Math.min(left, READ_BYTES));
      if (bytes.length === 0) throw new InvalidFileError(source.url, `the PNG ends within its pixels, at byte ${at}`, { advice: 'the file is cut off; copy or download it again' });
      sum = crc32(bytes, sum);
      at += bytes.length;
      left -= bytes.length;
      yield bytes;
    }
    const stored = await source.read(at, 4);
    if (stored.length < 4 || new DataView(stored.buffer, stored.byteOffset).getUint32(0) !== sum) {
      throw new InvalidFileError(source.url, `the checksum of the PNG's pixels before byte ${at} is wrong`, { advice: 'the file is damaged; copy or download it again' });
    }
    at += 4;
  }
}

interface RowReader {
  push(bytes: Uint8Array): Promise<void>;
  done(): boolean;
}

function createRowReader(header: PngHeader, sink: RowSink): RowReader {
  const passes = passesOf(header);
  const pixelBits = header.samples * header.depth;
  const back = Math.max(1, pixelBits >> 3);
  let passIndex = 0;
  let row = 0;
  let current = new Uint8Array(0);
  let previous = new Uint8Array(0);
  let filled = 0;
  const begin = (): void => {
    const pass = passes[passIndex];
    if (pass === undefined) return;
    // The filter type stands before each row.
    const length = 1 + Math.ceil((pass.width * pixelBits) / 8);
    current = new Uint8Array(length);
    previous = new Uint8Array(length);
    row = 0;
    filled = 0;
  };
  begin();
  return {
    done: () => passIndex === passes.length,
    push: async (bytes) => {
      let from = 0;
      while (from < bytes.length && passIndex < passes.length) {
        const take = Math.min(current.length - filled, bytes.length - from);
        current.set(bytes.subarray(from, from + take), filled);
        filled += take;
        from += take;
        if (filled < current.length) return;
        unfilter(current, previous, back);
        const pass = passes[passIndex]!;
        // Most sinks only copy; waiting for nothing would cost a turn of the event loop per row.
        const waiting = sink(current.subarray(1), row, pass);
        if (waiting !== undefined) await waiting;
        [current, previous] = [previous, current];
        filled = 0;
        row++;
        if (row === pass.height) { passIndex++; begin(); }
      }
    },
  };
}

/** Undoes the filter of one row in place; both arrays begin with the filter type. `back` is the bytes of a pixel. */
export function unfilter(row: Uint8Array, above: Uint8Array, back: number): void {
  switch (row[0]) {
    case 0: return;
    case 1: for (let i = 1 + back; i < row.length; i++) row[i] = row[i]! + row[i - back]!; return;
    case 2: for (let i = 1; i < row.length; i++) row[i] = row[i]! + above[i]!; return;
    case 3: unfilterAverage(row, above, back); return;
    case 4: unfilterPaeth(row, above, back); return;
    default: throw new RangeError(`the filter type ${row[0] ?? ''} is not defined`);
  }
}

function unfilterAverage(row: Uint8Array, above: Uint8Array, back: number): void {
  for (let i = 1; i <= back && i < row.length; i++) row[i] = row[i]! + (above[i]! >> 1);
  for (let i = 1 + back; i < row.length; i++) row[i] = row[i]! + ((row[i - back]! + above[i]!) >> 1);
}

function unfilterPaeth(row: Uint8Array, above: Uint8Array, back: number): void {
  for (let i = 1; i <= back && i < row.length; i++) row[i] = row[i]! + above[i]!;
  for (let i = 1 + back; i < row.length; i++) {
    const a = row[i - back]!;
    const b = above[i]!;
    const c = above[i - back]!;
    const pa = b - c;
    const pb = a - c;
    const da = pa < 0 ? -pa : pa;
    const db = pb < 0 ? -pb : pb;
    const sum = pa + pb;
    const dc = sum < 0 ? -sum : sum;
    row[i] = row[i]! + (da <= db && da <= dc ? a : db <= dc ? b : c);
  }
}
