import { ModelError } from '../errors.js';
import { float, floatTensor } from '../onnx/index.js';
import type { GraphState } from './export-onnx.js';
import { constant, type Add } from './onnx-nodes.js';

/** The nodes of an activation by its name in TensorFlow.js, or the one that an import gives it there. */
export function activation(name: string, input: string, rank: number, add: Add, state: GraphState): string {
  const number = (called: string, value: number): string => constant(called, called, state, (free) => floatTensor(free, [], [value]));
  const channels = rank === 4 ? 1 : -1;
  switch (name) {
    case 'linear': return input;
    case 'relu': return add('Relu', [input]);
    case 'relu6': return add('Clip', [input, number('relu6/low', 0), number('relu6/high', 6)]);
    case 'sigmoid': return add('Sigmoid', [input]);
    case 'tanh': return add('Tanh', [input]);
    case 'softmax': return add('Softmax', [input], { axis: channels });
    case 'logSoftmax': return add('LogSoftmax', [input], { axis: channels });
    case 'elu': return add('Elu', [input], { alpha: float(1) });
    // The numbers of Klambauer et al., Self-Normalizing Neural Networks, 2017; ONNX has them with fewer digits.
    case 'selu': return add('Selu', [input], { alpha: float(1.6732632423543772), gamma: float(1.0507009873554805) });
    case 'leakyRelu': return add('LeakyRelu', [input], { alpha: float(0.2) });
    case 'softplus': return add('Softplus', [input]);
    case 'softsign': return add('Softsign', [input]);
    case 'exponential': return add('Exp', [input]);
    case 'swish': return add('Mul', [input, add('Sigmoid', [input])]);
    case 'mish': return add('Mul', [input, add('Tanh', [add('Softplus', [input])])]);
    case 'hardSigmoid': return add('HardSigmoid', [input], { alpha: float(0.2), beta: float(0.5) });
    case 'hardSigmoidOfSix': return add('HardSigmoid', [input], { alpha: float(1 / 6), beta: float(0.5) });
    case 'hardSwish': return add('HardSwish', [input]);
    case 'gelu': {
      // x · Φ(x), Φ(x) = (1 + erf(x / √2)) / 2; ONNX has it as one operator since version 20 only.
      const erf = add('Erf', [add('Div', [input, number('gelu/root', Math.SQRT2)])]);
      return add('Mul', [input, add('Mul', [add('Add', [erf, number('gelu/one', 1)]), number('gelu/half', 0.5)])]);
    }
    default: throw new ModelError(state.model, `expected an activation that can be exported to ONNX, found ${name}`);
  }
}
