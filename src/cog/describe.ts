import { geoKeysFor, type GeoKeys, type GroundControl, type RationalCoefficients, type Transform } from '../georef/index.js';
import { bytesPerSample, type DataType, type Rgba } from '../raster/index.js';
import { asciiField, type Field } from './ifd.js';
import { metadataXml } from './metadata.js';
import type { Packing } from './encode.js';
import type { TiffDescription } from './types.js';

export const TAG = {
  newSubfileType: 254, imageWidth: 256, imageLength: 257, bitsPerSample: 258, compression: 259, photometric: 262,
  imageDescription: 270, stripOffsets: 273, samplesPerPixel: 277, rowsPerStrip: 278, stripByteCounts: 279, planarConfiguration: 284,
  software: 305, predictor: 317, colorMap: 320, tileWidth: 322, tileLength: 323, tileOffsets: 324, tileByteCounts: 325,
  extraSamples: 338, sampleFormat: 339, yCbCrSubSampling: 530, modelPixelScale: 33550, modelTiepoint: 33922,
  modelTransformation: 34264, rpcCoefficients: 50844, geoKeyDirectory: 34735, geoDoubleParams: 34736, geoAsciiParams: 34737, gdalMetadata: 42112, gdalNodata: 42113,
} as const;

const COMPRESSION_CODE = { none: 1, lzw: 5, jpeg: 7, deflate: 8, zstd: 50000, webp: 50001 } as const;
const PHOTOMETRIC_CODE = { grey: 1, rgb: 2, palette: 3, mask: 4, ycbcr: 6 } as const;

export interface ImageShape {
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly dtype: DataType;
}

/** Fields that every directory of a file needs to be decoded: sizes, sample format, compression, colours, nodata. */
export function imageFields(shape: ImageShape, packing: Packing, description: TiffDescription): Field[] {
  const { bands, dtype } = shape;
  const bits = 8 * bytesPerSample(dtype);
  const format = dtype.startsWith('float') ? 3 : dtype.startsWith('int') ? 2 : 1;
  const meaning = photometricOf(shape, description);
  const coded = packing.compression === 'jpeg' && meaning === 'rgb' ? 'ycbcr' : meaning;
  const extra = bands - (meaning === 'rgb' ? 3 : 1);
  const fields: Field[] = [
    { tag: TAG.imageWidth, type: 'long', values: [shape.width] },
    { tag: TAG.imageLength, type: 'long', values: [shape.height] },
    { tag: TAG.bitsPerSample, type: 'short', values: repeat(bits, bands) },
    { tag: TAG.compression, type: 'short', values: [COMPRESSION_CODE[packing.compression]] },
    { tag: TAG.photometric, type: 'short', values: [PHOTOMETRIC_CODE[coded]] },
    { tag: TAG.samplesPerPixel, type: 'short', values: [bands] },
    { tag: TAG.planarConfiguration, type: 'short', values: [1] },
    { tag: TAG.sampleFormat, type: 'short', values: repeat(format, bands) },
  ];
  if (packing.predictor !== 1) fields.push({ tag: TAG.predictor, type: 'short', values: [packing.predictor] });
  if (coded === 'ycbcr') fields.push({ tag: TAG.yCbCrSubSampling, type: 'short', values: [2, 2] });
  if (extra > 0) {
    const first = bands - extra;
    // 2: alpha that colours are not multiplied with; 0: no meaning given.
    const values = Array.from({ length: extra }, (_, i) => (first + i === description.alphaBand ? 2 : 0));
    fields.push({ tag: TAG.extraSamples, type: 'short', values });
  }
  if (description.palette !== undefined) fields.push({ tag: TAG.colorMap, type: 'short', values: colorMap(description.palette, bits) });
  if (description.nodata !== undefined) fields.push(asciiField(TAG.gdalNodata, nodataText(description.nodata)));
  return fields;
}

/** Fields of the directory of a mask: one bit per pixel, 1 where the picture of the same size has data. */
export function maskFields(size: { readonly width: number; readonly height: number }): Field[] {
  return [
    { tag: TAG.imageWidth, type: 'long', values: [size.width] },
    { tag: TAG.imageLength, type: 'long', values: [size.height] },
    { tag: TAG.bitsPerSample, type: 'short', values: [1] },
    { tag: TAG.compression, type: 'short', values: [COMPRESSION_CODE.deflate] },
    { tag: TAG.photometric, type: 'short', values: [PHOTOMETRIC_CODE.mask] },
    { tag: TAG.samplesPerPixel, type: 'short', values: [1] },
    { tag: TAG.planarConfiguration, type: 'short', values: [1] },
    { tag: TAG.sampleFormat, type: 'short', values: [1] },
  ];
}

/** Fields that only the first directory has: place, names, texts. */
export function sceneFields(shape: ImageShape, description: TiffDescription): Field[] {
  const fields: Field[] = [asciiField(TAG.software, 'tilewright')];
  if (description.description !== undefined) fields.push(asciiField(TAG.imageDescription, description.description));
  const xml = metadataXml(shape.bands, description);
  if (xml !== undefined) fields.push(asciiField(TAG.gdalMetadata, xml));
  if (description.transform !== undefined) fields.push(...transformFields(description.transform));
  else if (description.gcps !== undefined) fields.push(controlPointField(description.gcps));
  if (description.rpc !== undefined) fields.push({ tag: TAG.rpcCoefficients, type: 'double', values: rpcNumbers(description.rpc) });
  const keys = geoKeysFor(description.crs ?? description.gcps?.crs);
  if (keys !== undefined) fields.push(...geoKeyFields(keys));
  return fields;
}

export function photometricOf(shape: ImageShape, description: TiffDescription): 'rgb' | 'grey' | 'palette' {
  if (description.photometric !== undefined) return description.photometric;
  if (description.palette !== undefined) return 'palette';
  const hasColours = description.alphaBand === undefined || description.alphaBand >= 3;
  return shape.dtype === 'uint8' && (shape.bands === 3 || shape.bands === 4) && hasColours ? 'rgb' : 'grey';
}

/**
 * OGC 19-008r4, section 8.1: a scale and a tie point where rows run down and columns right along the axes, else the
 * matrix.
 */
export function transformFields(transform: Transform): Field[] {
  const [x0, dx, rx, y0, ry, dy] = transform;
  if (rx === 0 && ry === 0 && dx > 0 && dy < 0) {
    return [
      { tag: TAG.modelPixelScale, type: 'double', values: [dx, -dy, 0] },
      { tag: TAG.modelTiepoint, type: 'double', values: [0, 0, 0, x0, y0, 0] },
    ];
  }
  return [{ tag: TAG.modelTransformation, type: 'double', values: [dx, rx, 0, x0, ry, dy, 0, y0, 0, 0, 0, 0, 0, 0, 0, 1] }];
}

/** Tie points without a scale (OGC 19-008r4, section 8.1.3): six numbers each. */
function controlPointField({ points }: GroundControl): Field {
  return { tag: TAG.modelTiepoint, type: 'double', values: points.flatMap(({ column, row, x, y, z }) => [column, row, 0, x, y, z]) };
}

/** The 92 numbers of RPCs in GeoTIFF (http://geotiff.maptools.org/rpc_prop.html); -1 is an error that is not known. */
function rpcNumbers(rpc: RationalCoefficients): number[] {
  return [
    -1, -1, rpc.lineOffset, rpc.sampleOffset, rpc.latOffset, rpc.longOffset, rpc.heightOffset,
    rpc.lineScale, rpc.sampleScale, rpc.latScale, rpc.longScale, rpc.heightScale,
    ...rpc.lineNumerator, ...rpc.lineDenominator, ...rpc.sampleNumerator, ...rpc.sampleDenominator,
  ];
}

function geoKeyFields(keys: GeoKeys): Field[] {
  const fields: Field[] = [{ tag: TAG.geoKeyDirectory, type: 'short', values: keys.directory }];
  if (keys.doubles !== undefined && keys.doubles.length > 0) fields.push({ tag: TAG.geoDoubleParams, type: 'double', values: keys.doubles });
  if (keys.ascii !== undefined && keys.ascii !== '') fields.push(asciiField(TAG.geoAsciiParams, keys.ascii.replace(/\0+$/, '')));
  return fields;
}

/** `ColorMap`: all reds, all greens, all blues, 16 bits each, one entry for every value that the samples can have. */
function colorMap(palette: readonly Rgba[], bits: number): number[] {
  const entries = 2 ** bits;
  const map = new Array<number>(3 * entries).fill(0);
  palette.slice(0, entries).forEach((colour, value) => {
    for (let channel = 0; channel < 3; channel++) map[channel * entries + value] = (colour[channel] ?? 0) * 257;
  });
  return map;
}

/** As GDAL writes and reads it: `nan` for NaN, else the shortest decimal that gives the same double. */
export function nodataText(nodata: number): string {
  if (Number.isNaN(nodata)) return 'nan';
  if (!Number.isFinite(nodata)) return nodata > 0 ? 'inf' : '-inf';
  return String(nodata);
}

function repeat(value: number, count: number): number[] {
  return new Array<number>(count).fill(value);
}
