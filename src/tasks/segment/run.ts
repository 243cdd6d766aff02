import { join } from 'node:path';
import { classSidecar, cogMemory, createCog, resumeCog } from '../../cog/index.js';
import type { CogCheckpoint, CogOptions, CogWriter } from '../../cog/index.js';
import { patchCount, patchesOfStrip } from '../../grid/index.js';
import type { Patch } from '../../grid/index.js';
import { pixelAreas } from '../../georef/index.js';
import { bytesPerSample } from '../../raster/index.js';
import type { Raster } from '../../raster/index.js';
import { memoryPlan, ordered, peakRss } from '../../run/index.js';
import type { Journal, Json, MemoryPart, MemoryPlan, TaskContext } from '../../run/index.js';
import type { PatchOutput } from '../../predict/index.js';
import { createClassMeter, createSeamMeter, createStitcher, NODATA_CLASS, stitcherMemory } from '../../stitch/index.js';
import type { ClassSums, FinishedRows, PatchScores, SeamCounts } from '../../stitch/index.js';
import { frameLength, frameWindow } from './frame.js';
import type { Frame } from './frame.js';
import { previewMemory } from './preview.js';
import { mapLegend } from './setup.js';
import type { SegmentSetup } from './setup.js';

export type SegmentOutputs = readonly { readonly path: string; readonly temporary: string }[];

export interface SegmentOutcome {
  /** Complete files that only lack their final names, the map first. */
  readonly files: SegmentOutputs;
  /** Class names and colours of the map for GDAL before 3.12 and for QGIS, which read them from `<map>.aux.xml`. */
  readonly sidecar: string;
  readonly classSums: ClassSums;
  readonly seamCounts: SeamCounts;
  readonly modelSeconds: number;
  readonly predictedPeakBytes: number;
}

/** State of a run after a strip. */
interface StripState {
  readonly outputs: readonly CogCheckpoint['state'][];
  readonly classes: ClassSums;
  readonly seams: SeamCounts;
}

interface Output {
  readonly path: string;
  readonly options: CogOptions;
  readonly rows: (rows: FinishedRows) => Uint8Array;
  writer: CogWriter;
}

/** Patches under way beyond those that the engine works on, so that it never waits for the next one to be read. */
const READ_AHEAD = 2;

/** The strips of one run: read, predict, stitch, write, journal. */
export async function createSegmentRun(setup: SegmentSetup, journal: Journal): Promise<{
  finishAll(context: TaskContext): Promise<SegmentOutcome>;
}> {
  const { grid, scene, predictor } = setup;
  const { profile } = scene;
  const stitcher = createStitcher(stitcherOptions(setup));
  const classMeter = createClassMeter(grid.sceneWidth, setup.transform && pixelAreas(setup.transform, profile.crs, grid.sceneWidth));
  const seamMeter = createSeamMeter(grid, setup.blend);
  const outputs = await openOutputs(setup, journal);
  if (journal.last !== undefined) {
    const state = journal.last.state as unknown as StripState;
    const strips = journal.last.step + 1;
    const [seams, lastRow] = journal.last.carry;
    const y = outputs[0]!.writer.rowsWritten;
    stitcher.restore(strips, seams!);
    seamMeter.restore(state.seams, lastRow!, y);
    classMeter.restore(state.classes, y);
  }

  /** What belongs to the strip is taken at once; the rest may go on while patches of the next strip are stitched. */
  async function finishStrip(strip: number): Promise<void> {
    const rows = stitcher.endStrip();
    classMeter.push(rows.classes, rows.rows);
    seamMeter.push(rows.classes, rows.rows);
    const [classes, seams, seamRows, lastRow] = [structuredClone(classMeter.sums), seamMeter.counts, stitcher.carry(), seamMeter.lastRow];
    await Promise.all(outputs.map((output) => output.writer.write(output.rows(rows), rows.rows)));
    const checkpoints = await Promise.all(outputs.map((output) => output.writer.checkpoint()));
    const state: StripState = { outputs: checkpoints.map(({ state: at }) => at), classes, seams };
    await journal.append({
      step: strip, state: state as unknown as Json,
      carry: [seamRows, lastRow, ...checkpoints.map(({ carry }) => carry)],
    });
  }

  return {
    async finishAll(context) {
      const started = performance.now();
      const firstStrip = journal.states.length;
      const columns = grid.columns.length;
      const predicted = { engineBytes: 0 };
      let done = firstStrip * columns;
      const before = done;
      const results = ordered(patchesFrom(setup, firstStrip), predictor.concurrency + READ_AHEAD, (patch) => predictPatch(setup, patch, context.signal), context.signal);
      // Compressing and writing a strip takes longer than the engine's supply of patches lasts: the next strip is stitched meanwhile.
      let finishing: Promise<void> = Promise.resolve();
      try {
        for await (const { patch, scores, output } of results) {
          stitcher.add(scores);
          if (output !== undefined) predictor.recycle(output);
          done++;
          if (done - before === Math.min(predictor.concurrency + 1, patchCount(grid) - before)) predicted.engineBytes = peakRss() - setup.baseRssBytes;
          if (patch.column < columns - 1) continue;
          await finishing;
          const rate = (done - before) / ((performance.now() - started) / 1000);
          finishing = finishStrip(patch.row).then(() => {
            context.onProgress?.({ stage: 'segment', done: patch.row + 1, total: grid.rows.length, unit: 'strips', detail: `${rate.toFixed(1)} ${setup.options.stride === undefined ? 'patches' : 'windows'}/s` });
          });
          finishing.catch(() => undefined); // it is awaited at the end of the next strip
        }
        await finishing;
        const files: { path: string; temporary: string }[] = [];
        for (const [index, output] of outputs.entries()) {
          const temporary = join(journal.folder, `finished-${index}.tif`);
          await output.writer.finish(temporary);
          files.push({ path: output.path, temporary });
        }
        return {
          files, sidecar: classSidecar(outputs[0]!.options) ?? '', classSums: classMeter.sums, seamCounts: seamMeter.counts,
          modelSeconds: predictor.engineMilliseconds / 1000 / predictor.concurrency,
          predictedPeakBytes: segmentMemory(setup, predicted.engineBytes).peakBytes,
        };
      } finally {
        await finishing.catch(() => undefined);
        await Promise.all(outputs.map(({ writer }) => writer.close()));
      }
    },
  };
}

function* patchesFrom(setup: SegmentSetup, firstStrip: number): Generator<Patch> {
  for (let strip = firstStrip; strip < setup.grid.rows.length; strip++) yield* patchesOfStrip(setup.grid, strip);
}

interface PredictedPatch {
  readonly patch: Patch;
  /** `undefined`: without data, not predicted. */
  readonly scores: PatchScores | undefined;
  /** What `scores` are views of; to be given back when they have been used. */
  readonly output: PatchOutput | undefined;
}

/** Reads one patch with what the model needs around it, and asks the model; patches without any data are not asked for. */
export async function predictPatch(setup: SegmentSetup, patch: Patch, signal?: AbortSignal): Promise<PredictedPatch> {
  const window = frameWindow(setup.frame, patch.window);
  const into = setup.predictor.spareBatch(window.width * window.height * setup.bands.length);
  const raster = await setup.scene.read(window, { bands: setup.bands, edge: 'reflect', ...(into ? { into } : {}), ...(signal ? { signal } : {}) });
  const mask = innerMask(withoutNumbers(raster), setup.frame);
  if (mask !== undefined && !mask.includes(255)) return { patch, scores: undefined, output: undefined };
  const output = await setup.predictor.predict(
    { data: raster.data, count: 1, width: raster.width, height: raster.height, bands: raster.bands }, signal,
  );
  return {
    patch, output,
    scores: {
      ...(output.classes === undefined ? {} : { classes: output.classes }),
      ...(output.scores === undefined ? {} : { scores: output.scores }),
      ...(mask === undefined ? {} : { mask }),
    },
  };
}

/** Pixels of float scenes with a sample that is not finite have no data; the model gets 0 there, since NaN would spread. */
function withoutNumbers(raster: Raster): Raster {
  const { data, bands, width, height } = raster;
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return raster;
  let mask = raster.mask;
  for (let i = 0; i < data.length; i++) {
    if (Number.isFinite(data[i])) continue;
    mask ??= new Uint8Array(width * height).fill(255);
    mask[Math.floor(i / bands)] = 0;
    data[i] = 0;
  }
  return mask === undefined ? raster : { ...raster, mask };
}

/** The mask at the pixels that the map's are about; `undefined` where all pixels that were read have data. */
function innerMask(raster: Raster, { stride, before, after }: Frame): Uint8Array | undefined {
  const { mask, width, height } = raster;
  if (mask === undefined || !mask.includes(0)) return undefined;
  if (before + after === 0 && stride === 1) return mask;
  const [columns, rows] = [width, height].map((pixels) => Math.floor((pixels - before - after - 1) / stride) + 1) as [number, number];
  const inner = new Uint8Array(columns * rows);
  for (let y = 0, to = 0; y < rows; y++) {
    const from = (before + y * stride) * width + before;
    for (let x = 0; x < columns; x++, to++) inner[to] = mask[from + x * stride]!;
  }
  return inner;
}

function stitcherOptions(setup: SegmentSetup): Parameters<typeof createStitcher>[0] {
  const { options, model, grid, blend } = setup;
  const { classes } = model.card.output;
  return {
    grid, classes: classes.length, blend, confidence: options.confidence !== undefined, probabilities: options.probabilities !== undefined,
    ...(classes[0]?.threshold === undefined ? {} : { threshold: classes[0].threshold }),
  };
}

async function openOutputs(setup: SegmentSetup, journal: Journal): Promise<Output[]> {
  const described = describeOutputs(setup, journal.folder);
  const state = journal.last?.state as unknown as StripState | undefined;
  return Promise.all(described.map(async (output, index) => {
    if (state === undefined) return { ...output, writer: await createCog(output.options) };
    const checkpoint: CogCheckpoint = { state: state.outputs[index]!, carry: journal.last!.carry[2 + index]! };
    return { ...output, writer: await resumeCog(output.options, checkpoint) };
  }));
}

function describeOutputs(setup: SegmentSetup, folder: string): Omit<Output, 'writer'>[] {
  const { options, model, grid } = setup;
  const { profile } = setup.scene;
  const classes = mapLegend(model);
  const place = {
    width: grid.sceneWidth, height: grid.sceneHeight, dtype: 'uint8' as const,
    ...(setup.transform === undefined ? {} : { transform: setup.transform }),
    ...(profile.crs === undefined ? {} : { crs: profile.crs }),
    metadata: { MODEL: model.card.name, MODEL_FINGERPRINT: model.fingerprint, ...(setup.stretch === undefined ? {} : { STRETCH: JSON.stringify(setup.stretch) }) },
  };
  const names = classes.map(({ name }) => name);
  const values = Math.max(...classes.map(({ value }) => value)) + 1;
  const byValue = <T>(pick: (entry: (typeof classes)[number]) => T, none: T): T[] =>
    Array.from({ length: values }, (_, value) => { const entry = classes.find((one) => one.value === value); return entry === undefined ? none : pick(entry); });
  return [
    {
      path: options.output, rows: (rows) => rows.classes,
      options: {
        ...place, bands: 1, scratch: join(folder, 'map'), nodata: NODATA_CLASS, overviews: 'mode',
        palette: byValue((entry) => entry.color, [0, 0, 0, 255]), classNames: byValue((entry) => entry.name, ''), bandNames: ['class'],
      },
    },
    ...(options.confidence === undefined ? [] : [{
      path: options.confidence, rows: (rows: FinishedRows) => rows.confidence!,
      options: { ...place, bands: 1, scratch: join(folder, 'confidence'), nodata: 0, overviews: 'average' as const, bandNames: ['confidence'], metadata: { ...place.metadata, UNITS: 'probability x 255' } },
    }]),
    ...(options.probabilities === undefined ? [] : [{
      path: options.probabilities, rows: (rows: FinishedRows) => rows.probabilities!,
      options: { ...place, bands: model.card.output.classes.length, scratch: join(folder, 'probabilities'), overviews: 'average' as const, photometric: 'grey' as const,
        bandNames: model.card.output.classes.length === names.length ? names : [names[1]!], metadata: { ...place.metadata, UNITS: 'probability x 255' } },
    }]),
  ];
}

/** Rows that areas are open for, at most, but for a few; of the borders behind them only single large areas keep theirs. */
const OPEN_ROWS = 4096;
/** Of a corner: its place in a border, its share of the border's ends, and its coordinates when the polygon is written. */
const CORNER_BYTES = 12 + 9 + 32;
/** Corners per pixel of a map whose patches were not measured: that of a map of a city. */
const TYPICAL_CORNERS = 0.05;

/** Of what strips held, so much is free again when the preview is drawn; looked at on scenes of 0.06 to 34 million pixels. */
const FREE_AGAIN = 0.5;
/** What the libraries that draw take as soon as they do, in memory that nothing else gave back. */
const DRAWING_BYTES = 24 * 2 ** 20;

/** What a run holds at most, with what the engine was measured to take. */
export function segmentMemory(setup: SegmentSetup, engineBytes: number, cornersPerPixel = TYPICAL_CORNERS): MemoryPlan {
  const { scene, grid, predictor, frame } = setup;
  const perPatch = frameLength(frame, grid.patchWidth) * frameLength(frame, grid.patchHeight) * setup.bands.length * bytesPerSample(scene.profile.dtype)
    + grid.patchWidth * grid.patchHeight * (1 + setup.model.card.output.classes.length * 4)
      // Looked at in several ways: the turned copy, and the sum beside the answer.
      * (setup.options.tta === undefined ? 1 : 2);
  const strips: MemoryPart[] = [
    { name: 'patches under way', bytes: (predictor.concurrency + READ_AHEAD) * perPatch },
    { name: 'seams and finished rows', bytes: stitcherMemory(stitcherOptions(setup)) },
    { name: 'strip being written', bytes: grid.sceneWidth * (grid.patchHeight * (describeOutputs(setup, '').reduce((sum, { options }) => sum + options.bands, 0)) + grid.overlap * setup.model.card.output.classes.length * 4) },
    ...(setup.options.vectors === undefined ? [] : [{ name: 'polygons', bytes: Math.ceil(grid.sceneWidth * Math.min(grid.sceneHeight, OPEN_ROWS) * cornersPerPixel * CORNER_BYTES) }]),
    { name: 'blocks being written', bytes: describeOutputs(setup, '').reduce((sum, output) => sum + cogMemory(output.options), 0) },
  ];
  const held = strips.reduce((sum, { bytes }) => sum + bytes, 0);
  return memoryPlan([
    { name: 'program', bytes: setup.baseRssBytes },
    { name: `model and engine (${predictor.device})`, bytes: engineBytes },
    { name: 'blocks of the scene', bytes: setup.readBytes },
    ...strips,
    ...(setup.options.preview === undefined ? [] : [{ name: 'drawing the preview', bytes: Math.max(DRAWING_BYTES, Math.round(previewMemory(scene.profile) - FREE_AGAIN * held)) }]),
  ]);
}
