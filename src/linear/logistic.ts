import { minimize } from './lbfgs.js';

export interface LogisticOptions {
  /** Inverse strength of the penalty, as scikit-learn's `C`: `C Σ loss + ½‖w‖²`, intercepts free. Default 1. */
  readonly c?: number;
  /** Largest component of the gradient at the end, relative to `C × rows`. Default 1e-8. */
  readonly tolerance?: number;
  /** One per row; default 1. */
  readonly weights?: ArrayLike<number>;
}

/** A linear function per class. */
export interface LinearModel {
  readonly classes: number;
  readonly dimensions: number;
  /** `classes × dimensions`, row-major; one row for a yes-or-no question. */
  readonly coefficients: Float64Array;
  readonly intercepts: Float64Array;
  /** Whether the optimum was found as precisely as asked. */
  readonly converged: boolean;
}

/** Rows with numbers, row-major. */
export interface Rows {
  readonly data: ArrayLike<number>;
  readonly count: number;
  readonly dimensions: number;
}

/**
 * Logistic regression for a yes-or-no question, penalised by the squared length of the coefficients.
 * @param yes one per row: whether it is of the class.
 */
export function fitBinary(rows: Rows, yes: ArrayLike<boolean>, options: LogisticOptions = {}): LinearModel {
  const { count, dimensions, data } = rows;
  const { c = 1, weights } = options;
  const found = minimize(new Float64Array(dimensions + 1), (at, out) => {
    let loss = 0;
    out.fill(0);
    for (let row = 0, from = 0; row < count; row++, from += dimensions) {
      const score = scoreOf(data, from, at, 0, dimensions);
      const weight = weights?.[row] ?? 1;
      const signed = yes[row] ? score : -score;
      loss += weight * softplus(-signed);
      addRow(out, 0, data, from, dimensions, weight * (logistic(score) - (yes[row] ? 1 : 0)));
    }
    return penalised({ at, out, loss, c, classes: 1, dimensions });
  }, { tolerance: (options.tolerance ?? 1e-8) * c * Math.max(1, count) });
  return modelOf(found.at, 1, dimensions, found.converged);
}

/**
 * Logistic regression for exactly one of several classes (softmax), penalised by the squared length of all coefficients.
 * @param classOf one per row, from 0 to `classes − 1`.
 */
export function fitMulticlass(rows: Rows, classOf: ArrayLike<number>, classes: number, options: LogisticOptions = {}): LinearModel {
  const { count, dimensions, data } = rows;
  const { c = 1, weights } = options;
  const width = dimensions + 1;
  const scores = new Float64Array(classes);
  const found = minimize(new Float64Array(classes * width), (at, out) => {
    let loss = 0;
    out.fill(0);
    for (let row = 0, from = 0; row < count; row++, from += dimensions) {
      const weight = weights?.[row] ?? 1;
      let most = Number.NEGATIVE_INFINITY;
      for (let k = 0; k < classes; k++) {
        scores[k] = scoreOf(data, from, at, k * width, dimensions);
        most = Math.max(most, scores[k]!);
      }
      let sum = 0;
      for (let k = 0; k < classes; k++) sum += Math.exp(scores[k]! - most);
      const own = classOf[row]!;
      loss += weight * (Math.log(sum) + most - scores[own]!);
      for (let k = 0; k < classes; k++) addRow(out, k * width, data, from, dimensions, weight * (Math.exp(scores[k]! - most) / sum - (k === own ? 1 : 0)));
    }
    return penalised({ at, out, loss, c, classes, dimensions });
  }, { tolerance: (options.tolerance ?? 1e-8) * c * Math.max(1, count) });
  return modelOf(found.at, classes, dimensions, found.converged);
}

/** 1 / (1 + e^−x), without overflow. */
export function logistic(x: number): number {
  return x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x));
}

/**
 * Probabilities of all classes for some rows: `count × classes`; for a yes-or-no question one number per row.
 */
export function probabilities(model: LinearModel, data: ArrayLike<number>, count: number): Float64Array {
  const { classes, dimensions, coefficients, intercepts } = model;
  const out = new Float64Array(count * classes);
  for (let row = 0, from = 0; row < count; row++, from += dimensions) {
    for (let k = 0; k < classes; k++) {
      let sum = intercepts[k]!;
      for (let i = 0; i < dimensions; i++) sum += data[from + i]! * coefficients[k * dimensions + i]!;
      out[row * classes + k] = sum;
    }
    if (classes === 1) out[row] = logistic(out[row]!);
    else softmax(out, row * classes, classes);
  }
  return out;
}

function softmax(values: Float64Array, from: number, count: number): void {
  let most = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < count; k++) most = Math.max(most, values[from + k]!);
  let sum = 0;
  for (let k = 0; k < count; k++) sum += values[from + k] = Math.exp(values[from + k]! - most);
  for (let k = 0; k < count; k++) values[from + k]! /= sum;
}

function softplus(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
}

function scoreOf(data: ArrayLike<number>, from: number, at: Float64Array, offset: number, dimensions: number): number {
  let sum = at[offset + dimensions]!;
  for (let i = 0; i < dimensions; i++) sum += data[from + i]! * at[offset + i]!;
  return sum;
}

function addRow(out: Float64Array, offset: number, data: ArrayLike<number>, from: number, dimensions: number, factor: number): void {
  for (let i = 0; i < dimensions; i++) out[offset + i]! += factor * data[from + i]!;
  out[offset + dimensions]! += factor;
}

interface Penalised {
  readonly at: Float64Array;
  readonly out: Float64Array;
  readonly loss: number;
  readonly c: number;
  readonly classes: number;
  readonly dimensions: number;
}

/** Adds the penalty to the gradient, and gives the whole value. */
function penalised({ at, out, loss, c, classes, dimensions }: Penalised): number {
  let squares = 0;
  for (let k = 0, i = 0; k < classes; k++, i++) {
    for (const end = i + dimensions; i < end; i++) {
      squares += at[i]! * at[i]!;
      out[i] = c * out[i]! + at[i]!;
    }
    out[i]! *= c;
  }
  return c * loss + squares / 2;
}

function modelOf(at: Float64Array, classes: number, dimensions: number, converged: boolean): LinearModel {
  const coefficients = new Float64Array(classes * dimensions);
  const intercepts = new Float64Array(classes);
  for (let k = 0; k < classes; k++) {
    coefficients.set(at.subarray(k * (dimensions + 1), k * (dimensions + 1) + dimensions), k * dimensions);
    intercepts[k] = at[k * (dimensions + 1) + dimensions]!;
  }
  return { classes, dimensions, coefficients, intercepts, converged };
}
