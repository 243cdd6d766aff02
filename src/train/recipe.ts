import type { DataDescription } from '../samples/index.js';

/**
 * Everything that decides what a model becomes, as written in `models/recipes/*.yaml`. Keys are the ones of the file; each can
 * be overridden on the command line: `--set optimizer.lr=0.003`, `--set stages.head.epochs=2`. What a key may be is checked
 * by `recipe-fields.ts`, which has an entry for every key here.
 */
export interface Recipe {
  /** Lower case, digits, hyphens. */
  readonly name: string;
  /** `tagger`: any number of tags per chip; `classifier`: one class per chip; `segmenter`: one class per pixel. */
  readonly task: RecipeTask;
  readonly data: RecipeData;
  readonly split: RecipeSplit;
  readonly network: RecipeNetwork;
  readonly training: RecipeTraining;
  readonly optimizer: RecipeOptimizer;
  readonly schedule: RecipeSchedule;
  readonly loss: RecipeLoss;
  readonly augment: RecipeAugment;
  /** One after the other, each beginning with the weights that the one before ended with. Default: one stage of all that is said above. */
  readonly stages: readonly RecipeStage[];
  readonly card: RecipeCard;
}

export type RecipeTask = 'tagger' | 'classifier' | 'segmenter';

/** What the data are: the keys of `dataset.yaml` (docs/datasets.md). What is absent is found out from what lies in the data folder. */
export interface RecipeData extends DataDescription {
  /** Segmenters: width and height that every picture is brought to before training; scores are at full size all the same. */
  readonly resize?: readonly [number, number];
}

/** Shares with a seed, or names of groups. Default: as the data themselves say (folders `train`, `validate`, `test`), else 0.15 each. */
export interface RecipeSplit {
  /** A split of `dataset split`, from the folder of the data; instead of shares and groups. Set on the command line it takes the place of the recipe's. */
  readonly file?: string;
  readonly seed?: number;
  /** Choices are made on it: best epoch, thresholds, offsets. */
  readonly validation?: number | readonly string[];
  /** Measured once, at the end. Where it is empty, the scores are those on the validation data, and say so. */
  readonly test?: number | readonly string[];
}

/** A network of models/architectures by its name, and its options. */
export interface RecipeNetwork {
  readonly architecture: string;
  /** All channel counts are multiplied by this. Default 1. */
  readonly width?: number;
  /** Channels per level or stage. */
  readonly widths?: readonly number[];
  /** Residual blocks per stage. */
  readonly blocks?: readonly number[];
  readonly batch_norm?: boolean;
  /** Share that is dropped in training, where the network has one place for it. */
  readonly dropout?: number;
  /** Chips: what follows the convolutions. Default: the network's own. */
  readonly head?: RecipeHead;
  /**
   * What is done to samples from 0 to 255 first, where the network leaves it open: `unit` 0–1, `signed` −1–1, `caffe` blue, green, red
   * less their means on ImageNet (VGG and ResNet of Keras), `torch` red, green, blue by their means and deviations. Default `none`.
   */
  readonly normalization?: 'none' | 'unit' | 'signed' | 'caffe' | 'torch';
  /** Details in which libraries differ; as the weights. Default: the library of the published weights. */
  readonly variant?: 'keras' | 'torch';
  /** Chips: edge of the input after reduction, in pixels. */
  readonly size?: number;
  /** The input is averaged over squares of this many pixels, inside the network. */
  readonly reduce?: number;
  /** Weights to begin with, of all but the head: a file of another library, or a name of `models pull`. Default: random. */
  readonly weights?: string;
}

export interface RecipeHead {
  /** How places become one: their mean, mean and largest beside each other, or every place by itself. Default `average`. */
  readonly pool?: 'average' | 'average-max' | 'flatten';
  /** Units of the dense layers before the classifier: `fc1`, `fc2` … Default none. */
  readonly dense?: readonly number[];
  /** Shares that are dropped before each dense layer and, last, before the classifier. Default none. */
  readonly dropout?: readonly number[];
  /** Batch normalisation before each dense layer and the classifier. Default false. */
  readonly batch_norm?: boolean;
}

export interface RecipeTraining {
  readonly epochs: number;
  /** Samples per step. */
  readonly batch: number;
  /** Segmenters: edge of a patch in pixels of the (reduced) pictures. */
  readonly patch?: number;
  /** Steps per epoch. Default: as many as show every sample (or as many pixels as there are) once. */
  readonly steps?: number;
  readonly seed: number;
  /** What decides which epoch is best and when to stop: the validation score or the validation loss. Default `score`. */
  readonly monitor?: 'score' | 'loss';
  /** Stops a stage after so many epochs without a better value of what is monitored. Default: never. */
  readonly patience?: number;
  /** Which epoch's weights a stage ends with. Default `best`; of epochs with equal scores the one with the lower validation loss. */
  readonly keep?: 'best' | 'last';
  /** Share of the moving average of the weights that stays per step; the model is that average. */
  readonly average?: number;
  /** `layers` folder of a model with the same network, to start from its weights. Default: random ones. */
  readonly start_from?: string;
  /** Segmenters: whether every pixel is shown as often, or every group of pictures. Default `area`. */
  readonly sampling?: 'area' | 'group';
  /** Segmenters: after training, offsets of the logits are chosen on the validation pictures. Default false. */
  readonly calibrate?: boolean;
  /** Taggers: a tag counts as found from this probability on; `per-tag`: one each, chosen on the validation chips after training; epochs are compared by the best common one. Default 0.5. */
  readonly threshold?: number | 'per-tag';
  /** Features of frozen layers are computed once and kept on disk, where nothing random comes before them. Default true. */
  readonly cache_features?: boolean;
  /** Trains on everything, without validation and test: the last step, when all choices are made. Default false. */
  readonly finalise?: boolean;
}

export interface RecipeOptimizer {
  /** Default `adamw`. */
  readonly name: 'sgd' | 'adam' | 'adamw';
  /**
   * Learning rate, the highest one of a schedule. `[low, high]`: evenly by ratio from the network's first stage to its head
   * (discriminative rates); `{name: rate}`: by stage or layer, the first name that fits counts, `*` is any text.
   */
  readonly lr: LearningRate;
  /** SGD. Default 0. */
  readonly momentum?: number;
  /** SGD. Default false. */
  readonly nesterov?: boolean;
  /** Default 0.9. */
  readonly beta1?: number;
  /** Default 0.99 for AdamW, 0.999 for Adam. */
  readonly beta2?: number;
  /** Default 1e-7. */
  readonly epsilon?: number;
  /** AdamW: share of a kernel that is taken away per step, times the rate. Default 0.01. */
  readonly decay?: number;
  /** The gradient of each weight is shortened to this length, as `clipnorm` of Keras. Default: not. */
  readonly clipnorm?: number;
}

export type LearningRate = number | readonly [number, number] | Readonly<Record<string, number>>;

export interface RecipeSchedule {
  /** `one-cycle`: a cosine up and one down; `cosine`: one down; `plateau`: lower after epochs without a lower validation loss. Default `one-cycle`. */
  readonly name: 'constant' | 'one-cycle' | 'cosine' | 'plateau';
  /** One-cycle: share of the steps that go up. Default 0.25. */
  readonly rise?: number;
  /** One-cycle: the first rate is the highest one divided by this. Default 25. */
  readonly start_divisor?: number;
  /** Plateau: the rate is multiplied by this. Default 0.5. */
  readonly factor?: number;
  /** Plateau: epochs without a lower loss. Default 3. */
  readonly patience?: number;
  /** Plateau and cosine: never below this. Default 0. */
  readonly min_lr?: number;
}

export interface RecipeLoss {
  /** Default: binary cross-entropy for taggers, categorical for the others. `focal` is the one of the task with less weight for what is already right. */
  readonly name: 'cross-entropy' | 'focal';
  /** Focal: how much less. Default 2. */
  readonly gamma?: number;
  /**
   * `sqrt`: rare classes weigh more, by the root of how rare they are in the training data; `balanced`: by how rare they are;
   * `{name: weight}`: as given, others 1, and 0 leaves a class out of the loss. Default `equal`; for segmenters `sqrt`.
   */
  readonly class_weights?: 'equal' | 'sqrt' | 'balanced' | Readonly<Record<string, number>>;
  /** Share of a target that is spread over all classes. Default 0. */
  readonly label_smoothing?: number;
  /** Segmenters: weight of the Dice loss beside the other. Default 0. */
  readonly dice?: number;
  /** Weight of the sum of squares of kernels: of all, or `{name: weight}` by stage or layer. Default 0. */
  readonly l2?: number | Readonly<Record<string, number>>;
}

/** What varies a training sample. One place is drawn for all that moves pixels, so that they are interpolated once. */
export interface RecipeAugment {
  /** Mirrored and turned by quarters: the eight ways to see the same ground from above. Default true. */
  readonly turns?: boolean;
  /** Mirrored only: left and right, up and down, or both. For taggers of things that have an up. Default: not. */
  readonly flip?: 'horizontal' | 'vertical' | 'both';
  /** Turned by up to so many degrees either way. */
  readonly rotate?: number;
  /** Moved by up to so much of the edge, along each axis. */
  readonly shift?: number;
  /** Sheared by up to so many degrees either way. */
  readonly shear?: number;
  /** Smallest and largest magnification; below 1 more ground is shown smaller. */
  readonly zoom?: readonly [number, number];
  /** What is seen beyond the edge of a picture. Default `reflect`. Masks are ignored there with `constant`. */
  readonly fill?: 'nearest' | 'reflect' | 'constant';
  /** Sample value of `constant`. Default 0. */
  readonly fill_value?: number;
  /** Adds up to this share of the range. */
  readonly brightness?: number;
  /** Stretches around the middle grey, by up to this factor off 1. */
  readonly contrast?: number;
  /** Stretches each band by itself. */
  readonly color?: number;
  /** Bends the tones, by powers from e^−gamma to e^gamma. */
  readonly gamma?: number;
}

/** What is not said in a stage is as in the rest of the recipe; sections are merged key by key. */
export interface RecipeStage {
  /** Default: its number, from 1. */
  readonly name?: string;
  readonly epochs?: number;
  readonly batch?: number;
  readonly patch?: number;
  /** Chips: edge of the network's input in this stage (progressive resizing). */
  readonly size?: number;
  /** Layers that are not trained: stages, layers, or patterns in which `*` is any text; `!` in front lets layers out again. Default: none. */
  readonly freeze?: readonly string[];
  readonly patience?: number;
  readonly lr?: LearningRate;
  readonly optimizer?: Partial<RecipeOptimizer>;
  readonly schedule?: Partial<RecipeSchedule>;
  readonly loss?: Partial<RecipeLoss>;
  readonly augment?: RecipeAugment;
}

/** What the model card says beyond what is measured. */
export interface RecipeCard {
  readonly description?: string;
  readonly bands?: readonly string[];
  readonly window?: number;
  readonly gsd?: number;
  readonly license?: string;
  readonly data_name?: string;
  readonly data_source?: string;
  readonly data_license?: string;
  readonly split?: string;
  readonly limits?: readonly string[];
  /** What the command alone does not tell about how the model came to be. */
  readonly course?: string;
  /** Name of the model that ends at the feature layer. Default: the recipe's name and `-features`. */
  readonly features_name?: string;
  readonly colors?: Readonly<Record<string, string>>;
}
