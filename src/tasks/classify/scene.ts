import { basename, extname, join } from 'node:path';
import { mostTellingTag } from '../../chips/index.js';
import type { Chip } from '../../chips/index.js';
import { createCog } from '../../cog/index.js';
import { groundSize, scaleTransform, windowTransform } from '../../georef/index.js';
import { createGrid, patchCount, patchesOfStrip } from '../../grid/index.js';
import type { Grid } from '../../grid/index.js';
import { displayStretch, renderChipMap, sceneThumbnail, thumbnailPicture } from '../../picture/index.js';
import type { ChipCell } from '../../picture/index.js';
import { withTurns } from '../../predict/index.js';
import type { LoadedModel } from '../../predict/index.js';
import type { AppliedStretch, Scene } from '../../raster/index.js';
import { throwIfAborted } from '../../errors.js';
import { writeWhole } from '../../run/index.js';
import type { Json, TaskContext } from '../../run/index.js';
import { isRemote } from '../../scene/index.js';
import { chipEdge, chipId, pageName } from '../chips/patches.js';
import { chipPlaces } from '../chips/places.js';
import { griddedRows, isPredicted } from '../chips/rows.js';
import type { ChipSource } from '../chips/strips.js';
import { countTags, createTagCounts, sceneFiles, summarizeTags, tagRule, tagsOf, writeSummary, writeTables } from './outputs.js';
import type { TagRule, TagSummary } from './outputs.js';
import { openEngine } from '../engines/open.js';
import { engineOptions } from './setup.js';
import { openTables } from './tables.js';
import { checkTop, collectTop, type TopTags } from './top.js';
import type { ClassifyOptions } from './setup.js';
import { bandsForModel, bandsNote, domainWarnings } from '../model-input.js';
import { asModelSees } from '../model-input/model-scene.js';
import type { ModelScene } from '../model-input/model-scene.js';
import { pictureBands } from '../picture-bands.js';
import type { RowFile } from '../chips/row-file.js';

/** Longest edge of the map's picture of the scene. */
export const MAP_EDGE = 1280;

/** Everything that is decided before the first chip. */
export interface SceneSetup extends ChipSource {
  readonly options: ClassifyOptions;
  readonly stretch: AppliedStretch | undefined;
  readonly toFile: ModelScene['toFile'];
  readonly model: LoadedModel;
  readonly rule: TagRule;
  /** The scene's file name without its ending: begins every chip's id. */
  readonly name: string;
  readonly warnings: readonly string[];
}

/** Checks scene, model and options against each other and starts the engine. */
export async function prepareScene(options: ClassifyOptions, opened: Scene, model: LoadedModel): Promise<SceneSetup> {
  const { card } = model;
  const { scene, stretch, toFile } = await asModelSees(opened, card, options);
  const { profile } = scene;
  const bands = bandsForModel(profile, card, options.bands);
  const rule = tagRule(card, options.threshold);
  checkTop(rule.tags.length, options.top);
  const edge = chipEdge(card, options.patchSize);
  const grid = createGrid({ width: profile.width, height: profile.height, patchSize: edge, overlap: options.overlap ?? 0 });
  const ground = profile.transform && groundSize(profile.transform, profile.crs, profile.width / 2, profile.height / 2);
  const warnings = [
    ...model.notes, ...profile.notes, ...bandsNote(profile, card, options.bands), ...domainWarnings(card, ground && Math.sqrt(ground.width * ground.height), opened.profile),
    ...(profile.transform === undefined ? ['the scene has no georeference: chips have no coordinates, chips.geojson no geometries'] : []),
    ...(Math.min(profile.width, profile.height) < edge ? [`the scene is smaller than a chip of ${edge} pixels; what lacks is filled by reflection`] : []),
  ];
  const plain = await openEngine(model, {
    outputs: ['scores'], dtype: profile.dtype, patch: { width: edge, height: edge }, ...engineOptions(options),
  });
  const predictor = options.tta === undefined ? plain : withTurns(plain, options.tta);
  return { options, scene, stretch, toFile, predictor, grid, bands, kind: 'scores', model, rule, name: pageName(basename(profile.source, extname(profile.source)), profile), warnings };
}

/** What the results' bytes depend on. */
export function sceneIdentity(setup: SceneSetup): Record<string, Json> {
  const { grid, rule } = setup;
  return {
    task: 'classify/1', scene: setup.scene.profile.fingerprint, model: setup.model.fingerprint, 'patch size': grid.patchWidth, overlap: grid.overlap,
    bands: [...setup.bands], stretch: (setup.stretch ?? null) as unknown as Json, thresholds: rule.thresholds === undefined ? null : [...rule.thresholds], device: setup.predictor.device, tta: setup.options.tta ?? null,
  };
}

/** What `summary.json` says; nothing that differs between two runs of the same command. */
export interface ClassifySummary {
  readonly input: string;
  readonly model: { readonly name: string; readonly fingerprint: string };
  readonly chips: number;
  readonly predicted: number;
  readonly nodata: number;
  readonly patchSize?: number;
  readonly overlap?: number;
  /** What was done to the values, if anything. */
  readonly stretch?: AppliedStretch;
  readonly tags: readonly TagSummary[];
  /** The likeliest tags of the first 20 chips, where asked for. */
  readonly top?: readonly TopTags[];
  readonly files: readonly string[];
  readonly warnings: readonly string[];
}

/** Makes all files from the probabilities, in the run's folder. They do not depend on how often the run was interrupted. */
export async function writeSceneOutputs(setup: SceneSetup, scores: RowFile, folder: string, context: TaskContext): Promise<ClassifySummary> {
  const { grid, rule, options } = setup;
  const counts = createTagCounts(rule.tags.length);
  for await (const { values } of griddedRows(setup, scores, rule.tags.length)) countTags(counts, values, tagsOf(rule, values));
  // One number per chip is all that the map needs: a million chips are 2 MB.
  const telling = new Int16Array(patchCount(grid)).fill(-1);
  const top = collectTop(rule.tags, options.top);
  const writers = await openTables(folder, rule.tags, options.tables);
  await writeTables(writers, chipsOf(setup, scores, (index, tags, probabilities) => {
    top.see(chipId(setup.name, grid, Math.floor(index / grid.columns.length), index % grid.columns.length), probabilities);
    telling[index] = mostTellingTag(tags, probabilities, counts.chips) ?? -1;
  }));
  throwIfAborted(context.signal);
  await writeProbabilities(setup, scores, folder);
  await writeWhole(join(folder, 'map.png'), await drawSceneMap(setup, telling, counts.chips, context));
  const summary: ClassifySummary = {
    input: isRemote(options.input) ? setup.scene.profile.source : options.input, model: { name: setup.model.card.name, fingerprint: setup.model.fingerprint },
    chips: patchCount(grid), predicted: counts.predicted, nodata: counts.nodata, patchSize: grid.patchWidth, overlap: grid.overlap,
    ...(setup.stretch === undefined ? {} : { stretch: setup.stretch }),
    tags: summarizeTags(rule, counts), ...(options.top === undefined ? {} : { top: top.chips }), files: sceneFiles(options.tables), warnings: setup.warnings,
  };
  await writeSummary(folder, summary);
  return summary;
}

async function* chipsOf(
  setup: SceneSetup, scores: RowFile, seen: (index: number, tags: readonly number[], probabilities: Float32Array) => void,
): AsyncGenerator<Chip> {
  const { grid, rule } = setup;
  const placeOf = chipPlaces(setup.scene.profile);
  for await (const { row, column, values } of griddedRows(setup, scores, rule.tags.length)) {
    const window = { x: grid.columns[column]!, y: grid.rows[row]!, width: grid.patchWidth, height: grid.patchHeight };
    const tags = tagsOf(rule, values);
    seen(row * grid.columns.length + column, tags, values);
    yield {
      id: chipId(setup.name, grid, row, column), window: setup.toFile(window), ...placeOf(window), tags,
      ...(isPredicted(values) ? { probabilities: values } : {}),
    };
  }
}

/**
 * `probabilities.tif`: one pixel per chip, one band per tag. A pixel is as large as the stride and has the chip's centre as its
 * centre; chips of the last column and row, which are shifted to end with the scene, lie up to a stride before their pixel.
 */
async function writeProbabilities(setup: SceneSetup, scores: RowFile, folder: string): Promise<void> {
  const { grid, rule } = setup;
  const { transform, crs } = setup.scene.profile;
  const stride = { x: grid.patchWidth - grid.overlap, y: grid.patchHeight - grid.overlap };
  const writer = await createCog({
    width: grid.columns.length, height: grid.rows.length, bands: rule.tags.length, dtype: 'float32', nodata: Number.NaN, bandNames: rule.tags, blockSize: blockEdge(rule.tags.length),
    scratch: join(folder, 'probabilities'), description: `probability of every tag, one pixel per chip; ${setup.model.card.name}`,
    ...(transform === undefined ? {} : { transform: scaleTransform(windowTransform(transform, { x: grid.overlap / 2, y: grid.overlap / 2 }), stride.x, stride.y) }),
    ...(crs === undefined ? {} : { crs }),
  });
  try {
    for (let row = 0; row < grid.rows.length; row++) await writer.write(await scores.read(row * grid.columns.length, grid.columns.length), 1);
    await writer.finish(join(folder, 'probabilities.tif'));
  } finally {
    await writer.abort();
  }
}

/** A block has all bands of its pixels; with a thousand tags one of the usual size would be a gigabyte. */
function blockEdge(tags: number): number {
  return Math.max(16, Math.min(512, Math.floor(Math.sqrt(MOST_BLOCK_BYTES / (tags * 4)) / 16) * 16));
}

const MOST_BLOCK_BYTES = 32 * 2 ** 20;

async function drawSceneMap(setup: SceneSetup, telling: Int16Array, counts: readonly number[], context: TaskContext): Promise<Buffer> {
  const { scene, grid, model } = setup;
  const { profile } = scene;
  const signal = context.signal === undefined ? {} : { signal: context.signal };
  const thumbnail = await sceneThumbnail(scene, { maxEdge: MAP_EDGE, bands: pictureBands(profile, model.card, setup.bands), ...signal });
  const classes = model.card.output.classes;
  const colored = new Array<number>(classes.length).fill(0);
  for (const tag of telling) if (tag >= 0) colored[tag]!++;
  const ground = profile.transform && groundSize(profile.transform, profile.crs, profile.width / 2, profile.height / 2);
  return renderChipMap({
    scene: thumbnailPicture(thumbnail, displayStretch(thumbnail, profile)),
    sceneWidth: profile.width, sceneHeight: profile.height,
    cells: cellsOf(grid, telling, classes.map(({ color_hint }) => color_hint)),
    title: `Chips of ${basename(profile.source)}`,
    subtitle: `${patchCount(grid)} chips of ${grid.patchWidth} pixels · each in the colour of its rarest tag · ${model.card.name}`,
    legend: {
      title: 'Tags',
      headings: ['as colour', 'in all'],
      entries: classes.flatMap(({ name, color_hint }, i) => (counts[i]! > 0 ? [{ name, color: color_hint, values: [String(colored[i]!), String(counts[i]!)] }] : [])),
    },
    ...(ground === undefined ? {} : { metresPerPixel: ground.width * thumbnail.reduction[0] }),
  });
}

/** Every chip's own part of the scene: where chips overlap, the border is half way. */
function* cellsOf(grid: Grid, telling: Int16Array, colors: readonly string[]): Generator<ChipCell> {
  const xs = borders(grid.columns, grid.patchWidth, grid.sceneWidth);
  const ys = borders(grid.rows, grid.patchHeight, grid.sceneHeight);
  for (let row = 0; row < grid.rows.length; row++) {
    for (const { column, index } of patchesOfStrip(grid, row)) {
      const color = colors[telling[index]!];
      yield { x: xs[column]!, y: ys[row]!, width: xs[column + 1]! - xs[column]!, height: ys[row + 1]! - ys[row]!, ...(color === undefined ? {} : { color }) };
    }
  }
}

function borders(positions: readonly number[], patch: number, length: number): number[] {
  return [0, ...positions.slice(1).map((start, i) => (start + positions[i]! + patch) / 2), length];
}

