import { InvalidOptionError } from '../../errors.js';
import type { ModelCard } from '../../card/index.js';
import type { Grid } from '../../grid/index.js';
import type { Raster, SceneProfile, TypedArray, Window } from '../../raster/index.js';
import { fixedInputSize } from '../model-input.js';

/** Edge of a chip where neither model nor user say one. */
const DEFAULT_CHIP = 256;

/**
 * The edge of a scene's chips in pixels: as asked, else the window that the card names, else the model's input. The predictor
 * reduces chips that are larger than the model's input by area averaging.
 * @throws {InvalidOptionError} if the asked size is smaller than the model's input, or no multiple of what it needs.
 */
export function chipEdge(card: ModelCard, asked?: number): number {
  const fixed = fixedInputSize(card.input);
  const least = fixed === undefined ? 1 : Math.max(fixed.width, fixed.height);
  const multiple = fixed === undefined ? card.input.multiple_of ?? 1 : 1;
  const edge = asked ?? card.input.window ?? fixed?.width ?? Math.ceil(DEFAULT_CHIP / multiple) * multiple;
  if (!Number.isInteger(edge) || edge < least) {
    throw new InvalidOptionError('--patch-size', `${card.name} takes a whole number of pixels from ${least}, got ${edge}`, {
      advice: card.input.window === undefined ? 'chips are reduced to the model\'s input, never enlarged' : `it was trained on chips of ${card.input.window}`,
    });
  }
  if (edge % multiple !== 0) {
    throw new InvalidOptionError('--patch-size', `${card.name} takes multiples of ${multiple} pixels, got ${edge}`, {
      advice: `take ${Math.max(1, Math.round(edge / multiple)) * multiple}`,
    });
  }
  return edge;
}

/** A chip's name: the scene's with row and column, padded so that names sort as chips lie. */
export function chipId(scene: string, grid: Pick<Grid, 'rows' | 'columns'>, row: number, column: number): string {
  const digits = Math.max(4, String(Math.max(grid.rows.length, grid.columns.length) - 1).length);
  return `${scene}_r${String(row).padStart(digits, '0')}_c${String(column).padStart(digits, '0')}`;
}

/** Whether any pixel of a part of a raster has data. */
export function hasData(raster: Raster, part: Window): boolean {
  const { mask, width } = raster;
  if (mask === undefined) return true;
  for (let y = part.y; y < part.y + part.height; y++) {
    for (let i = y * width + part.x; i < y * width + part.x + part.width; i++) if (mask[i] !== 0) return true;
  }
  return false;
}

/** Copies a part of a pixel-interleaved raster to `target` from `offset` on. */
export function cutPart(raster: Raster, part: Window, target: TypedArray, offset: number): void {
  const { bands, width, data } = raster;
  // Bytes, whatever the samples: a native copy per row, without a view of each.
  const from = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const to = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
  const pixel = bands * data.BYTES_PER_ELEMENT;
  const length = part.width * pixel;
  const begin = offset * data.BYTES_PER_ELEMENT;
  for (let y = 0; y < part.height; y++) {
    const at = ((part.y + y) * width + part.x) * pixel;
    from.copy(to, begin + y * length, at, at + length);
  }
}

/** How a scene is called in ids: by its file, and by its page where that is not the first. */
export function pageName(name: string, { page }: SceneProfile): string {
  return page === undefined || page.index === 0 ? name : `${name}_p${page.index + 1}`;
}
