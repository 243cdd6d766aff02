import { open } from 'node:fs/promises';
import { InvalidFileError } from '../errors.js';
import { allocate, bytesOf, bytesPerSample, dataTypeOf, type DataType, type Raster } from '../raster/index.js';

/** NumPy's format 1.0 (numpy/lib/format.py): magic, version, length of the header, a Python dictionary, the samples. */
const MAGIC = Buffer.from('\x93NUMPY\x01\x00', 'latin1');
const ALIGNMENT = 64;

const DESCR: Readonly<Record<DataType, string>> = {
  uint8: '|u1', int8: '|i1', uint16: '<u2', int16: '<i2', uint32: '<u4', int32: '<i4', float32: '<f4', float64: '<f8',
};

/** A pixel-interleaved raster as a NumPy array of shape (height, width, bands), little-endian, C order. */
export function encodeNpy(raster: Raster): Uint8Array[] {
  if (raster.layout !== 'pixel') throw new RangeError('expected a pixel-interleaved raster');
  const { width, height, bands, data } = raster;
  const dictionary = `{'descr': '${DESCR[dataTypeOf(data)]}', 'fortran_order': False, 'shape': (${height}, ${width}, ${bands}), }`;
  const unpadded = MAGIC.length + 2 + dictionary.length + 1;
  const padding = (ALIGNMENT - (unpadded % ALIGNMENT)) % ALIGNMENT;
  const text = `${dictionary}${' '.repeat(padding)}\n`;
  const length = Buffer.alloc(2);
  length.writeUInt16LE(text.length);
  return [Buffer.concat([MAGIC, length, Buffer.from(text, 'latin1')]), bytesOf(data.subarray(0, width * height * bands))];
}

export interface NpyHeader {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly dtype: DataType;
  /** Byte offset of the samples. */
  readonly start: number;
}

/**
 * Reads the header of a NumPy file of two or three dimensions.
 * @throws {InvalidFileError} if it is not one, or of a sample type or order that is not read.
 */
export async function readNpyHeader(path: string): Promise<NpyHeader> {
  const file = await open(path, 'r');
  try {
    const head = Buffer.alloc(4096);
    const { bytesRead } = await file.read(head, 0, head.length, 0);
    return parseNpyHeader(path, head.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

/**
 * Reads a whole NumPy file.
 * @throws {InvalidFileError} as {@link readNpyHeader}, and if it is cut short.
 */
export async function readNpy(path: string): Promise<Raster> {
  const header = await readNpyHeader(path);
  const data = allocate(header.dtype, header.width * header.height * header.bands);
  const bytes = bytesOf(data);
  const file = await open(path, 'r');
  try {
    let done = 0;
    while (done < bytes.length) {
      const { bytesRead } = await file.read(bytes, done, bytes.length - done, header.start + done);
      if (bytesRead === 0) throw new InvalidFileError(path, `expected ${bytes.length} bytes of samples, found ${done}`);
      done += bytesRead;
    }
  } finally {
    await file.close();
  }
  return { data, width: header.width, height: header.height, bands: header.bands, layout: 'pixel' };
}

function parseNpyHeader(path: string, head: Buffer): NpyHeader {
  if (head.length < 10 || !head.subarray(0, 6).equals(MAGIC.subarray(0, 6))) throw new InvalidFileError(path, 'expected a NumPy file, found other content');
  const long = head[6]! > 1;
  const length = long ? head.readUInt32LE(8) : head.readUInt16LE(8);
  const start = (long ? 12 : 10) + length;
  const text = head.toString('latin1', long ? 12 : 10, start);
  const descr = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  const shape = /'shape':\s*\(([^)]*)\)/.exec(text)?.[1]?.split(',').map((part) => part.trim()).filter((part) => part !== '').map(Number);
  const dtype = (Object.keys(DESCR) as DataType[]).find((type) => DESCR[type] === descr || (bytesPerSample(type) === 1 && DESCR[type].slice(1) === descr?.slice(1)));
  if (dtype === undefined) throw new InvalidFileError(path, `expected little-endian integers up to 32 bits or floats, found '${descr ?? 'nothing'}'`);
  if (/'fortran_order':\s*True/.test(text)) throw new InvalidFileError(path, 'expected C order, found Fortran order');
  if (shape === undefined || shape.length < 2 || shape.length > 3 || shape.some((edge) => !Number.isInteger(edge) || edge < 1)) {
    throw new InvalidFileError(path, `expected a shape (height, width, bands), found (${shape?.join(', ') ?? ''})`);
  }
  return { height: shape[0]!, width: shape[1]!, bands: shape[2] ?? 1, dtype, start };
}
