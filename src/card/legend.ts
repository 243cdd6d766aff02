import type { Rgba } from '../raster/index.js';
import type { CardClass, ModelCard } from './types.js';

/** One line of a legend. */
export interface LegendEntry {
  readonly value: number;
  readonly name: string;
  readonly color: Rgba;
}

/**
 * Colours for classes that bring none: Okabe and Ito's eight, told apart also by people who do not see all colours
 * (https://jfly.uni-koeln.de/color/), black last; then hues by the golden angle.
 */
const OKABE_ITO = ['#e69f00', '#56b4e9', '#009e73', '#f0e442', '#0072b2', '#d55e00', '#cc79a7', '#000000'] as const;
const GOLDEN_ANGLE = 137.508;

/** The legend of a card: classes in the order of their values, colours opaque. */
export function legend(card: ModelCard): readonly LegendEntry[] {
  return card.output.classes.map((entry: CardClass) => ({ value: entry.value, name: entry.name, color: parseColor(entry.color_hint) }));
}

/** Colours by pixel value, for a theme map's palette. */
export function palette(card: ModelCard): readonly Rgba[] {
  return legend(card).map((entry) => entry.color);
}

/** `#rrggbb` as red, green, blue and opaque alpha. */
export function parseColor(color: string): Rgba {
  const bits = Number.parseInt(color.slice(1), 16);
  return [(bits >> 16) & 255, (bits >> 8) & 255, bits & 255, 255];
}

/** A colour for the class `index`, `#rrggbb`: distinct for any number of classes. */
export function defaultColor(index: number): string {
  const listed = OKABE_ITO[index];
  if (listed !== undefined) return listed;
  const hue = (index * GOLDEN_ANGLE) % 360;
  const lightness = index % 2 === 0 ? 0.45 : 0.65;
  return hslToHex(hue, 0.6, lightness);
}

/** HSL (degrees, 0–1, 0–1) to `#rrggbb`; CSS Color Module Level 4, section 7.1. */
function hslToHex(hue: number, saturation: number, lightness: number): string {
  const channel = (n: number): string => {
    const k = (n + hue / 30) % 12;
    const value = lightness - saturation * Math.min(lightness, 1 - lightness) * Math.max(-1, Math.min(k - 3, 9 - k, 1));
    return Math.round(value * 255).toString(16).padStart(2, '0');
  };
  return `#${channel(0)}${channel(8)}${channel(4)}`;
}
