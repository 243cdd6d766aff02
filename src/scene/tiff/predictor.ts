/** Rows of samples, and how many samples lie between a sample and its left neighbour of the same band. */
interface Rows {
  readonly rowSamples: number;
  readonly rows: number;
  readonly step: number;
}

/**
 * Undoes predictor 2 (TIFF 6.0, section 14: horizontal differences) in place. Samples are in this machine's byte order;
 * floating-point samples are differenced as integers of their size.
 */
export function undoHorizontal(data: Uint8Array, bits: number, rows: Rows): void {
  switch (bits) {
    case 8: accumulate8(data, rows); return;
    case 16: accumulate(new Uint16Array(data.buffer, data.byteOffset, data.byteLength >> 1), rows); return;
    case 32: accumulate(new Uint32Array(data.buffer, data.byteOffset, data.byteLength >> 2), rows); return;
    case 64: accumulate64(new BigUint64Array(data.buffer, data.byteOffset, data.byteLength >> 3), rows); return;
    default: throw new RangeError(`predictor 2 is not defined for ${bits} bits`);
  }
}

function accumulate8(data: Uint8Array, { rowSamples, rows, step }: Rows): void {
  for (let row = 0; row < rows; row++) {
    const start = row * rowSamples;
    const end = start + rowSamples;
    if (step === 3) accumulateRgb(data, start, end);
    else if (step === 1) accumulateGray(data, start, end);
    else for (let i = start + step; i < end; i++) data[i] = data[i]! + data[i - step]!;
  }
}

function accumulateGray(data: Uint8Array, start: number, end: number): void {
  let value = 0;
  for (let i = start; i < end; i++) {
    value = value + data[i]! & 255;
    data[i] = value;
  }
}

/** The usual case on its own: running values in registers are twice as fast as reading them back. */
function accumulateRgb(data: Uint8Array, start: number, end: number): void {
  let r = 0;
  let g = 0;
  let b = 0;
  for (let i = start; i + 2 < end; i += 3) {
    r = r + data[i]! & 255;
    g = g + data[i + 1]! & 255;
    b = b + data[i + 2]! & 255;
    data[i] = r;
    data[i + 1] = g;
    data[i + 2] = b;
  }
}

function accumulate(data: Uint16Array | Uint32Array, { rowSamples, rows, step }: Rows): void {
  for (let row = 0; row < rows; row++) {
    const start = row * rowSamples;
    const end = start + rowSamples;
    for (let i = start + step; i < end; i++) data[i] = data[i]! + data[i - step]!;
  }
}

function accumulate64(data: BigUint64Array, { rowSamples, rows, step }: Rows): void {
  for (let row = 0; row < rows; row++) {
    const start = row * rowSamples;
    const end = start + rowSamples;
    for (let i = start + step; i < end; i++) data[i] = data[i]! + data[i - step]!;
  }
}

/**
 * Undoes predictor 3 (TIFF Technical Note 3: floating point) in place: the bytes of a row are differenced one by one and
 * sorted by significance, highest first, whatever the file's byte order. The result is in little-endian order.
 */
export function undoFloatingPoint(data: Uint8Array, bits: number, { rowSamples, rows, step }: Rows): void {
  const size = bits / 8;
  const rowBytes = rowSamples * size;
  const row = new Uint8Array(rowBytes);
  for (let r = 0; r < rows; r++) {
    const start = r * rowBytes;
    for (let i = start + step; i < start + rowBytes; i++) data[i] = data[i]! + data[i - step]!;
    row.set(data.subarray(start, start + rowBytes));
    for (let byte = 0; byte < size; byte++) {
      const from = (size - 1 - byte) * rowSamples;
      let to = start + byte;
      for (let i = 0; i < rowSamples; i++, to += size) data[to] = row[from + i]!;
    }
  }
}
