import { InvalidFileError } from '../errors.js';
import type { Rgba } from '../raster/index.js';
import type { ByteSource } from './byte-source.js';

export const PNG_SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] as const;

/** Whether the bytes begin like a PNG. */
export function isPng(head: Uint8Array): boolean {
  return PNG_SIGNATURE.every((byte, i) => head[i] === byte);
}

/** Colour types (PNG specification, table 11.1). */
export const COLOUR = { gray: 0, rgb: 2, palette: 3, grayAlpha: 4, rgba: 6 } as const;

/** Samples per pixel and allowed bit depths by colour type. */
const KINDS: ReadonlyMap<number, { readonly samples: number; readonly depths: readonly number[] }> = new Map([
  [COLOUR.gray, { samples: 1, depths: [1, 2, 4, 8, 16] }],
  [COLOUR.rgb, { samples: 3, depths: [8, 16] }],
  [COLOUR.palette, { samples: 1, depths: [1, 2, 4, 8] }],
  [COLOUR.grayAlpha, { samples: 2, depths: [8, 16] }],
  [COLOUR.rgba, { samples: 4, depths: [8, 16] }],
]);

export interface PngHeader {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colour: number;
  readonly samples: number;
  readonly interlaced: boolean;
  readonly palette?: readonly Rgba[];
  /** The transparent colour of a gray or RGB picture, one value per sample. */
  readonly transparent?: readonly number[];
  /** Where the first chunk of pixels begins. */
  readonly dataOffset: number;
}

/** Headers (profiles, text) longer than this are not believed. */
const MAX_HEADER = 64 * 2 ** 20;

/** Chunks that are of use here are never longer. */
const MAX_CHUNK = 65536;

/**
 * Reads the chunks before the pixels.
 * @throws {InvalidFileError} if they are damaged
 */
export async function readPngHeader(source: ByteSource): Promise<PngHeader> {
  const refuse = (message: string): never => { throw new InvalidFileError(source.url, message, { advice: 'the file is cut off or damaged' }); };
  let at: number = PNG_SIGNATURE.length;
  let header: Omit<PngHeader, 'dataOffset'> | undefined;
  let colours: Uint8Array | undefined;
  let transparency: Uint8Array | undefined;
  while (at < MAX_HEADER) {
    const head = await source.read(at, 8);
    if (head.length < 8) refuse('the PNG ends before its pixels');
    const length = new DataView(head.buffer, head.byteOffset).getUint32(0);
    const type = Buffer.from(head.subarray(4, 8)).toString('latin1');
    if (header === undefined && type !== 'IHDR') refuse(`expected the chunk IHDR first, found ${JSON.stringify(type)}`);
    if (type === 'IDAT') break;
    if (type === 'IEND') refuse('the PNG has no pixels');
    if (type === 'IHDR' || type === 'PLTE' || type === 'tRNS') {
      const data = await source.read(at + 8, Math.min(length, MAX_CHUNK));
      if (data.length < length) refuse(`the PNG's chunk ${type} is cut off or too long`);
      if (type === 'IHDR') header = parseHeader(data, refuse);
      else if (type === 'PLTE') colours = data;
      else transparency = data;
    }
    at += length + 12;
  }
  if (header === undefined) throw new InvalidFileError(source.url, 'the PNG has no header');
  if (header.colour !== COLOUR.palette) {
    const transparent = transparency === undefined ? undefined : transparentColour(transparency, header.samples);
    return { ...header, ...(transparent === undefined ? {} : { transparent }), dataOffset: at };
  }
  if (colours === undefined) throw new InvalidFileError(source.url, 'the PNG counts colours of a palette but has none');
  return { ...header, palette: paletteOf(colours, transparency), dataOffset: at };
}

function parseHeader(data: Uint8Array, refuse: (message: string) => never): Omit<PngHeader, 'dataOffset'> {
  if (data.length < 13) refuse('the PNG header is cut off');
  const view = new DataView(data.buffer, data.byteOffset);
  const width = view.getUint32(0);
  const height = view.getUint32(4);
  const [depth = 0, colour = 0, , , interlace = 0] = data.subarray(8, 13);
  const kind = KINDS.get(colour);
  if (kind === undefined || !kind.depths.includes(depth)) return refuse(`no PNG has ${depth} bits with colour type ${colour}`);
  if (width < 1 || height < 1 || width > 0x7fffffff || height > 0x7fffffff) refuse(`expected a width and height from 1, found ${width} × ${height}`);
  return { width, height, depth, colour, samples: kind.samples, interlaced: interlace === 1 };
}

function transparentColour(data: Uint8Array, samples: number): number[] | undefined {
  if (samples % 2 === 0 || data.length < samples * 2) return undefined;
  return Array.from({ length: samples }, (_, i) => data[i * 2]! * 256 + data[i * 2 + 1]!);
}

function paletteOf(colours: Uint8Array, alpha: Uint8Array | undefined): Rgba[] {
  return Array.from({ length: Math.floor(colours.length / 3) }, (_, i): Rgba =>
    [colours[i * 3]!, colours[i * 3 + 1]!, colours[i * 3 + 2]!, alpha?.[i] ?? 255]);
}
