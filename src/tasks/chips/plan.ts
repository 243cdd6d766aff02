import { patchCount, patchesOfStrip } from '../../grid/index.js';
import { memoryPlan, peakRss } from '../../run/index.js';
import type { MemoryPlan, TaskContext } from '../../run/index.js';
import { readMemory } from '../../scene/index.js';
import { predictFile } from './files.js';
import type { ChipFileReader, ChipFiles } from './files.js';
import { FILE_GROUP } from './rows.js';
import { chipStripBytes, predictGroupOf } from './strips.js';
import type { ChipSource } from './strips.js';

/** What a run over the chips of a scene will do and need. Printed by `--dry-run`. */
export interface ChipPlan {
  readonly width: number;
  readonly height: number;
  readonly patchSize: number;
  readonly overlap: number;
  readonly strips: number;
  readonly chips: number;
  /** Predicted peak of the process's resident memory, part by part. */
  readonly memory: MemoryPlan;
  /** Measured on chips in the middle of the scene, all engines together. */
  readonly secondsPerChip: number;
  readonly estimatedSeconds: number;
  readonly estimatedOutputBytes: number;
  readonly estimatedTemporaryBytes: number;
  readonly device: string;
  readonly warnings: readonly string[];
}

/** Pixel buffers that are free but not collected: measured on tile 7 of the Dubai scenes, 55 to 75 MB. */
const UNCOLLECTED_BYTES = 64 * 1024 * 1024;
/** Chips that are measured per engine. */
const MEASURED = 8;

/** Measures chips from the middle of the scene and derives from them what the run will need. */
export async function planChips(
  source: ChipSource & { readonly warnings: readonly string[] },
  bytes: { readonly output: number; readonly temporary: number; /** Memory of the map. */ readonly picture?: number }, context: TaskContext,
): Promise<ChipPlan> {
  const { grid, predictor, scene } = source;
  const middle = patchesOfStrip(grid, Math.floor(grid.rows.length / 2));
  const chosen = middle.slice(Math.max(0, Math.floor(middle.length / 2) - MEASURED / 2)).slice(0, MEASURED);
  const measure = (): Promise<unknown> => Promise.all(Array.from({ length: predictor.concurrency }, () => predictGroupOf(source, chosen, context.signal)));
  await measure(); // warms the engine up, and shows what memory it takes
  const started = performance.now();
  await measure();
  const secondsPerChip = (performance.now() - started) / 1000 / (chosen.length * predictor.concurrency);
  const chips = patchCount(grid);
  return {
    width: grid.sceneWidth, height: grid.sceneHeight, patchSize: grid.patchWidth, overlap: grid.overlap, strips: grid.rows.length, chips,
    memory: memoryPlan([
      { name: 'process and engine, measured', bytes: peakRss() },
      { name: 'blocks of the scene', bytes: readMemory(scene.profile, grid.patchHeight) },
      { name: 'chips under way', bytes: chipStripBytes(source, predictor.concurrency) },
      { name: 'buffers not collected yet', bytes: UNCOLLECTED_BYTES },
      ...(bytes.picture === undefined ? [] : [{ name: 'map', bytes: bytes.picture }]),
    ]),
    secondsPerChip, estimatedSeconds: secondsPerChip * chips, estimatedOutputBytes: bytes.output, estimatedTemporaryBytes: bytes.temporary,
    device: predictor.device, warnings: source.warnings,
  };
}

export interface FilePlanOptions {
  readonly files: ChipFiles['files'];
  readonly reader: ChipFileReader;
  /** Size of the first file. */
  readonly width: number;
  readonly height: number;
  /** Bytes per chip in the run's folder, and in the results. */
  readonly rowBytes: number;
  readonly tableBytes: number;
  readonly warnings: readonly string[];
}

/** Bytes per chip file of the list of files, with sizes and places. */
const LISTED_BYTES = 400;

/** Measures the first files of a folder of chips. */
export async function planFiles(options: FilePlanOptions, context: TaskContext): Promise<ChipPlan> {
  const { files, reader } = options;
  const chosen = files.slice(0, MEASURED * reader.predictor.concurrency);
  const measure = (): Promise<unknown> => Promise.all(chosen.map(({ path }) => predictFile(reader, path, context.signal)));
  await measure();
  const started = performance.now();
  await measure();
  const secondsPerChip = (performance.now() - started) / 1000 / chosen.length;
  return {
    width: options.width, height: options.height, patchSize: options.width, overlap: 0, strips: Math.ceil(files.length / FILE_GROUP), chips: files.length,
    memory: memoryPlan([
      { name: 'process and engine, measured', bytes: peakRss() },
      { name: 'list of the files', bytes: files.length * LISTED_BYTES },
    ]),
    secondsPerChip, estimatedSeconds: secondsPerChip * files.length, estimatedOutputBytes: files.length * options.tableBytes,
    estimatedTemporaryBytes: files.length * options.rowBytes, device: reader.predictor.device, warnings: options.warnings,
  };
}
