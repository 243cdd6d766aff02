import { createArcs } from './arcs.js';
import type { Direction, Side } from './arcs.js';
import { createComponents, enlarged } from './components.js';
import type { LabelledRow } from './components.js';
import { createRingBuilder } from './rings.js';
import type { Simplifier } from './simplify.js';
import { NO_CLASS } from './types.js';
import type { ClassPolygon } from './types.js';

export interface PolygonizerOptions {
  /** Of the map, in pixels. */
  readonly width: number;
  readonly height: number;
  /** Mean ground area in m² of the pixels of a row. */
  readonly rowArea?: (y: number) => number;
  /** Thins borders, each once for both sides. Absent: polygons are exact. */
  readonly simplifier?: Simplifier;
}

/** Turns rows of classes into polygons. */
export interface Polygonizer {
  /** Takes the next row, one class id per pixel or {@link NO_CLASS}. @returns the polygons that ended above it. */
  push(row: Int32Array): ClassPolygon[];
  /** After the last row. @returns the polygons that reach it. */
  finish(): ClassPolygon[];
  /** Corners of borders in memory at most so far, and the bytes of everything that is kept. */
  readonly peak: { readonly corners: number; readonly bytes: number };
}

const EAST: Direction = 0;
const SOUTH: Direction = 1;

/**
 * Traces the areas of a map from top to bottom. Kept are two rows and the borders of areas that are still open, so a polygon
 * has no cut where a strip or block ends, and an area costs memory from its first row to its last. Polygons come in the
 * order of their last rows, from left to right of their last row's first pixels.
 */
export function createPolygonizer(options: PolygonizerOptions): Polygonizer {
  const { width, height, simplifier } = options;
  const arcs = createArcs();
  const ringsOf = createRingBuilder(arcs, width);
  /** First arcs around each label, by side. */
  let chains: [Int32Array, Int32Array] = [new Int32Array(1024), new Int32Array(1024)];
  const components = createComponents((winner, loser) => {
    makeRoom(Math.max(winner, loser));
    for (const side of [0, 1] as const) {
      chains[side][winner] = arcs.concat(chains[side][winner]!, chains[side][loser]!, side);
      chains[side][loser] = 0;
    }
  });
  let above = emptyRow(width);
  let here = emptyRow(width);
  /** The open end of the border between pixels x − 1 and x of the row above, by x. */
  const down = new Int32Array(width + 1);
  let y = 0;
  const peak = { corners: 0, bytes: 0 };

  function makeRoom(label: number): void {
    if (label >= chains[0].length) chains = [enlarged(chains[0], 2 * label), enlarged(chains[1], 2 * label)];
  }

  function attach(arc: number, side: Side, label: number): number {
    if (label === 0) return 0;
    makeRoom(label);
    chains[side][label] = arcs.link(arc, side, chains[side][label]!);
    return 1;
  }

  /** Notes a complete arc for the areas on both sides of it: those of two pixels beside its last step. */
  function complete(arc: number, oneClass: number, oneLabel: number, otherClass: number, otherLabel: number): void {
    if (simplifier !== undefined) {
      const { xs, ys, count } = arcs.corners(arc);
      if (count > 2) arcs.thin(arc, simplifier.thin(xs, ys, count));
    }
    const [left, right] = oneClass < otherClass ? [oneLabel, otherLabel] : [otherLabel, oneLabel];
    arcs.hold(arc, attach(arc, 0, left) + attach(arc, 1, right));
  }

  /** Goes along the corners between the row above and this one. */
  function sweep(): void {
    const { classes: up, labels: upLabels } = above;
    const { classes: low, labels: lowLabels } = here;
    let flat = 0;
    for (let x = 0; x <= width; x++) {
      const nw = up[x]!;
      const ne = up[x + 1]!;
      const sw = low[x]!;
      const se = low[x + 1]!;
      if (nw === ne && sw === se && nw === sw) continue;
      const north = nw !== ne;
      const west = nw !== sw;
      const east = ne !== se;
      const south = sw !== se;
      const isNode = Number(north) + Number(west) + Number(east) + Number(south) > 2
        || (simplifier !== undefined && (south || y === height) && simplifier.isPinned(x, y, width, height));
      if (!isNode) {
        if (north === south) continue;
        simplifier?.mark(x, y);
        if (north && west) {
          const arc = arcs.join(down[x]!, flat, x, y);
          if (arc !== 0) complete(arc, nw, upLabels[x]!, se, lowLabels[x + 1]!);
          down[x] = flat = 0;
        } else if (north) {
          flat = down[x]!;
          arcs.extend(flat, x, y);
          down[x] = 0;
        } else if (west) {
          down[x] = flat;
          arcs.extend(flat, x, y);
          flat = 0;
        } else {
          const [tail, head] = arcs.beginCorner(x, y);
          // Eastwards the tail goes on where the smaller class lies above.
          [flat, down[x]] = ne < se ? [tail, head] : [head, tail];
        }
        continue;
      }
      simplifier?.mark(x, y);
      if (north) {
        const arc = arcs.close(down[x]!, x, y, SOUTH);
        if (arc !== 0) complete(arc, nw, upLabels[x]!, ne, upLabels[x + 1]!);
      }
      if (west) {
        const arc = arcs.close(flat, x, y, EAST);
        if (arc !== 0) complete(arc, nw, upLabels[x]!, sw, lowLabels[x]!);
      }
      flat = east ? arcs.begin(x, y, EAST, ne < se) : 0;
      down[x] = south ? arcs.begin(x, y, SOUTH, sw > se) : 0;
    }
  }

  /** Polygons of the areas that have pixels above and none in this row. */
  function finished(): ClassPolygon[] {
    const polygons: ClassPolygon[] = [];
    const { labels } = above;
    let before = 0;
    for (let x = 1; x <= width; x++) {
      const label = labels[x]!;
      if (label === before || label === 0) {
        before = label;
        continue;
      }
      before = label;
      if (components.lastRowOf(label) === y || components.pixelsOf(label) === 0) continue;
      polygons.push(polygonOf(label));
    }
    return polygons;
  }

  function polygonOf(label: number): ClassPolygon {
    makeRoom(label);
    const rings = ringsOf(chains[0][label]!, chains[1][label]!);
    const polygon = { classId: components.classOf(label), pixels: components.pixelsOf(label), squareMetres: components.areaOf(label), rings };
    for (const side of [0, 1] as const) {
      for (let arc = chains[side][label]!; arc !== 0;) {
        const next = arcs.next(arc, side);
        arcs.release(arc);
        arc = next;
      }
      chains[side][label] = 0;
    }
    components.release(label);
    return polygon;
  }

  function step(): ClassPolygon[] {
    components.label(here, above, y, y < height ? options.rowArea?.(y) ?? 0 : 0);
    simplifier?.row(y);
    sweep();
    const { corners } = arcs.size;
    peak.corners = Math.max(peak.corners, corners);
    const polygons = finished();
    [above, here] = [here, above];
    y++;
    return polygons;
  }

  return {
    push(row) {
      here.classes.set(row.subarray(0, width), 1);
      return step();
    },
    finish() {
      here.classes.fill(NO_CLASS);
      return step();
    },
    get peak() { return { corners: peak.corners, bytes: arcs.bytes + 20 * width }; },
  };
}

function emptyRow(width: number): LabelledRow {
  return { classes: new Int32Array(width + 2).fill(NO_CLASS), labels: new Int32Array(width + 2) };
}
