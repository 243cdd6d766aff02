/** Containers that a tile can be written in. */
export type TileFormat = 'tif' | 'png' | 'jpg' | 'npy';

export const TILE_FORMATS: readonly TileFormat[] = ['tif', 'png', 'jpg', 'npy'];

/** What a tile's name says. */
export interface TilePlace {
  readonly row: number;
  readonly column: number;
  /** Offset of the tile's upper left pixel in the scene. */
  readonly x: number;
  readonly y: number;
}

/** Digits of the numbers in the names of one folder, so that names sort as the tiles lie. */
export interface NameWidths {
  readonly row: number;
  readonly column: number;
  readonly offset: number;
}

/** At least four digits for rows and columns, so that folders of different scenes look alike. */
const LEAST_DIGITS = 4;

export function nameWidths(rows: number, columns: number, largestOffset: number): NameWidths {
  const digits = (largest: number): number => Math.max(LEAST_DIGITS, String(largest).length);
  return { row: digits(rows - 1), column: digits(columns - 1), offset: digits(largestOffset) };
}

/** `r0003_c0012_y1344_x5376.tif`. */
export function tileName(place: TilePlace, widths: NameWidths, format: TileFormat): string {
  const padded = (value: number, width: number): string => String(value).padStart(width, '0');
  return `r${padded(place.row, widths.row)}_c${padded(place.column, widths.column)}`
    + `_y${padded(place.y, widths.offset)}_x${padded(place.x, widths.offset)}.${format}`;
}

/** The place and format that a name says, or `undefined` if it is not the name of a tile. */
export function parseTileName(name: string): (TilePlace & { readonly format: TileFormat }) | undefined {
  const match = /^r(\d+)_c(\d+)_y(\d+)_x(\d+)\.(tif|png|jpg|npy)$/.exec(name);
  if (match === null) return undefined;
  const [, row, column, y, x, format] = match;
  return { row: Number(row), column: Number(column), y: Number(y), x: Number(x), format: format as TileFormat };
}
