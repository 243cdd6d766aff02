import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { existsSync } from 'node:fs';
import { ARCHITECTURES, findArchitecture, NORMALIZATIONS, sampleRule, type Architecture, type HeadOptions, type Network, type Normalization } from '../../../models/architectures/index.js';
import { classColors, nearestName, slug } from '../../card/index.js';
import { InvalidFileError, InvalidOptionError } from '../../errors.js';
import { exportOnnx, loadTensorflow, mapTensors, saveLayers, setForeignWeights, sizesOfFile, type MappedTensors } from '../../train/index.js';
import { readWeights } from '../../weights/index.js';
import { readLabels } from './labels.js';
import type { ImportableNetwork } from './network.js';
import { fieldsOf, partialCard, type Fields } from './partial-card.js';

export interface ArchitectureOptions {
  /** Name of one of the networks here, whose weights the file has. */
  readonly architecture: string;
  /** What samples from 0 to 255 become before they come in. Default: what the library's own pretrained weights expect. */
  readonly normalization?: string;
  /** Edge of the input. Default: the architecture's own. */
  readonly size?: number;
  /** A card, or parts of one: what it says takes the place of what is known of the network. */
  readonly card?: string;
  /** Names of classes (see {@link readLabels}), or `imagenet`. */
  readonly labels?: string;
  readonly name?: string;
}

/**
 * Puts a file of weights of Keras, torchvision or timm into a network of ours: the graph, a card, and the layers as
 * TensorFlow.js saves them (to train on from), in a folder of the caller's. A file without the classifier gives a model of
 * features.
 * @throws {InvalidFileError} naming the tensors that do not fit.
 */
export async function weightsToOnnx(path: string, options: ArchitectureOptions, folder: string): Promise<ImportableNetwork & { readonly layers: string }> {
  const architecture = architectureOf(options.architecture);
  const given = normalizationOf(options.normalization);
  const weights = await readWeights(path);
  try {
    const mapped = mapTensors(architecture, weights.tensors, path);
    const { tf } = await loadTensorflow();
    const { outputs = 1, ...sizes } = sizesOfFile(mapped);
    const names = await classNames(options.labels, mapped.top ? outputs : 0);
    const head = headOf(mapped);
    const edge = options.size ?? sizes.size ?? architecture.size ?? 224;
    if (sizes.size !== undefined && sizes.size !== edge) throw new InvalidOptionError('--size', `expected ${sizes.size}, the size that the dense layers of ${path} are for, found ${edge}`);
    if (edge < architecture.smallest) throw new InvalidOptionError('--size', `expected at least ${architecture.smallest} pixels for ${architecture.name}, found ${edge}`);
    const network = architecture.build(tf, {
      outputs, variant: mapped.mapping.variant, initial: 'zeros', ...(sizes.width === undefined ? {} : { width: sizes.width }), ...(head === undefined ? {} : { head }), ...(head?.pool === 'flatten' ? { size: edge } : {}),
    });
    try {
      const taken = await setForeignWeights(tf, network.scores, mapped, { head: mapped.top ? 'load' : 'keep' });
      const name = options.name ?? slug(basename(path).replace(/\.(weights\.)?[^.]+$/, ''));
      const layers = join(folder, 'layers');
      await mkdir(layers);
      await saveLayers(tf, mapped.top ? network.scores : network.features!, layers);
      const file = join(folder, 'network.onnx');
      await writeFile(file, exportOnnx({ name, input: 'float32', outputs: mapped.top ? { scores: network.scores, features: network.features! } : { features: network.features! } }));
      const card = join(folder, 'network.json');
      const fields = options.card === undefined ? {} : await partialCard(options.card);
      await writeFile(card, JSON.stringify(cardOf({ architecture, mapped, network, names, edge, name, normalization: given ?? mapped.mapping.normalization, given: fields })));
      const guessed = given === undefined && fieldsOf(fields['input'])['value_scaling'] === undefined;
      return {
        file, card, layers,
        notes: [
          `${taken} tensors by the names of ${mapped.mapping.naming}${mapped.top ? '' : '; without its classifier, so it gives features'}`,
          ...(guessed ? [`samples go in as ${mapped.mapping.naming}'s own weights expect them (${mapped.mapping.normalization}); --normalization says otherwise`] : []),
        ],
      };
    } finally {
      network.scores.dispose();
    }
  } finally {
    await weights.close();
  }
}

function architectureOf(name: string): Architecture {
  const found = findArchitecture(name);
  if (found !== undefined && found.gives === 'chips') return found;
  const names = ARCHITECTURES.filter(({ gives }) => gives === 'chips').map((architecture) => architecture.name);
  const near = nearestName(name, names);
  throw new InvalidOptionError('--architecture', `expected one of ${names.join(', ')}, found ${name}`, near === undefined ? {} : { advice: `did you mean ${near}?` });
}

function normalizationOf(name: string | undefined): Normalization | undefined {
  if (name === undefined) return undefined;
  const found = NORMALIZATIONS.find((item) => item === name);
  if (found === undefined) throw new InvalidOptionError('--normalization', `expected one of ${NORMALIZATIONS.join(', ')}, found ${name}`);
  return found;
}

/** VGG's dense layers, as large as the file's; the others' heads are the architecture's own. */
function headOf(mapped: MappedTensors): HeadOptions | undefined {
  if (!mapped.architecture.name.startsWith('vgg')) return undefined;
  if (!mapped.top) return { pool: 'average' };
  const dense = ['fc1', 'fc2'].flatMap((layer) => {
    const shape = mapped.find(layer, 'kernel')?.shape;
    return shape === undefined ? [] : [mapped.mapping.order === 'torch' ? shape[0]! : shape.at(-1)!];
  });
  return { pool: 'flatten', dense, dropout: [0, ...dense.map(() => 0.5)] };
}

/** Where the names of ImageNet's classes are, in a checkout and in an installed package. */
function imagenetNames(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
  return join(folder, 'assets', 'imagenet', 'classes.txt');
}

async function classNames(labels: string | undefined, outputs: number): Promise<readonly string[]> {
  if (labels === undefined) return Array.from({ length: outputs }, (_, value) => `class-${value}`);
  if (outputs === 0) throw new InvalidOptionError('--labels', 'the file has no classifier, so there are no classes to name');
  const names = await readLabels(labels === 'imagenet' ? imagenetNames() : labels);
  if (names.length !== outputs) throw new InvalidFileError(labels, `expected names of ${outputs} classes, as the weights have, found ${names.length}`);
  return names;
}


interface CardParts {
  readonly architecture: Architecture;
  readonly mapped: MappedTensors;
  readonly network: Network;
  readonly names: readonly string[];
  readonly edge: number;
  readonly name: string;
  readonly normalization: Normalization;
  readonly given: Fields;
}

function named(names: readonly string[]): Fields[] {
  const colors = classColors(names);
  return names.map((name, value) => ({ value, name, color_hint: colors[value]! }));
}

function cardOf(parts: CardParts): Fields {
  const { architecture, mapped, network, names, edge, normalization, given } = parts;
  const rule = sampleRule(normalization);
  const bands = ['red', 'green', 'blue'];
  const features = { name: 'features', dimensions: network.features!.outputs[0]!.shape[1]! };
  const scaling = { ...(rule.scale === 1 ? {} : { scale: rule.scale }), mean: rule.mean, stddev: rule.deviation };
  const input: Fields = {
    bands: rule.reversed ? [...bands].reverse() : bands, dim_order: 'bhwc', shape: [-1, edge, edge, 3], data_type: 'float32',
    ...(normalization === 'none' ? {} : { value_scaling: scaling }), ...fieldsOf(given['input']),
  };
  const output: Fields = {
    ...(mapped.top ? { name: 'scores' } : {}), dim_order: 'bc', activation: 'none', features,
    classes: named(names), ...fieldsOf(given['output']),
  };
  return {
    task: mapped.top ? 'classification' : 'embedding', architecture: `${architecture.title}, weights as in ${mapped.mapping.naming}`,
    total_parameters: mapped.top ? network.scores.countParams() : network.features!.countParams(), name: parts.name, ...given, input, output,
  };
}
