import type { BlockShape } from './packed-block.js';
import type { TiffPicture } from './picture.js';
import { decodeSgiLog24 } from './sgi-log24.js';
import { COMPRESSION, PHOTOMETRIC, SAMPLE_FORMAT } from './tags.js';

/** Steps of u' and v' per unit in LogLuv of 32 bits. */
const CHROMA_SCALE = 410;

/** Whether pixels are in SGI's logarithmic coding, of 16 and 32 or of 24 bits. */
export function isSgiLog({ compression }: Pick<TiffPicture, 'compression'>): boolean {
  return compression === COMPRESSION.sgiLog || compression === COMPRESSION.sgiLog24;
}

/** Whether it is a kind that {@link decodeSgiLog} undoes: given in 16 bits, log luminance alone or with colour. */
export function isReadSgiLog({ compression, photometric, planar, bits, samples }: TiffPicture): boolean {
  const isColour = photometric === PHOTOMETRIC.logLuv && samples === 3;
  const isGrey = photometric === PHOTOMETRIC.logL && samples === 1;
  return !planar && bits === 16 && (isColour || (isGrey && compression === COMPRESSION.sgiLog));
}

/**
 * Decodes SGI's logarithmic pixels (G. Ward Larson, "LogLuv encoding for full-gamut, high-dynamic range images", 1998; libtiff's
 * tif_luv.c): one sample, 16 bits of log luminance as they are stored; or three, log luminance and u', v' times 2^15, as libtiff
 * gives LogLuv in 16 bits, and so GDAL.
 * @throws {RangeError} if the codes end too early
 */
export function decodeSgiLog(stored: Uint8Array, picture: TiffPicture, { width, rows, needed, samples }: BlockShape): Int16Array | Uint16Array {
  const values = picture.compression === COMPRESSION.sgiLog24
    ? decodeSgiLog24(stored, width * Math.min(rows, Math.max(needed, Math.floor(stored.length / (3 * width)))))
    : decodeRuns(stored, { width, rows, needed, samples });
  return picture.sampleFormat === SAMPLE_FORMAT.uint ? new Uint16Array(values.buffer) : values;
}

function decodeRuns(stored: Uint8Array, { width, rows, needed, samples }: BlockShape): Int16Array {
  const out = new Int16Array(width * rows * samples);
  const row = new Uint32Array(width);
  let at = 0;
  for (let y = 0; y < rows; y++) {
    if (at >= stored.length && y >= needed) break;
    row.fill(0);
    // The bytes of all pixels of a row, the highest first, each plane in runs.
    for (let shift = samples === 1 ? 8 : 24; shift >= 0; shift -= 8) at = decodePlane(stored, at, row, shift);
    const to = y * width * samples;
    if (samples === 1) for (let x = 0; x < width; x++) out[to + x] = row[x]!;
    else spread(row, out, to);
  }
  return out;
}

function decodePlane(stored: Uint8Array, start: number, row: Uint32Array, shift: number): number {
  let at = start;
  for (let x = 0; x < row.length;) {
    const code = stored[at++];
    if (code === undefined) throw new RangeError(`its codes end at pixel ${x} of ${row.length}`);
    if (code >= 128) {
      const value = (stored[at++] ?? 0) << shift;
      for (let end = Math.min(row.length, x + code - 126); x < end; x++) row[x]! |= value;
    } else {
      if (code === 0) throw new RangeError(`a run of no pixels at pixel ${x} of ${row.length}`);
      if (at + Math.min(code, row.length - x) > stored.length) throw new RangeError(`its codes end at pixel ${x} of ${row.length}`);
      for (let end = Math.min(row.length, x + code); x < end; x++) row[x]! |= stored[at++]! << shift;
    }
  }
  return at;
}

function spread(row: Uint32Array, out: Int16Array, to: number): void {
  for (let x = 0; x < row.length; x++) {
    const pixel = row[x]!;
    out[to + 3 * x] = pixel >>> 16;
    out[to + 3 * x + 1] = (32768 / CHROMA_SCALE) * (((pixel >>> 8) & 255) + 0.5);
    out[to + 3 * x + 2] = (32768 / CHROMA_SCALE) * ((pixel & 255) + 0.5);
  }
}
