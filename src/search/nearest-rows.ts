/** A row with its distance. */
export interface RankedRow {
  readonly row: number;
  readonly distance: number;
}

/** Keeps the nearest of many rows in memory that depends on `k` only (and on how many rows tie for the last place). */
export interface NearestRows {
  offer(row: number, distance: number): void;
  /** Largest distance that still gets in; Infinity until there are `k`. */
  readonly limit: number;
  /** Rows that are nearer than the last place, in no order. */
  nearer(): RankedRow[];
  /** All rows at the distance of the last place; they compete for the places that {@link nearer} leaves. */
  tied(): RankedRow[];
}

/**
 * A max-heap of the `k` nearest rows. Rows that are as far as the last of them are remembered too: which of them stay is
 * decided by their ids, which are not known here.
 */
export function createNearestRows(k: number): NearestRows {
  const rows: number[] = [];
  const distances: number[] = [];
  let ties: number[] = [];
  const limit = (): number => (rows.length < k ? Number.POSITIVE_INFINITY : distances[0]!);

  function swap(a: number, b: number): void {
    [rows[a], rows[b]] = [rows[b]!, rows[a]!];
    [distances[a], distances[b]] = [distances[b]!, distances[a]!];
  }

  function rise(from: number): void {
    for (let i = from; i > 0;) {
      const parent = (i - 1) >> 1;
      if (distances[parent]! >= distances[i]!) return;
      swap(parent, i);
      i = parent;
    }
  }

  function sink(): void {
    for (let i = 0; ;) {
      const left = 2 * i + 1;
      const right = left + 1;
      let largest = i;
      if (left < rows.length && distances[left]! > distances[largest]!) largest = left;
      if (right < rows.length && distances[right]! > distances[largest]!) largest = right;
      if (largest === i) return;
      swap(i, largest);
      i = largest;
    }
  }

  return {
    get limit() { return limit(); },
    offer(row, distance) {
      if (rows.length < k) {
        rows.push(row);
        distances.push(distance);
        rise(rows.length - 1);
        return;
      }
      const last = distances[0]!;
      if (distance > last) return;
      if (distance === last) {
        ties.push(row);
        return;
      }
      const out = rows[0]!;
      rows[0] = row;
      distances[0] = distance;
      sink();
      if (distances[0] === last) ties.push(out);
      else ties = [];
    },
    nearer() {
      return rows.map((row, i) => ({ row, distance: distances[i]! })).filter(({ distance }) => distance < distances[0]!);
    },
    tied() {
      const last = distances[0];
      if (last === undefined) return [];
      return [...rows.filter((_, i) => distances[i] === last), ...ties].map((row) => ({ row, distance: last }));
    },
  };
}
