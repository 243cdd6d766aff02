import { InvalidOptionError } from '../../errors.js';
import type { ModelCard } from '../../card/index.js';
import type { Device, LoadedModel, Precision, TestTimeAugmentation } from '../../predict/index.js';
import { loadModel } from '../../predict/index.js';
import { checkEngine } from '../engines/open.js';
import type { Engine } from '../engines/open.js';
import { wantedPrecision } from '../model-input.js';
import type { SceneChoices } from '../model-input/model-scene.js';
import type { TableFormat } from './tables.js';

export interface ClassifyOptions extends SceneChoices {
  /** Path of a scene, or of a folder of chips (JPEG, PNG, GeoTIFF), each a file of its own. */
  readonly input: string;
  /** Name of a shipped model, a model folder, or an ONNX file. */
  readonly model: string;
  /** Folder of the results; made if absent. */
  readonly output: string;
  /** Scenes: edge of a chip in pixels. Default: what the model was trained on. */
  readonly patchSize?: number;
  /** Scenes: pixels that neighbouring chips share. Default 0. */
  readonly overlap?: number;
  /** Scores from here on make a tag, for all tags, 0–1. Default: each tag's own in the card, else 0.5. */
  readonly threshold?: number;
  /** So many of the likeliest tags are told of each of the first 20 chips. Default: none. */
  readonly top?: number;
  /** Bands for the model, from 1, in its order. */
  readonly bands?: readonly number[];
  /** Every chip is looked at in 4 (`flips`) or 8 (`d4`) ways, whose probabilities are averaged. Default: in one. */
  readonly tta?: TestTimeAugmentation;
  /** Formats of the table of chips: `chips.csv`, `chips.geojson` … Default: `csv` and `geojson`. */
  readonly tables?: readonly TableFormat[];
  /** Engine threads. Default: all cores. */
  readonly threads?: number;
  /** Form of the model: float32, 8-bit integers, or (default) `auto`: integers on the CPU where the card says that they are as good and faster. */
  readonly precision?: Precision;
  /** Default `cpu`. */
  readonly device?: Device;
  /** What runs the model: its ONNX graph by onnxruntime (default), or its layers by TensorFlow. */
  readonly engine?: Engine;
  readonly overwrite?: boolean;
  /** Plans and measures some chips; writes nothing. */
  readonly dryRun?: boolean;
}

/** Loads a model that tags chips. @throws {InvalidOptionError} for models of another task. */
export async function loadChipModel(options: Pick<ClassifyOptions, 'model' | 'precision' | 'device' | 'engine'>): Promise<LoadedModel> {
  checkEngine(options);
  const model = await loadModel(options.model, { precision: wantedPrecision(options) });
  refuseOtherTask(model.card);
  return model;
}

function refuseOtherTask(card: ModelCard): void {
  if (card.task === 'multi-label-classification' || card.task === 'classification') return;
  throw new InvalidOptionError('--model', `${card.name} tags no chips, its task is ${card.task}`, {
    advice: card.task === 'semantic-segmentation' ? 'use: tilewright segment' : card.task === 'embedding' ? 'use: tilewright embed' : 'choose another model',
  });
}

/** The predictor's options that the user has a say in. */
export function engineOptions(options: Pick<ClassifyOptions, 'threads' | 'device' | 'engine'>): { threads?: number; device?: Device; engine?: Engine } {
  return {
    ...(options.engine === undefined ? {} : { engine: options.engine }),
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    ...(options.device === undefined ? {} : { device: options.device }),
  };
}
