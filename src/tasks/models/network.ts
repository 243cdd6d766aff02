import type { LayersModel, SymbolicTensor } from '@tensorflow/tfjs';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { classColors, defaultColor, slug } from '../../card/index.js';
import { InvalidFileError, ModelError } from '../../errors.js';
import { exportOnnx, loadTensorflow } from '../../train/index.js';
import { buildNetwork, disposeNetwork, doublesByCentres, readWeights } from '../../weights/index.js';
import { readLabels } from './labels.js';
import { fieldsOf, partialCard, type Fields } from './partial-card.js';

/** Files that hold layers or weights of another library, by their ending; anything else is taken for ONNX. */
const ENDINGS = /\.(h5|hdf5|keras|json|safetensors|pt|pth)$/i;

export function isNetworkFile(path: string): boolean {
  return ENDINGS.test(path);
}

export interface NetworkOptions {
  /** A card, or parts of one: what it says takes the place of what the network says. */
  readonly card?: string;
  /** Names of classes; see {@link readLabels}. */
  readonly labels?: string;
  readonly name?: string;
}

/** An ONNX file and a card for it, in a folder of the caller's. */
export interface ImportableNetwork {
  readonly file: string;
  readonly card: string;
  readonly notes: readonly string[];
}

/**
 * Turns a whole model of Keras or TensorFlow.js into an ONNX file and a card for it: sizes, task and number of classes are
 * the network's, names and scaling are the caller's, whose card may say only those.
 * @throws {InvalidFileError} if the file is none, or its network is not known.
 */
export async function networkToOnnx(path: string, options: NetworkOptions, folder: string): Promise<ImportableNetwork> {
  const weights = await readWeights(path);
  const name = options.name ?? slug(basename(path) === 'model.json' ? basename(dirname(path)) : basename(path).replace(/\.[^.]+$/, ''));
  try {
    const { tf } = await loadTensorflow();
    const network = await buildNetwork(tf, weights);
    try {
      checkEnds(path, network);
      const file = join(folder, 'network.onnx');
      await writeFile(file, exportOnnx({ outputs: { scores: network }, name, input: 'float32', ...(doublesByCentres(weights) ? { doubling: 'by centres' } : {}) }));
      return { file, ...await writeCard(path, network, { ...options, name }, folder) };
    } finally {
      disposeNetwork(network);
    }
  } finally {
    await weights.close();
  }
}


async function writeCard(path: string, network: LayersModel, options: NetworkOptions & { readonly name: string }, folder: string): Promise<Omit<ImportableNetwork, 'file'>> {
  const notes: string[] = [];
  const own = ownCard(network, notes);
  const given = options.card === undefined ? {} : await partialCard(options.card);
  const labels = options.labels ?? await labelsBeside(path);
  const input = { ...own.input, ...fieldsOf(given['input']) };
  const output = { ...own.output, ...fieldsOf(given['output']) };
  if (own.classes === 1 && own.card['task'] === 'classification' && given['task'] === undefined) {
    throw new ModelError(path, 'expected scores of several classes, or of one with sigmoid, found one number without: as one class of one it would always be certain', { advice: 'for a yes or no give a card with "task": "multi-label-classification" and "output": {"activation": "sigmoid"}; amounts of whole chips are not read, of pixels they are (task regression)' });
  }
  if (labels !== undefined && fieldsOf(given['output'])['classes'] === undefined) {
    const names = await readLabels(labels);
    if (names.length !== own.classes) throw new InvalidFileError(labels, `expected names of ${own.classes} classes, as the network gives, found ${names.length}`);
    const colors = classColors(names);
    output['classes'] = names.map((label, value) => ({ value, name: label, color_hint: colors[value]! }));
  } else if (fieldsOf(given['output'])['classes'] === undefined) notes.push('the file does not name its classes: they are numbered; --labels names them');
  if (input['value_scaling'] === undefined && scalesItself(network)) notes.push('the network scales samples by itself (a layer of it does): they go in as they are, 0 to 255, and a card needs no input.value_scaling');
  else if (input['value_scaling'] === undefined) notes.push('the file does not say how samples are scaled: they go in as they are, 0 to 255; input.value_scaling in a card says how');
  const card = join(folder, 'network.json');
  await writeFile(card, JSON.stringify({ ...own.card, name: options.name, ...given, input, output }));
  return { card, notes };
}

/** Whether it, or a network in it, has a layer that brings samples to its range. */
function scalesItself(network: Pick<LayersModel, 'layers'>): boolean {
  return network.layers.some((layer) => layer.getClassName() === 'Rescaling' || ('layers' in layer && scalesItself(layer as unknown as Pick<LayersModel, 'layers'>)));
}

/** One picture goes in, one vector or map comes out. */
function checkEnds(path: string, { inputs, outputs }: LayersModel): void {
  const shapes = (tensors: readonly { readonly shape: readonly (number | null)[] }[]): string => tensors.map(({ shape }) => `[${shape.slice(1).map((size) => size ?? 'free').join(', ')}]`).join(' and ');
  const fits = inputs.length === 1 && inputs[0]!.shape.length === 4 && outputs.length === 1 && [2, 4].includes(outputs[0]!.shape.length) && outputs[0]!.shape.at(-1) !== null;
  if (!fits) throw new ModelError(path, `expected a network from one picture to one vector or map, found one from ${shapes(inputs)} to ${shapes(outputs)}`, { advice: 'export the part that is wanted to ONNX' });
}

/** What the network itself says. */
function ownCard(network: LayersModel, notes: string[]): { readonly card: Fields; readonly input: Fields; readonly output: Fields; readonly classes: number } {
  const [, height, width, bands] = network.inputs[0]!.shape;
  const answer = network.outputs[0]!.shape;
  const map = answer.length === 4;
  const classes = answer.at(-1)!;
  const ending = lastActivation(network);
  const task = map ? 'semantic-segmentation' : ending === 'sigmoid' ? 'multi-label-classification' : 'classification';
  const activation = ending === 'softmax' || ending === 'sigmoid' ? 'none' : 'softmax';
  if (activation === 'softmax') notes.push(`the network ends with ${ending}: its answers are taken as logits`);
  return {
    classes,
    card: { task, architecture: network.name, total_parameters: network.countParams() },
    input: {
      bands: bands === 3 ? ['red', 'green', 'blue'] : bands === 1 ? ['gray'] : Array.from({ length: bands! }, (_, i) => `band-${i + 1}`),
      dim_order: 'bhwc', shape: [-1, height ?? -1, width ?? -1, bands!], data_type: 'float32',
    },
    output: {
      dim_order: map ? 'bchw' : 'bc', activation,
      classes: Array.from({ length: classes }, (_, value) => ({ value, name: `class-${value}`, color_hint: defaultColor(value) })),
    },
  };
}

/** Activation of the layer that gives the answer, also inside nested networks. */
function lastActivation(network: LayersModel): string {
  let { sourceLayer: layer } = network.outputs[0]!;
  // What only puts numbers elsewhere leaves them what they are.
  while (['FittedReshape', 'Flatten', 'Dropout'].includes(layer.getClassName())) layer = (layer.input as SymbolicTensor).sourceLayer;
  if ('layers' in layer) return lastActivation(layer as LayersModel);
  if (layer.getClassName() === 'Softmax') return 'softmax';
  const name = layer.getConfig()['activation'];
  return typeof name === 'string' ? name : 'linear';
}

/** Teachable Machine puts `metadata.json` with the names beside `model.json`. */
async function labelsBeside(path: string): Promise<string | undefined> {
  if (basename(path) !== 'model.json') return undefined;
  const beside = join(dirname(path), 'metadata.json');
  if (!(await stat(beside).catch(() => undefined))?.isFile()) return undefined;
  const text = await readFile(beside, 'utf8');
  return /"labels"\s*:\s*\[/.test(text) ? beside : undefined;
}
