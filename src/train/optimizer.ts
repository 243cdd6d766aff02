import type { NamedTensorMap, Tensor, Variable } from '@tensorflow/tfjs';
import type { Tensorflow } from '../../models/architectures/index.js';
import type { RecipeOptimizer } from './recipe.js';

/** Changes weights by their gradients, with a state that can be saved. */
export interface Optimizer {
  /** One step. Gradients are by name of the variable, rates by the variable's place. */
  step(gradients: NamedTensorMap, rates: readonly number[]): void;
  /** Steps made so far. */
  steps: number;
  /** Velocities, or first and then second moments, in the order of the variables. */
  readonly moments: readonly Variable[];
  dispose(): void;
}

export type OptimizerOptions = Omit<RecipeOptimizer, 'lr'>;

/** Changes one variable by its gradient. */
type Update = (variable: Variable, gradient: Tensor, rate: number, place: number) => void;

/**
 * SGD with momentum as Keras has it (the rate is inside the velocity), Adam (Kingma and Ba 2015), or AdamW with decoupled
 * decay (Loshchilov and Hutter 2019) of kernels only: biases and normalisation, which have one axis, are not decayed. Adam adds
 * ε before the correction of the second moment, as Keras does, AdamW after it, as PyTorch does.
 */
export function createOptimizer(tf: Tensorflow, variables: readonly Variable[], options: OptimizerOptions): Optimizer {
  const zeros = (): Variable[] => variables.map((variable) => tf.variable(tf.zerosLike(variable), false));
  const first = options.name === 'sgd' && (options.momentum ?? 0) === 0 ? [] : zeros();
  const second = options.name === 'sgd' ? [] : zeros();
  const optimizer: Optimizer = {
    steps: 0,
    moments: [...first, ...second],
    step(gradients, rates) {
      optimizer.steps++;
      tf.tidy(() => variables.forEach((variable, place) => {
        const gradient = gradients[variable.name];
        if (gradient !== undefined) update(variable, shortened(tf, gradient, options.clipnorm), rates[place]!, place);
      }));
    },
    dispose() { for (const moment of optimizer.moments) moment.dispose(); },
  };
  const update = options.name === 'sgd' ? descend(tf, first, options) : adapt(tf, first, second, options, () => optimizer.steps);
  return optimizer;
}

function descend(tf: Tensorflow, velocities: readonly Variable[], { momentum = 0, nesterov = false }: OptimizerOptions): Update {
  return (variable, gradient, rate, place) => {
    const change = tf.mul(gradient, -rate);
    const velocity = velocities[place];
    if (velocity === undefined) { variable.assign(tf.add(variable, change)); return; }
    velocity.assign(tf.add(tf.mul(velocity, momentum), change));
    variable.assign(tf.add(variable, nesterov ? tf.add(tf.mul(velocity, momentum), change) : velocity));
  };
}

function adapt(tf: Tensorflow, first: readonly Variable[], second: readonly Variable[], options: OptimizerOptions, steps: () => number): Update {
  const decoupled = options.name === 'adamw';
  const { beta1 = 0.9, beta2 = decoupled ? 0.99 : 0.999, epsilon = 1e-7, decay = 0.01 } = options;
  return (variable, gradient, rate, place) => {
    const correction1 = 1 - beta1 ** steps();
    const correction2 = 1 - beta2 ** steps();
    const m = first[place]!;
    const v = second[place]!;
    m.assign(tf.add(tf.mul(m, beta1), tf.mul(gradient, 1 - beta1)));
    v.assign(tf.add(tf.mul(v, beta2), tf.mul(tf.square(gradient), 1 - beta2)));
    const spread = Math.sqrt(correction2);
    const change: Tensor = tf.div(tf.mul(m, (rate * spread) / correction1), tf.add(tf.sqrt(v), decoupled ? epsilon * spread : epsilon));
    const kept = decoupled && variable.rank > 1 ? tf.mul(variable, 1 - rate * decay) : variable;
    variable.assign(tf.sub(kept, change));
  };
}

/** A gradient of at most this length (Euclidean, over all of its values), as `clipnorm` of Keras. */
function shortened(tf: Tensorflow, gradient: Tensor, longest: number | undefined): Tensor {
  if (longest === undefined) return gradient;
  const length = tf.sqrt(tf.sum(tf.square(gradient)));
  return tf.mul(gradient, tf.div(longest, tf.maximum(length, longest)));
}
