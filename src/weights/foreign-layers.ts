import type { Tensor } from '@tensorflow/tfjs';
import type { Tensorflow } from '../../models/architectures/index.js';

const done = new WeakSet<object>();

/**
 * Makes activations and layers of Keras that TensorFlow.js does not have known to it. What they compute is in
 * keras/src/activations/activations.py and keras/src/layers.
 */
export function registerForeign(tf: Tensorflow): void {
  if (done.has(tf.serialization)) return;
  done.add(tf.serialization);
  const activation = (className: string, apply: (x: Tensor) => Tensor): void => {
    class Activation extends tf.serialization.Serializable {
      /** @nocollapse */
      static className = className;
      apply(x: Tensor): Tensor { return tf.tidy(() => apply(x)); }
      getConfig(): Record<string, never> { return {}; }
    }
    tf.serialization.registerClass(Activation);
  };
  const hardSigmoid = (x: Tensor): Tensor => tf.clipByValue(tf.add(tf.div(x, 6), 0.5), 0, 1);
  activation('hardSigmoidOfSix', hardSigmoid);
  activation('hardSwish', (x) => tf.mul(x, hardSigmoid(x)));
  activation('leakyRelu', (x) => tf.leakyRelu(x, 0.2));
  activation('exponential', (x) => tf.exp(x));

  const pooling = (className: string, apply: (x: Tensor) => Tensor): void => {
    /** Pools a map to one pixel: `[batch, height, width, channels]` → `[batch, 1, 1, channels]`. */
    class Pooling extends tf.layers.Layer {
      /** @nocollapse */
      static className = className;
      override computeOutputShape(shape: (number | null)[]): (number | null)[] { return [shape[0]!, 1, 1, shape[3]!]; }
      override call(inputs: Tensor | Tensor[]): Tensor { return tf.tidy(() => apply(Array.isArray(inputs) ? inputs[0]! : inputs)); }
    }
    tf.serialization.registerClass(Pooling);
  };
  pooling('KeptAveragePooling2D', (x) => tf.mean(x, [1, 2], true));
  pooling('KeptMaxPooling2D', (x) => tf.max(x, [1, 2], true));

  /** As TensorFlow.js's own, which does not find out the size that is left free. */
  class FittedReshape extends tf.layers.Layer {
    /** @nocollapse */
    static className = 'FittedReshape';
    private readonly targetShape: readonly number[];
    constructor(config: { readonly targetShape: readonly number[] }) {
      super(config as object);
      this.targetShape = config.targetShape;
    }
    override computeOutputShape(shape: (number | null)[]): (number | null)[] {
      const from = shape.slice(1);
      const stated = this.targetShape.filter((size) => size >= 0).reduce((product, size) => product * size, 1);
      const all = from.includes(null) ? undefined : from.reduce<number>((product, size) => product * size!, 1);
      const free = this.targetShape.filter((size) => size < 0).length;
      if (free > 1 || (all !== undefined && (free === 0 ? all !== stated : all % stated !== 0))) throw new RangeError(`[${from.join(', ')}] cannot become [${this.targetShape.join(', ')}]`);
      return [shape[0]!, ...this.targetShape.map((size) => (size >= 0 ? size : all === undefined ? null : all / stated))];
    }
    override call(inputs: Tensor | Tensor[]): Tensor {
      const x = Array.isArray(inputs) ? inputs[0]! : inputs;
      return tf.tidy(() => tf.reshape(x, this.computeOutputShape(x.shape) as number[]));
    }
    override getConfig(): ReturnType<InstanceType<typeof tf.layers.Layer>['getConfig']> { return { ...super.getConfig(), targetShape: [...this.targetShape] }; }
  }
  tf.serialization.registerClass(FittedReshape);
}
