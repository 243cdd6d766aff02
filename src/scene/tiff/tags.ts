/** Tag numbers (TIFF 6.0, GeoTIFF, GDAL). */
export const TAG = {
  newSubfileType: 254, imageWidth: 256, imageLength: 257, bitsPerSample: 258, compression: 259, photometric: 262, fillOrder: 266,
  imageDescription: 270, stripOffsets: 273, orientation: 274, samplesPerPixel: 277, rowsPerStrip: 278, stripByteCounts: 279,
  planarConfiguration: 284, predictor: 317, colorMap: 320, whitePoint: 318, tileWidth: 322, tileLength: 323, tileOffsets: 324,
  tileByteCounts: 325, subIfds: 330, inkSet: 332, extraSamples: 338, sampleFormat: 339, jpegTables: 347, jpegProc: 512,
  jpegInterchange: 513, jpegInterchangeLength: 514, jpegRestartInterval: 515, jpegQTables: 519, jpegDcTables: 520, jpegAcTables: 521,
  ycbcrCoefficients: 529, ycbcrSubsampling: 530, referenceBlackWhite: 532, modelPixelScale: 33550,
  modelTiepoint: 33922, modelTransformation: 34264, geoKeyDirectory: 34735, geoDoubles: 34736, geoAscii: 34737,
  gdalMetadata: 42112, gdalNodata: 42113, lercParameters: 50674, rpcCoefficients: 50844, t4Options: 292, t6Options: 293,
} as const;

/** Bits of NewSubfileType. */
export const SUBFILE = { reduced: 1, page: 2, mask: 4 } as const;

export const PHOTOMETRIC = {
  minIsWhite: 0, minIsBlack: 1, rgb: 2, palette: 3, mask: 4, cmyk: 5, ycbcr: 6, cielab: 8, logL: 32844, logLuv: 32845,
} as const;

/** Names of photometric interpretations for messages. */
export const PHOTOMETRIC_NAMES: ReadonlyMap<number, string> = new Map([
  [9, 'ICCLab'], [10, 'ITULab'], [32803, 'CFA'], [32844, 'LogL'], [32845, 'LogLuv'],
]);

export const SAMPLE_FORMAT = { uint: 1, int: 2, float: 3, undefined: 4, complexInt: 5, complexFloat: 6 } as const;

/** Values of the compression tag, with the names that GDAL gives them. */
export const COMPRESSION = {
  none: 1, ccittRle: 2, ccittG3: 3, ccittG4: 4, lzw: 5, oldJpeg: 6, jpeg: 7, deflate: 8, packBits: 32773, oldDeflate: 32946,
  lerc: 34887, lzma: 34925, zstd: 50000, webp: 50001, next: 32766, ccittRleWord: 32771, thunderScan: 32809, sgiLog: 34676, sgiLog24: 34677,
} as const;

export const COMPRESSION_NAMES: ReadonlyMap<number, string> = new Map([
  [1, 'none'], [2, 'CCITTRLE'], [3, 'CCITTFAX3'], [4, 'CCITTFAX4'], [5, 'LZW'], [6, 'OJPEG'], [7, 'JPEG'], [8, 'DEFLATE'],
  [32766, 'NEXT'], [32771, 'CCITTRLEW'], [32773, 'PACKBITS'], [32809, 'THUNDERSCAN'], [32946, 'DEFLATE'], [34676, 'SGILOG'], [34677, 'SGILOG24'], [34887, 'LERC'], [34925, 'LZMA'],
  [50000, 'ZSTD'], [50001, 'WEBP'], [50002, 'JXL'], [52546, 'JXL'], [34712, 'JPEG2000'],
]);

/** ExtraSamples: what samples beyond the colour ones are. */
export const EXTRA = { unspecified: 0, associatedAlpha: 1, unassociatedAlpha: 2 } as const;
