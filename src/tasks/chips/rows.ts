import { join } from 'node:path';
import { throwIfAborted } from '../../errors.js';
import type { LonLat } from '../../georef/index.js';
import type { Grid } from '../../grid/index.js';
import { fullWindow } from '../../raster/index.js';
import { ordered } from '../../run/index.js';
import type { Journal, Json, TaskContext } from '../../run/index.js';
import { predictFile } from './files.js';
import type { ChipFileReader, ChipFiles } from './files.js';
import { chipPlaces } from './places.js';
import { chipStrips } from './strips.js';
import type { ChipSource } from './strips.js';
import { openRowFile } from './row-file.js';
import type { RowFile } from './row-file.js';

/** The model's answers for all chips of a run, one row each, in the run's folder; rows of chips without data are NaN. */
const FILE = 'rows.f32';
/** Chip files between two lines of the journal. */
export const FILE_GROUP = 64;
/** Chip files that are read ahead of those that the engine works on. */
const READ_AHEAD = 4;

export interface RowRun {
  readonly journal: Journal;
  /** Numbers per chip. */
  readonly length: number;
  /** For the progress display: `classify`, `embed`. */
  readonly stage: string;
}

/** Whether a row belongs to a chip that has data. */
export function isPredicted(row: Float32Array): boolean {
  return !Number.isNaN(row[0]);
}

/** Predicts the strips of a scene that the journal does not have yet. @returns the rows of all chips of the grid. */
export async function sceneRows(source: ChipSource, run: RowRun, context: TaskContext): Promise<RowFile> {
  const { journal, length } = run;
  const columns = source.grid.columns.length;
  const strips = source.grid.rows.length;
  const first = journal.states.length;
  const rows = await openRowFile(join(journal.folder, FILE), length, first * columns);
  const started = performance.now();
  try {
    for await (const strip of chipStrips(source, first, context)) {
      await rows.append(block(strip.values, length));
      await journal.append({ step: strip.row, state: null, carry: [] });
      const rate = ((strip.row + 1 - first) * columns) / ((performance.now() - started) / 1000);
      context.onProgress?.({ stage: run.stage, done: strip.row + 1, total: strips, unit: 'strips', detail: `${rate.toFixed(1)} chips/s` });
    }
    throwIfAborted(context.signal);
    return rows;
  } catch (error) {
    await rows.close();
    throw error;
  }
}

/** Size and place of a chip file, kept in the journal so that every file is opened once. */
export interface FilePlace {
  readonly size: readonly [width: number, height: number];
  readonly centre?: LonLat;
  readonly footprint?: readonly LonLat[];
}

/** Predicts the chip files that the journal does not have yet, a group at a time. @returns the rows of all files. */
export async function fileRows(files: ChipFiles['files'], reader: ChipFileReader, run: RowRun, context: TaskContext): Promise<RowFile> {
  const { journal, length } = run;
  const first = Math.min(files.length, journal.states.length * FILE_GROUP);
  const rows = await openRowFile(join(journal.folder, FILE), length, first);
  const started = performance.now();
  let done = first;
  let answers: (Float32Array | undefined)[] = [];
  let places: FilePlace[] = [];
  const work = ({ path }: { readonly path: string }): ReturnType<typeof predictFile> => predictFile(reader, path, context.signal);
  try {
    for await (const { profile, values } of ordered(files.slice(first), reader.predictor.concurrency + READ_AHEAD, work, context.signal)) {
      answers.push(values);
      places.push({ size: [profile.width, profile.height], ...chipPlaces(profile)(fullWindow(profile)) });
      done++;
      if (answers.length < FILE_GROUP && done < files.length) continue;
      await rows.append(block(answers, length));
      await journal.append({ step: journal.states.length, state: places as unknown as Json, carry: [] });
      answers = [];
      places = [];
      const rate = (done - first) / ((performance.now() - started) / 1000);
      context.onProgress?.({ stage: run.stage, done, total: files.length, unit: 'chips', detail: `${rate.toFixed(1)} chips/s` });
    }
    throwIfAborted(context.signal);
    return rows;
  } catch (error) {
    await rows.close();
    throw error;
  }
}

/** The rows of a finished run, to read them. @param chips their number, or the grid that they are of. */
export async function openRows(journal: Journal, chips: number | Grid, length: number): Promise<RowFile> {
  return openRowFile(join(journal.folder, FILE), length, typeof chips === 'number' ? chips : chips.columns.length * chips.rows.length);
}

/** The rows of chip files with sizes and places, in order. */
export async function* placedRows(journal: Journal, rows: RowFile, length: number): AsyncGenerator<{ readonly index: number; readonly row: Float32Array; readonly place: FilePlace }> {
  for (let group = 0; group < journal.states.length; group++) {
    const places = journal.states[group] as unknown as readonly FilePlace[];
    const values = await rows.read(group * FILE_GROUP, places.length);
    for (let i = 0; i < places.length; i++) {
      yield { index: group * FILE_GROUP + i, row: values.subarray(i * length, (i + 1) * length), place: places[i]! };
    }
  }
}

/** The rows of a scene's chips, strip by strip. */
export async function* griddedRows(source: Pick<ChipSource, 'grid'>, rows: RowFile, length: number): AsyncGenerator<{ readonly row: number; readonly column: number; readonly values: Float32Array }> {
  const columns = source.grid.columns.length;
  for (let row = 0; row < source.grid.rows.length; row++) {
    const values = await rows.read(row * columns, columns);
    for (let column = 0; column < columns; column++) yield { row, column, values: values.subarray(column * length, (column + 1) * length) };
  }
}

function block(answers: readonly (Float32Array | undefined)[], length: number): Float32Array {
  const values = new Float32Array(answers.length * length).fill(Number.NaN);
  answers.forEach((answer, i) => { if (answer !== undefined) values.set(answer, i * length); });
  return values;
}
