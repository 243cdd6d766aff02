/** Steps whose curvature is remembered. */
const MEMORY = 10;
/** Armijo's and Wolfe's constants, as usual for quasi-Newton methods. */
const DECREASE = 1e-4;
const CURVATURE = 0.9;
const MOST_TRIES = 40;

export interface Minimum {
  readonly at: Float64Array;
  readonly value: number;
  readonly iterations: number;
  /** Whether the gradient became as small as wanted. */
  readonly converged: boolean;
}

export interface MinimizeOptions {
  /** Largest absolute component of the gradient at the end. Default 1e-6. */
  readonly tolerance?: number;
  /** Default 1000. */
  readonly iterations?: number;
}

/**
 * Minimizes a smooth convex function from its gradient: L-BFGS (J. Nocedal and S. Wright, Numerical Optimization, algorithm 7.5),
 * with steps that fulfil the weak Wolfe conditions, found by bisection.
 * @param gradient gives the value at a point and writes the gradient into its second argument.
 */
export function minimize(start: Float64Array, gradient: (at: Float64Array, out: Float64Array) => number, options: MinimizeOptions = {}): Minimum {
  const { tolerance = 1e-6, iterations = 1000 } = options;
  const size = start.length;
  let at: Float64Array = start.slice();
  let slope: Float64Array = new Float64Array(size);
  let value = gradient(at, slope);
  const steps: { readonly s: Float64Array; readonly y: Float64Array; readonly rho: number }[] = [];
  for (let iteration = 0; iteration < iterations; iteration++) {
    if (largest(slope) <= tolerance) return { at, value, iterations: iteration, converged: true };
    const direction = descent(slope, steps);
    const next = search({ at, value, slope, direction, first: iteration === 0 ? Math.min(1, 1 / Math.sqrt(dot(slope, slope))) : 1 }, gradient);
    if (next === undefined) return { at, value, iterations: iteration, converged: false };
    const s = difference(next.at, at);
    const y = difference(next.slope, slope);
    const sy = dot(s, y);
    if (sy > 1e-14 * Math.sqrt(dot(s, s) * dot(y, y))) {
      steps.push({ s, y, rho: 1 / sy });
      if (steps.length > MEMORY) steps.shift();
    }
    ({ at, value, slope } = next);
  }
  return { at, value, iterations, converged: largest(slope) <= tolerance };
}

/** The two-loop recursion: minus the approximate inverse Hessian times the gradient. */
function descent(slope: Float64Array, steps: readonly { readonly s: Float64Array; readonly y: Float64Array; readonly rho: number }[]): Float64Array {
  const q = slope.slice();
  const alphas: number[] = [];
  for (let i = steps.length - 1; i >= 0; i--) {
    const { s, y, rho } = steps[i]!;
    const alpha = rho * dot(s, q);
    alphas[i] = alpha;
    add(q, y, -alpha);
  }
  const last = steps.at(-1);
  const scale = last === undefined ? 1 : 1 / (last.rho * dot(last.y, last.y));
  for (let i = 0; i < q.length; i++) q[i]! *= scale;
  steps.forEach(({ s, y, rho }, i) => add(q, s, alphas[i]! - rho * dot(y, q)));
  for (let i = 0; i < q.length; i++) q[i] = -q[i]!;
  return q;
}

interface Line {
  readonly at: Float64Array;
  readonly value: number;
  readonly slope: Float64Array;
  readonly direction: Float64Array;
  readonly first: number;
}

/** A step along the line that decreases enough and flattens enough; `undefined` where rounding leaves none. */
function search(line: Line, gradient: (at: Float64Array, out: Float64Array) => number): { at: Float64Array; value: number; slope: Float64Array } | undefined {
  const { direction } = line;
  const initial = dot(line.slope, direction);
  if (!(initial < 0)) return undefined;
  let low = 0;
  let high = Number.POSITIVE_INFINITY;
  let step = line.first;
  let best: { at: Float64Array; value: number; slope: Float64Array } | undefined;
  for (let i = 0; i < MOST_TRIES; i++) {
    const at = line.at.slice();
    add(at, direction, step);
    const slope = new Float64Array(at.length);
    const value = gradient(at, slope);
    if (!(value <= line.value + DECREASE * step * initial)) high = step;
    else {
      best = { at, value, slope };
      if (dot(slope, direction) >= CURVATURE * initial) return best;
      low = step;
    }
    step = high === Number.POSITIVE_INFINITY ? 2 * step : (low + high) / 2;
  }
  return best;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function add(to: Float64Array, what: Float64Array, factor: number): void {
  for (let i = 0; i < to.length; i++) to[i]! += factor * what[i]!;
}

function difference(a: Float64Array, b: Float64Array): Float64Array {
  const out = a.slice();
  add(out, b, -1);
  return out;
}

function largest(values: Float64Array): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]!));
  return most;
}
