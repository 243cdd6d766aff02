import type { SymbolicTensor } from '@tensorflow/tfjs';
import type { LayerMaker } from './layer-maker.js';
import type { Network, NetworkOptions } from './types.js';

/** From a map of channels to one answer per patch. */
export interface HeadOptions {
  /**
   * How places become one: `average` (any size of input), `average-max` (the mean and the largest beside each other, as fastai
   * does), `flatten` (every place by itself; the input's size is fixed then).
   */
  readonly pool?: 'average' | 'average-max' | 'flatten';
  /** Sizes of the dense layers with ReLU before the classifier: `fc1`, `fc2` … Default none. */
  readonly dense?: readonly number[];
  /** Shares that are dropped in training before each dense layer and, last, before the classifier. Default none. */
  readonly dropout?: readonly number[];
  /** Batch normalisation before each dense layer and the classifier, as fastai does. Default false. */
  readonly batchNorm?: boolean;
}

export interface HeadSetting extends Pick<NetworkOptions, 'outputs' | 'activation'> {
  /** Name of the whole network. */
  readonly name: string;
  readonly head: HeadOptions;
}

/**
 * Pools, dense layers and a classifier on top of an encoder. The features are what comes into the classifier, before
 * anything is dropped or normalised.
 */
export function chipHead(maker: LayerMaker, input: SymbolicTensor, encoded: SymbolicTensor, { name, head, outputs, activation }: HeadSetting): Network {
  const { dense = [], dropout = [], batchNorm = false } = head;
  let features = pool(maker, encoded, head.pool ?? 'average');
  let x = features;
  [...dense, 0].forEach((units, index) => {
    if (batchNorm) x = maker.normalization(x, `fc${index + 1}_bn`, { epsilon: 1e-5 });
    const rate = dropout[index] ?? 0;
    if (rate > 0) x = maker.dropout(x, `fc${index + 1}_dropout`, rate);
    if (units === 0) return;
    x = maker.relu(maker.dense(x, `fc${index + 1}`, units, 'he'), `fc${index + 1}_relu`);
    features = x;
  });
  return finish(maker, input, maker.dense(x, 'logits', outputs), { name, features, activation });
}

export interface FinishSetting extends Pick<NetworkOptions, 'activation'> {
  readonly name: string;
  readonly features?: SymbolicTensor;
}

/** The last activation, and the models that end before and after it. */
export function finish(maker: LayerMaker, input: SymbolicTensor, logits: SymbolicTensor, setting: FinishSetting): Network {
  const { name, features, activation = 'softmax' } = setting;
  const { tf } = maker;
  const scores = maker.apply(tf.layers.activation({ activation, name: activation }), logits);
  return {
    scores: tf.model({ inputs: input, outputs: scores, name }),
    logits: tf.model({ inputs: input, outputs: logits, name: `${name}_logits` }),
    ...(features === undefined ? {} : { features: tf.model({ inputs: input, outputs: features, name: `${name}_features` }) }),
  };
}

function pool(maker: LayerMaker, x: SymbolicTensor, kind: NonNullable<HeadOptions['pool']>): SymbolicTensor {
  const { tf } = maker;
  if (kind === 'flatten') return maker.apply(tf.layers.flatten({ name: 'flatten' }), x);
  const average = maker.apply(tf.layers.globalAveragePooling2d({ name: 'avg_pool' }), x);
  return kind === 'average' ? average : maker.concatenate([average, maker.apply(tf.layers.globalMaxPooling2d({ name: 'max_pool' }), x)], 'pools');
}
