import { intersect } from '../raster/index.js';
import { drawMap } from './map-frame.js';
import type { MapFrame } from './map-frame.js';
import type { Picture } from './picture.js';
import { svgBox } from './svg.js';

/** A coloured cell of a chip map, in scene pixels. */
export interface ChipCell {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** `#rrggbb`; absent for chips without a tag: only the frame is drawn. */
  readonly color?: string;
}

export interface ChipMapOptions extends MapFrame {
  /** The scene, reduced. */
  readonly scene: Picture;
  /** Size of the whole scene in pixels: the cells' coordinates. */
  readonly sceneWidth: number;
  readonly sceneHeight: number;
  readonly cells: Iterable<ChipCell>;
  /** Default 0.5. */
  readonly opacity?: number;
}

/** Above this number of cells their frames would hide the picture; only the colours are drawn. */
const MAX_FRAMED_CELLS = 20_000;
/** Frames are drawn from this size of a cell in picture pixels. */
const MIN_FRAMED_PIXELS = 8;

/**
 * The scene under coloured chips, with legend, as PNG. Colours are painted into a picture as large as the scene's thumbnail,
 * so a million chips need no more memory than one; frames are drawn only where they can be seen.
 */
export async function renderChipMap(options: ChipMapOptions): Promise<Buffer> {
  const { scene, opacity = 0.5 } = options;
  const veil: Picture = { data: new Uint8Array(scene.width * scene.height * 4), width: scene.width, height: scene.height };
  const toX = scene.width / options.sceneWidth;
  const toY = scene.height / options.sceneHeight;
  const frames: ChipCell[] = [];
  const alpha = Math.round(opacity * 255);
  for (const cell of options.cells) {
    const inside = intersect(cell, { x: 0, y: 0, width: options.sceneWidth, height: options.sceneHeight });
    if (inside === undefined) continue;
    const scaled = {
      x: inside.x * toX, y: inside.y * toY, width: inside.width * toX, height: inside.height * toY,
      ...(cell.color === undefined ? {} : { color: cell.color }),
    };
    if (cell.color !== undefined) paint(veil, scene, scaled, cell.color, alpha);
    if (frames.length <= MAX_FRAMED_CELLS) frames.push(scaled);
  }
  const framed = frames.length <= MAX_FRAMED_CELLS;
  return drawMap([{
    layers: [scene, veil],
    over: ({ x, y, factor }) => (framed ? frames : [])
      .filter((cell) => Math.min(cell.width, cell.height) * factor >= MIN_FRAMED_PIXELS)
      .map((cell) => svgBox({
        x: x + cell.x * factor + 0.5, y: y + cell.y * factor + 0.5, width: cell.width * factor - 1, height: cell.height * factor - 1,
        stroke: cell.color ?? '#ffffff66', strokeWidth: cell.color === undefined ? 0.5 : 1,
      })),
  }], options);
}

/** Fills the pixels whose centres lie in the cell, but for those where the scene has no data. */
function paint(veil: Picture, scene: Picture, cell: ChipCell, color: string, alpha: number): void {
  const value = Number.parseInt(color.slice(1), 16);
  const x0 = Math.max(0, Math.round(cell.x));
  const x1 = Math.min(veil.width, Math.max(Math.round(cell.x + cell.width), x0 + 1));
  const y0 = Math.max(0, Math.round(cell.y));
  const y1 = Math.min(veil.height, Math.max(Math.round(cell.y + cell.height), y0 + 1));
  for (let y = y0; y < y1; y++) {
    for (let x = x0; x < x1; x++) {
      const at = (y * veil.width + x) * 4;
      if (scene.data[at + 3] === 0) continue;
      veil.data[at] = value >> 16;
      veil.data[at + 1] = (value >> 8) & 255;
      veil.data[at + 2] = value & 255;
      veil.data[at + 3] = alpha;
    }
  }
}
