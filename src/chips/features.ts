import { roundTo, tagList } from './fields.js';
import { footprintGeometry } from './geojson.js';
import type { Chip, ChipWriter } from './types.js';

/** A column of a table of features. */
export interface ChipField {
  readonly name: string;
  readonly type: 'int32' | 'float64' | 'string';
}

/** What takes chips as features, such as a file of a vector format; coordinates are WGS 84, longitude first. */
export interface ChipFeatureSink {
  write(feature: { readonly polygons?: readonly (readonly (readonly number[])[])[]; readonly values: readonly (string | number | null)[] }): Promise<void>;
  finish(): Promise<void>;
  abort(): Promise<void>;
}

/** Columns of tables of chips: as in `chips.geojson`. */
export function chipFields(tags: readonly string[]): ChipField[] {
  return [
    { name: 'chip', type: 'string' },
    ...['x', 'y', 'width', 'height'].map((name): ChipField => ({ name, type: 'int32' })),
    { name: 'tags', type: 'string' },
    ...tags.map((tag): ChipField => ({ name: `p_${tag}`, type: 'float64' })),
  ];
}

/** Writes chips as features with their footprints, cut at the antimeridian, and the columns of {@link chipFields}. */
export function createChipFeatures(sink: ChipFeatureSink, tags: readonly string[]): ChipWriter {
  return {
    write(chip: Chip) {
      const { window, probabilities } = chip;
      return sink.write({
        ...(chip.footprint === undefined ? {} : { polygons: polygonsOf(chip.footprint) }),
        values: [
          chip.id, window.x, window.y, window.width, window.height, probabilities === undefined ? null : tagList(chip.tags, tags),
          ...tags.map((_, i) => (probabilities === undefined ? null : roundTo(probabilities[i] ?? 0, 6))),
        ],
      });
    },
    finish: () => sink.finish(),
    abort: () => sink.abort(),
  };
}

function polygonsOf(footprint: NonNullable<Chip['footprint']>): number[][][] {
  const geometry = footprintGeometry(footprint);
  const polygons = geometry.type === 'Polygon' ? [geometry.coordinates] : geometry.coordinates;
  return polygons.map((rings) => rings.map((ring) => ring.flatMap(([lon, lat]) => [lon, lat])));
}
