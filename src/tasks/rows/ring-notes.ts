type Position = readonly [number, number];
type Ring = readonly Position[];

interface GeoJsonLike {
  readonly type?: unknown;
  readonly id?: unknown;
  readonly properties?: Readonly<Record<string, unknown>> | null;
  readonly coordinates?: unknown;
  readonly geometry?: unknown;
  readonly geometries?: readonly unknown[];
  readonly features?: readonly unknown[];
}

interface NamedRings {
  readonly name: string;
  readonly rings: readonly Ring[];
}

/** Names that are told one by one. */
const NAMED = 3;
/** Pairs of edges that are compared at most, of one file; what is behind them is not looked at. */
const MOST_PAIRS = 2e7;

/**
 * What is odd about the rings of a GeoJSON file whose polygons were checked: rings that do not end where they begin (RFC 7946, 3.1.6),
 * and rings that cross themselves.
 */
export function ringNotes(json: unknown, path: string): string[] {
  const polygons = named(json, 'its polygon');
  const budget = { pairs: MOST_PAIRS };
  const open = polygons.filter(({ rings }) => rings.some(isOpen)).map(({ name }) => name);
  const crossing = polygons.filter(({ rings }) => rings.some((ring) => crossesItself(ring, budget))).map(({ name }) => name);
  return [
    ...(open.length === 0 ? [] : [`${path}: ${listed(open)} a ring that does not end where it begins, as RFC 7946 wants; it was closed by a straight line`]),
    ...(crossing.length === 0 ? [] : [`${path}: ${listed(crossing)} a ring that crosses itself; what it goes around twice counts as outside`]),
  ];
}

function listed(names: readonly string[]): string {
  const unique = [...new Set(names)];
  return `${unique.slice(0, NAMED).join(', ')}${unique.length > NAMED ? ` and ${unique.length - NAMED} more` : ''} ${unique.length === 1 ? 'has' : 'have'}`;
}

/** Polygons with what to call them: the number of their feature, and its name where it has one. */
function named(json: unknown, name: string): NamedRings[] {
  if (typeof json !== 'object' || json === null) return [];
  const { type, coordinates, geometry, geometries, features } = json as GeoJsonLike;
  if (type === 'Polygon' && Array.isArray(coordinates)) return [{ name, rings: coordinates as Ring[] }];
  if (type === 'MultiPolygon' && Array.isArray(coordinates)) return (coordinates as Ring[][]).map((rings) => ({ name, rings }));
  if (type === 'Feature') return named(geometry, name);
  if (type === 'FeatureCollection' && Array.isArray(features)) return features.flatMap((feature, i) => named(feature, featureName(feature as GeoJsonLike | null, i)));
  return type === 'GeometryCollection' && Array.isArray(geometries) ? geometries.flatMap((one) => named(one, name)) : [];
}

function featureName(feature: GeoJsonLike | null, index: number): string {
  const given = feature?.properties?.['name'] ?? feature?.id;
  return `feature ${index + 1}${typeof given === 'string' || typeof given === 'number' ? ` (${String(given).slice(0, 40)})` : ''}`;
}

function isOpen(ring: Ring): boolean {
  const [first, last] = [ring[0], ring.at(-1)];
  return first !== undefined && last !== undefined && (ring.length === 1 || first[0] !== last[0] || first[1] !== last[1]);
}

interface Edge {
  readonly a: Position;
  readonly b: Position;
  readonly left: number;
  readonly right: number;
}

/** Whether two edges of a ring cross each other away from their ends. Edges are compared from west to east, so only with those beside them. */
function crossesItself(ring: Ring, budget: { pairs: number }): boolean {
  const edges: Edge[] = ring.map((b, i) => {
    const a = ring.at(i - 1)!;
    return { a, b, left: Math.min(a[0], b[0]), right: Math.max(a[0], b[0]) };
  }).sort((one, other) => one.left - other.left);
  let active: Edge[] = [];
  for (const edge of edges) {
    active = active.filter(({ right }) => right >= edge.left);
    budget.pairs -= active.length;
    if (budget.pairs < 0) return false;
    if (active.some((other) => cross(edge, other))) return true;
    active.push(edge);
  }
  return false;
}

function cross({ a, b }: Edge, { a: c, b: d }: Edge): boolean {
  return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
}

/** Above 0 where `point` lies to the left of the line from `a` to `b`. */
function side(a: Position, b: Position, point: Position): number {
  return Math.sign((b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0]));
}
