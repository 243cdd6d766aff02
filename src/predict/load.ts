import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { CARD_KEY, answersFingerprint, cardFromMetadata, featuresFingerprint, nearestName, parseCard } from '../card/index.js';
import type { GraphSummary, ModelCard } from '../card/index.js';
import { InvalidOptionError, ModelError } from '../errors.js';
import { decodeModel, metadataOf } from '../onnx/index.js';
import type { OnnxModel } from '../onnx/index.js';
import { hasExternalData, inlineExternalData } from './external.js';
import { checkGraph, findInput, findOutput } from './inspect.js';
import { zooFolder, zooModels } from './zoo.js';

/** A model that was read and whose file fits its card, as far as the file itself says; nothing has been run. */
export interface LoadedModel {
  /** What to call it in messages: the name or path that was asked for. */
  readonly source: string;
  readonly card: ModelCard;
  /** Where the card came from. */
  readonly cardOrigin: 'file' | 'tilewright' | 'deepness';
  /** Whether the file is the card's float form or its 8-bit one. */
  readonly precision: 'float32' | 'int8';
  /** The ONNX file. */
  readonly file: string;
  readonly graph: OnnxModel;
  /** Bytes of the ONNX file, weights in other files included. */
  readonly bytes: number;
  /** SHA-256 of the file's bytes, weights in other files included, in hexadecimal. */
  readonly digest: string;
  /** Over the file's bytes and what its card says of task, input and output: changes when the model's answers or their meaning can change. */
  readonly fingerprint: string;
  /** Over the file's bytes and how samples go in: changes when feature vectors can change. */
  readonly featuresFingerprint: string;
  /** What was assumed about the model; for people. */
  readonly notes: readonly string[];
  /**
   * A classifier of patches as a map: the map's pixel (i, j) of a window is the answer for the patch of `patch` pixels at (i · stride,
   * j · stride). Absent: the map has the window's pixels, without the card's margin.
   */
  readonly dense?: { readonly patch: number; readonly stride: number };
}

export interface LoadModelOptions {
  /** A card for an ONNX file: a path, or the parsed JSON. Default: the card beside the file, or its metadata. */
  readonly card?: string | ModelCard;
  /** Which form of the model. Default `float32`. `auto`: see {@link choosePrecision}. */
  readonly precision?: Precision;
}

export type Precision = 'auto' | 'float32' | 'int8';

/** Most that the score of the 8-bit form may differ by, and least that it must be faster by, to be taken unasked. */
const MOST_LOSS = 0.005;
const LEAST_SPEEDUP = 1.1;

/**
 * The form that `auto` takes: 8-bit integers where the card records that on data they were not calibrated on their score is
 * within 0.005 of float32's and that they were at least 1.1 times as fast; else float32.
 */
export function choosePrecision(card: ModelCard, asked: Precision): 'float32' | 'int8' {
  const { int8 } = card;
  if (asked !== 'auto') return asked;
  return int8 !== undefined && Math.abs(int8.value - int8.float32) <= MOST_LOSS && int8.speedup >= LEAST_SPEEDUP ? 'int8' : 'float32';
}

/**
 * Loads a model and checks that the file fits its card.
 * @param nameOrPath A shipped model's name (`aerial-landcover`), a folder with `card.json`, a `card.json`, or an ONNX file.
 * @throws {ModelError} if there is no such model, the file is not ONNX, there is no card, or the two do not fit.
 */
export async function loadModel(nameOrPath: string, options: LoadModelOptions = {}): Promise<LoadedModel> {
  const place = await findModel(nameOrPath);
  if (place.card !== undefined) {
    if (options.card !== undefined) throw new ModelError(nameOrPath, 'it has a card of its own', { advice: 'give the .onnx file to use another card' });
    const card = await readCard(place.card, place.card);
    const precision = choosePrecision(card, options.precision ?? 'float32');
    if (precision === 'int8' && card.int8 === undefined) throw new ModelError(nameOrPath, 'has no 8-bit form', { advice: 'make one with: tilewright models quantize' });
    const file = join(dirname(place.card), precision === 'int8' ? card.int8!.file : card.file);
    return assemble(nameOrPath, file, await readOnnx(file, nameOrPath), { card, origin: 'file', notes: [] }, precision);
  }
  if (options.precision === 'int8') throw new ModelError(nameOrPath, 'is a single file, which has no 8-bit form beside it', { advice: 'give the model folder' });
  const read = await readOnnx(place.onnx, nameOrPath);
  return assemble(nameOrPath, place.onnx, read, await cardOf(place.onnx, read.graph, nameOrPath, options));
}

type CardAndOrigin = { readonly card: ModelCard; readonly origin: LoadedModel['cardOrigin']; readonly notes: readonly string[] };

async function cardOf(file: string, graph: OnnxModel, where: string, options: LoadModelOptions): Promise<CardAndOrigin> {
  if (typeof options.card === 'string') return { card: await readCard(options.card, options.card), origin: 'file', notes: [] };
  if (options.card !== undefined) return { card: parseCard(options.card, where), origin: 'file', notes: [] };
  const metadata = metadataOf(graph);
  const beside = join(dirname(file), 'card.json');
  // A card says more than the few keys of others.
  if (metadata[CARD_KEY] === undefined && await isFile(beside)) {
    const card = await readCard(beside, beside);
    if (resolve(dirname(beside), card.file) === resolve(file)) return { card, origin: 'file', notes: [] };
  }
  const found = cardFromMetadata(metadata, summarize(graph, where), where);
  if (found !== undefined) return found;
  throw new ModelError(where, 'the file says nothing about its bands and classes', { advice: `write a card.json and run: tilewright models import ${where} --card card.json` });
}

function assemble(source: string, file: string, read: OnnxFile, card: CardAndOrigin, precision: LoadedModel['precision'] = 'float32'): LoadedModel {
  checkGraph(read.graph, card.card, source);
  return {
    source, precision, card: card.card, cardOrigin: card.origin, file, graph: read.graph, bytes: read.bytes, digest: read.digest,
    fingerprint: answersFingerprint(read.digest, card.card), featuresFingerprint: featuresFingerprint(read.digest, card.card), notes: card.notes,
  };
}

async function findModel(nameOrPath: string): Promise<{ readonly card: string } | { readonly onnx: string; readonly card?: undefined }> {
  const found = await stat(nameOrPath).catch(() => undefined);
  if (found?.isDirectory()) {
    const card = join(nameOrPath, 'card.json');
    if (await isFile(card)) return { card };
    await refuseForeign(join(nameOrPath, 'model.json'));
    throw new ModelError(nameOrPath, 'the folder has no card.json', { advice: 'give the .onnx file, or make a model folder with: tilewright models import' });
  }
  if (found?.isFile() === true) await refuseForeign(nameOrPath);
  if (found?.isFile()) return nameOrPath.toLowerCase().endsWith('.json') ? { card: nameOrPath } : { onnx: nameOrPath };
  const names = zooModels();
  if (names.includes(nameOrPath)) return { card: join(zooFolder(), nameOrPath, 'card.json') };
  const near = nearestName(nameOrPath, names);
  const advice = near === undefined ? `shipped are: ${names.join(', ') || 'none'}` : `did you mean ${near}?`;
  // A name that nothing has is a wrong word; a path that leads nowhere, a missing file.
  if (/^[\w-]+$/.test(nameOrPath)) throw new InvalidOptionError('model', `no model called ${nameOrPath} is shipped, and no such folder or file is there`, { advice });
  throw new ModelError(nameOrPath, 'no model of this name is shipped, and no such file is there', { advice });
}

const FOREIGN: readonly (readonly [ending: RegExp, what: string, more: string])[] = [
  [/\.(keras|h5|hdf5)$/i, 'a model of Keras', ''], [/model\.json$/i, 'a model of TensorFlow.js', ''],
  [/\.(pt|pth|safetensors)$/i, 'weights without a network', ' --architecture NAME'],
];

/** Models and weights of others have to be imported once. @throws {ModelError} with the command that does */
async function refuseForeign(path: string): Promise<void> {
  const foreign = FOREIGN.find(([ending]) => ending.test(path));
  if (foreign === undefined || !(await isFile(path))) return;
  const [, what, more] = foreign;
  // A card may have any name.
  if (/\.json$/i.test(path) && !(await readFile(path, 'latin1')).includes('"modelTopology"')) return;
  throw new ModelError(path, `expected a model folder or an ONNX model, found ${what}`, { advice: `import it first, with the names of its classes: tilewright models import ${path}${more} --labels labels.txt -o my-model` });
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}

async function readCard(path: string, where: string): Promise<ModelCard> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => { throw new ModelError(where, 'the card cannot be read', { cause }); });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ModelError(where, `the card is not JSON: ${(cause as Error).message}`, { cause });
  }
  return parseCard(json, where);
}

interface OnnxFile {
  readonly graph: OnnxModel;
  readonly bytes: number;
  readonly digest: string;
}

async function readOnnx(file: string, where: string): Promise<OnnxFile> {
  const buffer = await readFile(file).catch((cause: unknown) => { throw new ModelError(where, `the ONNX file ${file} cannot be read`, { cause }); });
  if (buffer.length === 0) throw new ModelError(where, 'expected an ONNX model, found an empty file');
  if (buffer.subarray(0, 24).toString('latin1').startsWith('version https://git-lfs')) {
    throw new ModelError(where, 'expected an ONNX model, found a Git LFS pointer to one', { advice: 'fetch it with: git lfs pull' });
  }
  const bytes = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  const hash = createHash('sha256').update(bytes);
  let graph = decodeModel(bytes, where);
  let size = bytes.length;
  if (hasExternalData(graph)) {
    graph = await inlineExternalData(graph, dirname(resolve(file)), where);
    for (const tensor of graph.graph.initializer ?? []) { if (tensor.rawData !== undefined) { hash.update(tensor.rawData); size += tensor.rawData.length; } }
  }
  return { graph, bytes: size, digest: hash.digest('hex') };
}

/** What the metadata reader has to know of a graph. */
export function summarize(graph: OnnxModel, where: string): GraphSummary {
  const input = findInput(graph, undefined, where);
  const output = findOutput(graph, undefined, where);
  // Reshaping after the activation does not change what the numbers are.
  let last = output.name;
  let operator = '';
  for (let node = producer(graph, last); node !== undefined; node = producer(graph, last)) {
    operator = node.opType;
    if (!['Transpose', 'Reshape', 'Squeeze', 'Flatten', 'Cast', 'Identity'].includes(operator)) break;
    last = node.input[0] ?? '';
  }
  return { input: { name: input.name, type: input.type ?? 'unknown', shape: input.shape ?? [] }, output: { name: output.name, shape: output.shape }, lastOperator: operator };
}

function producer(graph: OnnxModel, name: string): OnnxModel['graph']['node'][number] | undefined {
  return name === '' ? undefined : graph.graph.node.find((node) => node.output.includes(name));
}
