/** How one axis of a file lies along the same axis of the mosaic: pixels `start` to `end` of the mosaic come from it. */
export interface Axis {
  readonly start: number;
  readonly end: number;
  /** Position in the file of the outer edge of pixel `start`, and the length of a mosaic's pixel there. */
  readonly offset: number;
  readonly step: number;
  /** Last pixel of the file. */
  readonly last: number;
  /** Every pixel of the mosaic is one of the file: `start + i` is `first + i`. */
  readonly isUnit: boolean;
}

export interface AxisPlacement {
  readonly sourceOffset: number;
  readonly sourceSize: number;
  readonly targetOffset: number;
  readonly targetSize: number;
  /** Pixels of the whole file and of the whole mosaic. */
  readonly fileSize: number;
  readonly mosaicSize: number;
  /** Positions between pixels are interpolated, also where pixels keep their size. */
  readonly isInterpolated?: boolean;
}

/** Edges so close to a pixel's edge lie on it: decimals in a VRT are rounded. */
export const SLACK = 0.001;

/**
 * Cuts a placement at the mosaic's edges, then at the file's, and takes every pixel of the mosaic that what is left
 * touches: what GDAL's VRTSimpleSource does for a request of the whole. `undefined` if nothing is left.
 */
export function placeAxis({ sourceOffset, sourceSize, targetOffset, targetSize, fileSize, mosaicSize, isInterpolated = false }: AxisPlacement): Axis | undefined {
  if (!(sourceSize > 0) || !(targetSize > 0)) return undefined;
  const scale = sourceSize / targetSize;
  const low = Math.max(0, targetOffset);
  const high = Math.min(mosaicSize, targetOffset + targetSize);
  const from = Math.max(0, (low - targetOffset) * scale + sourceOffset);
  const to = Math.min(fileSize, (high - targetOffset) * scale + sourceOffset);
  if (!(high > low) || !(to > from)) return undefined;
  const start = Math.max(0, Math.floor((from - sourceOffset) / scale + targetOffset + SLACK));
  const end = Math.min(mosaicSize, Math.ceil((to - sourceOffset) / scale + targetOffset - SLACK));
  if (end <= start) return undefined;
  const count = end - start;
  const offset = (start - targetOffset) * scale + sourceOffset;
  const whole = Math.floor(offset + 0.5);
  // Never off by half a pixel anywhere along it: then the nearest pixel is always the next one.
  const isUnit = Math.abs(offset - whole) + Math.abs(scale - 1) * count < 0.49 && (!isInterpolated || Math.abs(offset - whole) < SLACK) && whole >= 0 && whole + count <= fileSize;
  return isUnit
    ? { start, end, offset: whole, step: 1, last: fileSize - 1, isUnit }
    : { start, end, offset, step: scale, last: fileSize - 1, isUnit };
}

/** Pixel of the file that is nearest to the centre of a pixel of the mosaic. */
export function nearestOf(axis: Axis, position: number): number {
  if (axis.isUnit) return axis.offset + position - axis.start;
  const found = Math.floor((position + 0.5 - axis.start) * axis.step + axis.offset + 1e-10);
  return Math.min(axis.last, Math.max(0, found));
}
