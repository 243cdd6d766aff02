import type { Rgba } from '../raster/index.js';
import { formatArea, formatShare } from './format.js';
import { drawMap } from './map-frame.js';
import type { Panel } from './map-frame.js';
import type { Picture } from './picture.js';
import { parseColor } from './picture.js';
import { classPicture } from './stretch.js';

export interface ThemeClass {
  /** Pixel value. */
  readonly value: number;
  readonly name: string;
  /** `#rrggbb`. */
  readonly color: string;
  /** Share of the classified pixels, 0–1. */
  readonly share?: number;
  /** Hectares, where the ground size is known. */
  readonly areaHa?: number;
}

export interface ThemePreviewOptions {
  /** The scene, reduced. */
  readonly scene: Picture;
  /** Class ids of the same size as `scene` (nearest or most frequent, never averaged), row by row. */
  readonly classes: Uint8Array;
  readonly legend: readonly ThemeClass[];
  /** Id of pixels without data: transparent. */
  readonly nodata?: number;
  readonly title: string;
  readonly subtitle?: string;
  readonly footnote?: string;
  /** Metres per pixel of `scene`, for the scale bar. */
  readonly metresPerPixel?: number;
  /** How strongly the classes cover the scene, 0–1. Default 0.55. */
  readonly opacity?: number;
  /** What is shown side by side. Default: the scene, and the classes over it. */
  readonly panels?: readonly ('scene' | 'overlay' | 'classes')[];
}

const CAPTIONS = { scene: 'Scene', overlay: 'Map over the scene', classes: 'Map' } as const;

/** A theme map over its scene with legend, shares, areas and scale bar, as PNG. */
export async function renderThemePreview(options: ThemePreviewOptions): Promise<Buffer> {
  const { scene, classes } = options;
  if (classes.length !== scene.width * scene.height) {
    throw new RangeError(`theme preview: ${classes.length} class ids for a picture of ${scene.width} × ${scene.height}`);
  }
  const veil = Math.round(255 * (options.opacity ?? 0.55));
  const kinds = options.panels ?? ['scene', 'overlay'];
  const panels = kinds.map((kind): Panel => {
    const layers = kind === 'scene' ? [scene]
      : kind === 'classes' ? [classPicture(classes, scene, paletteOf(options.legend, 255), options.nodata)]
        : [scene, classPicture(classes, scene, paletteOf(options.legend, veil), options.nodata)];
    return { layers, ...(kinds.length > 1 ? { caption: CAPTIONS[kind] } : {}) };
  });
  const largest = Math.max(0, ...options.legend.map((entry) => entry.areaHa ?? 0));
  const areas = options.legend.some((entry) => entry.areaHa !== undefined);
  const shares = options.legend.some((entry) => entry.share !== undefined);
  return drawMap(panels, {
    title: options.title,
    ...(options.subtitle === undefined ? {} : { subtitle: options.subtitle }),
    ...(options.footnote === undefined ? {} : { footnote: options.footnote }),
    ...(options.metresPerPixel === undefined ? {} : { metresPerPixel: options.metresPerPixel }),
    legend: {
      entries: options.legend.map((entry) => ({
        name: entry.name,
        color: entry.color,
        values: [
          ...(shares ? [entry.share === undefined ? '' : formatShare(entry.share)] : []),
          ...(areas ? [entry.areaHa === undefined ? '' : formatArea(entry.areaHa, largest)] : []),
        ],
      })),
      ...(shares || areas ? { headings: [...(shares ? ['share'] : []), ...(areas ? ['area'] : [])] } : {}),
    },
  });
}

/** Colours by class id with one alpha. */
function paletteOf(legend: readonly ThemeClass[], alpha: number): Rgba[] {
  const palette: Rgba[] = Array.from({ length: 256 }, () => [0, 0, 0, 0]);
  for (const entry of legend) {
    const [r, g, b] = parseColor(entry.color);
    palette[entry.value] = [r, g, b, alpha];
  }
  return palette;
}
