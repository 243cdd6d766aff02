import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createStandard, fitBinary, fitMulticlass, minimize, placeFolds, probabilities, standardize, unstandardize } from '../../src/linear/index.js';
import { root } from '../places.js';

interface Case {
  readonly name: string; readonly c: number; readonly classes: number; readonly dimensions: number; readonly x: number[][]; readonly y: number[];
  readonly new: number[][]; readonly mean: number[]; readonly deviation: number[]; readonly coefficients: number[][]; readonly intercepts: number[]; readonly probabilities: number[][];
}
const { cases } = JSON.parse(readFileSync(join(root, 'fixtures/linear/logistic.json'), 'utf8')) as { cases: Case[] };

describe('logistic regression', () => {
  it.each(cases)('is scikit-learn\'s: $name', (golden) => {
    const x = Float32Array.from(golden.x.flat());
    const builder = createStandard(golden.dimensions);
    builder.add(x.subarray(0, 7 * golden.dimensions), 7);
    builder.add(x.subarray(7 * golden.dimensions), golden.x.length - 7);
    const standard = builder.result();
    standard.mean.forEach((value, i) => expect(value).toBeCloseTo(golden.mean[i]!, 5));
    standard.deviation.forEach((value, i) => expect(value).toBeCloseTo(golden.deviation[i]!, 5));
    const rows = { data: standardize(x, golden.x.length, standard), count: golden.x.length, dimensions: golden.dimensions };
    const model = golden.classes === 2 ? fitBinary(rows, golden.y.map((y) => y === 1), { c: golden.c }) : fitMulticlass(rows, golden.y, golden.classes, { c: golden.c });
    expect(model.converged).toBe(true);
    golden.coefficients.flat().forEach((value, i) => expect(Math.abs(model.coefficients[i]! - value), `coefficient ${i}`).toBeLessThan(1e-4));
    // Softmax leaves a common intercept free: differences count.
    const shift = golden.classes === 2 ? 0 : model.intercepts[0]! - golden.intercepts[0]!;
    golden.intercepts.forEach((value, i) => expect(Math.abs(model.intercepts[i]! - shift - value)).toBeLessThan(1e-4));
    const found = probabilities(unstandardize(model, standard), golden.new.flat(), golden.new.length);
    golden.probabilities.forEach((row, i) => {
      if (golden.classes === 2) expect(Math.abs(found[i]! - row[1]!)).toBeLessThan(1e-4);
      else row.forEach((value, k) => expect(Math.abs(found[i * golden.classes + k]! - value)).toBeLessThan(1e-4));
    });
  });

  it('counts a row of weight two as two rows', () => {
    const data = [0, 1, 2, 4, 3, 1, 0, 2, 0, 1];
    const yes = [true, false, true, false, true];
    const heavy = fitBinary({ data, count: 5, dimensions: 2 }, yes, { weights: [2, 1, 1, 1, 1] });
    const twice = fitBinary({ data: [...data.slice(0, 2), ...data], count: 6, dimensions: 2 }, [true, ...yes]);
    heavy.coefficients.forEach((value, i) => expect(value).toBeCloseTo(twice.coefficients[i]!, 6));
  });
});

describe('minimize', () => {
  it('finds the end of Rosenbrock\'s valley', () => {
    const found = minimize(Float64Array.of(-1.2, 1), (at, out) => {
      const [x, y] = [at[0]!, at[1]!];
      out[0] = -400 * x * (y - x * x) - 2 * (1 - x);
      out[1] = 200 * (y - x * x);
      return 100 * (y - x * x) ** 2 + (1 - x) ** 2;
    });
    expect(found.converged).toBe(true);
    expect([...found.at].map((value) => value.toFixed(5))).toEqual(['1.00000', '1.00000']);
  });
});

describe('folds by place', () => {
  it('keep what lies together on one side, and are even', () => {
    const places = Array.from({ length: 60 }, (_, i) => ({ scene: 's', x: (i % 10) * 100, y: Math.floor(i / 10) * 100 }));
    const folds = placeFolds(places, { folds: 5, block: 250 })!;
    expect(folds).toMatchObject({ count: 5, by: 'block' });
    const sides = new Map<string, number>();
    places.forEach(({ x, y }, i) => {
      const block = `${Math.floor(x / 250)},${Math.floor(y / 250)}`;
      expect(sides.get(block) ?? folds.foldOf[i]).toBe(folds.foldOf[i]);
      sides.set(block, folds.foldOf[i]!);
    });
    const sizes = [0, 1, 2, 3, 4].map((fold) => folds.foldOf.filter((one) => one === fold).length);
    expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(9);
  });

  it('are whole scenes where there are enough, and none where everything is in one place', () => {
    const places = Array.from({ length: 8 }, (_, i) => ({ scene: `s${i % 4}`, x: i, y: 0 }));
    expect(placeFolds(places, { folds: 3, block: 10 })).toMatchObject({ count: 3, by: 'scene' });
    expect(placeFolds(places.map((place) => ({ ...place, scene: 'one' })), { folds: 3, block: 100 })).toBeUndefined();
  });
});
