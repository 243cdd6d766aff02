/** A place whose value is 0, whatever the pixels are: an explicit zero around a map. */
export const ZERO = -1;
/** Beyond the places of a map: an operator's own padding. */
export const OUTSIDE = -2;

/**
 * The places of a feature map of one patch along one axis. Place i of a patch that begins at pixel o holds the value of a dense
 * map at `o + i · step`. Places that are computed alike share such a map; those near zeros that stand around a patch have maps
 * of their own. `kinds` says for every place which one: a number from 0, or {@link ZERO}.
 */
export interface Axis {
  readonly kinds: readonly number[];
  /** Pixels between neighbouring places; 0 where there is a single one. */
  readonly step: number;
}

/** How the kinds of an operator's result come from those of its input: along one axis. */
export interface AxisRule {
  readonly axis: Axis;
  /** By kind of the result, for every tap: the kind that it reads, {@link ZERO} or {@link OUTSIDE}. */
  readonly recipes: readonly (readonly number[])[];
  /** Pixels from a result to what each tap reads. */
  readonly offsets: readonly number[];
}

/** A window that moves along an axis. */
export interface WindowOptions {
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** Places that are added before the first and behind the last. */
  readonly before: number;
  readonly after: number;
  /** Whether a window counts that begins inside and ends beyond the padding. */
  readonly partial?: boolean;
}

/** Kinds by what they are made of, or by place, numbered in the order in which they come. */
function numbered(lists: readonly (readonly number[])[], isZero: (taps: readonly number[]) => boolean, by: 'taps' | 'place' = 'taps'): { readonly kinds: number[]; readonly recipes: (readonly number[])[] } {
  const known = new Map<string, number>();
  const recipes: (readonly number[])[] = [];
  const kinds = lists.map((taps, place) => {
    if (isZero(taps)) return ZERO;
    const key = by === 'taps' ? taps.join() : `${place}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    known.set(key, recipes.length);
    return recipes.push(taps) - 1;
  });
  return { kinds, recipes };
}

/** An axis with as many places as pixels, all alike. */
export function pixelAxis(length: number): Axis {
  return { kinds: new Array<number>(length).fill(0), step: 1 };
}

/** Convolution, pooling, and dense layers, which are windows as long as the axis. */
export function windowAxis(axis: Axis, { kernel, stride, dilation, before, after, partial = false }: WindowOptions): AxisRule {
  const places = axis.kinds.length;
  const room = places + before + after - ((kernel - 1) * dilation + 1);
  let count = (partial ? Math.ceil(room / stride) : Math.floor(room / stride)) + 1;
  // A window that would lie in the padding behind the last place altogether is none.
  if (partial && (count - 1) * stride >= places + before) count--;
  const lists = Array.from({ length: Math.max(0, count) }, (_, i) => Array.from({ length: kernel }, (_, k) => axis.kinds[i * stride + k * dilation - before] ?? OUTSIDE));
  // Places that are all as far from the patch's beginning cannot be told apart by where they lie in a map: each has its own.
  const { kinds, recipes } = numbered(lists, () => false, axis.step === 0 ? 'place' : 'taps');
  return {
    axis: { kinds, step: count === 1 ? 0 : axis.step * stride }, recipes,
    offsets: Array.from({ length: kernel }, (_, k) => axis.step * (k * dilation - before)),
  };
}

/** Zeros before the first place and behind the last; negative numbers take places away. */
export function padAxis(axis: Axis, before: number, after: number): AxisRule {
  const count = axis.kinds.length + before + after;
  const lists = Array.from({ length: Math.max(0, count) }, (_, i) => [axis.kinds[i - before] ?? ZERO]);
  const { kinds, recipes } = numbered(lists, ([kind]) => kind === ZERO);
  return { axis: { kinds, step: count === 1 ? 0 : axis.step }, recipes, offsets: [axis.step === 0 ? 0 : -before * axis.step] };
}

/**
 * Several maps place by place. Places where all are zero stay zero.
 * @returns `undefined` where the places do not belong together, or zeros meet values.
 */
export function joinedAxis(axes: readonly Axis[]): AxisRule | undefined {
  const [first] = axes;
  if (first === undefined || axes.some(({ kinds, step }) => kinds.length !== first.kinds.length || step !== first.step)) return undefined;
  const lists = first.kinds.map((_, place) => axes.map(({ kinds }) => kinds[place]!));
  if (lists.some((taps) => taps.includes(ZERO) && taps.some((kind) => kind !== ZERO))) return undefined;
  const { kinds, recipes } = numbered(lists, ([kind]) => kind === ZERO);
  return { axis: { kinds, step: first.step }, recipes, offsets: axes.map(() => 0) };
}

/** Neighbouring taps that read the same kind. */
export interface Run {
  readonly kind: number;
  /** First and last tap. */
  readonly from: number;
  readonly to: number;
}

/** What a recipe reads, without its zeros and padding. */
export function runsOf(recipe: readonly number[]): Run[] {
  const runs: Run[] = [];
  recipe.forEach((kind, tap) => {
    if (kind < 0) return;
    const last = runs.at(-1);
    if (last !== undefined && last.kind === kind && last.to === tap - 1) runs[runs.length - 1] = { ...last, to: tap };
    else runs.push({ kind, from: tap, to: tap });
  });
  return runs;
}
