import { InvalidOptionError } from '../errors.js';
import { seededRandom, shuffled, type Split } from '../samples/index.js';

export interface RandomSplitOptions {
  /** Shares of all samples. Their sum is below 1. */
  readonly validation: number;
  readonly test: number;
  readonly seed: number;
}

/** Splits at random; the same for the same count and seed. */
export function splitRandomly(count: number, options: RandomSplitOptions): Split {
  const { validation, test, seed } = options;
  if (!(validation >= 0 && test >= 0 && validation + test < 1)) throw new InvalidOptionError('split', `expected shares that leave something to train on, found validation ${validation} and test ${test}`);
  const order = shuffled(count, seededRandom(seed));
  const testEnd = Math.round(count * test);
  const validationEnd = testEnd + Math.round(count * validation);
  return { test: order.slice(0, testEnd).sort(), validation: order.slice(testEnd, validationEnd).sort(), train: order.slice(validationEnd).sort() };
}

export interface GroupSplitOptions {
  readonly validation: readonly string[];
  readonly test: readonly string[];
}

/** Splits by place: samples of the named groups go to validation and test, all others are trained on. */
export function splitByGroup(groups: readonly string[], options: GroupSplitOptions): Split {
  const known = new Set(groups);
  for (const [option, names] of [['validation', options.validation], ['test', options.test]] as const) {
    const missing = names.find((name) => !known.has(name));
    if (missing !== undefined) throw new InvalidOptionError(option, `expected a group of the data (${[...known].join(', ')}), found ${missing}`);
  }
  const twice = options.validation.find((name) => options.test.includes(name));
  if (twice !== undefined) throw new InvalidOptionError('test', `expected groups that are not in validation, found ${twice}`);
  const pick = (wanted: (group: string) => boolean): Int32Array => Int32Array.from(groups.flatMap((group, index) => (wanted(group) ? [index] : [])));
  return {
    validation: pick((group) => options.validation.includes(group)),
    test: pick((group) => options.test.includes(group)),
    train: pick((group) => !options.validation.includes(group) && !options.test.includes(group)),
  };
}

export interface StratifiedOptions extends RandomSplitOptions {
  /** `[samples, tags]` of 0 and 1. */
  readonly targets: Uint8Array;
  readonly tags: number;
}

const PART_NAMES = ['train', 'validation', 'test'] as const;

/**
 * Splits so that every tag has about the same share in every part: iterative stratification (Sechidis, Tsoumakas and Vlahavas
 * 2011). The rarest tag that is left is dealt out first, each sample to the part that lacks that tag most, then samples most; ties
 * are broken at random with the seed. Samples without a tag go where samples are lacking.
 */
export function splitStratified(count: number, options: StratifiedOptions): Split {
  const { targets, tags, validation, test, seed } = options;
  splitRandomly(count, options); // checks the shares
  const shares = [1 - validation - test, validation, test];
  const wanted = shares.map((share) => share * count);
  const random = seededRandom(seed, 7);
  const order = shuffled(count, seededRandom(seed));
  const left: number[] = new Array<number>(tags).fill(0);
  for (let at = 0; at < targets.length; at++) left[at % tags]! += targets[at]!;
  const wantedOf = left.map((total) => shares.map((share) => share * total));
  const part = new Int8Array(count).fill(-1);
  const give = (sample: number, tag: number | undefined): void => {
    let best: number[] = [];
    const better = (a: number, b: number): number => (tag === undefined ? 0 : wantedOf[tag]![a]! - wantedOf[tag]![b]!) || wanted[a]! - wanted[b]!;
    for (let candidate = 0; candidate < 3; candidate++) {
      if (shares[candidate] === 0) continue;
      const difference = best.length === 0 ? 1 : better(candidate, best[0]!);
      if (difference > 0) best = [candidate];
      else if (difference === 0) best.push(candidate);
    }
    const chosen = best[Math.floor(random() * best.length)]!;
    part[sample] = chosen;
    wanted[chosen]!--;
    for (let other = 0; other < tags; other++) if (targets[sample * tags + other] === 1) { wantedOf[other]![chosen]!--; left[other]!--; }
  };
  for (;;) {
    let rarest: number | undefined;
    for (let tag = 0; tag < tags; tag++) if (left[tag]! > 0 && (rarest === undefined || left[tag]! < left[rarest]!)) rarest = tag;
    if (rarest === undefined) break;
    for (const sample of order) if (part[sample] === -1 && targets[sample * tags + rarest] === 1) give(sample, rarest);
  }
  for (const sample of order) if (part[sample] === -1) give(sample, undefined);
  return fromParts(part);
}

/** Where a sample lies: a box in a frame that it shares with its neighbours (a scene's pixels, or metres on the ground). */
export interface SamplePlace {
  readonly frame: string;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

export interface BlockSplitOptions extends RandomSplitOptions {
  /** Edge of the blocks, in the units of the places. */
  readonly block: number;
}

/**
 * Splits by squares on the ground: whole blocks go to one part, drawn with the seed until each part has its share of samples.
 * Samples that share ground with one of another part are in none: they are `left`.
 */
export function splitByBlock(places: readonly SamplePlace[], options: BlockSplitOptions): Split & { readonly left: Int32Array; readonly blocks: number } {
  const { validation, test, seed, block } = options;
  if (!(block > 0)) throw new InvalidOptionError('block', `expected an edge above 0, found ${block}`);
  splitRandomly(places.length, options);
  const blocks = new Map<string, number[]>();
  places.forEach((place, index) => {
    const key = `${place.frame} ${Math.floor((place.left + place.right) / 2 / block)} ${Math.floor((place.top + place.bottom) / 2 / block)}`;
    const list = blocks.get(key);
    if (list === undefined) blocks.set(key, [index]);
    else list.push(index);
  });
  const keys = [...blocks.keys()].sort();
  const used = [validation, test].filter((share) => share > 0).length;
  if (keys.length <= used) throw new InvalidOptionError('block', `expected blocks so small that there are more than ${used}, found ${keys.length}`, { advice: 'take a smaller edge' });
  const part = new Int8Array(places.length);
  let filled = 0;
  const order = shuffled(keys.length, seededRandom(seed));
  let at = 0;
  for (const [id, share] of [[2, test], [1, validation]] as const) {
    const goal = filled + share * places.length;
    while (share > 0 && filled < goal && at < order.length - 1) {
      const members = blocks.get(keys[order[at++]!]!)!;
      for (const member of members) part[member] = id;
      filled += members.length;
    }
  }
  // Of two neighbours of different parts the one that is trained on goes, so that validation and test keep their size.
  const left = new Set<number>();
  for (const [a, b] of touching(places)) {
    if (part[a] === part[b] || left.has(a) || left.has(b)) continue;
    left.add(part[a]! < part[b]! ? a : b);
  }
  for (const sample of left) part[sample] = -1;
  const split = fromParts(part);
  const empty = ([['train', 1], ['validation', validation], ['test', test]] as const).find(([name, share]) => share > 0 && split[name].length === 0);
  if (empty !== undefined) throw new InvalidOptionError('block', `expected blocks that leave samples for every part, found none for ${empty[0]}`, { advice: 'take another edge, larger than the samples and much smaller than the area, or another seed' });
  return { ...split, left: Int32Array.from(left).sort(), blocks: keys.length };
}

/** Pairs of places that share ground. Neighbours are found by sorting along x. */
export function* touching(places: readonly SamplePlace[]): Generator<readonly [number, number]> {
  const order = places.map((_, index) => index).sort((a, b) => (places[a]!.frame < places[b]!.frame ? -1 : places[a]!.frame > places[b]!.frame ? 1 : places[a]!.left - places[b]!.left || a - b));
  for (let i = 0; i < order.length; i++) {
    const a = places[order[i]!]!;
    for (let j = i + 1; j < order.length; j++) {
      const b = places[order[j]!]!;
      if (b.frame !== a.frame || b.left >= a.right) break;
      if (b.top < a.bottom && b.bottom > a.top) yield [order[i]!, order[j]!];
    }
  }
}

function fromParts(part: Int8Array): Split {
  const pick = (id: number): Int32Array => Int32Array.from(Array.from(part.keys()).filter((sample) => part[sample] === id));
  const [train, validation, test] = PART_NAMES.map((_, id) => pick(id));
  return { train: train!, validation: validation!, test: test! };
}
