import { InvalidFileError } from '../errors.js';
import { isObject, parseJson, type OpenFile } from './bytes.js';
import type { Hdf5Dataset, Hdf5Listing } from './hdf5-protocol.js';
import { openHdf5, type Hdf5File } from './hdf5.js';
import type { ModelConfiguration, NamedTensor, WeightFile } from './types.js';

/**
 * Weights and whole models of Keras in HDF5. Keras 1 and 2 list their layers in the attribute `layer_names` and each layer's
 * tensors in `weight_names`, in the root or, for whole models, in `model_weights` beside the attribute `model_config`
 * (keras/saving/legacy/hdf5_format.py). Keras 3 `save_weights` has `layers/<kind>/vars/<n>` instead. Tensors of the optimizer
 * are left out.
 */
export async function readKerasH5(file: OpenFile): Promise<WeightFile> {
  await file.close();
  const { path } = file;
  const hdf5 = await openHdf5(path, path, file.size);
  try {
    const { attributes } = hdf5.listing;
    const root = attributes['model_weights']?.['layer_names'] === undefined && attributes['model_weights']?.['layer_names0'] === undefined ? '' : 'model_weights';
    const listed = namesOf(attributes[root], 'layer_names');
    const tensors = listed === undefined ? keras3Tensors(path, hdf5) : keras2Tensors(path, hdf5, root, listed);
    const text = attributes['']?.['model_config'];
    return {
      path, format: 'keras-h5', tensors,
      ...(typeof text === 'string' ? { model: configuration(path, text, attributes['']?.['keras_version']) } : {}),
      metadata: {}, close: () => hdf5.close(),
    };
  } catch (error) {
    await hdf5.close();
    throw error;
  }
}

/** A network's description, parsed. Sequential networks of Keras before 2.3 are a bare list of layers; here they have a name and `layers`, too. */
export function configuration(path: string, text: Uint8Array | string, version: unknown): ModelConfiguration {
  const parsed = parseJson(path, 'the model\'s configuration', text);
  if (!isObject(parsed) || typeof parsed['class_name'] !== 'string') throw new InvalidFileError(path, 'expected class_name in the model\'s configuration');
  const kind = typeof version === 'string' && Number.parseInt(version, 10) >= 3 ? 'keras-3' : 'keras-2';
  const config = Array.isArray(parsed['config']) ? { name: 'sequential', layers: parsed['config'] as unknown[] } : parsed['config'];
  return { kind, config: { class_name: parsed['class_name'], config } };
}

/** A list of names; h5py splits one above 64 KB into `<name>0`, `<name>1` … */
function namesOf(texts: Readonly<Record<string, string | readonly string[]>> | undefined, name: string): readonly string[] | undefined {
  if (texts === undefined) return undefined;
  const whole = texts[name];
  if (whole !== undefined) return typeof whole === 'string' ? [whole] : whole;
  if (texts[`${name}0`] === undefined) return undefined;
  const all: string[] = [];
  for (let part = 0; texts[`${name}${part}`] !== undefined; part++) {
    const piece = texts[`${name}${part}`]!;
    all.push(...(typeof piece === 'string' ? [piece] : piece));
  }
  return all;
}

function keras2Tensors(path: string, hdf5: Hdf5File, root: string, layers: readonly string[]): NamedTensor[] {
  const datasets = new Map(hdf5.listing.datasets.map((dataset) => [dataset.path, dataset]));
  const within = (name: string): string => (root === '' ? name : `${root}/${name}`);
  return layers.flatMap((layer) => (namesOf(hdf5.listing.attributes[within(layer)], 'weight_names') ?? []).map((weight) => {
    const dataset = datasets.get(`${within(layer)}/${weight}`);
    if (dataset === undefined) throw new InvalidFileError(path, `expected the tensor ${weight} of layer ${layer} in the file, found none`, { advice: 'check that the file is complete' });
    return hdf5.tensor(dataset, { name: `${layer}/${weight}`, layer });
  }));
}

/** Tensors below `layers`, named by their path; groups in the order of their numbers, which is that of the layers. */
export function keras3Tensors(path: string, hdf5: Hdf5File): NamedTensor[] {
  const found = hdf5.listing.datasets.filter((dataset) => /(^|\/)vars\/\d+$/.test(dataset.path) && !/^optimizer(\/|$)/.test(dataset.path) && dataset.kind !== 'other');
  if (found.length === 0) throw new InvalidFileError(path, 'expected weights of Keras, found an HDF5 file without layer_names and without vars', { advice: 'save it with model.save_weights or model.save' });
  return [...found].sort(byNumbers).map((dataset) => {
    const layer = layerName(hdf5.listing, dataset);
    return hdf5.tensor(dataset, { name: dataset.path, ...(layer === undefined ? {} : { layer }) });
  });
}

/** Keras 3 notes each layer's name on its group of variables (since 3.6). */
function layerName(listing: Hdf5Listing, dataset: Hdf5Dataset): string | undefined {
  const name = listing.attributes[dataset.path.replace(/\/\d+$/, '')]?.['name'];
  return typeof name === 'string' ? name : undefined;
}

/** `conv2d` before `conv2d_1` before `conv2d_10`, step by step of the path. */
function byNumbers(a: Hdf5Dataset, b: Hdf5Dataset): number {
  const steps = (path: string): readonly (readonly [string, number])[] => path.split('/').map((step) => {
    const [, base = step, number] = /^(.*?)(?:_?(\d+))?$/.exec(step) ?? [];
    return [base, number === undefined ? -1 : Number(number)];
  });
  const [left, right] = [steps(a.path), steps(b.path)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const [one, other] = [left[i]!, right[i]!];
    if (one[0] !== other[0]) return one[0] < other[0] ? -1 : 1;
    if (one[1] !== other[1]) return one[1] - other[1];
  }
  return left.length - right.length;
}
