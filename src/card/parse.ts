import type { DataType } from '../raster/index.js';
import type { CardClass, CardData, CardInput, CardInt8, CardOutput, CardScore, ModelCard, ModelTask } from './types.js';
import { inside, optional, refuse, takeCount, takeList, takeNumber, takeObject, takeOneOf, takeText } from './fields.js';
import type { Place } from './fields.js';

const TASKS: readonly ModelTask[] = ['semantic-segmentation', 'multi-label-classification', 'classification', 'embedding', 'regression'];
const INPUT_TYPES: readonly CardInput['data_type'][] = ['uint8', 'uint16', 'int16', 'float32', 'float16'];
const SCENE_TYPES: readonly DataType[] = ['uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'float32', 'float64'];
/** Theme maps have one byte per pixel, and 255 is kept for nodata. */
const MOST_MAP_CLASSES = 255;

/** Tasks whose output has a value per pixel; the others have one per patch. */
export function isMapTask(task: ModelTask): boolean {
  return task === 'semantic-segmentation' || task === 'regression';
}

/**
 * Checks a card that came from JSON, field by field, and returns it with classes in the order of their values.
 * @param where File (or model) that error messages name.
 * @throws {ModelError} naming the first field that is unknown, missing, of the wrong kind, or at odds with another.
 */
export function parseCard(json: unknown, where: string): ModelCard {
  const place: Place = { file: where, field: '' };
  const card = takeObject(json, place, [
    'card_version', 'name', 'description', 'task', 'architecture', 'total_parameters', 'file', 'input', 'output',
    'receptive_field', 'data', 'license', 'limits', 'scores', 'trained_with', 'recipe', 'int8',
  ]);
  if (card['card_version'] !== 1) refuse(inside(place, 'card_version'), '1', card['card_version']);
  const task = takeOneOf(card['task'], inside(place, 'task'), TASKS);
  return {
    card_version: 1,
    name: takeName(card['name'], inside(place, 'name')),
    ...optional(card, place, 'description', takeText),
    task,
    ...optional(card, place, 'architecture', takeText),
    ...optional(card, place, 'total_parameters', (value, at) => takeCount(value, at, 0)),
    file: takeFile(card['file'], inside(place, 'file')),
    input: parseInput(card['input'], inside(place, 'input')),
    output: parseOutput(card['output'], inside(place, 'output'), task),
    ...optional(card, place, 'receptive_field', (value, at) => takeCount(value, at, 1)),
    ...optional(card, place, 'data', parseData),
    ...optional(card, place, 'license', takeText),
    ...optional(card, place, 'limits', (value, at) => takeList(value, at, takeText)),
    ...optional(card, place, 'scores', (value, at) => takeList(value, at, parseScore)),
    ...optional(card, place, 'trained_with', takeText),
    ...optional(card, place, 'recipe', takeAny),
    ...optional(card, place, 'int8', parseInt8),
  };
}

/** A recipe is for reading, not for running: it is kept as it is. */
function takeAny(value: unknown, place: Place): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(place, 'keys and values', value);
  return value as Readonly<Record<string, unknown>>;
}

function takeName(value: unknown, place: Place): string {
  const name = takeText(value, place);
  return /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) ? name : refuse(place, 'lower case letters, digits and hyphens', value, `for example ${slug(name)}`);
}

/** A text as a card's name: lower case, everything else than letters and digits becomes hyphens. */
export function slug(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '') || 'model';
}

function takeFile(value: unknown, place: Place): string {
  const file = takeText(value, place);
  const outside = /^([/\\]|[a-zA-Z]:)/.test(file) || file.split(/[/\\]/).includes('..');
  return outside ? refuse(place, 'a path inside the folder of the card', value) : file;
}

function parseInput(value: unknown, place: Place): CardInput {
  const input = takeObject(value, place, ['name', 'bands', 'dim_order', 'shape', 'data_type', 'scene_data_types', 'value_scaling', 'multiple_of', 'window', 'gsd']);
  const bands = takeList(input['bands'], inside(place, 'bands'), takeText);
  if (bands.length === 0) refuse(inside(place, 'bands'), 'a list with at least one band', bands);
  refuseRepeats(bands, inside(place, 'bands'));
  const dim_order = takeOneOf(input['dim_order'], inside(place, 'dim_order'), ['bhwc', 'bchw']);
  const shape = parseShape(input['shape'], inside(place, 'shape'));
  const sizes = shapeSizes({ shape, dim_order });
  if (sizes.bands !== bands.length && sizes.bands !== -1) {
    refuse(inside(place, 'shape'), `a shape with ${bands.length} bands (one per name in input.bands) in the order ${dim_order}`, shape);
  }
  const parsed: CardInput = {
    ...optional(input, place, 'name', takeText),
    bands,
    dim_order,
    shape,
    data_type: takeOneOf(input['data_type'], inside(place, 'data_type'), INPUT_TYPES),
    ...optional(input, place, 'scene_data_types', parseSceneTypes),
    ...optional(input, place, 'value_scaling', (scaling, at) => parseScaling(scaling, at, bands.length)),
    ...optional(input, place, 'multiple_of', (count, at) => takeCount(count, at, 1)),
    ...optional(input, place, 'window', (count, at) => takeCount(count, at, 1)),
    ...optional(input, place, 'gsd', (number, at) => takeNumber(number, at, 'a number of metres above 0', (n) => n > 0)),
  };
  const step = parsed.multiple_of ?? 1;
  for (const size of [sizes.height, sizes.width]) {
    if (size !== -1 && size % step !== 0) refuse(inside(place, 'shape'), `sizes that are multiples of ${step} (input.multiple_of)`, shape);
  }
  if (parsed.window !== undefined) {
    if (sizes.height === -1 || sizes.width !== sizes.height) refuse(inside(place, 'shape'), 'fixed and square where input.window is given', shape);
    if (parsed.window < sizes.height) refuse(inside(place, 'window'), `at least the input's size, ${sizes.height}`, parsed.window);
  }
  return parsed;
}

function parseShape(value: unknown, place: Place): CardInput['shape'] {
  const sizes = takeList(value, place, (size, at) => takeNumber(size, at, 'a whole number above 0, or -1 where free', (n) => Number.isInteger(n) && (n > 0 || n === -1)));
  const [a, b, c, d] = sizes;
  if (sizes.length !== 4 || a === undefined || b === undefined || c === undefined || d === undefined) return refuse(place, 'a list of four sizes', value);
  return [a, b, c, d];
}

/** The sizes of an input by meaning; −1 where free. */
export function shapeSizes(input: Pick<CardInput, 'shape' | 'dim_order'>): { readonly batch: number; readonly height: number; readonly width: number; readonly bands: number } {
  const [batch, a, b, c] = input.shape;
  return input.dim_order === 'bhwc' ? { batch, height: a, width: b, bands: c } : { batch, bands: a, height: b, width: c };
}

function parseSceneTypes(value: unknown, place: Place): readonly DataType[] {
  const types = takeList(value, place, (type, at) => takeOneOf(type, at, SCENE_TYPES));
  return types.length === 0 ? refuse(place, 'a list with at least one sample type', value) : types;
}

function parseScaling(value: unknown, place: Place, bands: number): NonNullable<CardInput['value_scaling']> {
  const scaling = takeObject(value, place, ['scale', 'mean', 'stddev']);
  const perBand = (list: unknown, at: Place, fits: (n: number) => boolean, expected: string): readonly number[] => {
    const numbers = takeList(list, at, (n, spot) => takeNumber(n, spot, expected, fits));
    return numbers.length === bands ? numbers : refuse(at, `a list of ${bands} numbers, one per band`, list);
  };
  return {
    ...optional(scaling, place, 'scale', (n, at) => takeNumber(n, at, 'a number that is not 0', (x) => x !== 0)),
    ...optional(scaling, place, 'mean', (list, at) => perBand(list, at, () => true, 'a number')),
    ...optional(scaling, place, 'stddev', (list, at) => perBand(list, at, (n) => n > 0, 'a number above 0')),
  };
}

function parseOutput(value: unknown, place: Place, task: ModelTask): CardOutput {
  const output = takeObject(value, place, ['name', 'dim_order', 'activation', 'classes', 'margin', 'scale', 'features']);
  const map = isMapTask(task);
  const orders: readonly CardOutput['dim_order'][] = task === 'semantic-segmentation' ? ['bhwc', 'bchw', 'bhw'] : map ? ['bhwc', 'bchw'] : ['bc'];
  const order = takeOneOf(output['dim_order'], inside(place, 'dim_order'), ['bhwc', 'bchw', 'bhw', 'bc'] as const);
  if (!orders.includes(order)) refuse(inside(place, 'dim_order'), `${orders.join(' or ')} for task ${task}`, order);
  const activation = takeOneOf(output['activation'], inside(place, 'activation'), ['none', 'softmax', 'sigmoid']);
  if (task === 'multi-label-classification' && activation === 'softmax') {
    refuse(inside(place, 'activation'), 'sigmoid or none for tags', activation, 'softmax lets only one tag win; use task classification for that');
  }
  if (order === 'bhw' && activation !== 'none') refuse(inside(place, 'activation'), 'none where the graph gives class ids (dim_order bhw)', activation);
  const classes = parseClasses(output['classes'], inside(place, 'classes'), task);
  if ((task === 'semantic-segmentation' || task === 'classification') && classes.length === 1 && activation === 'softmax') {
    refuse(inside(place, 'activation'), 'sigmoid or none for one class', activation, 'softmax of one channel is always 1');
  }
  const parsed: CardOutput = {
    ...optional(output, place, 'name', takeText),
    dim_order: order,
    activation,
    classes,
    ...optional(output, place, 'margin', (count, at) => takeCount(count, at, 0)),
    ...optional(output, place, 'scale', (n, at) => takeNumber(n, at, 'a number that is not 0', (x) => x !== 0)),
    ...optional(output, place, 'features', parseFeatures),
  };
  if (!map && (parsed.margin ?? 0) !== 0) refuse(inside(place, 'margin'), 'absent where the output has one value per patch', parsed.margin);
  if (task !== 'regression' && parsed.scale !== undefined) refuse(inside(place, 'scale'), 'absent: it is only for task regression', parsed.scale);
  if (task === 'embedding' && parsed.features === undefined) refuse(inside(place, 'features'), 'an object with name and dimensions for task embedding', undefined);
  return parsed;
}

function parseFeatures(value: unknown, place: Place): { readonly name: string; readonly dimensions: number } {
  const features = takeObject(value, place, ['name', 'dimensions']);
  return { name: takeText(features['name'], inside(place, 'name')), dimensions: takeCount(features['dimensions'], inside(place, 'dimensions'), 1) };
}

function parseClasses(value: unknown, place: Place, task: ModelTask): readonly CardClass[] {
  const classes = [...takeList(value, place, parseClass)].sort((a, b) => a.value - b.value);
  if (classes.length === 0 && task !== 'embedding') refuse(place, 'a list with at least one class', value);
  classes.forEach((entry, index) => {
    if (entry.value !== index) refuse(place, `classes with the values 0 to ${classes.length - 1}, each once`, classes.map((c) => c.value));
  });
  if (task === 'semantic-segmentation' && classes.length > MOST_MAP_CLASSES) refuse(place, `at most ${MOST_MAP_CLASSES} classes`, classes.length);
  refuseRepeats(classes.map((entry) => entry.name), place);
  const thresholds = task === 'multi-label-classification' || (task === 'semantic-segmentation' && classes.length === 1);
  const limited = classes.find((entry) => entry.threshold !== undefined);
  if (limited !== undefined && !thresholds) {
    refuse(inside(inside(place, limited.value), 'threshold'), 'absent', limited.threshold, 'thresholds are for tags, and for maps with one class');
  }
  return classes;
}

function parseClass(value: unknown, place: Place): CardClass {
  const entry = takeObject(value, place, ['value', 'name', 'color_hint', 'threshold']);
  return {
    value: takeCount(entry['value'], inside(place, 'value'), 0),
    name: takeText(entry['name'], inside(place, 'name')),
    color_hint: takeColor(entry['color_hint'], inside(place, 'color_hint')),
    ...optional(entry, place, 'threshold', (n, at) => takeNumber(n, at, 'a number from 0 to 1', (x) => x >= 0 && x <= 1)),
  };
}

function takeColor(value: unknown, place: Place): string {
  return typeof value === 'string' && /^#[0-9a-fA-F]{6}$/.test(value) ? value.toLowerCase() : refuse(place, 'a colour like #1f77b4', value);
}

function refuseRepeats(names: readonly string[], place: Place): void {
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) refuse(place, 'a list of names that differ', repeated, 'each name may occur once');
}

function parseData(value: unknown, place: Place): CardData {
  const data = takeObject(value, place, ['name', 'source', 'license', 'split', 'fingerprint']);
  return {
    name: takeText(data['name'], inside(place, 'name')),
    ...optional(data, place, 'source', takeText),
    ...optional(data, place, 'license', takeText),
    ...optional(data, place, 'split', takeText),
    ...optional(data, place, 'fingerprint', takeText),
  };
}

function parseInt8(value: unknown, place: Place): CardInt8 {
  const int8 = takeObject(value, place, ['file', 'metric', 'value', 'float32', 'on', 'speedup', 'float_layers']);
  const number = (name: string): number => takeNumber(int8[name], inside(place, name), 'a number', () => true);
  return {
    file: takeFile(int8['file'], inside(place, 'file')),
    metric: takeText(int8['metric'], inside(place, 'metric')),
    value: number('value'),
    float32: number('float32'),
    on: takeText(int8['on'], inside(place, 'on')),
    speedup: number('speedup'),
    ...optional(int8, place, 'float_layers', (list, at) => takeList(list, at, takeText)),
  };
}

function parseScore(value: unknown, place: Place): CardScore {
  const score = takeObject(value, place, ['metric', 'value', 'on', 'of']);
  return {
    metric: takeText(score['metric'], inside(place, 'metric')),
    value: takeNumber(score['value'], inside(place, 'value'), 'a number', () => true),
    on: takeText(score['on'], inside(place, 'on')),
    ...optional(score, place, 'of', takeText),
  };
}
