import { ARCHITECTURES, NORMALIZATIONS } from '../../models/architectures/index.js';

/** What each key of a recipe may be: one entry per key of `recipe.ts`. */

/** Says what is expected where a value is not allowed: `above 0`, `true or false`. */
export interface Field {
  readonly kind: 'value';
  readonly expected: string;
  readonly allows: (value: unknown) => boolean;
}

/** Keys inside a key. */
export interface Section {
  readonly kind: 'section';
  readonly fields: Readonly<Record<string, Field | Section | List>>;
}

/** Sections in a list, each of which may have a name. */
export interface List {
  readonly kind: 'list';
  readonly of: Section;
}

const value = (expected: string, allows: (value: unknown) => boolean): Field => ({ kind: 'value', expected, allows });
const section = (fields: Section['fields']): Section => ({ kind: 'section', fields });

const isNumber = (candidate: unknown): candidate is number => typeof candidate === 'number' && Number.isFinite(candidate);
const isRecord = (candidate: unknown): candidate is Record<string, unknown> => typeof candidate === 'object' && candidate !== null && !Array.isArray(candidate);
const isText = (candidate: unknown): boolean => typeof candidate === 'string' && candidate !== '';

const text = value('as text', isText);
const texts = value('as a list of names', (list) => Array.isArray(list) && list.every(isText));
const yesOrNo = value('true or false', (flag) => typeof flag === 'boolean');
const above0 = value('above 0', (number) => isNumber(number) && number > 0);
const count = value('as a whole number above 0', (number) => Number.isInteger(number) && (number as number) > 0);
const from0 = value('from 0', (number) => isNumber(number) && number >= 0);
const share = value('from 0 to below 1', (number) => isNumber(number) && number >= 0 && number < 1);
const counts = value('as a list of whole numbers', (list) => Array.isArray(list) && list.length > 0 && list.every((item) => Number.isInteger(item) && (item as number) >= 0));
const whole = value('as a whole number', Number.isInteger);
const wholeFrom0 = value('as a whole number from 0', (number) => Number.isInteger(number) && (number as number) >= 0);
const upTo1 = value('from 0 to 1', (number) => isNumber(number) && number >= 0 && number <= 1);
const widths = value('as a list of whole numbers above 0', (list) => Array.isArray(list) && list.length > 0 && list.every((item) => count.allows(item)));
const oneOf = (...names: readonly string[]): Field => value(names.length === 2 ? names.join(' or ') : `${names.slice(0, -1).join(', ')} or ${names.at(-1)!}`, (name) => typeof name === 'string' && names.includes(name));
const weights = (candidate: unknown): boolean => isRecord(candidate) && Object.keys(candidate).length > 0 && Object.values(candidate).every((item) => isNumber(item) && item >= 0);
const rate = value('above 0, [low, high], or {name: rate}', (candidate) => (isNumber(candidate) && candidate > 0)
  || (Array.isArray(candidate) && candidate.length === 2 && candidate.every((item) => isNumber(item) && item > 0)) || weights(candidate));
const shareOrGroups = value('as a share from 0 to below 1, or a list of groups', (candidate) => (isNumber(candidate) && candidate >= 0 && candidate < 1) || (Array.isArray(candidate) && candidate.every((item) => typeof item === 'string')));
const inRange = (number: unknown): number is number => isNumber(number) && number >= 0.1 && number < 10;
const zoom = value('as [smallest, largest] between 0.1 and 10', (pair) => Array.isArray(pair) && pair.length === 2 && inRange(pair[0]) && inRange(pair[1]) && pair[0] <= pair[1]);

const optimizer = {
  name: oneOf('sgd', 'adam', 'adamw'), lr: rate, momentum: share, nesterov: yesOrNo, beta1: share, beta2: share, epsilon: above0, decay: from0, clipnorm: above0,
};
const schedule = { name: oneOf('constant', 'one-cycle', 'cosine', 'plateau'), rise: share, start_divisor: above0, factor: value('above 0 to below 1', (number) => isNumber(number) && number > 0 && number < 1), patience: count, min_lr: from0 };
const loss = {
  name: oneOf('cross-entropy', 'focal'), gamma: from0,
  class_weights: value('equal, sqrt, balanced, or {name: weight}', (candidate) => candidate === 'equal' || candidate === 'sqrt' || candidate === 'balanced' || weights(candidate)),
  label_smoothing: share, dice: from0, l2: value('from 0, or {name: weight}', (candidate) => (isNumber(candidate) && candidate >= 0) || weights(candidate)),
};
const augment = {
  turns: yesOrNo, flip: oneOf('horizontal', 'vertical', 'both'), rotate: value('in degrees from 0 to 180', (number) => isNumber(number) && number >= 0 && number <= 180),
  shift: share, shear: value('in degrees from 0 to below 90', (number) => isNumber(number) && number >= 0 && number < 90), zoom,
  fill: oneOf('nearest', 'reflect', 'constant'), fill_value: value('from 0 to 255', (number) => isNumber(number) && number >= 0 && number <= 255),
  brightness: share, contrast: share, color: share, gamma: from0,
};

export const RECIPE_FIELDS: Section = section({
  name: value('in lower case letters, digits and hyphens', (name) => typeof name === 'string' && /^[a-z0-9-]+$/.test(name)),
  task: oneOf('tagger', 'classifier', 'segmenter'),
  data: section({
    table: text, pictures: text, class_folders: yesOrNo, images: text, masks: text, key: text, classes: text, threshold: value('as a whole number from 1 to 255', (number) => Number.isInteger(number) && (number as number) >= 1 && (number as number) <= 255), class_names: texts, leave_out: texts, unknown_colors: oneOf('refuse', 'ignore'),
    swap_red_blue: yesOrNo, bands: value('as three band numbers from 1', (list) => Array.isArray(list) && list.length === 3 && list.every((item) => count.allows(item))), range: value('as [low, high], the lower first', (pair) => Array.isArray(pair) && pair.length === 2 && pair.every(isNumber) && pair[0]! < pair[1]!), frame: wholeFrom0, chip: count, stride: count, least_share: upTo1,
    truth: oneOf('share', 'centre'), limit: count, seed: wholeFrom0, resize: value('as [width, height]', (pair) => Array.isArray(pair) && pair.length === 2 && pair.every((item) => count.allows(item))),
    scenes: { kind: 'list', of: section({ scene: text, truth: text, themes: text, key: text, polygons: text, property: text, area: value('as [x, y, width, height] in whole pixels', (box) => Array.isArray(box) && box.length === 4 && box.every((item) => wholeFrom0.allows(item)) && (box[2] as number) > 0 && (box[3] as number) > 0), name: text }) },
  }),
  split: section({ file: text, seed: whole, validation: shareOrGroups, test: shareOrGroups }),
  network: section({
    architecture: oneOf(...ARCHITECTURES.map((architecture) => architecture.name)), width: above0, widths, blocks: counts, batch_norm: yesOrNo, dropout: share,
    head: section({ pool: oneOf('average', 'average-max', 'flatten'), dense: value('as a list of whole numbers above 0', (list) => Array.isArray(list) && list.every((item) => count.allows(item))), dropout: value('as a list of shares', (list) => Array.isArray(list) && list.every((item) => share.allows(item))), batch_norm: yesOrNo }),
    normalization: oneOf(...NORMALIZATIONS), variant: oneOf('keras', 'torch'), size: count, reduce: count, weights: text,
  }),
  training: section({
    epochs: count, batch: count, patch: count, steps: count, seed: whole, monitor: oneOf('score', 'loss'), patience: count, keep: oneOf('best', 'last'), average: share, start_from: text,
    sampling: oneOf('area', 'group'), calibrate: yesOrNo, threshold: value('from 0 to 1, or per-tag', (candidate) => candidate === 'per-tag' || upTo1.allows(candidate)), cache_features: yesOrNo, finalise: yesOrNo,
  }),
  optimizer: section(optimizer),
  schedule: section(schedule),
  loss: section(loss),
  augment: section(augment),
  stages: { kind: 'list', of: section({
    name: text, epochs: count, batch: count, patch: count, size: count, freeze: texts, patience: count, lr: rate,
    optimizer: section(optimizer), schedule: section(schedule), loss: section(loss), augment: section(augment),
  }) },
  card: section({
    description: text, bands: texts, window: count, gsd: above0, license: text, data_name: text, data_source: text, data_license: text, split: text, limits: texts, course: text, features_name: text,
    colors: value('as {name: colour}', (map) => isRecord(map) && Object.values(map).every(isText)),
  }),
});
