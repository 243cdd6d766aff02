import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { root } from '../places.js';

/** P1–P12 with P7b and P7c, F1–F8, U1–U9, K1–K6, T1–T9. */
const ROWS = [...[1, 2, 3, 4, 5, 6, 7].map((n) => `P${n}`), 'P7b', 'P7c', ...[8, 9, 10, 11, 12].map((n) => `P${n}`), ...([['F', 8], ['U', 9], ['K', 6], ['T', 9]] as const).flatMap(([letter, count]) => Array.from({ length: count }, (_, n) => `${letter}${n + 1}`))];

describe('the table of experiments', () => {
  const text = readFileSync(join(root, 'docs', 'seeds.md'), 'utf8');
  const cells = text.split('\n').flatMap((line) => { const found = /^\| ([PFUKT]\d+[bc]?(?:, [PFUKT]\d+)*) \| (.+?) \| (.+) \|$/.exec(line); return found === null ? [] : [{ rows: found[1]!.split(', '), measured: found[3]! }]; });

  it('has every row of the documents once, each with what was measured', () => {
    expect(cells.flatMap(({ rows }) => rows)).toEqual(ROWS);
    for (const { measured } of cells) expect(measured).not.toMatch(/not trained|@/);
  });

  it('names recipes that there are', () => {
    for (const [, recipe] of text.matchAll(/tilewright train ([a-z0-9-]+)/g)) expect(readFileSync(join(root, 'models', 'recipes', `${recipe!}.yaml`), 'utf8')).toContain(`name: ${recipe!}`);
  });
});
