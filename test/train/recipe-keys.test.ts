import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RECIPE_FIELDS, type Field, type List, type Section } from '../../src/train/recipe-fields.js';
import { root } from '../places.js';

/** Keys with what is allowed; sections inside a stage count as one key, because they are those of the recipe. */
function leaves(node: Section, path: string): [string, string][] {
  return Object.entries(node.fields).flatMap(([key, field]: [string, Field | Section | List]): [string, string][] => {
    const at = path === '' ? key : `${path}.${key}`;
    if (field.kind === 'value') return [[at, at === 'network.architecture' ? 'name of a network' : field.expected.replace(/^as /, '')]];
    if (field.kind === 'list') return leaves(field.of, at);
    return path === 'stages' ? [[at, 'keys of that section']] : leaves(field, at);
  });
}

describe('the page of recipe keys', () => {
  it('has every key, what is allowed, and what it means', () => {
    const rows = readFileSync(join(root, 'docs', 'recipes.md'), 'utf8').split('\n').flatMap((line) => { const found = /^\| `([^`]+)` \| (.+?) \| (.*) \|$/.exec(line); return found === null ? [] : [[found[1]!, found[2]!, found[3]!] as const]; });
    expect(rows.map(([key, allowed]) => [key, allowed])).toEqual(leaves(RECIPE_FIELDS, ''));
    expect(rows.filter(([, , meaning]) => meaning.trim() === '')).toEqual([]);
  });
});
