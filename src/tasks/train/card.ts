import { basename } from 'node:path';
import { classColors } from '../../card/index.js';
import type { CardClass, CardScore, ModelCard } from '../../card/index.js';
import { architectureOf, type Recipe } from '../../train/index.js';
import { areChips, type LoadedSamples } from './samples.js';
import { choicesMade, type MapShape } from './scores.js';

export interface CardFacts {
  readonly name: string;
  /** Of the data, where the recipe does not name them. */
  readonly dataName: string;
  readonly parameters: number;
  readonly scores: readonly CardScore[];
  /** The command that trained it. */
  readonly command: string;
  /** Length of the feature vector; taggers only. */
  readonly dimensions?: number;
  /** Taggers: by tag. */
  readonly thresholds?: readonly number[];
  /** Segmenters. */
  readonly shape?: MapShape;
}

/** The card of a trained model: what is known from the recipe, the data and the measurements. */
export function makeCard(recipe: Recipe, loaded: LoadedSamples, facts: CardFacts): ModelCard {
  const { card, network } = recipe;
  const bands = card.bands ?? ['red', 'green', 'blue'];
  const maps = !areChips(loaded);
  const { shape } = facts;
  const edge = (areChips(loaded) ? loaded.samples.size : 0) * (network.reduce ?? 1);
  return {
    card_version: 1,
    name: facts.name,
    ...(card.description === undefined ? {} : { description: card.description }),
    task: TASKS[recipe.task],
    architecture: describeNetwork(recipe),
    total_parameters: facts.parameters,
    file: 'model.onnx',
    input: {
      name: 'image', bands, dim_order: 'bhwc', shape: maps ? [-1, -1, -1, bands.length] : [-1, edge, edge, bands.length], data_type: 'uint8', scene_data_types: ['uint8'],
      ...(shape === undefined ? {} : { multiple_of: shape.multiple }),
      ...(card.window === undefined ? {} : { window: card.window }),
      ...(card.gsd === undefined ? {} : { gsd: card.gsd }),
    },
    output: {
      name: 'scores', dim_order: maps ? 'bchw' : 'bc', activation: 'none', classes: makeClasses(recipe, loaded, facts.thresholds),
      ...(facts.dimensions === undefined ? {} : { features: { name: 'features', dimensions: facts.dimensions } }),
    },
    ...(shape === undefined ? {} : { receptive_field: shape.receptiveField }),
    data: {
      name: card.data_name ?? facts.dataName,
      ...(card.data_source === undefined ? {} : { source: card.data_source }),
      ...(card.data_license === undefined ? {} : { license: card.data_license }),
      split: card.split ?? describeSplit(recipe, loaded),
      fingerprint: loaded.samples.fingerprint,
    },
    ...(card.license === undefined ? {} : { license: card.license }),
    ...(card.limits === undefined ? {} : { limits: card.limits }),
    scores: facts.scores,
    trained_with: facts.command,
    recipe: recipe as unknown as Readonly<Record<string, unknown>>,
  };
}

/** The card of the same network cut off at its feature layer. */
export function makeFeatureCard(card: ModelCard, recipe: Recipe, dimensions: number): ModelCard {
  return {
    ...card,
    name: recipe.card.features_name ?? `${card.name}-features`,
    description: `Feature vectors for chips: the layer before the tags of ${card.name}.`,
    task: 'embedding',
    output: { name: 'features', dim_order: 'bc', activation: 'none', classes: [], features: { name: 'features', dimensions } },
    scores: undefined,
  };
}

const TASKS = { tagger: 'multi-label-classification', classifier: 'classification', segmenter: 'semantic-segmentation' } as const;

function describeNetwork(recipe: Recipe): string {
  const { network } = recipe;
  const { title } = architectureOf(recipe);
  const parts = [
    title, ...(network.widths === undefined ? [] : [network.widths.join('-')]), ...(network.batch_norm === true ? ['batch normalisation'] : []), ...(recipe.task === 'segmenter' && (network.reduce ?? 1) > 1 ? [`at 1/${network.reduce!} of the resolution`] : []),
  ];
  return parts.join(', ');
}

function makeClasses(recipe: Recipe, loaded: LoadedSamples, thresholds: readonly number[] | undefined): CardClass[] {
  const known = loaded.samples.colors;
  const colors = classColors(loaded.outputs);
  return loaded.outputs.map((name, value) => ({
    value, name, color_hint: recipe.card.colors?.[name] ?? (areChips(loaded) ? colors[value]! : known[value]!),
    ...(thresholds === undefined ? {} : { threshold: thresholds[value]! }),
  }));
}

function describeSplit(recipe: Recipe, { split }: LoadedSamples): string {
  const { train, validation, test } = split;
  const counts = partsText({ train, validation, test }, recipe.training);
  if (recipe.training.finalise === true) return `none: all ${train.length} samples trained on`;
  if (recipe.split.file !== undefined) return `as in a file (${basename(recipe.split.file)}): ${counts}`;
  if (recipe.split.validation === undefined && recipe.split.test === undefined) return `as the data have it, else at random: ${counts}`;
  return Array.isArray(recipe.split.validation) || Array.isArray(recipe.split.test) ? `by place: ${counts}` : `at random with seed ${recipe.split.seed ?? 1}: ${counts}`;
}

/** How many samples were for what. */
export function partsText({ train, validation, test }: LoadedSamples['split'], training: Recipe['training']): string {
  const chosen = choicesMade(training).length > 0;
  return [
    `${train.length.toLocaleString('en-US')} trained on`, ...(validation.length === 0 ? [] : [`${validation.length.toLocaleString('en-US')} ${chosen ? 'for choices' : 'for validation, on which nothing was chosen'}`]),
    test.length === 0 ? 'none for a test' : `${test.length.toLocaleString('en-US')} for the scores only`,
  ].join(', ');
}
