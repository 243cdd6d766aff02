import { createHash } from 'node:crypto';
import type { CardClass, CardScore, ModelCard } from '../../card/index.js';
import { mapShape, type Recipe } from '../../train/index.js';
import type { MapSamples, TagSamples } from './samples.js';

export interface CardFacts {
  readonly parameters: number;
  readonly scores: readonly CardScore[];
  /** The command that trained it. */
  readonly command: string;
  /** Length of the feature vector; taggers only. */
  readonly dimensions?: number;
}

/** The card of a trained model: what is known from the recipe, the data and the measurements. */
export function makeCard(recipe: Recipe, samples: TagSamples | MapSamples, facts: CardFacts): ModelCard {
  const { card, network } = recipe;
  const bands = card.bands ?? ['red', 'green', 'blue'];
  const maps = samples.kind === 'maps';
  const shape = maps ? mapShape(recipe, samples.outputs.length) : undefined;
  const edge = (network.size ?? 0) * (network.reduce ?? 1);
  return {
    card_version: 1,
    name: recipe.name,
    ...(card.description === undefined ? {} : { description: card.description }),
    task: maps ? 'semantic-segmentation' : 'multi-label-classification',
    architecture: maps ? `U-Net ${(network.widths ?? [64, 128, 256]).join('-')}${network.batch_norm === true ? ', batch normalisation' : ''}${(network.reduce ?? 1) > 1 ? `, at 1/${network.reduce!} of the resolution` : ''}` : `ResNet ${(network.widths ?? [32, 64, 128]).join('-')}`,
    total_parameters: facts.parameters,
    file: 'model.onnx',
    input: {
      name: 'image', bands, dim_order: 'bhwc', shape: maps ? [-1, -1, -1, bands.length] : [-1, edge, edge, bands.length], data_type: 'uint8', scene_data_types: ['uint8'],
      ...(shape === undefined ? {} : { multiple_of: shape.multiple }),
      ...(card.window === undefined ? {} : { window: card.window }),
      ...(card.gsd === undefined ? {} : { gsd: card.gsd }),
    },
    output: {
      name: 'scores', dim_order: maps ? 'bchw' : 'bc', activation: 'none', classes: makeClasses(recipe, samples),
      ...(facts.dimensions === undefined ? {} : { features: { name: 'features', dimensions: facts.dimensions } }),
    },
    ...(shape === undefined ? {} : { receptive_field: shape.receptiveField }),
    data: {
      name: card.data_name ?? recipe.name,
      ...(card.data_source === undefined ? {} : { source: card.data_source }),
      ...(card.data_license === undefined ? {} : { license: card.data_license }),
      split: card.split ?? describeSplit(recipe, samples),
      fingerprint: fingerprint(samples),
    },
    ...(card.license === undefined ? {} : { license: card.license }),
    ...(card.limits === undefined ? {} : { limits: card.limits }),
    scores: facts.scores,
    trained_with: facts.command,
  };
}

/** The card of the same network cut off at its feature layer. */
export function makeFeatureCard(card: ModelCard, recipe: Recipe, dimensions: number): ModelCard {
  return {
    ...card,
    name: recipe.card.features_name ?? `${recipe.name}-features`,
    description: `Feature vectors for chips: the layer before the tags of ${recipe.name}.`,
    task: 'embedding',
    output: { name: 'features', dim_order: 'bc', activation: 'none', classes: [], features: { name: 'features', dimensions } },
    scores: undefined,
  };
}

function makeClasses(recipe: Recipe, samples: TagSamples | MapSamples): CardClass[] {
  const threshold = recipe.training.threshold;
  return samples.outputs.map((name, value) => ({
    value, name, color_hint: recipe.card.colors?.[name] ?? samples.colors[value] ?? hue(value, samples.outputs.length),
    ...(samples.kind === 'chips' && threshold !== undefined ? { threshold } : {}),
  }));
}

function describeSplit(recipe: Recipe, samples: TagSamples | MapSamples): string {
  const { train, validation, test } = samples.split;
  const counts = `${train.length} trained on, ${validation.length} for choices, ${test.length} for the scores only`;
  return typeof recipe.split.validation === 'number' ? `at random with seed ${recipe.split.seed ?? 1}: ${counts}` : `by place: ${counts}`;
}

function fingerprint(samples: TagSamples | MapSamples): string {
  const hash = createHash('sha256');
  if (samples.kind === 'chips') hash.update(samples.chips.pixels).update(samples.chips.targets);
  else for (const picture of samples.pictures) hash.update(picture.pixels).update(picture.mask);
  return `sha256:${hash.digest('hex')}`;
}

/** Evenly spread hues, for tags that nobody chose a colour for. */
function hue(index: number, count: number): string {
  const angle = (index / count) * 6;
  const part = (offset: number): string => {
    const t = (angle + offset) % 6;
    return Math.round(60 + 180 * Math.max(0, Math.min(1, Math.abs(t - 3) - 1))).toString(16).padStart(2, '0');
  };
  return `#${part(0)}${part(4)}${part(2)}`;
}
