/** Complex numbers in two arrays, rows one after another: `[height, width]`, both powers of two. */
export interface ComplexGrid {
  readonly width: number;
  readonly height: number;
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** The discrete Fourier transform of a grid, in place: rows, then columns (Cooley and Tukey 1965, radix 2). `inverse` without the factor 1/n. */
export function fourier(grid: ComplexGrid, direction: 'forward' | 'inverse'): void {
  const { width, height, re, im } = grid;
  const sign = direction === 'forward' ? -1 : 1;
  for (let y = 0; y < height; y++) line(re, im, y * width, 1, width, sign);
  for (let x = 0; x < width; x++) line(re, im, x, width, height, sign);
}

const tables = new Map<number, { readonly cos: Float64Array; readonly sin: Float64Array }>();

function tableOf(length: number): { readonly cos: Float64Array; readonly sin: Float64Array } {
  let table = tables.get(length);
  if (table === undefined) {
    const angles = Float64Array.from({ length: length / 2 }, (_, i) => (2 * Math.PI * i) / length);
    table = { cos: angles.map(Math.cos), sin: angles.map(Math.sin) };
    tables.set(length, table);
  }
  return table;
}

function line(re: Float64Array, im: Float64Array, start: number, step: number, length: number, sign: number): void {
  for (let i = 1, j = 0; i < length; i++) {
    let bit = length >> 1;
    for (; (j & bit) !== 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      const [a, b] = [start + i * step, start + j * step];
      const [r, m] = [re[a]!, im[a]!];
      re[a] = re[b]!; im[a] = im[b]!;
      re[b] = r; im[b] = m;
    }
  }
  const { cos, sin } = tableOf(length);
  for (let half = 1; half < length; half *= 2) {
    const turn = length / (2 * half);
    for (let block = 0; block < length; block += 2 * half) {
      for (let k = 0; k < half; k++) {
        const wr = cos[k * turn]!;
        const wi = sign * sin[k * turn]!;
        const a = start + (block + k) * step;
        const b = a + half * step;
        const r = re[b]! * wr - im[b]! * wi;
        const m = re[b]! * wi + im[b]! * wr;
        re[b] = re[a]! - r; im[b] = im[a]! - m;
        re[a] = re[a]! + r; im[a] = im[a]! + m;
      }
    }
  }
}
