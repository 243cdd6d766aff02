import { ModelError } from '../errors.js';
import { classColors } from './class-colors.js';
import { defaultColor } from './legend.js';
import { isMapTask, parseCard, slug } from './parse.js';
import { show } from './fields.js';
import type { CardClass, CardInput, ModelCard, ModelTask } from './types.js';

/** What a graph itself says about its input and output; sizes are −1 where free, `undefined` where even the rank is unknown. */
export interface GraphSummary {
  readonly input: { readonly name: string; readonly type: string; readonly shape: readonly number[] };
  readonly output: { readonly name: string; readonly shape: readonly number[] | undefined };
  /** Operator that gives the output: `Softmax`, `Conv` … */
  readonly lastOperator: string;
}

export interface CardFromMetadata {
  readonly card: ModelCard;
  /** `tilewright`: the card itself was in the file. `deepness`: made from the keys of the QGIS plugin Deepness. */
  readonly origin: 'tilewright' | 'deepness';
  /** What was assumed where the metadata says nothing; for people. */
  readonly notes: readonly string[];
}

export const CARD_KEY = 'tilewright_card';

/** model_type of Deepness, lower case, and what it is here. */
const DEEPNESS_TASKS: Readonly<Record<string, ModelTask>> = {
  segmentor: 'semantic-segmentation', segmentation: 'semantic-segmentation',
  regressor: 'regression', regression: 'regression',
  recognition: 'embedding', classifier: 'classification', classification: 'classification',
};
/** Keys of which at least one must be there before a file counts as described by Deepness. */
const DEEPNESS_KEYS = ['model_type', 'class_names', 'names', 'resolution', 'standardization_mean', 'standardization_std', 'seg_thresh', 'reg_output_scaling'];
const EIGHT_BIT = 1 / 255;
/** Inputs have few bands and many rows; an axis up to this long can be the bands. */
const MOST_BANDS = 16;

/**
 * The card of a model from its ONNX metadata: key `tilewright_card`, or the keys that the QGIS plugin Deepness reads
 * (https://qgis-plugin-deepness.readthedocs.io, values are JSON inside strings; samples go in as `(value / 255 − mean) / std`).
 * `undefined` where the metadata says nothing about it.
 * @param where Model file for messages.
 * @throws {ModelError} if the metadata cannot be read, contradicts the graph, or describes a kind of model that is not run here.
 */
export function cardFromMetadata(metadata: Readonly<Record<string, string>>, graph: GraphSummary, where: string): CardFromMetadata | undefined {
  const own = metadata[CARD_KEY];
  if (own !== undefined) {
    const value = parseJson(own);
    if (value === undefined) throw new ModelError(where, `metadata ${CARD_KEY} must be JSON, found ${show(own)}`);
    return { card: parseCard(value, where), origin: 'tilewright', notes: [] };
  }
  if (!DEEPNESS_KEYS.some((key) => metadata[key] !== undefined)) return undefined;
  return fromDeepness(metadata, graph, where);
}

function fromDeepness(metadata: Readonly<Record<string, string>>, graph: GraphSummary, where: string): CardFromMetadata {
  const notes: string[] = [];
  const task = taskOf(metadata, graph, where, notes);
  const { input, sizes } = inputOf(metadata, graph, where, notes);
  const map = isMapTask(task);
  const shape = graph.output.shape;
  if (shape !== undefined && map !== (shape.length === 4)) {
    throw new ModelError(where, `model_type says ${task}, which gives ${map ? 'numbers per pixel' : 'numbers per patch'}, but its output has the shape [${shape.map((size) => (size === -1 ? 'free' : size)).join(', ')}]`,
      { advice: 'import it with --card' });
  }
  const dim_order = map ? input.dim_order : 'bc';
  const channels = shape === undefined ? -1 : (dim_order === 'bchw' || dim_order === 'bc' ? shape[1] : shape[3]) ?? -1;
  const names = classNames(metadata, where);
  const classes = task === 'embedding' ? [] : classesOf(task, names, channels, numberOf(metadata, 'seg_thresh', where), where, notes);
  const scale = task === 'regression' ? numberOf(metadata, 'reg_output_scaling', where) : undefined;
  const outHeight = shape === undefined ? -1 : (dim_order === 'bchw' ? shape[2] : shape[1]) ?? -1;
  const margin = map && sizes.height > 0 && outHeight > 0 ? Math.floor((sizes.height - outHeight) / 2) : 0;
  const normalised = ['Softmax', 'Sigmoid', 'LogSoftmax', 'Clip', 'HardSigmoid'].includes(graph.lastOperator);
  const activation = task === 'classification' && !normalised ? 'softmax' : 'none';
  if (activation === 'softmax') notes.push('the graph ends without Softmax: its outputs are taken as logits');
  if (task === 'semantic-segmentation' && !normalised && graph.lastOperator !== '') notes.push(`the graph ends with ${graph.lastOperator}: its outputs are taken as probabilities, as Deepness does`);
  const card = {
    card_version: 1,
    name: slug(where.split(/[/\\]/).at(-1)?.replace(/\.onnx$/i, '') ?? 'model'),
    description: 'Card made from the ONNX metadata that the QGIS plugin Deepness reads',
    task,
    ...(metadata['architecture'] === undefined ? {} : { architecture: metadata['architecture'] }),
    file: where.split(/[/\\]/).at(-1) ?? 'model.onnx',
    input,
    output: {
      dim_order, activation, classes,
      ...(margin > 0 ? { margin } : {}),
      ...(scale === undefined || scale === 1 ? {} : { scale }),
      ...(task === 'embedding' ? { features: { name: graph.output.name, dimensions: channels } } : {}),
    },
  };
  return { card: parseCard(card, where), origin: 'deepness', notes };
}

function taskOf(metadata: Readonly<Record<string, string>>, graph: GraphSummary, where: string, notes: string[]): ModelTask {
  const given = metadata['model_type'];
  if (given === undefined) {
    const task: ModelTask = graph.output.shape?.length === 2 ? 'classification' : 'semantic-segmentation';
    notes.push(`model_type is missing: taken as ${task} by the shape of the output`);
    return task;
  }
  const quoted = parseJson(given);
  const name = typeof quoted === 'string' ? quoted : given;
  const task = DEEPNESS_TASKS[name.toLowerCase()];
  if (task === undefined) throw new ModelError(where, `model_type ${show(name)} is not run here`, { advice: 'Segmentor, Regressor, Recognition and Classifier are' });
  return task;
}

function inputOf(metadata: Readonly<Record<string, string>>, graph: GraphSummary, where: string, notes: string[]): { readonly input: CardInput; readonly sizes: { readonly height: number } } {
  const [batch, a, b, c] = graph.input.shape;
  if (graph.input.shape.length !== 4 || batch === undefined || a === undefined || b === undefined || c === undefined) {
    throw new ModelError(where, `input ${graph.input.name} must have four axes, found the shape [${graph.input.shape.join(', ')}]`);
  }
  const last = c > 0 && c <= MOST_BANDS && !(a > 0 && a <= MOST_BANDS);
  const count = last ? c : a;
  if (count < 1) throw new ModelError(where, `the number of bands of input ${graph.input.name} is not fixed in the graph`, { advice: 'import it with --card' });
  const order = metadata['channel_order']?.toUpperCase();
  const bands = count === 3 ? (order === 'BGR' ? ['blue', 'green', 'red'] : ['red', 'green', 'blue']) : Array.from({ length: count }, (_, i) => `band-${i + 1}`);
  if (order === undefined) notes.push(`the metadata does not name the bands: taken as ${bands.join(', ')}`);
  const resolution = numberOf(metadata, 'resolution', where);
  const scaling = graph.input.type === 'uint8' ? undefined : scalingOf(metadata, count, where, notes);
  return {
    input: {
      name: graph.input.name,
      bands,
      dim_order: last ? 'bhwc' : 'bchw',
      shape: [batch, a, b, c],
      data_type: graph.input.type as CardInput['data_type'],
      scene_data_types: ['uint8'],
      ...(scaling === undefined ? {} : { value_scaling: scaling }),
      ...(resolution === undefined ? {} : { gsd: resolution / 100 }),
    },
    sizes: { height: last ? a : b },
  };
}

/** Deepness divides by 255 first. Means or deviations above 1 can only mean samples from 0 to 255, so then nothing is divided. */
function scalingOf(metadata: Readonly<Record<string, string>>, bands: number, where: string, notes: string[]): NonNullable<CardInput['value_scaling']> {
  const mean = numbersOf(metadata, 'standardization_mean', bands, where);
  const stddev = numbersOf(metadata, 'standardization_std', bands, where);
  const raw = [...(mean ?? []), ...(stddev ?? [])].some((value) => value > 1);
  if (raw) notes.push('standardization_mean and standardization_std are above 1: taken for samples from 0 to 255, without dividing by 255');
  return { ...(raw ? {} : { scale: EIGHT_BIT }), ...(mean === undefined ? {} : { mean }), ...(stddev === undefined ? {} : { stddev }) };
}

function classesOf(task: ModelTask, names: readonly string[] | undefined, channels: number, threshold: number | undefined, where: string, notes: string[]): readonly CardClass[] {
  const colors = classColors(names ?? []);
  const entry = (name: string, value: number): CardClass => ({ value, name, color_hint: colors[value] ?? defaultColor(value) });
  if (task === 'semantic-segmentation' && channels === 1) {
    // One score per pixel: the class is there or it is not; a name for the rest is dropped.
    if (names !== undefined && names.length > 2) throw new ModelError(where, `class_names has ${names.length} names for an output of one channel`, { advice: 'import it with --card' });
    const name = names?.at(-1) ?? 'foreground';
    const only = { ...entry(name, 0), color_hint: classColors([name])[0]! };
    return [threshold === undefined ? only : { ...only, threshold }];
  }
  if (names !== undefined && (channels === -1 || names.length === channels)) {
    // ImageNet, for one, has two cranes: a bird and a machine.
    return names.map((name, value) => entry(names.indexOf(name) === names.lastIndexOf(name) ? name : `${name} (${value})`, value));
  }
  if (channels === -1) throw new ModelError(where, 'neither class_names nor the shape of the output says how many classes there are', { advice: 'import it with --card' });
  if (names !== undefined && task !== 'regression') throw new ModelError(where, `class_names has ${names.length} names for an output of ${channels} channels`, { advice: 'import it with --card' });
  notes.push(names === undefined ? `class_names is missing: ${channels} channels are numbered` : `class_names has ${names.length} names for ${channels} channels: not used`);
  return Array.from({ length: channels }, (_, i) => entry(task === 'regression' && channels === 1 ? 'value' : `class-${i}`, i));
}

/** `{"0": "a", "1": "b"}`, `["a", "b"]`, `[{"0": "a"}, {"1": "b"}]`, or the first two as Python writes them. */
function classNames(metadata: Readonly<Record<string, string>>, where: string): readonly string[] | undefined {
  const text = metadata['class_names'] ?? metadata['names'];
  if (text === undefined) return undefined;
  const value = parseJson(text) ?? parseJson(text.replace(/'/g, '"').replace(/([{,]\s*)(\d+)\s*:/g, '$1"$2":'));
  const listed: readonly unknown[] | undefined = Array.isArray(value) ? value as readonly unknown[] : undefined;
  if (listed !== undefined && listed.length > 0 && listed.every((item) => typeof item === 'string')) return listed;
  const pairs = listed !== undefined ? listed.flatMap(entriesOf) : entriesOf(value);
  const sorted = pairs.map(([key, name]) => [Number(key), name] as const).sort((a, b) => a[0] - b[0]);
  if (sorted.length === 0 || sorted.some(([key, name], index) => key !== index || typeof name !== 'string')) {
    throw new ModelError(where, `metadata class_names must be names by class number from 0 without gaps, found ${show(text)}`, { advice: 'import it with --card' });
  }
  return sorted.map(([, name]) => String(name));
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

function numberOf(metadata: Readonly<Record<string, string>>, key: string, where: string): number | undefined {
  const text = metadata[key];
  if (text === undefined) return undefined;
  const value = Number(parseJson(text) ?? Number.NaN);
  if (!Number.isFinite(value)) throw new ModelError(where, `metadata ${key} must be a number, found ${show(text)}`, { advice: 'import it with --card' });
  return value;
}

function numbersOf(metadata: Readonly<Record<string, string>>, key: string, count: number, where: string): readonly number[] | undefined {
  const text = metadata[key];
  if (text === undefined) return undefined;
  const value = parseJson(text);
  const numbers = Array.isArray(value) ? value.map(Number) : [];
  if (numbers.length !== count || numbers.some((n) => !Number.isFinite(n))) {
    throw new ModelError(where, `metadata ${key} must be a list of ${count} numbers, one per band, found ${show(text)}`, { advice: 'import it with --card' });
  }
  return numbers;
}

/** The JSON value, also where it stands in quotes once more; `undefined` if it is none. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
