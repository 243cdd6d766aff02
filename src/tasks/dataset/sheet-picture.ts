import type { MaskClass, Picture } from '../../dataset/index.js';
import { IGNORE } from '../../samples/index.js';

/** A picture and its classes in their colours; red, green, blue, alpha. */
export interface SheetPicture {
  readonly image: Picture;
  readonly drawn: Picture;
}

/** Longest edge of a picture on a sheet, in pixels. */
const SHEET_EDGE = 400;

/** A picture and its mask in colours, reduced by leaving pixels out while rows come. */
export function sheetPicture(width: number, height: number): SheetPicture & { add(y: number, pixels: Uint8Array, mask: Uint8Array, classes: readonly Pick<MaskClass, 'color'>[]): void } {
  const step = Math.max(1, Math.ceil(Math.max(width, height) / SHEET_EDGE));
  const size = { width: Math.ceil(width / step), height: Math.ceil(height / step) };
  const image = { ...size, data: new Uint8Array(size.width * size.height * 4).fill(255) };
  const drawn = { ...size, data: new Uint8Array(size.width * size.height * 4).fill(255) };
  return {
    image, drawn,
    add(first, pixels, mask, classes) {
      const rows = mask.length / width;
      for (let y = Math.ceil(first / step) * step; y < first + rows; y += step) {
        for (let x = 0; x < width; x += step) {
          const from = (y - first) * width + x;
          const to = ((y / step) * size.width + x / step) * 4;
          image.data.set(pixels.subarray(from * 3, from * 3 + 3), to);
          drawn.data.set(mask[from] === IGNORE ? [255, 255, 255] : classes[mask[from]!]!.color, to);
        }
      }
    },
  };
}
