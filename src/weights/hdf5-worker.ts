import { parentPort, workerData } from 'node:worker_threads';
import h5wasm, { Dataset, Group } from 'h5wasm/node';
import type { Hdf5Dataset, Hdf5Listing, Hdf5Reply, Hdf5Request } from './hdf5-protocol.js';

/**
 * The thread that the HDF5 library runs in. A damaged file can end the library in a way that no later call survives, or
 * keep it busy for ever; then only this thread has to go. It lists the file once and reads data sets by path.
 */

/** Attributes of Keras: names of layers and weights, and the network. Others are not looked at. */
const ATTRIBUTES = /^(layer_names|weight_names)\d*$|^(model_config|keras_version|name)$/;
/** More objects than any network has. */
const MOST_OBJECTS = 200_000;
const MOST_DEPTH = 64;

const { path } = workerData as { readonly path: string };
// Its errors become exceptions; otherwise it prints them to the process's standard error.
(await h5wasm.ready).activate_throwing_error_handler();
const file = new h5wasm.File(path, 'r');

function list(): Hdf5Listing {
  const datasets: Hdf5Dataset[] = [];
  const attributes: Record<string, Record<string, string | readonly string[]>> = {};
  let count = 0;
  const visit = (group: Group, at: string, depth: number): void => {
    const texts: Record<string, string | readonly string[]> = {};
    for (const [name, attribute] of Object.entries(group.attrs)) {
      if (!ATTRIBUTES.test(name)) continue;
      const { value } = attribute;
      if (typeof value === 'string') texts[name] = value;
      else if (Array.isArray(value) && value.every((item) => typeof item === 'string')) texts[name] = value;
    }
    if (Object.keys(texts).length > 0) attributes[at] = texts;
    if (depth > MOST_DEPTH) throw new Error('groups are nested too deeply');
    for (const name of group.keys()) {
      if (++count > MOST_OBJECTS) throw new Error('it has too many objects');
      const child = group.get(name);
      const place = at === '' ? name : `${at}/${name}`;
      if (child instanceof Group) visit(child, place, depth + 1);
      else if (child instanceof Dataset) {
        const { shape, size, signed, littleEndian, type, chunks } = child.metadata;
        // Classes of H5Tpublic.h: 0 integers, 1 floats; other data sets hold no weights.
        const kind = type === 0 ? 'integer' : type === 1 ? 'float' : 'other';
        datasets.push({ path: place, shape: shape ?? [], size, kind, signed, littleEndian, packed: chunks !== null && chunks !== undefined });
      }
    }
  };
  visit(file, '', 0);
  return { datasets, attributes };
}

function read(at: string): Uint8Array {
  const child = file.get(at);
  if (!(child instanceof Dataset)) throw new Error(`${at} is no data set`);
  const { value } = child;
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice();
  if (typeof value === 'number' || typeof value === 'bigint') return scalar(value, child.metadata);
  throw new Error(`${at} has no numbers`);
}

function scalar(value: number | bigint, { size, type, signed }: { readonly size: number; readonly type: number; readonly signed: boolean }): Uint8Array {
  const view = new DataView(new ArrayBuffer(size));
  if (type === 1) { if (size === 4) view.setFloat32(0, Number(value), true); else view.setFloat64(0, Number(value), true); }
  else if (size === 8) { if (signed) view.setBigInt64(0, BigInt(value), true); else view.setBigUint64(0, BigInt(value), true); }
  else if (size === 4) view.setInt32(0, Number(value), true);
  else if (size === 2) view.setInt16(0, Number(value), true);
  else view.setInt8(0, Number(value));
  return new Uint8Array(view.buffer);
}

parentPort?.on('message', ({ id, dataset }: Hdf5Request) => {
  let reply: Hdf5Reply;
  try {
    reply = dataset === undefined ? { id, listing: list() } : { id, bytes: read(dataset) };
  } catch (error) {
    reply = { id, failure: error instanceof Error ? error.message : String(error) };
  }
  parentPort?.postMessage(reply, reply.bytes === undefined ? [] : [reply.bytes.buffer as ArrayBuffer]);
});
