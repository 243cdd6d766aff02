import type { TypedArray } from '../../raster/index.js';

export interface LabTable {
  /** X, Y and Z of white. */
  readonly white: readonly [number, number, number];
  /** 8-bit values by linear light from the darkest to the brightest. */
  readonly steps: Uint8Array;
}

/** Steps of libtiff's table of the display's curve. */
const RANGE = 1500;
const DARKEST = 1;
const BRIGHTEST = 100;
const GAMMA = 2.4;
/** CIE illuminant D50, libtiff's default white. */
const D50 = [96.425, 100, 82.468] as const;
/** XYZ to linear sRGB, with the digits of libtiff. */
const MATRIX = [[3.241, -1.5374, -0.4986], [-0.9692, 1.876, 0.0416], [0.0556, -0.204, 1.057]] as const;

/** Tables of libtiff's conversion (tif_color.c) for a white point, given as CIE x and y, or the default one. */
export function createLabTable(whitePoint: readonly number[]): LabTable {
  const [x, y] = whitePoint;
  const white: [number, number, number] = x === undefined || y === undefined || !(y > 0)
    ? [...D50]
    : [(x / y) * 100, 100, ((1 - x - y) / y) * 100];
  return { white, steps: Uint8Array.from({ length: RANGE + 1 }, (_, i) => Math.round(255 * (i / RANGE) ** (1 / GAMMA))) };
}

/** CIE L*a*b* of 8 bits (a, b signed) to RGBA by the formulas of CIE 1976, as libtiff computes them. */
export function labToRgb(data: TypedArray, { white, steps }: LabTable): Uint8Array {
  const out = new Uint8Array((data.length / 3) * 4);
  const step = (BRIGHTEST - DARKEST) / RANGE;
  for (let from = 0, to = 0; from + 2 < data.length; from += 3, to += 4) {
    const lightness = (data[from]! * 100) / 255;
    let cubeRoot: number;
    let y: number;
    if (lightness < 8.856) {
      y = (lightness * white[1]) / 903.292;
      cubeRoot = 7.787 * (y / white[1]) + 16 / 116;
    } else {
      cubeRoot = (lightness + 16) / 116;
      y = white[1] * cubeRoot ** 3;
    }
    const x = fromRoot((signed(data[from + 1]!) / 500) + cubeRoot, white[0]);
    const z = fromRoot(cubeRoot - signed(data[from + 2]!) / 200, white[2]);
    for (let c = 0; c < 3; c++) {
      const [mx, my, mz] = MATRIX[c]!;
      const light = Math.min(BRIGHTEST, Math.max(DARKEST, mx * x + my * y + mz * z));
      out[to + c] = steps[Math.min(RANGE, Math.trunc((light - DARKEST) / step))]!;
    }
    out[to + 3] = 255;
  }
  return out;
}

function signed(byte: number): number {
  return byte > 127 ? byte - 256 : byte;
}

function fromRoot(root: number, white: number): number {
  return root < 0.2069 ? (white * (root - 0.13793)) / 7.787 : white * root ** 3;
}
