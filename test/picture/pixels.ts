import sharp from 'sharp';

/** A decoded PNG and questions about its pixels. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  at(x: number, y: number): readonly [number, number, number, number];
  /** Pixels of exactly this colour, and the box around them. */
  find(color: string): { count: number; x0: number; y0: number; x1: number; y1: number };
  /** Pixels darker than grey 128 in a rectangle. */
  ink(x: number, y: number, width: number, height: number): number;
}

export async function decode(png: Uint8Array): Promise<Pixels> {
  const { data, info } = await sharp(png).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const at = (x: number, y: number): [number, number, number, number] => {
    const i = (Math.round(y) * width + Math.round(x)) * 4;
    return [data[i]!, data[i + 1]!, data[i + 2]!, data[i + 3]!];
  };
  return {
    width, height, at,
    find(color) {
      const value = Number.parseInt(color.slice(1), 16);
      const found = { count: 0, x0: width, y0: height, x1: -1, y1: -1 };
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const [r, g, b] = at(x, y);
          if (((r << 16) | (g << 8) | b) !== value) continue;
          found.count++;
          found.x0 = Math.min(found.x0, x);
          found.x1 = Math.max(found.x1, x);
          found.y0 = Math.min(found.y0, y);
          found.y1 = Math.max(found.y1, y);
        }
      }
      return found;
    },
    ink(x, y, w, h) {
      let count = 0;
      for (let row = y; row < y + h; row++) {
        for (let column = x; column < x + w; column++) {
          const [r, g, b] = at(column, row);
          if (r * 0.3 + g * 0.6 + b * 0.1 < 128) count++;
        }
      }
      return count;
    },
  };
}
