import type { DataType } from '../raster/index.js';

/**
 * A model card: what a model needs, what it gives, and where it comes from. JSON, beside the ONNX file (`card.json`) or in
 * the file's metadata (key `tilewright_card`). Names of fields follow the STAC machine-learning-model extension (MLM 1.5)
 * where it has one.
 */
export interface ModelCard {
  readonly card_version: 1;
  /** Short name: lower case, digits, hyphens. */
  readonly name: string;
  readonly description?: string;
  readonly task: ModelTask;
  /** Name of the network, for people: `U-Net 32-64-128`. */
  readonly architecture?: string;
  readonly total_parameters?: number;
  /** ONNX file, relative to the card. */
  readonly file: string;
  readonly input: CardInput;
  readonly output: CardOutput;
  /**
   * Pixels of the input (before any reduction inside the graph) that influence one output pixel, along one axis. For
   * `--overlap auto`.
   */
  readonly receptive_field?: number;
  /** Training data: name, source, licence, split, fingerprint. */
  readonly data?: CardData;
  /** SPDX id or a sentence. */
  readonly license?: string;
  /** What the model must not be used for, or fails on. */
  readonly limits?: readonly string[];
  /** Measured scores, each with the data that it was measured on. */
  readonly scores?: readonly CardScore[];
  /** The command that trained it, with tilewright's version. */
  readonly trained_with?: string;
  /** The recipe that it was trained by, with all settings. */
  readonly recipe?: Readonly<Record<string, unknown>>;
  /** The same network in 8-bit integers, and what that costs. */
  readonly int8?: CardInt8;
}

export type ModelTask =
  /** a class per pixel */
  | 'semantic-segmentation'
  /** any number of tags per patch */
  | 'multi-label-classification'
  /** one class per patch */
  | 'classification'
  /** a feature vector per patch */
  | 'embedding'
  /** numbers per pixel */
  | 'regression';

export interface CardInput {
  /** Name of the graph's input; default: its only one. */
  readonly name?: string;
  /** Bands in the order in which the graph takes them, by common name (`red`, `green`, `blue`, `nir` …). */
  readonly bands: readonly string[];
  /** `['batch','height','width','bands']` or `['batch','bands','height','width']`. */
  readonly dim_order: 'bhwc' | 'bchw';
  /** Sizes in `dim_order`; −1 where free. */
  readonly shape: readonly [number, number, number, number];
  /** Sample type that the graph's input takes. */
  readonly data_type: 'uint8' | 'uint16' | 'int16' | 'float32' | 'float16';
  /** Sample types of scenes that the model is right for. Default: `['uint8']`. */
  readonly scene_data_types?: readonly DataType[];
  /**
   * Applied in this order per band before the graph, where the graph does not do it itself:
   * `(value * scale − mean) / stddev`. Absent: samples go in as they are.
   */
  readonly value_scaling?: {
    /** One number for all bands. Default 1. 1/255 for inputs from 0 to 1. */
    readonly scale?: number;
    /** One number per band, after `scale`. Default 0. */
    readonly mean?: readonly number[];
    /** One number per band, after `scale`. Default 1. */
    readonly stddev?: readonly number[];
  };
  /** Width and height must be a multiple of this many pixels. Default 1. */
  readonly multiple_of?: number;
  /**
   * Chips: edge in scene pixels of the square that becomes one input (`shape`), reduced by area averaging. Absent: the
   * square is as large as the input.
   */
  readonly window?: number;
  /** Ground sample distance of the training scenes in metres per pixel. */
  readonly gsd?: number;
}

export interface CardOutput {
  /** Name of the graph's output with scores or classes; default: its only one. */
  readonly name?: string;
  /** Order of the sizes: for maps `'bhwc' | 'bchw'`, for patches `'bc'`. */
  readonly dim_order: 'bhwc' | 'bchw' | 'bhw' | 'bc';
  /** What still has to be applied to the graph's output to have probabilities. */
  readonly activation: 'none' | 'softmax' | 'sigmoid';
  /**
   * Classes or tags by channel. Empty for embeddings. A segmentation graph with one channel has one class, which is 1 in the
   * map where its score reaches the threshold, or two: then the channel is the probability of the second.
   */
  readonly classes: readonly CardClass[];
  /** Maps: pixels that the output is smaller than the input on every side. Default 0. */
  readonly margin?: number;
  /** Regression: the graph's numbers times this are the answer. Default 1. */
  readonly scale?: number;
  /** Feature vectors: name of the graph's output (or of any tensor in it) and its length. Maps of features are averaged. */
  readonly features?: { readonly name: string; readonly dimensions: number };
}

export interface CardClass {
  /** Channel of the output, and pixel value in theme maps. From 0, without gaps. */
  readonly value: number;
  readonly name: string;
  /** `#rrggbb`. */
  readonly color_hint: string;
  /** Tags, and the class of maps that have only one: scores from here on count as present. Default 0.5. */
  readonly threshold?: number;
}

export interface CardData {
  readonly name: string;
  readonly source?: string;
  readonly license?: string;
  readonly split?: string;
  readonly fingerprint?: string;
}

export interface CardInt8 {
  /** ONNX file, relative to the card. */
  readonly file: string;
  /** The score that both forms were compared by. */
  readonly metric: string;
  /** Of the integers, and of float32, on the same data. */
  readonly value: number;
  readonly float32: number;
  /** The data: neither trained nor calibrated on. */
  readonly on: string;
  /** Processor time of float32 ÷ that of the integers, where it was made. */
  readonly speedup: number;
  /** Layers that stayed in float, by name. */
  readonly float_layers?: readonly string[];
}

export interface CardScore {
  /** `f2`, `pixel_accuracy`, `miou` … */
  readonly metric: string;
  readonly value: number;
  /** The data, and what of it was never used for a choice. */
  readonly on: string;
  /** Baseline or model: `model`, `majority class of the training samples (land)`, `all ones` … Default `model`. */
  readonly of?: string;
}
