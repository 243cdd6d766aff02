import { createHash } from 'node:crypto';
import { InvalidOptionError } from '../errors.js';
import { IGNORE, seededRandom, shuffled, type ChipSamples, type MapSamples } from '../samples/index.js';
import { averageSquares } from './decode.js';

export interface WindowChipsOptions {
  /** Edge of a chip in pixels of the pictures. */
  readonly chip: number;
  /** Pixels from one chip to the next. */
  readonly stride: number;
  /** Edge of the chips that are read: `chip` divided by a whole number. */
  readonly size: number;
  /**
   * `share`: every class that covers at least `leastShare` of a chip's known pixels is a tag, and the last chip of a row and of a
   * column is shifted inside. `centre`: the class of the pixel `(⌊chip/2⌋, ⌊chip/2⌋)` is the chip's class; chips whose middle
   * belongs to no class are left out, and none is shifted.
   */
  readonly truth: 'share' | 'centre';
  readonly leastShare: number;
  /** Most chips per picture, drawn at random with `seed`. Default: all, row by row. */
  readonly limit?: number;
  readonly seed?: number;
}

/** Share of a chip's pixels that must belong to a class; other chips are left out. */
const LEAST_KNOWN = 0.5;
/** More chips than this are a mistake, such as a stride of 1 on whole scenes. */
const MOST = 20_000_000;

interface Places { readonly picture: Int32Array; readonly x: Int32Array; readonly y: Int32Array }

/** Chips that are squares of pictures. */
export interface WindowChips extends ChipSamples {
  /** Where a chip lies in its picture, in pixels. */
  windowOf(index: number): { readonly x: number; readonly y: number; readonly width: number; readonly height: number };
  /** `group/name` of its picture. */
  pictureOf(index: number): string;
  /** The picture's place among the pictures. */
  placeOf(index: number): number;
  /** As `read`, of a square at any place that lies inside a picture. */
  readAt(picture: number, x: number, y: number, into: Uint8Array, offset: number): void;
  /** The pictures, and the edge of the squares in their pixels. */
  readonly cutFrom: { readonly maps: MapSamples; readonly chip: number };
}

/** Chips as squares of pictures with masks: nothing is copied, they are read from where the pictures lie. */
export function windowChips(maps: MapSamples, options: WindowChipsOptions): WindowChips {
  const { chip, size } = options;
  if (chip % size !== 0) throw new InvalidOptionError('chip', `expected a multiple of the network's input of ${size} pixels, found ${chip}`);
  const { places, targets } = options.truth === 'centre' ? byCentre(maps, options) : byShare(maps, options);
  const { pictures, classes, colors } = maps;
  const readAt = (picture: number, x: number, y: number, into: Uint8Array, offset: number): void => {
    const { pixels } = maps.readWindow(picture, { x, y, width: chip, height: chip });
    into.set(averageSquares({ width: chip, height: chip, data: pixels }, chip / size).data, offset);
  };
  const groupOf = Array.from(places.picture, (picture) => pictures[picture]!.group);
  return {
    kind: 'chips', count: places.x.length, size, tags: classes, colors, exclusive: options.truth === 'centre', targets, groups: groupOf,
    ...(maps.parts === undefined ? {} : { parts: partsOfChips(maps, places.picture) }),
    fingerprint: createHash('sha256').update(JSON.stringify([maps.fingerprint, options])).digest('hex').slice(0, 32),
    nameOf: (index) => { const { group, name } = pictures[places.picture[index]!]!; return `${group === '' || group === name ? '' : `${group}_`}${name}_x${places.x[index]!}_y${places.y[index]!}`; },
    windowOf: (index) => ({ x: places.x[index]!, y: places.y[index]!, width: chip, height: chip }),
    pictureOf: (index) => { const { group, name } = pictures[places.picture[index]!]!; return `${group}/${name}`; },
    placeOf: (index) => places.picture[index]!,
    readAt, cutFrom: { maps, chip },
    read: (index, into, offset) => readAt(places.picture[index]!, places.x[index]!, places.y[index]!, into, offset),
    close: () => maps.close(),
  };
}

function byShare(maps: MapSamples, { chip, stride, leastShare, limit, seed }: WindowChipsOptions): { places: Places; targets: Uint8Array } {
  const classes = maps.classes.length;
  const found: [number, number, number][] = [];
  const targets: number[] = [];
  maps.pictures.forEach((picture, index) => {
    const here: { place: [number, number, number]; tags: number[] }[] = [];
    for (const y of positions(picture.height, chip, stride)) {
      const strip = maps.readWindow(index, { x: 0, y, width: picture.width, height: chip }).mask;
      for (const x of positions(picture.width, chip, stride)) {
        const counts = countClasses(strip, picture.width, x, chip, classes);
        const known = counts.reduce((sum, count) => sum + count, 0);
        if (known < LEAST_KNOWN * chip * chip) continue;
        here.push({ place: [index, x, y], tags: counts.map((count) => (count > 0 && count >= leastShare * known ? 1 : 0)) });
      }
    }
    for (const { place, tags } of drawn(here, limit, seed, index)) { found.push(place); targets.push(...tags); }
  });
  return { places: columns(found.length, (i) => found[i]!), targets: Uint8Array.from(targets) };
}

/** Starts along an axis; the last is shifted inside. */
function positions(length: number, chip: number, stride: number): number[] {
  if (length < chip) return [];
  const out: number[] = [];
  for (let at = 0; at + chip < length; at += stride) out.push(at);
  return [...out, length - chip];
}

function countClasses(strip: Uint8Array, width: number, x: number, chip: number, classes: number): number[] {
  const counts = new Array<number>(classes).fill(0);
  for (let row = 0; row < chip; row++) {
    for (let at = row * width + x, end = at + chip; at < end; at++) if (strip[at] !== IGNORE) counts[strip[at]!]!++;
  }
  return counts;
}

function drawn<T>(all: readonly T[], limit: number | undefined, seed: number | undefined, picture: number): readonly T[] {
  if (limit === undefined) return all;
  return Array.from(shuffled(all.length, seededRandom(seed ?? 1, picture)).subarray(0, limit), (at) => all[at]!);
}

function byCentre(maps: MapSamples, { chip, stride, limit, seed }: WindowChipsOptions): { places: Places; targets: Uint8Array } {
  const classes = maps.classes.length;
  const parts: { index: number; places: Int32Array; ids: Uint8Array; columns: number }[] = [];
  let total = 0;
  maps.pictures.forEach(({ width, height }, index) => {
    const wide = Math.max(0, Math.floor((width - chip) / stride) + 1);
    const high = Math.max(0, Math.floor((height - chip) / stride) + 1);
    if (width < chip || height < chip) return;
    if (total + (limit === undefined ? wide * high : Math.min(limit, wide * high)) > MOST) throw new InvalidOptionError('stride', `expected at most ${MOST} chips, found more`, { advice: 'give a limit per scene, or a larger stride' });
    const middle = Math.floor(chip / 2);
    const ids = new Uint8Array(wide * high);
    for (let row = 0; row < high; row++) {
      const { mask } = maps.readWindow(index, { x: 0, y: row * stride + middle, width, height: 1 });
      for (let column = 0; column < wide; column++) ids[row * wide + column] = mask[column * stride + middle]!;
    }
    const order = limit === undefined ? Int32Array.from(ids, (_, at) => at) : shuffled(ids.length, seededRandom(seed ?? 1, index));
    const known = order.filter((at) => ids[at] !== IGNORE).subarray(0, limit);
    parts.push({ index, places: known, ids, columns: wide });
    total += known.length;
  });
  const picture = new Int32Array(total);
  const x = new Int32Array(total);
  const y = new Int32Array(total);
  const targets = new Uint8Array(total * classes);
  let at = 0;
  for (const part of parts) {
    for (const place of part.places) {
      picture[at] = part.index;
      x[at] = (place % part.columns) * stride;
      y[at] = Math.floor(place / part.columns) * stride;
      targets[at * classes + part.ids[place]!] = 1;
      at++;
    }
  }
  return { places: { picture, x, y }, targets };
}

function columns(count: number, row: (i: number) => readonly [number, number, number]): Places {
  const picture = new Int32Array(count);
  const x = new Int32Array(count);
  const y = new Int32Array(count);
  for (let i = 0; i < count; i++) [picture[i], x[i], y[i]] = row(i);
  return { picture, x, y };
}

function partsOfChips(maps: MapSamples, picture: Int32Array): NonNullable<ChipSamples['parts']> {
  const of = (places: Int32Array): Int32Array => { const wanted = new Set(places); return Int32Array.from(Array.from(picture.keys()).filter((at) => wanted.has(picture[at]!))); };
  return { train: of(maps.parts!.train), validation: of(maps.parts!.validation), test: of(maps.parts!.test) };
}
