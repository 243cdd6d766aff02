/** Stands in rows of classes for pixels without data; smaller than every class id. */
export const NO_CLASS = -0x8000_0000;

/**
 * Corners of a ring, `[x0, y0, x1, y1 …]`, in pixel corners from the upper left of the map; the first is not repeated. The
 * area lies to the left of the way, as seen on a map with north at the top: outlines run counter-clockwise, holes clockwise.
 */
export type Ring = Int32Array;

/** A connected area of one class: pixels that share an edge (4-neighbours), directly or through others. */
export interface ClassPolygon {
  readonly classId: number;
  readonly pixels: number;
  /** Ground area of the pixels; 0 where the size of pixels is not known. */
  readonly squareMetres: number;
  /** The outline, then the holes. Places where three areas meet, and where two touch at a corner, are corners of all. */
  readonly rings: readonly Ring[];
}
