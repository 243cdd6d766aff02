/** Where a sample lies: its scene, and pixels or metres in it. */
export interface SamplePlace {
  readonly scene: string;
  readonly x: number;
  readonly y: number;
}

export interface PlaceFolds {
  /** One per sample, from 0 to `count − 1`. */
  readonly foldOf: readonly number[];
  readonly count: number;
  /** What was kept together. */
  readonly by: 'scene' | 'block';
}

/**
 * Divides samples into folds by place, so that neighbours, which look alike, are on the same side: whole scenes where there are
 * enough of them, else square blocks. Larger groups are dealt first, each to the fold with the fewest samples; the order does not
 * depend on chance.
 * @param block edge of a block.
 * @returns `undefined` where all samples are in one group: there is nothing to compare.
 */
export function placeFolds(places: readonly SamplePlace[], options: { readonly folds: number; readonly block: number }): PlaceFolds | undefined {
  const scenes = groupsOf(places.map(({ scene }) => scene));
  const by = scenes.size >= options.folds ? 'scene' : 'block';
  const groups = by === 'scene' ? scenes
    : groupsOf(places.map(({ scene, x, y }) => JSON.stringify([scene, Math.floor(x / options.block), Math.floor(y / options.block)])));
  const count = Math.min(options.folds, groups.size);
  if (count < 2) return undefined;
  const foldOf = new Array<number>(places.length).fill(0);
  const sizes = new Array<number>(count).fill(0);
  const ordered = [...groups].sort(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1));
  for (const [, members] of ordered) {
    const fold = sizes.indexOf(Math.min(...sizes));
    sizes[fold]! += members.length;
    for (const member of members) foldOf[member] = fold;
  }
  return { foldOf, count, by };
}

function groupsOf(keys: readonly string[]): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  keys.forEach((key, i) => {
    const members = groups.get(key);
    if (members === undefined) groups.set(key, [i]);
    else members.push(i);
  });
  return groups;
}
