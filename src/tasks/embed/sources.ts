import { basename, extname, resolve } from 'node:path';
import { InvalidOptionError, ModelError } from '../../errors.js';
import { groundSize } from '../../georef/index.js';
import { createGrid, patchCount } from '../../grid/index.js';
import { openPredictor } from '../../predict/index.js';
import type { LoadedModel, Predictor } from '../../predict/index.js';
import type { AppliedStretch, SceneProfile } from '../../raster/index.js';
import { isRemote, openScene } from '../../scene/index.js';
import type { Journal, Json, TaskContext } from '../../run/index.js';
import type { IndexEntry, IndexSource } from '../../index-store/index.js';
import { listChipFiles, listTiles } from '../chips/files.js';
import { chipEdge, chipId } from '../chips/patches.js';
import { chipPlaces } from '../chips/places.js';
import { planChips, planFiles } from '../chips/plan.js';
import type { ChipPlan } from '../chips/plan.js';
import { FILE_GROUP, fileRows, griddedRows, isPredicted, placedRows, sceneRows } from '../chips/rows.js';
import { engineOptions } from '../classify/setup.js';
import type { EmbedOptions } from '../embed.js';
import { bandsForModel, domainWarnings } from '../model-input.js';
import { asModelSees, refuseSceneChoices } from '../model-input/model-scene.js';
import { applyStretch, refusePercentiles } from '../model-input/stretch.js';
import { pictureBands } from '../picture-bands.js';
import type { RowFile } from '../chips/row-file.js';

/** Something whose chips are embedded: a scene, or a folder of chip files. */
export interface EmbedSource {
  /** Begins the ids of its entries. */
  readonly name: string;
  readonly chips: number;
  readonly strips: number;
  readonly predictor: Predictor;
  readonly warnings: readonly string[];
  /** What the vectors depend on, the model not counted. */
  readonly identity: Readonly<Record<string, Json>>;
  /** What the index says of it. */
  readonly description: Omit<IndexSource, 'count' | 'nodata'>;
  plan(context: TaskContext): Promise<ChipPlan>;
  /** Predicts what the journal does not have yet; one row per chip. */
  predict(journal: Journal, context: TaskContext): Promise<RowFile>;
  /** Entries and vectors of the chips that have data. */
  entries(journal: Journal, rows: RowFile): AsyncGenerator<{ entry: IndexEntry; vector: Float32Array }>;
  close(): Promise<void>;
}

export async function prepareSceneSource(options: EmbedOptions, model: LoadedModel): Promise<EmbedSource> {
  const length = featureLength(model);
  const opened = await openScene(options.input);
  try {
    const { card } = model;
    const { scene, stretch, toFile } = await asModelSees(opened, card, options);
    const { profile } = scene;
    const bands = bandsForModel(profile, card, options.bands);
    const edge = chipEdge(card, options.patchSize);
    const grid = createGrid({ width: profile.width, height: profile.height, patchSize: edge, overlap: options.overlap ?? 0 });
    const ground = profile.transform && groundSize(profile.transform, profile.crs, profile.width / 2, profile.height / 2);
    const warnings = [...model.notes, ...profile.notes, ...domainWarnings(card, ground && Math.sqrt(ground.width * ground.height))];
    const predictor = await openPredictor(model, { outputs: ['features'], dtype: profile.dtype, patch: { width: edge, height: edge }, ...engineOptions(options) });
    const source = { scene, predictor, grid, bands, kind: 'features' as const, warnings };
    // A URL without its signature: an index goes to other people.
    const input = isRemote(options.input) ? profile.source : options.input;
    const name = basename(input, extname(input));
    const path = isRemote(input) ? input : resolve(input);
    return {
      name, chips: patchCount(grid), strips: grid.rows.length, predictor, warnings,
      identity: { scene: profile.fingerprint, 'patch size': edge, overlap: grid.overlap, bands: [...bands], stretch: (stretch ?? null) as unknown as Json, device: predictor.device },
      description: {
        name, kind: 'scene', path, fingerprint: profile.fingerprint, bands: bands.map((band) => band + 1),
        pictureBands: pictureBands(profile, card, bands).map((band) => band + 1), width: opened.profile.width, height: opened.profile.height,
        patchSize: edge, overlap: grid.overlap, ...(stretch === undefined ? {} : { stretch }),
        ...(opened.profile.transform === undefined ? {} : { transform: opened.profile.transform }), ...(profile.crs === undefined ? {} : { crs: profile.crs }),
      },
      plan: (context) => planChips(source, { output: patchCount(grid) * (length * 4 + 160), temporary: patchCount(grid) * length * 4 }, context),
      predict: (journal, context) => sceneRows(source, { journal, length, stage: 'embed' }, context),
      async* entries(_journal, rows) {
        const placeOf = chipPlaces(profile);
        for await (const { row, column, values } of griddedRows(source, rows, length)) {
          if (!isPredicted(values)) continue;
          const window = { x: grid.columns[column]!, y: grid.rows[row]!, width: edge, height: edge };
          const { centre, footprint } = placeOf(window);
          yield { entry: { id: chipId(name, grid, row, column), source: name, scene: path, window: toFile(window), scale: 1, ...lonLat(centre), ...(footprint === undefined ? {} : { footprint }) }, vector: values };
        }
      },
      async close() {
        await predictor.close();
        await scene.close();
      },
    };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** Whether a path names a list of tiles, as `tilewright tile` writes it. */
export function isTileList(path: string): boolean {
  return extname(path).toLowerCase() === '.json';
}

/** A folder of chips, or the tiles of a `tiles.json`. */
export async function prepareFolder(options: EmbedOptions, model: LoadedModel): Promise<EmbedSource> {
  for (const [option, value] of [['--patch-size', options.patchSize], ['--overlap', options.overlap]] as const) {
    if (value !== undefined) throw new InvalidOptionError(option, `${options.input} is a folder of chips, which are taken whole`);
  }
  refuseSceneChoices(options, options.input);
  refusePercentiles(options.stretch, options.input);
  const length = featureLength(model);
  const path = resolve(options.input);
  const list = isTileList(path) ? await listTiles(path) : { ...await listChipFiles(path), scene: basename(path) };
  const { profile: firstProfile, stretch } = await firstOf(list.files[0]!.path, model, options);
  const { width, height, dtype } = firstProfile;
  const colors = pictureBands(firstProfile, model.card, (options.bands ?? []).map((band) => band - 1)).map((band) => band + 1);
  const predictor = await openPredictor(model, { outputs: ['features'], dtype, patch: { width, height }, ...engineOptions(options) });
  const bands = options.bands === undefined ? {} : { bands: options.bands };
  const reader = { predictor, card: model.card, kind: 'features' as const, dtype, ...bands, ...(options.stretch === undefined ? {} : { stretch: options.stretch }) };
  const name = list.scene;
  return {
    name, chips: list.files.length, strips: Math.ceil(list.files.length / FILE_GROUP), predictor, warnings: model.notes,
    identity: { chips: list.fingerprint, bands: options.bands === undefined ? null : [...options.bands], stretch: options.stretch ?? null, device: predictor.device },
    description: { name, kind: 'folder', path, fingerprint: list.fingerprint, ...bands, ...(stretch === undefined ? {} : { stretch }), ...(options.bands === undefined ? {} : { pictureBands: colors }) },
    plan: (context) => planFiles({ files: list.files, reader, width, height, rowBytes: length * 4, tableBytes: length * 4 + 200, warnings: model.notes }, context),
    predict: (journal, context) => fileRows(list.files, reader, { journal, length, stage: 'embed' }, context),
    async* entries(journal, rows) {
      for await (const { index, row, place } of placedRows(journal, rows, length)) {
        if (!isPredicted(row)) continue;
        const file = list.files[index]!;
        const [w, h] = place.size;
        const { centre, footprint } = file.place ?? place;
        const entry: IndexEntry = {
          id: `${name}/${file.id}`, source: name, scene: resolve(file.path), window: { x: 0, y: 0, width: w, height: h }, scale: 1, ...lonLat(centre),
          ...(footprint === undefined ? {} : { footprint }),
        };
        yield { entry, vector: row };
      }
    },
    close: () => predictor.close(),
  };
}

/** What is known of the first chip as the model sees it; all others are alike. */
async function firstOf(path: string, model: LoadedModel, options: EmbedOptions): Promise<{ readonly profile: SceneProfile; readonly stretch?: AppliedStretch }> {
  const opened = await openScene(path);
  try {
    const { scene, stretch } = await applyStretch(opened, model.card, options.stretch);
    return { profile: scene.profile, ...(stretch === undefined ? {} : { stretch }) };
  } finally {
    await opened.close();
  }
}

function featureLength(model: LoadedModel): number {
  const { features } = model.card.output;
  if (features === undefined) throw new ModelError(model.card.name, 'gives no features: its card has no output.features', { advice: 'choose another model' });
  return features.dimensions;
}

function lonLat(centre: readonly [number, number] | undefined): { lon?: number; lat?: number } {
  const round = (value: number): number => Math.round(value * 1e7) / 1e7;
  return centre === undefined ? {} : { lon: round(centre[0]), lat: round(centre[1]) };
}
