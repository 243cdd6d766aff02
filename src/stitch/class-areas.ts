import { NODATA_CLASS } from './finished-rows.js';

/** Sums so far; plain data, so that a run can be continued. */
export interface ClassSums {
  /** Pixels per value, 256 numbers. */
  readonly pixels: readonly number[];
  /** Square metres per value; empty where the ground size is unknown. */
  readonly squareMetres: readonly number[];
}

/** Counts pixels and ground area per class while the rows of a map go by. */
export interface ClassMeter {
  push(rows: Uint8Array, rowCount: number): void;
  readonly sums: ClassSums;
  restore(sums: ClassSums, y: number): void;
}

/** @param rowArea mean ground area in m² of a pixel of row y; `undefined` where it is not known */
export function createClassMeter(width: number, rowArea?: (y: number) => number | undefined): ClassMeter {
  let pixels = new Float64Array(256);
  let area = new Float64Array(256);
  let known = rowArea !== undefined;
  let y = 0;
  const inRow = new Uint32Array(256);
  return {
    push(rows, rowCount) {
      for (let i = 0; i < rowCount; i++, y++) {
        inRow.fill(0);
        const end = (i + 1) * width;
        for (let p = i * width; p < end; p++) inRow[rows[p]!]!++;
        const each = known ? rowArea?.(y) : undefined;
        if (each === undefined) known = false;
        for (let id = 0; id < 256; id++) {
          pixels[id]! += inRow[id]!;
          if (each !== undefined) area[id]! += inRow[id]! * each;
        }
      }
    },
    get sums() {
      return { pixels: [...pixels], squareMetres: known ? [...area] : [] };
    },
    restore(sums, nextY) {
      pixels = Float64Array.from(sums.pixels);
      known = known && sums.squareMetres.length > 0;
      area = known ? Float64Array.from(sums.squareMetres) : new Float64Array(256);
      y = nextY;
    },
  };
}

/** One class of a finished map. */
export interface ClassArea {
  readonly id: number;
  readonly name: string;
  readonly pixels: number;
  /** Of the pixels with data, 0–1. */
  readonly share: number;
  /** Hectares on the ground; absent where the scene has no usable georeference. */
  readonly areaHa?: number;
}

export function classAreas(sums: ClassSums, classes: readonly { readonly value: number; readonly name: string }[]): ClassArea[] {
  const valid = sums.pixels.reduce((sum, count, id) => (id === NODATA_CLASS ? sum : sum + count), 0);
  return classes.map(({ value, name }) => {
    const pixels = sums.pixels[value] ?? 0;
    const squareMetres = sums.squareMetres[value];
    return {
      id: value, name, pixels, share: valid === 0 ? 0 : pixels / valid,
      ...(squareMetres === undefined ? {} : { areaHa: squareMetres / 10_000 }),
    };
  });
}
