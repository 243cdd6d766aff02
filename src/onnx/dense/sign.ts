import { floatOf, numbersOf } from './value.js';
import type { Reading } from './value.js';

const NEVER_NEGATIVE = ['Relu', 'Sigmoid', 'HardSigmoid', 'Softmax', 'Softplus', 'Exp', 'Abs', 'Sqrt'];
/** What they give is negative only where something that they read is. */
const SIGN_KEEPING = ['Identity', 'Dropout', 'Pad', 'MaxPool', 'AveragePool', 'GlobalAveragePool', 'GlobalMaxPool', 'Transpose'];
const SIGN_JOINING = ['Add', 'Sum', 'Max', 'Concat'];

/**
 * Whether a value that may be negative comes with explicit zeros around it. ONNX Runtime (graph optimisation, `PadFusion`) makes such zeros the padding
 * of a MaxPool that reads them, which no maximum counts: of negative values it then gives another one than ONNX's definition.
 */
export function padsNegative(reading: Reading, name: string): boolean {
  const node = reading.nodes.get(name);
  if (node === undefined) return false;
  if (node.opType === 'Identity' || node.opType === 'Dropout') return padsNegative(reading, node.input[0]!);
  return node.opType === 'Pad' && mayBeNegative(reading, node.input[0]!);
}

function mayBeNegative(reading: Reading, name: string): boolean {
  const node = reading.nodes.get(name);
  if (node === undefined) return true;
  if (SIGN_KEEPING.includes(node.opType)) return mayBeNegative(reading, node.input[0]!);
  if (SIGN_JOINING.includes(node.opType)) return node.input.some((one) => mayBeNegative(reading, one));
  if (node.opType === 'Clip') return !((numbersOf(reading, node, node.input[1])?.[0] ?? floatOf(node, 'min', -1)) >= 0);
  return !NEVER_NEGATIVE.includes(node.opType);
}
