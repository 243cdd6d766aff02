import { enlarged } from './components.js';

/**
 * Borders between two areas while they grow row by row. An arc runs from one place where more than two areas meet to the next,
 * or is closed. It is directed so that the smaller class id is on its left, seen with north at the top; so wherever two
 * pieces of a border meet, one of them ends and the other begins.
 *
 * Corners are a linked list from head to tail; `partner` leads from one end of an arc to the other. Everything lies in a few
 * typed arrays whose places are used again, because a map of a city has millions of arcs. 0 is none.
 */
export interface Arcs {
  /** A border that goes on from a node in direction `onward`. @returns its open end. */
  begin(x: number, y: number, onward: Direction, isTail: boolean): number;
  /** A border of which both ends are open, at a corner between east and south. @returns the end with and without the tail. */
  beginCorner(x: number, y: number): readonly [tail: number, head: number];
  /** A turn of the border. */
  extend(end: number, x: number, y: number): void;
  /** The border, which came in direction `onward`, ends at a node. @returns the arc if it is complete, else 0. */
  close(end: number, x: number, y: number, onward: Direction): number;
  /** Two borders, or both ends of one, meet in a corner. @returns the arc if it is complete, else 0. */
  join(one: number, other: number, x: number, y: number): number;
  isTail(end: number): boolean;
  /** Adds a complete arc to a chain of arcs (0: a new one). @returns the chain's first arc. */
  link(arc: number, side: Side, chain: number): number;
  next(arc: number, side: Side): number;
  /** Joins two chains of one side. @returns the first arc. */
  concat(one: number, other: number, side: Side): number;
  /** Corners of an arc from head to tail; a closed one has its first corner twice. The object is used again by the next call. */
  corners(arc: number): ArcCorners;
  /** Drops corners of a complete arc: those whose `keep` is 0. */
  thin(arc: number, keep: Uint8Array): void;
  /** Directions of the first and of the last step as they were traced, from head to tail. */
  firstDirection(arc: number): Direction;
  lastDirection(arc: number): Direction;
  /** One of the two sides needs the arc no more. */
  release(arc: number): void;
  /** Sides with an area that needs the arc. */
  hold(arc: number, sides: number): void;
  /** Corners and ends of arcs in memory. */
  readonly size: { readonly corners: number; readonly ends: number };
  /** Bytes that are taken. */
  readonly bytes: number;
}

/** East, south, west, north. */
export type Direction = 0 | 1 | 2 | 3;
/** 0: left of the arc; 1: right of it. */
export type Side = 0 | 1;

export interface ArcCorners {
  readonly xs: Int32Array;
  readonly ys: Int32Array;
  readonly count: number;
}

const TAIL = 1;
const FIXED = 2;

export function createArcs(): Arcs {
  // Corners.
  let room = 4096;
  let xs = new Int32Array(room);
  let ys = new Int32Array(room);
  let following = new Int32Array(room);
  let usedCorners = 1;
  let freeCorner = 0;
  let corners = 0;
  // Ends of arcs; a complete arc is named by its head.
  let endRoom = 1024;
  let corner = new Int32Array(endRoom);
  let partner = new Int32Array(endRoom);
  let flags = new Int32Array(endRoom);
  let directions = new Int32Array(endRoom);
  let holds = new Int32Array(endRoom);
  // Chains of arcs by side: the next arc, and for a chain's first arc its last one.
  let chains: [Int32Array, Int32Array] = [new Int32Array(endRoom), new Int32Array(endRoom)];
  let lasts: [Int32Array, Int32Array] = [new Int32Array(endRoom), new Int32Array(endRoom)];
  let usedEnds = 1;
  let freeEnd = 0;
  let ends = 0;
  const traced = { xs: new Int32Array(256), ys: new Int32Array(256), count: 0 };

  function newCorner(x: number, y: number): number {
    let index = freeCorner;
    if (index !== 0) freeCorner = following[index]!;
    else {
      index = usedCorners++;
      if (index >= room) {
        room *= 2;
        [xs, ys, following] = [enlarged(xs, room), enlarged(ys, room), enlarged(following, room)];
      }
    }
    xs[index] = x;
    ys[index] = y;
    following[index] = 0;
    corners++;
    return index;
  }

  function dropCorner(index: number): void {
    following[index] = freeCorner;
    freeCorner = index;
    corners--;
  }

  function newEnd(at: number, flag: number): number {
    let end = freeEnd;
    if (end !== 0) freeEnd = partner[end]!;
    else {
      end = usedEnds++;
      if (end >= endRoom) growEnds();
    }
    corner[end] = at;
    flags[end] = flag;
    partner[end] = 0;
    ends++;
    return end;
  }

  function growEnds(): void {
    endRoom *= 2;
    corner = enlarged(corner, endRoom);
    partner = enlarged(partner, endRoom);
    flags = enlarged(flags, endRoom);
    directions = enlarged(directions, endRoom);
    holds = enlarged(holds, endRoom);
    chains = [enlarged(chains[0], endRoom), enlarged(chains[1], endRoom)];
    lasts = [enlarged(lasts[0], endRoom), enlarged(lasts[1], endRoom)];
  }

  function dropEnd(end: number): void {
    partner[end] = freeEnd;
    freeEnd = end;
    ends--;
  }

  function pair(one: number, other: number): void {
    partner[one] = other;
    partner[other] = one;
  }

  function extend(end: number, x: number, y: number): void {
    const index = newCorner(x, y);
    if ((flags[end]! & TAIL) !== 0) following[corner[end]!] = index;
    else following[index] = corner[end]!;
    corner[end] = index;
  }

  /** The arc's head if both ends are fixed. */
  function completed(end: number): number {
    const other = partner[end]!;
    if ((flags[end]! & flags[other]! & FIXED) === 0) return 0;
    return (flags[end]! & TAIL) === 0 ? end : other;
  }

  return {
    begin(x, y, onward, isTail) {
      const at = newCorner(x, y);
      const fixed = newEnd(at, isTail ? FIXED : FIXED | TAIL);
      const open = newEnd(at, isTail ? TAIL : 0);
      directions[fixed] = isTail ? onward : opposite(onward);
      pair(fixed, open);
      return open;
    },
    beginCorner(x, y) {
      const at = newCorner(x, y);
      const tail = newEnd(at, TAIL);
      const head = newEnd(at, 0);
      pair(tail, head);
      return [tail, head];
    },
    extend,
    close(end, x, y, onward) {
      extend(end, x, y);
      directions[end] = (flags[end]! & TAIL) !== 0 ? onward : opposite(onward);
      flags[end]! |= FIXED;
      return completed(end);
    },
    join(one, other, x, y) {
      const [tail, head] = (flags[one]! & TAIL) !== 0 ? [one, other] : [other, one];
      if (partner[tail] === head) {
        // A closed border: its first corner stands at both ends.
        extend(tail, x, y);
        extend(head, x, y);
        flags[tail]! |= FIXED;
        flags[head]! |= FIXED;
        return head;
      }
      extend(tail, x, y);
      following[corner[tail]!] = corner[head]!;
      const [before, after] = [partner[tail]!, partner[head]!];
      pair(before, after);
      dropEnd(tail);
      dropEnd(head);
      return completed(before);
    },
    isTail: (end) => (flags[end]! & TAIL) !== 0,
    link(arc, side, chain) {
      chains[side][arc] = 0;
      if (chain === 0) {
        lasts[side][arc] = arc;
        return arc;
      }
      chains[side][lasts[side][chain]!] = arc;
      lasts[side][chain] = arc;
      return chain;
    },
    next: (arc, side) => chains[side][arc]!,
    concat(one, other, side) {
      if (one === 0 || other === 0) return one === 0 ? other : one;
      chains[side][lasts[side][one]!] = other;
      lasts[side][one] = lasts[side][other]!;
      return one;
    },
    corners(arc) {
      const last = corner[partner[arc]!]!;
      let count = 0;
      for (let at = corner[arc]!; ; at = following[at]!) {
        if (count >= traced.xs.length) [traced.xs, traced.ys] = [enlarged(traced.xs, 2 * count), enlarged(traced.ys, 2 * count)];
        traced.xs[count] = xs[at]!;
        traced.ys[count++] = ys[at]!;
        if (at === last) break;
      }
      traced.count = count;
      return traced;
    },
    thin(arc, keep) {
      const last = corner[partner[arc]!]!;
      let before = corner[arc]!;
      for (let at = following[before]!, i = 1; before !== last; i++) {
        const after = following[at]!;
        if (at === last || keep[i] !== 0) {
          following[before] = at;
          before = at;
        } else dropCorner(at);
        at = after;
      }
    },
    firstDirection: (arc) => directions[arc] as Direction,
    lastDirection: (arc) => directions[partner[arc]!] as Direction,
    release(arc) {
      if (--holds[arc]! > 0) return;
      const tail = partner[arc]!;
      const last = corner[tail]!;
      for (let at = corner[arc]!; ;) {
        const after = following[at]!;
        dropCorner(at);
        if (at === last) break;
        at = after;
      }
      dropEnd(arc);
      dropEnd(tail);
    },
    hold(arc, sides) {
      holds[arc] = sides;
    },
    get size() { return { corners, ends }; },
    get bytes() { return room * 12 + endRoom * 36; },
  };
}

export function opposite(direction: Direction): Direction {
  return ((direction + 2) & 3) as Direction;
}
