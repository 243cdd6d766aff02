import { InvalidOptionError } from '../../errors.js';
import { openPredictor } from '../../predict/index.js';
import type { Device, LoadedModel, Precision, Predictor, PredictorOptions } from '../../predict/index.js';
import { openLayersPredictor } from './layers-predictor.js';

/** What runs a model: its ONNX graph by onnxruntime, or its layers by TensorFlow. */
export type Engine = 'onnxruntime' | 'tensorflow';

export interface EngineChoice {
  /** Default `onnxruntime`. */
  readonly engine?: Engine;
}

/**
 * Checks that what else was asked for is what TensorFlow does.
 * @throws {InvalidOptionError}
 */
export function checkEngine(options: EngineChoice & { readonly device?: Device; readonly precision?: Precision; readonly stride?: number; readonly layer?: string }): void {
  if (options.engine !== 'tensorflow') return;
  const refuse = (option: string, why: string): never => { throw new InvalidOptionError(option, `${why} with --engine tensorflow`, { advice: `leave ${option} or --engine out` }); };
  if ((options.device ?? 'cpu') !== 'cpu') refuse('--device', 'TensorFlow takes a graphics card by itself where it was installed for one; the option does not go');
  if (options.precision === 'int8') refuse('--precision', '8-bit integers are of the ONNX form; they do not go');
  if (options.stride !== undefined) refuse('--stride', 'the dense form is an ONNX graph; it does not go');
  if (options.layer !== undefined) refuse('--layer', 'tensors are named as in the ONNX graph; they cannot be chosen');
}

/** Opens a model by the engine that was asked for. */
export function openEngine(model: LoadedModel, options: PredictorOptions & EngineChoice): Promise<Predictor> {
  return options.engine === 'tensorflow' ? openLayersPredictor(model, options) : openPredictor(model, options);
}
