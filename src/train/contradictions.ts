import type { Recipe } from './recipe.js';
import { resolveStages } from './resolve-stages.js';

/**
 * Keys of a recipe that are right by themselves, but not together: what is wrong, in one sentence; undefined where nothing is. What
 * only the network or the data can tell is looked at later, before anything is decoded.
 */
export function contradiction(recipe: Recipe): string | undefined {
  return ofSplit(recipe) ?? ofTask(recipe) ?? ofChips(recipe) ?? ofTraining(recipe) ?? ofNetwork(recipe) ?? ofStages(recipe);
}

function ofSplit({ split, training }: Recipe): string | undefined {
  const { validation, test } = split;
  if (split.file !== undefined) {
    const also = (['validation', 'test', 'seed'] as const).find((key) => split[key] !== undefined);
    if (also !== undefined) return `expected split.file alone, found split.${also} as well; take one away, for example with --set split.file=null`;
    return training.finalise === true ? 'expected no split.file with training.finalise, which trains on everything' : undefined;
  }
  if (training.finalise === true) return undefined;
  const isShare = (part: typeof validation): boolean => typeof part === 'number' && part > 0;
  if ((Array.isArray(validation) && isShare(test)) || (isShare(validation) && Array.isArray(test))) {
    return `expected split.validation and split.test both as shares or both as names of groups, found one of each; take one away, for example with --set split.${isShare(test) ? 'test' : 'validation'}=null`;
  }
  if (typeof validation === 'number' && typeof test === 'number' && validation + test >= 1) return `expected split.validation and split.test below 1 together, so that something is left to train on, found ${validation} and ${test}`;
  const groups = (part: typeof validation): readonly string[] => (part === undefined || typeof part === 'number' ? [] : part);
  const both = groups(validation).find((name) => groups(test).includes(name));
  return both === undefined ? undefined : `expected split.validation and split.test of different groups, found ${both} in both`;
}

function ofTask({ task, data, training, loss, network, stages }: Recipe): string | undefined {
  const only = (owner: string, keys: readonly (readonly [string, unknown])[]): string | undefined => {
    const found = keys.find(([, given]) => given !== undefined);
    return found === undefined ? undefined : `expected ${found[0]} for a ${owner} only, found it for a ${task}`;
  };
  const ofStage = (key: string, value: (stage: Recipe['stages'][number]) => unknown): (readonly [string, unknown])[] => stages.map((stage, index) => [`stages.${stage.name ?? index + 1}.${key}`, value(stage)] as const);
  if (task === 'classifier' && data.table !== undefined) return 'expected data.class_folders or chips from pictures with masks for a classifier, found data.table';
  if (task !== 'segmenter') {
    return only('segmenter', [['training.sampling', training.sampling], ['loss.dice', loss.dice], ['training.calibrate', training.calibrate], ['training.patch', training.patch], ['data.resize', data.resize],
      ...ofStage('patch', ({ patch }) => patch), ...ofStage('loss.dice', (stage) => stage.loss?.dice)])
      ?? (task === 'classifier' ? only('tagger', [['training.threshold', training.threshold]]) : undefined);
  }
  return only('tagger', [['training.threshold', training.threshold]])
    ?? only('tagger or classifier', [['network.size', network.size], ['network.head', network.head], ['data.chip', data.chip], ['data.table', data.table], ['data.class_folders', data.class_folders], ...ofStage('size', ({ size }) => size)]);
}

/** Chips that are cut from pictures are reduced by whole factors. */
function ofChips(recipe: Recipe): string | undefined {
  const { chip } = recipe.data;
  if (chip === undefined || recipe.task === 'segmenter') return undefined;
  const unfit = resolveStages(recipe).find(({ size }) => chip % size! !== 0);
  if (unfit === undefined) return undefined;
  const key = unfit.size === recipe.network.size ? 'network.size' : `stages.${unfit.name}.size`;
  return `expected data.chip as a multiple of ${key} (${unfit.size!}), so that chips are reduced by a whole factor, found ${chip}`;
}

function ofTraining({ training, stages }: Recipe): string | undefined {
  if (training.keep === 'last' && (training.patience !== undefined || stages.some((stage) => stage.patience !== undefined))) return 'expected training.patience with training.keep best only, found keep last';
  if (training.finalise !== true) return undefined;
  const choosing = [
    ...(training.patience === undefined ? [] : ['training.patience']), ...stages.flatMap((stage, index) => (stage.patience === undefined ? [] : [`stages.${stage.name ?? index + 1}.patience`])),
    ...(training.calibrate === true ? ['training.calibrate'] : []), ...(training.threshold === 'per-tag' ? ['training.threshold'] : []),
  ];
  if (choosing.length === 0) return undefined;
  return `expected nothing that chooses with training.finalise, which trains on everything and leaves nothing to choose on, found ${choosing.map((key) => (key === 'training.threshold' ? 'training.threshold per-tag' : key)).join(', ')}; take it away with ${choosing.map((key) => `--set ${key}=null`).join(' ')}`;
}

/**
 * What a setting asks for that training on everything does not do; recipes may say it, since they are also trained without.
 * @param settings key and value, as they were given on the command line
 */
export function unfitToFinalise({ training }: Recipe, settings: readonly (readonly [key: string, value: unknown])[]): string | undefined {
  if (training.finalise !== true) return undefined;
  const chooses = ([key, value]: readonly [string, unknown]): boolean => value !== null && (key === 'split' || key.startsWith('split.') || key === 'training.monitor' || (key === 'training.keep' && value === 'best'));
  const found = settings.find(chooses);
  return found === undefined ? undefined : `expected no ${found[0]} with training.finalise, which trains on everything and chooses nothing, found ${typeof found[1] === 'string' ? found[1] : JSON.stringify(found[1])}`;
}

function ofNetwork({ network, training }: Recipe): string | undefined {
  const { dense = [], dropout = [] } = network.head ?? {};
  if (dropout.length > dense.length + 1) return `expected network.head.dropout with at most ${dense.length + 1} shares, one before each layer of network.head.dense and one before the classifier, found ${dropout.length}`;
  if (network.weights !== undefined && training.start_from !== undefined) return 'expected network.weights or training.start_from, found both; take one away, for example with --set network.weights=null';
  return undefined;
}

function ofStages({ stages }: Recipe): string | undefined {
  const names = stages.map((stage, index) => stage.name ?? String(index + 1));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined ? undefined : `expected stages of different names, found ${twice} twice`;
}
