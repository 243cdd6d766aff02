/**
 * The squares of the CIE (u', v') plane that LogLuv of 24 bits counts through: rows of rising v', in each the u' where the visible
 * colours begin, and how many squares they are. The starts are the shortest numbers that give what libtiff decodes for every
 * code (fixtures/scene/make_log_luv.py).
 */
const ROWS: readonly (readonly [start: number, squares: number])[] = [
  [0.24766, 4], [0.24378, 6], [0.24168, 7], [0.237873, 9], [0.235906, 10], [0.232153, 12], [0.228352, 14], [0.22626, 15],
  [0.222371, 17], [0.22041, 18], [0.21471, 21], [0.212714, 22], [0.210722, 23], [0.204976, 26], [0.202985, 27], [0.199245, 29],
  [0.195525, 31], [0.19356, 32], [0.189878, 34], [0.186216, 36], [0.186216, 36], [0.182592, 38], [0.179002, 40], [0.175466, 42],
  [0.172, 44], [0.172, 44], [0.168612, 46], [0.168612, 46], [0.163576, 49], [0.158641, 52], [0.158641, 52], [0.158641, 52],
  [0.153815, 55], [0.153815, 55], [0.149097, 58], [0.149097, 58], [0.142745, 62], [0.142745, 62], [0.142745, 62], [0.13827, 65],
  [0.13827, 65], [0.13827, 65], [0.132165, 69], [0.132165, 69], [0.126204, 73], [0.126204, 73], [0.126204, 73], [0.120381, 77],
  [0.120381, 77], [0.120381, 77], [0.120381, 77], [0.112962, 82], [0.112962, 82], [0.112962, 82], [0.10745, 86], [0.10745, 86],
  [0.10745, 86], [0.10745, 86], [0.100343, 91], [0.100343, 91], [0.100343, 91], [0.095126, 95], [0.095126, 95], [0.095126, 95],
  [0.095126, 95], [0.088276, 100], [0.088276, 100], [0.088276, 100], [0.088276, 100], [0.081523, 105], [0.081523, 105],
  [0.081523, 105], [0.081523, 105], [0.074861, 110], [0.074861, 110], [0.074861, 110], [0.074861, 110], [0.06829, 115],
  [0.06829, 115], [0.06829, 115], [0.06829, 115], [0.063573, 119], [0.063573, 119], [0.063573, 119], [0.063573, 119],
  [0.057219, 124], [0.057219, 124], [0.057219, 124], [0.057219, 124], [0.050985, 129], [0.050985, 129], [0.050985, 129],
  [0.050985, 129], [0.050985, 129], [0.044859, 134], [0.044859, 134], [0.044859, 134], [0.044859, 134], [0.040571, 138],
  [0.040571, 138], [0.040571, 138], [0.040571, 138], [0.036339, 142], [0.036339, 142], [0.036339, 142], [0.036339, 142],
  [0.032139, 146], [0.032139, 146], [0.032139, 146], [0.032139, 146], [0.027947, 150], [0.027947, 150], [0.027947, 150],
  [0.023739, 154], [0.023739, 154], [0.023739, 154], [0.023739, 154], [0.019504, 158], [0.019504, 158], [0.019504, 158],
  [0.016976, 161], [0.016976, 161], [0.016976, 161], [0.016976, 161], [0.012639, 165], [0.012639, 165], [0.012639, 165],
  [0.009991, 168], [0.009991, 168], [0.009991, 168], [0.009016, 170], [0.009016, 170], [0.009016, 170], [0.006217, 173],
  [0.006217, 173], [0.005097, 175], [0.005097, 175], [0.005097, 175], [0.003909, 177], [0.003909, 177], [0.00234, 177],
  [0.002389, 170], [0.001068, 164], [0.001653, 157], [0.000717, 150], [0.001614, 143], [0.00027, 136], [0.000484, 129],
  [0.001103, 123], [0.001242, 115], [0.001188, 109], [0.001011, 103], [0.000709, 97], [0.000301, 89], [0.002416, 82],
  [0.003251, 76], [0.003246, 69], [0.004141, 62], [0.005963, 55], [0.008838, 47], [0.01049, 40], [0.016994, 31], [0.023659, 21],
];

/** Edge of a square, and where the lowest row begins; single precision, as in libtiff. */
const SQUARE = Math.fround(0.0035);
const LOWEST = Math.fround(0.01694);

/** Grey, for codes beyond the last square. */
const NEUTRAL = [0.210526316, 0.473684211] as const;

/** What is added to the ten bits of luminance to have it in the scale of 16 bits. */
const LUMINANCE_OFFSET = 13314;

/** u' and v' times 2^15 of every colour code of 14 bits. */
const CHROMA = chromaTable();

function chromaTable(): Uint16Array {
  const table = new Uint16Array(2 ** 15);
  let code = 0;
  for (const [row, [start, squares]] of ROWS.entries()) {
    for (let i = 0; i < squares; i++) {
      table[2 * code] = (start + (i + 0.5) * SQUARE) * 32768;
      table[2 * code + 1] = (LOWEST + (row + 0.5) * SQUARE) * 32768;
      code++;
    }
  }
  for (; code < 2 ** 14; code++) table.set(NEUTRAL.map((value) => value * 32768), 2 * code);
  return table;
}

/**
 * Decodes LogLuv of 24 bits (G. Ward Larson, 1998): ten bits of log luminance and a colour code of 14 bits per pixel, without
 * runs, as libtiff gives it in 16 bits: log luminance, and u', v' times 2^15.
 * @throws {RangeError} if the codes end before `pixels` of them
 */
export function decodeSgiLog24(stored: Uint8Array, pixels: number): Int16Array {
  if (stored.length < 3 * pixels) throw new RangeError(`its codes end at pixel ${Math.floor(stored.length / 3)} of ${pixels}`);
  const out = new Int16Array(3 * pixels);
  for (let i = 0; i < 3 * pixels; i += 3) {
    const code = (stored[i]! << 16) | (stored[i + 1]! << 8) | stored[i + 2]!;
    const colour = code & 0x3fff;
    // Two bits of the luminance share the mask with the colour code; libtiff leaves one of them out.
    out[i] = ((code >> 12) & 0xffd) + LUMINANCE_OFFSET;
    out[i + 1] = CHROMA[2 * colour]!;
    out[i + 2] = CHROMA[2 * colour + 1]!;
  }
  return out;
}
