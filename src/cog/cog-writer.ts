import { rm } from 'node:fs/promises';
import { OutputError } from '../errors.js';
import { bytesPerSample, dataTypeOf, type TypedArray } from '../raster/index.js';
import { assemble } from './assemble.js';
import { chooseCog } from './choices.js';
import { encodeMask } from './encode.js';
import type { KeptRowsMark } from './kept-rows.js';
import { layOut } from './layout.js';
import { outputError, writingTo } from './output.js';
import { isKernelPacking } from './pack-kernel.js';
import { createPacker } from './packer.js';
import { openPlane, type Plane, type PlaneMark } from './plane.js';
import { CHUNK_ROWS, madeWith, maskFolder, maskOptions, reducersOf, sampleOptions, type CogPlan, planCog } from './plan.js';
import type { Reducer } from './reducer.js';
import { createStatistics, statisticsItems, type BandStatistics, type Statistics } from './statistics.js';
import type { CogCheckpoint, CogOptions, CogWriter } from './types.js';

/** What a checkpoint says. Plain JSON; a type, because interfaces are not assignable to index signatures. */
type CheckpointState = PlaneMark & {
  /** The options on which the bytes depend. */
  readonly made: string;
  /** Rows taken by every level. */
  readonly rows: readonly number[];
  readonly mask?: PlaneMark;
  readonly statistics?: readonly BandStatistics[];
};

/**
 * A cloud-optimised GeoTIFF that is written while its rows come in, in order, each once. In memory are one row of blocks per
 * level and a bounded queue ({@link cogMemory}); packed blocks wait in `options.scratch`. The bytes of the file depend on
 * the rows and options only, not on how many rows a call brings, on parallelism, or on interruptions.
 * @throws {InvalidOptionError} if options do not fit each other.
 * @throws {EnvironmentError} if this Node lacks the compression.
 * @throws {OutputError} if the scratch folder cannot be written.
 */
export async function createCog(options: CogOptions): Promise<CogWriter> {
  return await openWriter(planCog(options, chooseCog(options)));
}

/**
 * Goes on from a checkpoint of the same options: what was spooled after it is cut off. The final bytes are those of an
 * uninterrupted run.
 * @throws {OutputError} if the scratch folder does not fit the checkpoint, or was made with other options.
 */
export async function resumeCog(options: CogOptions, checkpoint: CogCheckpoint): Promise<CogWriter> {
  const plan = planCog(options, chooseCog(options));
  const state = checkpoint.state as unknown as CheckpointState;
  if (state.made !== madeWith(plan)) {
    throw new OutputError(options.scratch, 'it was begun with other options', { advice: 'use the same options, or --overwrite to start again' });
  }
  return await writingTo(options.scratch, () => openWriter(plan, { state, carry: checkpoint.carry }));
}

async function openWriter(plan: CogPlan, at?: { readonly state: CheckpointState; readonly carry: Uint8Array }): Promise<CogWriter> {
  const { options, choices } = plan;
  const packer = createPacker(choices.packing, { blockSize: choices.blockSize, threads: choices.concurrency, blocks: plan.blocks });
  const samples = await openPlane(sampleOptions(plan, (block) => packer.pack(block)), at && { mark: at.state, rows: at.state.rows });
  let mask: Plane | undefined;
  try {
    if (choices.mask) mask = await openPlane(maskOptions(plan, (block) => encodeMask(block as Uint8Array)), at && { mark: at.state.mask!, rows: at.state.rows });
    const reducers = reducersOf(plan);
    if (at !== undefined) restoreReducers(reducers, samples, mask, at.carry);
    const counted = { width: options.width, bands: options.bands, nodata: choices.nodata, alphaBand: options.alphaBand };
    const statistics = choices.statistics ? createStatistics(counted, at?.state.statistics) : undefined;
    return createWriter({ plan, planes: mask === undefined ? [samples] : [samples, mask], reducers, statistics, closePacker: () => packer.close() });
  } catch (error) {
    await samples.close();
    await mask?.close();
    throw error;
  }
}

function restoreReducers(reducers: readonly Reducer[], samples: Plane, mask: Plane | undefined, carry: Uint8Array): void {
  let at = 0;
  reducers.forEach((reducer, level) => {
    const own = carry.subarray(at, at += reducer.carryBytes);
    reducer.restore(samples.rows()[level]!, own, (row) => ({ row: samples.rowOf(level, row), mask: mask?.rowOf(level, row) as Uint8Array | undefined }));
  });
}

interface WriterParts {
  readonly plan: CogPlan;
  /** The samples, and the mask where there is one. */
  readonly planes: readonly [Plane, Plane?];
  /** From each level to the next. */
  readonly reducers: readonly Reducer[];
  readonly statistics: Statistics | undefined;
  readonly closePacker: () => Promise<void>;
}

function createWriter({ plan, planes, reducers, statistics, closePacker }: WriterParts): CogWriter {
  const { options, choices } = plan;
  const { width, height, bands, dtype } = options;
  const [samples, mask] = planes;
  const present = planes.filter((plane) => plane !== undefined);
  /** Stands for the mask of rows that come without one. */
  const allValid = mask === undefined ? undefined : new Uint8Array(CHUNK_ROWS * width).fill(255);
  const taken = samples.rows();
  let checkpoints: Promise<unknown> = Promise.resolve();

  const check = (): void => present.forEach((plane) => plane.check());
  const settle = async (): Promise<void> => void await Promise.all(present.map((plane) => plane.settle()));

  /** Takes rows into a level, and passes the reduced ones down. */
  const put = async (level: number, rows: TypedArray, maskRows: Uint8Array | undefined, rowCount: number): Promise<void> => {
    for (let done = 0; done < rowCount;) {
      const count = Math.min(rowCount - done, CHUNK_ROWS, choices.blockSize - (taken[level]! % choices.blockSize));
      const part = { first: done, count };
      await samples.put(level, rows, part);
      if (mask !== undefined) await mask.put(level, maskRows!, part);
      taken[level] = taken[level]! + count;
      const reducer = reducers[level];
      const made = reducer?.push(rows, maskRows, part) ?? 0;
      if (made > 0) await put(level + 1, reducer!.rows, reducer!.mask, made);
      done += count;
    }
  };

  return {
    get rowsWritten() {
      return taken[0]!;
    },
    async write(rows, rowCount, maskRows) {
      check();
      if (taken[0]! + rowCount > height) throw new RangeError(`rows up to ${taken[0]! + rowCount} of ${height}`);
      if (rows.length < rowCount * width * bands) throw new RangeError(`${rows.length} samples for ${rowCount} rows of ${width * bands}`);
      if (dataTypeOf(rows) !== dtype) throw new TypeError(`samples of ${dataTypeOf(rows)} for a file of ${dtype}`);
      if (maskRows !== undefined && mask === undefined) throw new TypeError('a mask for a file without one');
      if (maskRows !== undefined && maskRows.length < rowCount * width) throw new RangeError(`${maskRows.length} pixels of a mask for ${rowCount} rows of ${width}`);
      if (statistics !== undefined) for (let row = 0; row < rowCount; row++) statistics.push(rows, row * width * bands, maskRows, row * width);
      if (maskRows !== undefined || mask === undefined) return await put(0, rows, maskRows, rowCount);
      for (let row = 0; row < rowCount; row += CHUNK_ROWS) {
        const count = Math.min(CHUNK_ROWS, rowCount - row);
        await put(0, rows.subarray(row * width * bands, (row + count) * width * bands), allValid, count);
      }
    },
    async checkpoint() {
      check();
      // Everything that describes this moment is taken before the first await: rows may be written while the disk works.
      const rows = [...taken];
      const carry = joined(reducers.map((reducer) => reducer.carry()));
      const counted = statistics?.bands();
      const marks = present.map((plane) => markNow(plane, options.scratch));
      const mine = checkpoints.then(async (): Promise<CogCheckpoint> => {
        const [mark, maskMark] = await Promise.all(marks.map(({ spooled }) => spooled));
        check();
        await writingTo(options.scratch, () => Promise.all(present.map((plane, i) => plane.spool.sync(marks[i]!.kept.file))));
        const state: CheckpointState = { made: madeWith(plan), rows, ...mark!, ...(maskMark && { mask: maskMark }), ...(counted && { statistics: counted }) };
        return { state, carry };
      });
      checkpoints = mine.catch(() => undefined);
      return await mine;
    },
    async finish(path) {
      if (taken[0] !== height) throw new RangeError(`${taken[0]} of ${height} rows were written`);
      await settle();
      check();
      await closePacker();
      const layout = layOut({
        shape: { width, height, bands, dtype },
        packing: choices.packing,
        description: { ...options, nodata: choices.nodata, bandMetadata: bandMetadata(options, statistics) },
        blockSize: choices.blockSize,
        levels: samples.sizes,
        byteCounts: samples.spool.byteCounts,
        maskByteCounts: mask?.spool.byteCounts,
        bigTiff: options.bigTiff,
      });
      await writingTo(path, () => assemble(path, layout, present.map(({ spool }) => spool)));
      return { bytes: layout.bytes, overviews: samples.sizes.length - 1 };
    },
    async close() {
      await Promise.all([settle(), checkpoints]);
      await Promise.all([closePacker(), ...present.map((plane) => plane.close())]);
    },
    async abort() {
      present.forEach((plane) => plane.stop());
      await Promise.all([settle(), checkpoints]);
      await Promise.all([closePacker(), ...present.map((plane) => plane.remove())]);
      if (mask !== undefined) await rm(maskFolder(options.scratch), { recursive: true, force: true });
    },
  };
}

function markNow(plane: Plane, scratch: string): { readonly kept: KeptRowsMark; readonly spooled: Promise<PlaneMark> } {
  try {
    return plane.mark();
  } catch (error) {
    throw outputError(scratch, error);
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return parts.every((part) => part.length === 0) ? new Uint8Array(0) : Buffer.concat(parts);
}

function bandMetadata({ bands, width, height, bandMetadata: own }: CogOptions, statistics: Statistics | undefined): CogOptions['bandMetadata'] {
  const counted = statistics?.bands().map((band) => statisticsItems(band, width * height));
  return counted === undefined ? own : Array.from({ length: bands }, (_, band) => ({ ...own?.[band], ...counted[band] }));
}

/** Bytes that a writer of these options holds at most, beside the rows that are handed to it. */
export function cogMemory(options: CogOptions): number {
  const plan = planCog(options, chooseCog(options));
  const { choices, format, queueLength, blockBytes } = plan;
  const pixelBytes = format.bands * bytesPerSample(format.dtype) + (choices.mask ? 1 : 0);
  const waiting = choices.overviews === 'bilinear' ? 4 * (8 / bytesPerSample(format.dtype) + 1) : 1;
  let bytes = choices.mask ? CHUNK_ROWS * options.width : 0;
  for (const size of plan.sizes) {
    const across = Math.ceil(size.width / format.size);
    bytes += across * format.size * format.size * pixelBytes + size.width * pixelBytes * (waiting + CHUNK_ROWS / 2) + across * Math.ceil(size.height / format.size) * 12;
  }
  const queues = queueLength * blockBytes + (choices.mask ? queueLength * format.size * format.size : 0);
  // Threads with the kernel, measured on Linux with Node 20: each an isolate, its tables and room for what it packs.
  const threads = isKernelPacking(choices.packing) ? choices.concurrency * ((15 << 20) + 2 * blockBytes) : 0;
  // Every queued block and its packed form; zlib's own state for those being compressed; the copy buffer of the end.
  return bytes + threads + 2 * queues + choices.concurrency * (blockBytes + (400 << 10)) + (4 << 20);
}
