import type { ModelCard, ModelTask } from './types.js';

/** Kinds of models that the QGIS plugin Deepness runs. It has none for one answer per patch. */
const MODEL_TYPES: Partial<Readonly<Record<ModelTask, string>>> = { 'semantic-segmentation': 'Segmentor', regression: 'Regressor', embedding: 'Recognition' };
/** Edge of the tiles that are asked for where a model leaves it free, and the most that they overlap, in percent. */
const TILE = 512;
const MOST_OVERLAP = 50;

/**
 * The keys of ONNX metadata that Deepness reads (https://qgis-plugin-deepness.readthedocs.io, "Model metadata"; its `model_base.py`
 * parses every value as JSON): kind, names of classes, resolution in centimetres, tile size, overlap in percent, threshold, standardisation.
 */
export function deepnessMetadata(card: ModelCard): Readonly<Record<string, string>> {
  const { input, output, task } = card;
  const kind = MODEL_TYPES[task];
  const edge = input.dim_order === 'bhwc' ? input.shape[1] : input.shape[2];
  const tile = input.window ?? (edge > 0 ? edge : TILE);
  const overlap = card.receptive_field === undefined ? undefined : Math.min(MOST_OVERLAP, Math.ceil((100 * card.receptive_field) / tile));
  const [only, ...others] = output.classes;
  // It gives samples from 0 to 1; means and deviations are for those.
  const { scale = 1, mean, stddev } = input.value_scaling ?? {};
  const standard = (values: readonly number[] | undefined, otherwise: number): string | undefined =>
    (input.value_scaling === undefined ? undefined : JSON.stringify(input.bands.map((_, band) => (values?.[band] ?? otherwise) / (255 * scale))));
  const entries: readonly (readonly [string, string | undefined])[] = [
    ['model_type', kind === undefined ? undefined : JSON.stringify(kind)],
    ['class_names', output.classes.length === 0 ? undefined : JSON.stringify(Object.fromEntries(output.classes.map(({ value, name }) => [String(value), name])))],
    ['resolution', input.gsd === undefined ? undefined : JSON.stringify(Number((100 * input.gsd).toPrecision(6)))],
    ['tile_size', JSON.stringify(tile)],
    ['tiles_overlap', overlap === undefined ? undefined : JSON.stringify(overlap)],
    ['seg_thresh', task === 'semantic-segmentation' && others.length === 0 && only?.threshold !== undefined ? JSON.stringify(only.threshold) : undefined],
    ['reg_output_scaling', task === 'regression' ? JSON.stringify(output.scale ?? 1) : undefined],
    ['standardization_mean', standard(mean, 0)],
    ['standardization_std', standard(stddev, 1)],
  ];
  return Object.fromEntries(entries.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));
}
