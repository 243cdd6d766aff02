import { fitBinary, fitMulticlass, probabilities, standardize, unstandardize } from '../../linear/index.js';
import type { LinearModel, Standard } from '../../linear/index.js';
import type { LabelSet } from './labels.js';

/** Classes or tags of vectors. */
export interface Classifier {
  /** Per class or tag the probabilities of some rows: `count × names`. */
  probabilities(rows: ArrayLike<number>, count: number): Float64Array;
  /** What to keep of it. */
  readonly models: readonly { readonly names: readonly string[]; readonly coefficients: readonly number[]; readonly intercepts: readonly number[] }[];
  readonly converged: boolean;
}

export interface Samples {
  /** `count × dimensions`, as stored. */
  readonly data: Float32Array;
  readonly values: readonly (readonly number[])[];
}

/**
 * Logistic regression on standardized vectors: one softmax for exactly one class, one question per tag for any number. Classes that
 * no sample has get probability 0, tags that all have 1.
 */
export function fitClassifier(samples: Samples, labels: Pick<LabelSet, 'names' | 'kind'>, standard: Standard, c: number): Classifier {
  const count = samples.values.length;
  const dimensions = standard.mean.length;
  const rows = { data: standardize(samples.data, count, standard), count, dimensions };
  const width = labels.names.length;
  if (labels.kind === 'one') {
    const seen = [...new Set(samples.values.map(([value]) => value!))].sort((a, b) => a - b);
    if (seen.length === 1) return constant(width, seen);
    const classOf = samples.values.map(([value]) => seen.indexOf(value!));
    const model = unstandardize(seen.length === 2 ? asTwo(fitBinary(rows, classOf.map((one) => one === 1), { c })) : fitMulticlass(rows, classOf, seen.length, { c }), standard);
    return {
      converged: model.converged, models: [kept(model, seen.map((value) => labels.names[value]!))],
      probabilities(data, size) {
        const found = probabilities(model, data, size);
        const out = new Float64Array(size * width);
        for (let row = 0; row < size; row++) seen.forEach((value, k) => { out[row * width + value] = found[row * seen.length + k]!; });
        return out;
      },
    };
  }
  const models = labels.names.map((_, tag): LinearModel | 0 | 1 => {
    const yes = samples.values.map((values) => values.includes(tag));
    if (!yes.includes(true)) return 0;
    return yes.includes(false) ? unstandardize(fitBinary(rows, yes, { c }), standard) : 1;
  });
  return {
    converged: models.every((model) => typeof model === 'number' || model.converged),
    models: models.flatMap((model, tag) => (typeof model === 'number' ? [] : [kept(model, [labels.names[tag]!])])),
    probabilities(data, size) {
      const out = new Float64Array(size * width);
      models.forEach((model, tag) => {
        const found = typeof model === 'number' ? undefined : probabilities(model, data, size);
        for (let row = 0; row < size; row++) out[row * width + tag] = found === undefined ? model as number : found[row]!;
      });
      return out;
    },
  };
}

function constant(width: number, seen: readonly number[]): Classifier {
  return {
    converged: true, models: [],
    probabilities(_data, size) {
      const out = new Float64Array(size * width);
      for (let row = 0; row < size; row++) out[row * width + seen[0]!] = 1;
      return out;
    },
  };
}

/** A yes-or-no question as two classes with the same probabilities; scikit-learn does so, too: half the penalty of a softmax. */
function asTwo(model: LinearModel): LinearModel {
  const coefficients = new Float64Array(2 * model.dimensions);
  coefficients.set(model.coefficients, model.dimensions);
  return { ...model, classes: 2, coefficients, intercepts: Float64Array.of(0, model.intercepts[0]!) };
}

function kept(model: LinearModel, names: readonly string[]): Classifier['models'][number] {
  return { names, coefficients: [...model.coefficients], intercepts: [...model.intercepts] };
}

/** Classes or tags that probabilities stand for: the likeliest, or all from a half on. @param from where the row begins. */
export function decide(kind: LabelSet['kind'], found: ArrayLike<number>, from: number, width: number): number[] {
  if (kind === 'any') return Array.from({ length: width }, (_, k) => k).filter((k) => found[from + k]! >= 0.5);
  let best = 0;
  for (let k = 1; k < width; k++) if (found[from + k]! > found[from + best]!) best = k;
  return [best];
}

/** How unsure probabilities are, from 0 to 1: 1 less the lead of the likeliest class, or the tag nearest to a half. */
export function uncertainty(kind: LabelSet['kind'], found: ArrayLike<number>, from: number, width: number): number {
  if (kind === 'any') {
    let most = 0;
    for (let k = 0; k < width; k++) most = Math.max(most, 1 - 2 * Math.abs(found[from + k]! - 0.5));
    return most;
  }
  let [first, second] = [0, 0];
  for (let k = 0; k < width; k++) {
    const value = found[from + k]!;
    if (value > first) [first, second] = [value, first];
    else if (value > second) second = value;
  }
  return 1 - (first - second);
}
