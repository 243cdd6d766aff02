import type { SceneProfile, Window } from '../../raster/index.js';

/** Edge in scene pixels of what is read at once, about. */
export const READ_EDGE = 1024;
/** What is made of more pixels of the scene than this is made of several reads. */
export const MOST_READ = (2 * READ_EDGE) ** 2;

/** A large window in parts of about {@link READ_EDGE} pixels square, which keep to the blocks that the file has, to decode each once. */
export function* windowParts({ x, y, width, height }: Window, { blockWidth, blockHeight }: Pick<SceneProfile, 'blockWidth' | 'blockHeight'>): Generator<Window> {
  const wide = Math.min(READ_EDGE ** 2, blockWidth * Math.max(1, Math.floor(READ_EDGE / blockWidth)));
  const rows = Math.floor(READ_EDGE ** 2 / wide);
  const high = rows < blockHeight ? rows : rows - (rows % blockHeight);
  for (let top = y; top < y + height;) {
    const bottom = Math.min(y + height, top - (top % high) + high);
    for (let left = x; left < x + width;) {
      const right = Math.min(x + width, left - (left % wide) + wide);
      yield { x: left, y: top, width: right - left, height: bottom - top };
      left = right;
    }
    top = bottom;
  }
}
