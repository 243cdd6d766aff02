import type { Box } from './feature.js';

/** Boxes of all features with what belongs to each, in five numbers a feature. */
export const NODE_BYTES = 40;
export const NODE_SIZE = 16;

/**
 * FlatGeobuf's packed Hilbert R-tree (https://flatgeobuf.org, after Kamel and Faloutsos 1993): the root first, the leaves last;
 * a leaf names its feature's place behind the tree, another node its first child's number.
 * @param boxes four numbers per feature, in the order of the leaves
 * @param offsets of the features behind the tree, in bytes
 */
export function packedTree(boxes: Float64Array, offsets: Float64Array): Uint8Array {
  const counts = [offsets.length];
  do counts.push(Math.ceil(counts.at(-1)! / NODE_SIZE)); while (counts.at(-1)! > 1);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const bytes = new Uint8Array(total * NODE_BYTES);
  const view = new DataView(bytes.buffer);
  const put = (node: number, box: ArrayLike<number>, offset: number): void => {
    for (let i = 0; i < 4; i++) view.setFloat64(node * NODE_BYTES + 8 * i, box[i]!, true);
    view.setBigUint64(node * NODE_BYTES + 32, BigInt(offset), true);
  };
  let start = total - offsets.length;
  for (let i = 0; i < offsets.length; i++) put(start + i, boxes.subarray(4 * i, 4 * i + 4), offsets[i]!);
  for (let level = 1; level < counts.length; level++) {
    const children = counts[level - 1]!;
    const first = start - counts[level]!;
    for (let node = 0; node < counts[level]!; node++) {
      const box = [Infinity, Infinity, -Infinity, -Infinity];
      for (let child = node * NODE_SIZE; child < Math.min(children, (node + 1) * NODE_SIZE); child++) {
        for (let i = 0; i < 4; i++) {
          const value = view.getFloat64((start + child) * NODE_BYTES + 8 * i, true);
          box[i] = i < 2 ? Math.min(box[i]!, value) : Math.max(box[i]!, value);
        }
      }
      put(first + node, box, start + node * NODE_SIZE);
    }
    start = first;
  }
  return bytes;
}

/** Numbers of the boxes in the order of a Hilbert curve through their centres, so that neighbours share nodes. */
export function hilbertOrder(boxes: Float64Array, all: Box): Uint32Array {
  const count = boxes.length / 4;
  const keys = new Float64Array(count);
  const [width, height] = [all[2] - all[0] || 1, all[3] - all[1] || 1];
  for (let i = 0; i < count; i++) {
    const x = Math.floor((65535 * ((boxes[4 * i]! + boxes[4 * i + 2]!) / 2 - all[0])) / width);
    const y = Math.floor((65535 * ((boxes[4 * i + 1]! + boxes[4 * i + 3]!) / 2 - all[1])) / height);
    keys[i] = hilbert(x, y);
  }
  return new Uint32Array(count).map((_, i) => i).sort((a, b) => keys[a]! - keys[b]! || a - b);
}

/** Place of a cell of 65536 × 65536 on the Hilbert curve (Warren, Hacker's Delight, section 16-2). */
function hilbert(x: number, y: number): number {
  let place = 0;
  for (let s = 32768; s > 0; s >>= 1) {
    const rx = (x & s) > 0 ? 1 : 0;
    const ry = (y & s) > 0 ? 1 : 0;
    place += s * s * ((3 * rx) ^ ry);
    if (ry === 0) {
      if (rx === 1) [x, y] = [65535 - x, 65535 - y];
      [x, y] = [y, x];
    }
  }
  return place;
}
