import type { TaskContext } from '../../run/index.js';
import type { ChipSamples } from '../../samples/index.js';
import {
  architectureOf, buildNetworks, chipLearner, chipPixels, chooseLayers, mapLearner, resolveStages, setValues, splitFrozen, storeFeatures,
  type FitStage, type Learner, type Network, type OpenedStage, type Recipe, type RecipeNetworks, type Stage, type Tensorflow,
} from '../../train/index.js';
import { patchMapOf, withMap } from './patch-map.js';
import { areChips, loadSamples, type LoadedChips, type LoadedMaps, type LoadedSamples, type LoadOptions } from './samples.js';

/** Opens the stages of a recipe one by one: samples and network of the stage's size. */
export interface Course {
  readonly stages: readonly FitStage[];
  /** Of the stage that was opened last. */
  current(): { readonly loaded: LoadedSamples; readonly networks: RecipeNetworks };
  close(): Promise<void>;
}

export interface CourseParts {
  readonly recipe: Recipe;
  readonly data: LoadOptions;
  /** Samples of the first stage. */
  readonly first: LoadedSamples;
  /** Called with every network that is built and not given weights by an earlier stage. */
  readonly begin: (networks: RecipeNetworks) => Promise<void>;
}

export function openCourse(tf: Tensorflow, parts: CourseParts, context: TaskContext): Course {
  const { recipe } = parts;
  const architecture = architectureOf(recipe);
  let loaded = parts.first;
  let size = areChips(loaded) ? loaded.samples.size : undefined;
  let networks: RecipeNetworks | undefined;
  let closeFeatures = (): void => undefined;

  const open = async (stage: Stage, begin: readonly Float32Array[] | undefined): Promise<OpenedStage> => {
    closeFeatures();
    closeFeatures = () => undefined;
    if (networks === undefined || (areChips(loaded) && stage.size !== size)) {
      if (areChips(loaded) && stage.size !== size) {
        await loaded.samples.close();
        loaded = await loadSamples(recipe, { ...parts.data, size: stage.size! }, context);
        size = stage.size;
      }
      networks?.training.scores.dispose();
      if (networks !== undefined && networks.shipped !== networks.training) networks.shipped.scores.dispose();
      networks = buildNetworks(tf, recipe, loaded.outputs.length, stage.size);
      if (begin === undefined) await parts.begin(networks);
    }
    if (begin !== undefined) setValues(tf, networks.training.logits, begin);
    const model = networks.training.logits;
    if (!areChips(loaded)) return { model, learner: mapsOf(tf, recipe, stage, networks, loaded) };
    const store = await frozenFeatures(stage, networks.training, loaded);
    if (store !== undefined) closeFeatures = store.close;
    return { model, learner: withMap(tf, store?.learner ?? chipsOf(tf, recipe, stage, networks.training, loaded), networks.training, patchMapOf(loaded)) };
  };

  /** The learner on features of frozen layers, where all that comes before the trained ones is the same for a sample every time. */
  const frozenFeatures = async (stage: Stage, network: Network, chips: LoadedChips): Promise<{ learner: Learner; close: () => void } | undefined> => {
    if (recipe.training.cache_features === false || stage.freeze.length === 0 || isVaried(stage)) return undefined;
    const split = splitFrozen(tf, network, chooseLayers(architecture, network.logits, stage.freeze, 'freeze'));
    if (split === undefined) return undefined;
    const places = Int32Array.from([...chips.split.train, ...chips.split.validation]).sort();
    const store = await storeFeatures(split, chips.samples, places, {
      folder: parts.data.cacheFolder, ...(context.signal === undefined ? {} : { signal: context.signal }),
      onProgress: (done, total) => { if (done === total || done % 1024 === 0) context.onProgress?.({ stage: 'features', done, total, unit: 'chips', detail: `up to ${split.layer}` }); },
    });
    return { learner: chipLearner(tf, split.trained, chips.samples, chips.split, store, chipOptions(recipe, stage)), close: () => store.close() };
  };

  return {
    stages: resolveStages(recipe).map((stage) => ({ stage, open: (begin) => open(stage, begin) })),
    current: () => ({ loaded, networks: networks! }),
    async close() { closeFeatures(); await loaded.samples.close(); },
  };
}

function chipsOf(tf: Tensorflow, recipe: Recipe, stage: Stage, network: Network, { samples, split }: { samples: ChipSamples; split: LoadedChips['split'] }): Learner {
  return chipLearner(tf, network, samples, split, chipPixels(samples, stage.augment), chipOptions(recipe, stage));
}

function chipOptions(recipe: Recipe, stage: Stage): Parameters<typeof chipLearner>[5] {
  const { training, task } = recipe;
  return {
    task: task === 'classifier' ? 'classifier' : 'tagger', batch: stage.batch, seed: training.seed, loss: stage.loss, threshold: training.threshold === 'per-tag' ? 'best' : training.threshold ?? 0.5,
    ...(training.steps === undefined ? {} : { steps: training.steps }),
  };
}

function mapsOf(tf: Tensorflow, recipe: Recipe, stage: Stage, networks: RecipeNetworks, { samples, split }: LoadedMaps): Learner {
  const { training } = recipe;
  return mapLearner(tf, networks.training, samples, split, {
    batch: stage.batch, patch: stage.patch!, multiple: networks.multiple, seed: training.seed, augment: stage.augment, loss: stage.loss, sampling: training.sampling ?? 'area',
    ...(training.steps === undefined ? {} : { steps: training.steps }),
  });
}

/** Whether a sample may look another way the next time. */
function isVaried({ augment }: Stage): boolean {
  const { turns = augment.flip === undefined, flip, zoom, fill: _, fill_value: __, ...amounts } = augment;
  return turns || flip !== undefined || (zoom !== undefined && (zoom[0] !== 1 || zoom[1] !== 1)) || Object.values(amounts).some((amount) => amount !== 0);
}
