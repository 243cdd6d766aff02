import type { TypedArray } from '../../raster/index.js';
import { derivedRaster } from '../block-raster.js';
import { recycleBlock } from '../block-memory.js';
import type { BlockRaster } from '../block-raster.js';
import { createLabTable, labToRgb } from './cie-lab.js';
import type { TiffPicture } from './picture.js';
import { COMPRESSION, PHOTOMETRIC } from './tags.js';
import { createYcbcrTable, ycbcrToRgb } from './ycbcr.js';

/** How the pixels of a colour space become red, green and blue, as libtiff does it (and so GDAL). */
export interface ColourConversion {
  /** Bands after it. */
  readonly bands: number;
  /** The alpha band that it adds, which is opaque everywhere. */
  readonly alphaBand?: number;
  readonly name: string;
  /** Turns pixel-interleaved samples of 8 bits. */
  readonly convert: (samples: TypedArray) => Uint8Array;
}

const CMYK = 4;

/** `undefined` where samples are given as they are stored. YCbCr in JPEG blocks is turned by the JPEG decoder. */
export function colourConversion(picture: TiffPicture): ColourConversion | undefined {
  if (picture.bits !== 8) return undefined;
  if (picture.photometric === PHOTOMETRIC.cmyk && (picture.samples === CMYK || (picture.samples > CMYK && !picture.planar)) && picture.inkSet === 1) {
    return { bands: 4, alphaBand: 3, name: 'CMYK', convert: (samples) => inkToRgba(samples, picture.samples) };
  }
  if (picture.photometric === PHOTOMETRIC.cielab && picture.samples === 3) {
    const table = createLabTable(picture.whitePoint);
    return { bands: 4, alphaBand: 3, name: 'CIELab', convert: (samples) => labToRgb(samples, table) };
  }
  if (picture.photometric === PHOTOMETRIC.ycbcr && picture.samples === 3 && picture.compression !== COMPRESSION.jpeg && picture.compression !== COMPRESSION.oldJpeg) {
    const table = createYcbcrTable(picture.ycbcrCoefficients, picture.referenceBlackWhite);
    return { bands: 3, name: 'YCbCr', convert: (samples) => ycbcrToRgb(samples, table) };
  }
  return undefined;
}

/** The raster after a conversion: all bands in one plane. */
export function convertRaster(raster: BlockRaster, conversion: ColourConversion): BlockRaster {
  const { planes } = raster;
  const blocks = Math.ceil(raster.width / raster.blockWidth) * Math.ceil(raster.height / raster.blockHeight);
  const converted = (block: TypedArray | undefined): TypedArray | undefined => {
    if (block === undefined) return undefined;
    const samples = conversion.convert(block);
    if (samples.buffer !== block.buffer) recycleBlock(block);
    return samples;
  };
  return derivedRaster(raster, {
    bands: conversion.bands,
    planes: 1,
    runs: (keys) => (planes === 1 ? raster.runs(keys) : keys.map((key) => [key])),
    decode: async (run) => {
      if (planes === 1) return (await raster.decode(run)).map(converted);
      return Promise.all(run.map(async (key) => {
        const parts = await Promise.all(Array.from({ length: planes }, async (_, plane) => (await raster.decode([key + plane * blocks]))[0]));
        return converted(interleave(parts));
      }));
    },
  });
}

function interleave(parts: readonly (TypedArray | undefined)[]): TypedArray | undefined {
  const pixels = Math.max(...parts.map((part) => part?.length ?? 0));
  if (pixels === 0) return undefined;
  const out = new Uint8Array(pixels * parts.length);
  for (const [plane, part] of parts.entries()) {
    if (part !== undefined) for (let i = 0; i < part.length; i++) out[i * parts.length + plane] = part[i]!;
  }
  return out;
}

/** `(255 − C)(255 − K) / 255`, cut off, and so on; opaque. Samples beyond the four inks are left out. */
function inkToRgba(data: TypedArray, step: number): Uint8Array {
  const out = new Uint8Array((data.length / step) * CMYK);
  for (let from = 0, to = 0; from < data.length; from += step, to += CMYK) {
    const light = 255 - data[from + 3]!;
    out[to] = (light * (255 - data[from]!)) / 255;
    out[to + 1] = (light * (255 - data[from + 1]!)) / 255;
    out[to + 2] = (light * (255 - data[from + 2]!)) / 255;
    out[to + 3] = 255;
  }
  return out;
}
