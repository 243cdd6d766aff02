import { InvalidOptionError, ModelError } from '../../errors.js';
import { legend } from '../../card/index.js';
import type { ModelCard } from '../../card/index.js';
import { createGrid } from '../../grid/index.js';
import type { Grid } from '../../grid/index.js';
import { groundSize, scaleTransform } from '../../georef/index.js';
import type { Transform } from '../../georef/index.js';
import { loadModel, startEngines, withTurns } from '../../predict/index.js';
import type { Device, LoadedModel, Precision, Predictor, PredictorOutput, StartedEngines, TestTimeAugmentation } from '../../predict/index.js';
import type { AppliedStretch, Rgba, Scene, SceneProfile } from '../../raster/index.js';
import { readMemory } from '../../scene/index.js';
import { MAX_CLASSES, needsScores } from '../../stitch/index.js';
import type { Blend } from '../../stitch/index.js';
import { checkEngine, openEngine } from '../engines/open.js';
import type { Engine } from '../engines/open.js';
import { bandsForModel, bandsNote, domainWarnings, wantedPrecision } from '../model-input.js';
import { asModelSees } from '../model-input/model-scene.js';
import type { SceneChoices } from '../model-input/model-scene.js';
import { checkStride, prepareDense } from './dense.js';
import { frameLength, mapLength, pixelFrame } from './frame.js';
import type { Frame } from './frame.js';
import { chooseOverlap, choosePatchSize } from './patches.js';

/** Said of scenes without a georeference; of no use where no map is kept. */
export const NO_PLACE = 'the scene has no georeference: the map has none either, and no areas';

export interface SegmentOptions extends SceneChoices {
  /** Path of the scene. */
  readonly scene: string;
  /** Name of a shipped model, a model folder, or an ONNX file. */
  readonly model: string;
  /** The theme map: a cloud-optimised GeoTIFF with one byte per pixel. */
  readonly output: string;
  /** Edge in pixels of the squares that the model sees. Default `auto`: the model's own size, else 512 (with `stride` 256). */
  readonly patchSize?: number | 'auto';
  /** Pixels that neighbouring patches share in the map. `auto`: from the model's receptive field. Default 64. */
  readonly overlap?: number | 'auto';
  /**
   * Classifiers of patches: the map has a pixel for every `stride` pixels of the scene along both axes, with the class of the patch in
   * whose middle it is. Other models make maps by themselves, and take no stride.
   */
  readonly stride?: number;
  /** How shared pixels are decided. Default `linear`; `crop` for models that give class ids instead of probabilities. */
  readonly blend?: Blend;
  /** Bands for the model, from 1, in its order. */
  readonly bands?: readonly number[];
  /** Every patch is looked at in 4 (`flips`) or 8 (`d4`) ways, whose probabilities are averaged. Default: in one. */
  readonly tta?: TestTimeAugmentation;
  /** GeoTIFF with one band per class: probability × 255 (the file's scale says so). */
  readonly probabilities?: string;
  /** GeoTIFF with the probability of the winning class × 255. */
  readonly confidence?: string;
  /** PNG with the map over the scene and a legend. */
  readonly preview?: string;
  /** Polygons of the finished map: `.geojson`, `.fgb` or `.parquet`. */
  readonly vectors?: string;
  /** Of the polygons: areas of fewer square metres become part of their largest neighbour. The map stays as it is. */
  readonly minArea?: number;
  /** Of the polygons: farthest in metres that a border may move to have fewer corners. */
  readonly simplify?: number;
  /** Most resident memory in bytes; smaller patches are taken to fit, or the run is refused. */
  readonly memory?: number;
  /** Engine threads. Default: all cores. */
  readonly threads?: number;
  /** Form of the model: float32, 8-bit integers, or (default) `auto`: integers on the CPU where the card says that they are as good and faster. */
  readonly precision?: Precision;
  /** Default `cpu`. */
  readonly device?: Device;
  /** What runs the model: its ONNX graph by onnxruntime (default), or its layers by TensorFlow. */
  readonly engine?: Engine;
  readonly overwrite?: boolean;
  /** Plans and measures one patch; writes nothing. */
  readonly dryRun?: boolean;
}

/** Everything that is decided before the first patch. */
export interface SegmentSetup {
  readonly options: SegmentOptions;
  /** As the model sees it. */
  readonly scene: Scene;
  readonly stretch: AppliedStretch | undefined;
  readonly model: LoadedModel;
  readonly predictor: Predictor;
  /** Bands that the model gets, from 0. */
  readonly bands: readonly number[];
  /** Edge of what the model sees; of classifiers, of the patch around every pixel. */
  readonly patchSize: number;
  /** From windows of the map to what the model needs of the scene. */
  readonly frame: Frame;
  /** Parts of the map that are computed at once; its sizes are the map's. */
  readonly grid: Grid;
  /** Pixel of the map to CRS coordinates; absent where the scene has no place. */
  readonly transform: Transform | undefined;
  readonly blend: Blend;
  readonly warnings: readonly string[];
  /** Resident memory before the model was loaded. */
  readonly baseRssBytes: number;
  /** What the file underneath holds in memory while strips are read. */
  readonly readBytes: number;
}

/** Rows of the file that are read at once where it is resampled. */
const RESAMPLED_ROWS = 1024;

/** Checks scene, model and options against each other and loads the model, in `workers` engines (default: the predictor's). */
export async function prepareSegment(options: SegmentOptions, opened: Scene, workers?: number): Promise<SegmentSetup> {
  const baseRssBytes = process.memoryUsage.rss();
  checkEngine(options);
  const started = options.engine === 'tensorflow' ? undefined : startEngines('maps', { ...engineOptions(options), ...(workers === undefined ? {} : { workers }) });
  try {
    return await prepareWith({ options, opened, workers, baseRssBytes, started });
  } finally {
    await started?.close();
  }
}

interface Beginning {
  readonly options: SegmentOptions;
  readonly opened: Scene;
  readonly workers: number | undefined;
  readonly baseRssBytes: number;
  readonly started: StartedEngines | undefined;
}

function engineOptions(options: SegmentOptions): { readonly device?: Device; readonly threads?: number; readonly engine?: Engine } {
  return { ...(options.engine === undefined ? {} : { engine: options.engine }), ...(options.device === undefined ? {} : { device: options.device }), ...(options.threads === undefined ? {} : { threads: options.threads }) };
}

async function prepareWith({ options, opened, workers, baseRssBytes, started }: Beginning): Promise<SegmentSetup> {
  const loaded = await loadModel(options.model, { precision: options.stride === undefined ? wantedPrecision(options) : 'float32' });
  checkStride(loaded.card, options);
  const { card } = loaded;
  if (card.output.classes.length > MAX_CLASSES) {
    throw new ModelError(card.name, `has ${card.output.classes.length} classes; a theme map has one byte per pixel, ${MAX_CLASSES} at most`);
  }
  const { scene, stretch } = await asModelSees(opened, card, options);
  const { profile } = scene;
  const bands = bandsForModel(profile, card, options.bands);
  const { model, patchSize, frame, grid, more = [] } = options.stride === undefined ? layOutPatches(loaded, profile, options) : layOutDense(loaded, profile, options);
  const [width, height] = [frameLength(frame, grid.patchWidth), frameLength(frame, grid.patchHeight)];
  // A scene in other pixels is read in squares of about this height, whatever the patch.
  const readBytes = readMemory(opened.profile, options.gsd === undefined ? height : RESAMPLED_ROWS);
  const blend = options.stride === undefined ? chooseBlend(card, options.blend) : 'crop';
  if (options.tta !== undefined && card.output.dim_order === 'bhw') throw new InvalidOptionError('--tta', `${card.name} gives class ids, which cannot be averaged`);
  const plain = await openEngine(model, {
    outputs: neededOutputs(options, grid, blend, card.output.classes.length),
    dtype: profile.dtype, patch: { width, height },
    ...engineOptions(options), ...(workers === undefined ? {} : { workers }), ...(started === undefined ? {} : { started }),
  });
  const predictor = options.tta === undefined ? plain : withTurns(plain, options.tta);
  const ground = profile.transform && groundSize(profile.transform, profile.crs, profile.width / 2, profile.height / 2);
  const gsd = ground && Math.sqrt(ground.width * ground.height);
  const warnings = [
    ...model.notes, ...more, ...profile.notes, ...bandsNote(profile, card, options.bands), ...domainWarnings(card, gsd, opened.profile),
    ...(profile.transform === undefined ? [NO_PLACE] : []),
  ];
  const transform = profile.transform && scaleTransform(profile.transform, frame.stride, frame.stride);
  return { options, scene, stretch, model, predictor, bands, patchSize, frame, grid, transform, blend, warnings, baseRssBytes, readBytes };
}

interface Layout {
  readonly model: LoadedModel;
  readonly patchSize: number;
  readonly frame: Frame;
  readonly grid: Grid;
  /** Further warnings. */
  readonly more?: readonly string[];
}

/** A model of maps: overlapping patches. */
function layOutPatches(model: LoadedModel, profile: SceneProfile, options: SegmentOptions): Layout {
  const { card } = model;
  const margin = card.output.margin ?? 0;
  const patchSize = choosePatchSize(card, profile, options.patchSize ?? 'auto', options.memory);
  const overlap = chooseOverlap(card, patchSize - 2 * margin, options.overlap ?? 64, options.patchSize ?? 'auto');
  return { model, patchSize, frame: pixelFrame(margin), grid: createGrid({ width: profile.width, height: profile.height, patchSize: patchSize - 2 * margin, overlap }) };
}

/** A classifier of patches in its dense form: blocks of the map side by side. */
function layOutDense(loaded: LoadedModel, profile: SceneProfile, options: SegmentOptions): Layout {
  const { model, patchSize, frame, block, warnings } = prepareDense(loaded, profile, options);
  const grid = createGrid({ width: mapLength(frame, profile.width), height: mapLength(frame, profile.height), patchSize: block, overlap: 0 });
  return { model, patchSize, frame, grid, more: warnings };
}

/** Values of a theme map with their names; a model with a single score has a background, 0, and the class, 1. */
export function mapLegend(model: Pick<LoadedModel, 'card'>): { readonly value: number; readonly name: string; readonly color: Rgba }[] {
  const classes = legend(model.card);
  if (classes.length > 1) return [...classes];
  return [{ value: 0, name: 'background', color: [200, 200, 200, 255] }, { ...classes[0]!, value: 1 }];
}


/** Blending needs probabilities; a model that answers with class ids can only be cut. */
function chooseBlend(card: ModelCard, asked: Blend | undefined): Blend {
  if (card.output.dim_order !== 'bhw') return asked ?? 'linear';
  if (asked === 'linear' || asked === 'hann') {
    throw new InvalidOptionError('--blend', `${card.name} gives class ids, which cannot be averaged`, { advice: 'take crop' });
  }
  return asked ?? 'crop';
}

/** Scores cost four bytes per class and pixel, so they are asked for only where something is made of them. */
function neededOutputs(options: SegmentOptions, grid: Grid, blend: Blend, classes: number): PredictorOutput[] {
  if (classes === 1 || options.tta !== undefined) return ['scores'];
  const confidence = options.confidence !== undefined;
  const probabilities = options.probabilities !== undefined;
  if (confidence || probabilities) return ['scores'];
  return needsScores({ grid, classes, blend }) ? ['classes', 'scores'] : ['classes'];
}
