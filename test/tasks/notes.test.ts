import { describe, expect, it } from 'vitest';
import { alikeNames } from '../../src/card/index.js';
import { namedNotes } from '../../src/tasks/model-input/notes.js';

describe('notes of several scenes', () => {
  it('name the scenes that they are about, once', () => {
    const scenes = [{ name: 'north', notes: ['licence', 'no place'] }, { name: 'south', notes: ['licence', 'has 0.3 m', 'no place'] }];
    expect(namedNotes(scenes, ['licence'])).toEqual(['licence', 'north, south: no place', 'south: has 0.3 m']);
    const many = Array.from({ length: 5 }, (_, i) => ({ name: `s${i}`, notes: i < 4 ? ['a', 'b'] : ['a'] }));
    expect(namedNotes(many)).toEqual(['all 5: a', 's0, s1, s2 and 1 more: b']);
  });

  it('of one scene, and those that begin with its name, are as they are', () => {
    expect(namedNotes([{ name: 'north', notes: ['no place'] }], ['licence'])).toEqual(['licence', 'no place']);
    expect(namedNotes([{ name: 'north', notes: ['north is small'] }, { name: 'south', notes: [] }])).toEqual(['north is small']);
  });
});

describe('names', () => {
  it('are alike if only case, spaces, hyphens and underscores differ', () => {
    expect(alikeNames(['Water', 'road', 'water', 'partly cloudy', 'partly_cloudy', 'Partly-Cloudy', 'roads'])).toEqual([['Water', 'water'], ['partly cloudy', 'partly_cloudy', 'Partly-Cloudy']]);
  });
});
