import type { ModelCard } from './types.js';

/** What a STAC item needs and a card does not say. */
export interface StacFacts {
  /** RFC 3339; STAC items need a time. */
  readonly datetime: string;
  /** Media type and place of the ONNX file and its size, and of the 8-bit form. */
  readonly files: readonly { readonly key: string; readonly href: string; readonly bytes: number; readonly title: string }[];
  /** `[west, south, east, north]` of the training data, where known. Default: the world. */
  readonly bbox?: readonly [number, number, number, number];
}

export const MLM_SCHEMA = 'https://stac-extensions.github.io/mlm/v1.5.2/schema.json';
const STAC_VERSION = '1.1.0';
/** Tasks of the extension by ours; it has none of its own for several tags at once. */
const TASKS = {
  'semantic-segmentation': 'semantic-segmentation', 'multi-label-classification': 'classification', classification: 'classification',
  embedding: 'similarity-search', regression: 'regression',
} as const;

/**
 * A card as a STAC item with the machine-learning-model extension 1.5.2
 * (https://github.com/stac-extensions/mlm). Its geometry is the ground of the training data; a card that does not know it
 * covers the world.
 */
export function stacItem(card: ModelCard, facts: StacFacts): object {
  const [west, south, east, north] = facts.bbox ?? [-180, -90, 180, 90];
  const { input, output } = card;
  const names = input.dim_order === 'bhwc' ? ['batch', 'height', 'width', 'bands'] : ['batch', 'bands', 'height', 'width'];
  const spdx = /^[A-Za-z0-9.+-]+/.exec(card.license ?? '')?.[0];
  return {
    type: 'Feature',
    stac_version: STAC_VERSION,
    stac_extensions: [MLM_SCHEMA],
    id: card.name,
    geometry: { type: 'Polygon', coordinates: [[[west, south], [east, south], [east, north], [west, north], [west, south]]] },
    bbox: [west, south, east, north],
    properties: {
      datetime: facts.datetime,
      bands: input.bands.map((name) => ({ name })),
      ...(card.description === undefined ? {} : { description: card.description }),
      // STAC takes SPDX ids; a sentence is "other", and stands in the description of the item's asset. None is none.
      ...(card.license === undefined ? {} : { license: spdx !== undefined && /^(Apache-2\.0|MIT|BSD-\d-Clause|CC0-1\.0|CC-BY(-SA)?-4\.0)/.test(card.license) ? spdx : 'other' }),
      'mlm:name': card.name,
      'mlm:architecture': card.architecture ?? 'unknown',
      'mlm:tasks': [TASKS[card.task]],
      'mlm:framework': 'ONNX',
      'mlm:accelerator_constrained': false,
      ...(card.total_parameters === undefined ? {} : { 'mlm:total_parameters': card.total_parameters }),
      'mlm:input': [{
        name: input.name ?? 'input',
        bands: input.bands.map((name) => ({ name })),
        input: { shape: input.shape, dim_order: names, data_type: input.data_type },
        ...scaling(card),
      }],
      'mlm:output': [{
        name: output.name ?? output.features?.name ?? 'output',
        tasks: [TASKS[card.task]],
        result: resultOf(card),
        ...(output.classes.length === 0 ? {} : { 'classification:classes': output.classes.map(({ value, name, color_hint }) => ({ value, name: name.replace(/[^0-9A-Za-z_-]+/g, '_'), title: name, color_hint: color_hint.slice(1).toUpperCase() })) }),
      }],
    },
    links: [],
    assets: Object.fromEntries(facts.files.map(({ key, href, bytes, title }) => [key, {
      href, title, type: 'application/octet-stream; application=onnx', roles: ['mlm:model'], 'file:size': bytes, 'mlm:artifact_type': 'onnx',
      ...(card.license === undefined ? {} : { description: `Licence: ${card.license}` }),
    }])),
  };
}

/** `(value · scale − mean) / stddev` per band as the extension writes it. */
function scaling({ input }: ModelCard): object {
  const rule = input.value_scaling;
  if (rule === undefined) return {};
  return {
    value_scaling: input.bands.map((_, band) => {
      const scale = rule.scale ?? 1;
      const [mean, stddev] = [(rule.mean?.[band] ?? 0) / scale, (rule.stddev?.[band] ?? 1) / scale];
      return { type: 'z-score', mean, stddev };
    }),
  };
}

function resultOf({ output, input, task }: ModelCard): object {
  if (output.dim_order === 'bc') return { shape: [-1, output.features !== undefined && task === 'embedding' ? output.features.dimensions : output.classes.length], dim_order: ['batch', task === 'embedding' ? 'channel' : 'class'], data_type: 'float32' };
  const [height, width] = input.dim_order === 'bhwc' ? [input.shape[1], input.shape[2]] : [input.shape[2], input.shape[3]];
  const inner = [height, width].map((size) => (size === -1 ? -1 : size - 2 * (output.margin ?? 0)));
  const channels = output.classes.length;
  if (output.dim_order === 'bhw') return { shape: [-1, ...inner], dim_order: ['batch', 'height', 'width'], data_type: 'uint8' };
  return output.dim_order === 'bchw' ? { shape: [-1, channels, ...inner], dim_order: ['batch', 'class', 'height', 'width'], data_type: 'float32' }
    : { shape: [-1, ...inner, channels], dim_order: ['batch', 'height', 'width', 'class'], data_type: 'float32' };
}
