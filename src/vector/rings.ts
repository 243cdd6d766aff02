import type { Arcs } from './arcs.js';
import { opposite } from './arcs.js';
import { enlarged } from './components.js';
import type { Ring } from './types.js';

/** Arcs of one area up to which the next one is looked for one by one. */
const FEW = 16;

/**
 * Joins the arcs around one area to rings, the outline first. Where the area touches itself at a corner, the way turns right:
 * so no ring comes twice to the same place, and outline and hole, or two holes, touch there (OGC 06-103r4, 6.1.11).
 * @param width of the map, in pixels
 * @returns a function of the first of the arcs that have the area on their left, and of those that have it on their right
 */
export function createRingBuilder(arcs: Arcs, width: number): (left: number, right: number) => Ring[] {
  // Arcs that are no rings by themselves, with the area on the left: their corners one after the other …
  let points = new Int32Array(1024);
  let used = 0;
  // … and for each: where its corners begin, its end places as numbers, its first and last direction, whether it is in a ring.
  let begins = new Int32Array(257);
  let froms = new Float64Array(256);
  let tos = new Float64Array(256);
  let directions = new Uint8Array(256);
  let taken = new Uint8Array(256);
  let count = 0;

  function add(arc: number, reverse: boolean, rings: Ring[]): void {
    const { xs, ys, count: corners } = arcs.corners(arc);
    const last = corners - 1;
    if (xs[0] === xs[last] && ys[0] === ys[last]) {
      const ring = new Int32Array(2 * last);
      copyCorners(xs, ys, last, reverse ? last : 0, ring, 0);
      rings.push(ring);
      return;
    }
    if (used + 2 * last > points.length) points = enlarged(points, 2 * (used + 2 * last));
    if (count === froms.length) growPieces();
    copyCorners(xs, ys, last, reverse ? last : 0, points, used);
    const [head, tail] = [ys[0]! * (width + 1) + xs[0]!, ys[last]! * (width + 1) + xs[last]!];
    const first = arcs.firstDirection(arc);
    const final = arcs.lastDirection(arc);
    froms[count] = reverse ? tail : head;
    tos[count] = reverse ? head : tail;
    directions[count] = reverse ? opposite(final) * 4 + opposite(first) : first * 4 + final;
    taken[count] = 0;
    used += 2 * last;
    begins[++count] = used;
  }

  function growPieces(): void {
    begins = enlarged(begins, 2 * count + 1);
    const [from, to, direction, take] = [new Float64Array(2 * count), new Float64Array(2 * count), new Uint8Array(2 * count), new Uint8Array(2 * count)];
    from.set(froms);
    to.set(tos);
    direction.set(directions);
    take.set(taken);
    [froms, tos, directions, taken] = [from, to, direction, take];
  }

  /** The arc that goes on where `piece` ends. */
  function successor(piece: number, starts: Starts | undefined): number {
    const place = tos[piece]!;
    const turn = ((directions[piece]! & 3) + 1) & 3;
    let found = -1;
    if (starts !== undefined) {
      const second = starts.second.get(place);
      return second !== undefined && directions[second]! >> 2 === turn ? second : starts.first.get(place)!;
    }
    for (let i = 0; i < count; i++) {
      if (froms[i] !== place) continue;
      if (found < 0 || directions[i]! >> 2 === turn) found = i;
    }
    return found;
  }

  function joined(rings: Ring[]): void {
    const starts = count <= FEW ? undefined : startsOf(froms, count);
    for (let begin = 0; begin < count; begin++) {
      if (taken[begin] !== 0) continue;
      const way: number[] = [];
      let length = 0;
      for (let piece = begin; taken[piece] === 0; piece = successor(piece, starts)) {
        taken[piece] = 1;
        way.push(piece);
        length += begins[piece + 1]! - begins[piece]!;
      }
      const ring = new Int32Array(length);
      let at = 0;
      for (const piece of way) for (let i = begins[piece]!; i < begins[piece + 1]!; i++) ring[at++] = points[i]!;
      rings.push(ring);
    }
  }

  return (left, right) => {
    const rings: Ring[] = [];
    used = count = 0;
    for (let arc = left; arc !== 0; arc = arcs.next(arc, 0)) add(arc, false, rings);
    for (let arc = right; arc !== 0; arc = arcs.next(arc, 1)) add(arc, true, rings);
    joined(rings);
    return outlineFirst(rings);
  };
}

/** The arcs that begin at a place; where an area touches itself, two do. */
interface Starts {
  readonly first: ReadonlyMap<number, number>;
  readonly second: ReadonlyMap<number, number>;
}

function startsOf(froms: Float64Array, count: number): Starts {
  const first = new Map<number, number>();
  const second = new Map<number, number>();
  for (let i = 0; i < count; i++) (first.has(froms[i]!) ? second : first).set(froms[i]!, i);
  return { first, second };
}

/** Copies `count` corners from the first one on, or backwards from the last one on. */
function copyCorners(xs: Int32Array, ys: Int32Array, count: number, from: number, target: Int32Array, at: number): void {
  const step = from === 0 ? 1 : -1;
  for (let i = 0, k = from; i < count; i++, k += step) {
    target[at + 2 * i] = xs[k]!;
    target[at + 2 * i + 1] = ys[k]!;
  }
}

function outlineFirst(rings: Ring[]): Ring[] {
  const outline = rings.findIndex((ring) => ringArea(ring) > 0);
  return outline <= 0 ? rings : [rings[outline]!, ...rings.slice(0, outline), ...rings.slice(outline + 1)];
}

/** Area in pixels: positive for outlines, negative for holes. */
export function ringArea(ring: Ring): number {
  let sum = 0;
  for (let i = 0, j = ring.length - 2; i < ring.length; j = i, i += 2) sum += ring[i]! * ring[j + 1]! - ring[j]! * ring[i + 1]!;
  return sum / 2;
}
