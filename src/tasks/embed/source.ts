import type { DataType } from '../../raster/index.js';
import type { Predictor } from '../../predict/index.js';
import type { EmbeddedEntry, IndexSource } from '../../index-store/index.js';
import type { Journal, Json, TaskContext } from '../../run/index.js';
import type { ChipPlan } from '../chips/plan.js';

/** Opens the engine for patches of a sample type, once for all sources. */
export type OpenEngine = (dtype: DataType, patch: { readonly width: number; readonly height: number }) => Promise<Predictor>;

/** Something whose chips are embedded: a scene, or a folder of chip files. */
export interface EmbedSource {
  /** Begins the ids of its entries. */
  readonly name: string;
  readonly chips: number;
  /** Steps of the journal. */
  readonly strips: number;
  readonly warnings: readonly string[];
  /** What the vectors depend on, the model not counted. */
  readonly identity: Readonly<Record<string, Json>>;
  /** What the index says of it. */
  readonly description: Omit<IndexSource, 'count' | 'nodata'>;
  plan(engine: OpenEngine, context: TaskContext): Promise<ChipPlan>;
  /** Predicts what the journal does not have yet. */
  predict(journal: Journal, engine: OpenEngine, context: TaskContext): Promise<void>;
  /** Entries and vectors of the chips that have data, when all are predicted. */
  entries(journal: Journal): AsyncGenerator<EmbeddedEntry>;
  /** Closes its files; they are opened again when they are needed. */
  close(): Promise<void>;
}

/** Longitude and latitude as an entry has them, to about a centimetre. */
export function lonLat(centre: readonly [number, number] | undefined): { lon?: number; lat?: number } {
  const round = (value: number): number => Math.round(value * 1e7) / 1e7;
  return centre === undefined ? {} : { lon: round(centre[0]), lat: round(centre[1]) };
}
