import { throwIfAborted } from '../../errors.js';
import { intersect } from '../../raster/index.js';
import type { DataType, Raster, Rgba, TypedArray, Window } from '../../raster/index.js';
import { VALID } from '../masks.js';
import { coveredBy, nearestOf } from './axis.js';
import type { Axis } from './axis.js';
import { claim, unclaimed } from './canvas.js';
import type { Canvas } from './canvas.js';
import type { Layer } from './types.js';
import { applyRule, holdsAll } from './values.js';

/** A layer with its place on the mosaic's pixels. */
export interface PlacedLayer {
  readonly layer: Layer;
  readonly x: Axis;
  readonly y: Axis;
}

/** What a member gives for a window of its own pixels. */
export interface MemberRaster {
  readonly raster: Raster;
  readonly dtype: DataType;
  readonly palette?: readonly Rgba[];
}

/** Reads bands (from 0) of a window of a member, pixel-interleaved. */
export type ReadMember = (member: string, window: Window, bands: readonly number[], signal?: AbortSignal) => Promise<MemberRaster>;

/** Members that are read at the same time for one window. */
const LOOK_AHEAD = 6;

/** Pixels of a member that are read at once where it is made much smaller. */
const MAX_SOURCE_PIXELS = 2 ** 20;

/** One piece of a layer on the canvas. */
interface Piece {
  readonly placed: PlacedLayer;
  readonly part: Window;
  /** Where its bands lie in a pixel of the canvas, and what of the member they are. */
  readonly slots: readonly { readonly slot: number; readonly from: number | 'mask' }[];
}

/**
 * Paints the layers, given bottom to top, from the top down: what is covered already is not read. Members are read a few
 * ahead, and painted in order.
 */
export async function paint(canvas: Canvas, dtype: DataType, layers: readonly PlacedLayer[], readMember: ReadMember, signal?: AbortSignal): Promise<void> {
  const pending: { readonly piece: Piece; readonly reading: Promise<MemberRaster> }[] = [];
  const paintFirst = async (): Promise<void> => {
    const { piece, reading } = pending.shift()!;
    paintPiece(canvas, dtype, piece, await reading);
  };
  try {
    for (const piece of piecesOf(canvas, layers)) {
      throwIfAborted(signal);
      const reading = readPiece(piece, readMember, signal);
      reading.catch(() => undefined);
      pending.push({ piece, reading });
      if (pending.length >= LOOK_AHEAD) await paintFirst();
    }
    while (pending.length > 0) await paintFirst();
  } finally {
    await Promise.allSettled(pending.map(({ reading }) => reading));
  }
}

/** What has to be read, from the top down. Looks at the canvas as it goes, so that it sees what was painted meanwhile. */
function* piecesOf(canvas: Canvas, layers: readonly PlacedLayer[]): Generator<Piece> {
  const slotOf = new Map(canvas.bands.map((band, slot) => [band, slot]));
  for (let i = layers.length - 1; i >= 0; i--) {
    const placed = layers[i]!;
    const { x, y, layer } = placed;
    const area = intersect(canvas.window, { x: x.start, y: y.start, width: x.end - x.start, height: y.end - y.start });
    if (area === undefined) continue;
    const slots = layer.bands.flatMap(({ from, to }) => (slotOf.has(to) ? [{ slot: slotOf.get(to)!, from }] : []));
    if (slots.length === 0) continue;
    const numbers = slots.map(({ slot }) => slot);
    for (const part of smallParts(placed, area)) {
      const open = unclaimed(canvas, part, numbers);
      if (open === undefined) continue;
      if (isOpaque(layer)) claim(canvas, open, numbers);
      yield { placed, part: open, slots };
    }
  }
}

/** Whether a layer paints every pixel that it lies on. */
function isOpaque(layer: Layer): boolean {
  return layer.nodata === undefined && !layer.useMask && layer.rule?.component === undefined;
}

/** Divides a part until what it needs of the member is not too much. */
function* smallParts(placed: PlacedLayer, part: Window): Generator<Window> {
  const need = sourceWindow(placed, part);
  const isLarge = need.width * need.height > Math.max(MAX_SOURCE_PIXELS, 2 * part.width * part.height);
  if (!isLarge || part.width * part.height === 1) {
    yield part;
  } else if (part.height >= part.width) {
    const half = part.height >> 1;
    yield* smallParts(placed, { ...part, height: half });
    yield* smallParts(placed, { ...part, y: part.y + half, height: part.height - half });
  } else {
    const half = part.width >> 1;
    yield* smallParts(placed, { ...part, width: half });
    yield* smallParts(placed, { ...part, x: part.x + half, width: part.width - half });
  }
}

/** The pixels of the member that a part needs. */
function sourceWindow({ x, y, layer }: PlacedLayer, part: Window): Window {
  const range = (axis: Axis, from: number, count: number): readonly [number, number] => (layer.averaged
    ? [coveredBy(axis, from)[0], coveredBy(axis, from + count - 1)[1]]
    : [nearestOf(axis, from), nearestOf(axis, from + count - 1) + 1]);
  const [left, right] = range(x, part.x, part.width);
  const [top, bottom] = range(y, part.y, part.height);
  return { x: left, y: top, width: right - left, height: bottom - top };
}

function memberBands(piece: Piece): number[] {
  const bands = [...new Set(piece.slots.flatMap(({ from }) => (from === 'mask' ? [] : [from])))];
  return bands.length === 0 ? [0] : bands;
}

function readPiece(piece: Piece, readMember: ReadMember, signal: AbortSignal | undefined): Promise<MemberRaster> {
  return readMember(piece.placed.layer.member, sourceWindow(piece.placed, piece.part), memberBands(piece), signal);
}

/** Samples of one band of the member that a piece paints with, or its mask. */
interface Channel {
  readonly data: TypedArray;
  readonly samples: number;
  readonly at: number;
}

function paintPiece(canvas: Canvas, dtype: DataType, piece: Piece, member: MemberRaster): void {
  const { layer, x, y } = piece.placed;
  const { raster } = member;
  const bands = memberBands(piece);
  const isCopy = layer.rule === undefined && !layer.averaged && x.isUnit && y.isUnit && holdsAll(member.dtype, dtype);
  const isWhole = isCopy && isOpaque(layer) && bands.length === canvas.bands.length
    && piece.slots.length === bands.length && piece.slots.every(({ slot, from }) => from === bands[slot]);
  if (isWhole) {
    copyRows(canvas, piece, raster, bands.length);
    return;
  }
  const nodata = layer.nodata === undefined ? undefined : member.dtype === 'float32' ? Math.fround(layer.nodata) : layer.nodata;
  const mask = layer.useMask ? raster.mask : undefined;
  for (const { slot, from } of piece.slots) {
    const channel: Channel | undefined = from !== 'mask' ? { data: raster.data, samples: raster.bands, at: bands.indexOf(from) }
      : raster.mask === undefined ? undefined : { data: raster.mask, samples: 1, at: 0 };
    if (isCopy && channel !== undefined && mask === undefined) {
      copyChannel(canvas, slot, piece.part, channel, nodata);
      continue;
    }
    const isPlain = layer.rule === undefined && !layer.averaged && (from === 'mask' || holdsAll(member.dtype, dtype));
    paintChannel(canvas, slot, piece, { channel, mask, nodata, convert: isPlain ? undefined : applyRule(layer.rule, dtype, member.palette) });
  }
}

/** All bands, row by row, where nothing has been painted; else pixel by pixel. */
function copyRows(canvas: Canvas, { part, slots }: Piece, raster: Raster, samples: number): void {
  const { window, data, painted } = canvas;
  for (let y = 0; y < part.height; y++) {
    const to = ((part.y + y - window.y) * window.width + part.x - window.x) * samples;
    const from = y * part.width * samples;
    const count = part.width * samples;
    if (painted.subarray(to, to + count).includes(1)) {
      for (const { slot } of slots) copyRow(data, painted, to + slot, samples, raster.data, from + slot, samples, part.width);
    } else {
      data.set(raster.data.subarray(from, from + count), to);
      painted.fill(1, to, to + count);
    }
  }
}

/** One band as it is, without nodata. */
function copyChannel(canvas: Canvas, slot: number, part: Window, { data, samples, at }: Channel, nodata: number | undefined): void {
  const { window } = canvas;
  const step = canvas.bands.length;
  for (let y = 0; y < part.height; y++) {
    const to = ((part.y + y - window.y) * window.width + part.x - window.x) * step + slot;
    const from = y * part.width * samples + at;
    if (nodata === undefined) copyRow(canvas.data, canvas.painted, to, step, data, from, samples, part.width);
    else copyRowWithout(nodata, canvas.data, canvas.painted, to, step, data, from, samples, part.width);
  }
}

function copyRow(target: TypedArray, painted: Uint8Array, to: number, toStep: number, source: TypedArray, from: number, fromStep: number, count: number): void {
  for (let i = 0; i < count; i++, to += toStep, from += fromStep) {
    if (painted[to] === 1) continue;
    target[to] = source[from]!;
    painted[to] = 1;
  }
}

function copyRowWithout(
  nodata: number, target: TypedArray, painted: Uint8Array, to: number, toStep: number, source: TypedArray, from: number, fromStep: number, count: number,
): void {
  const isNan = nodata !== nodata;
  for (let i = 0; i < count; i++, to += toStep, from += fromStep) {
    const value = source[from]!;
    if (painted[to] === 1 || value === nodata || (isNan && value !== value)) continue;
    target[to] = value;
    painted[to] = 1;
  }
}

interface ChannelPaint {
  /** `undefined`: a member without a mask is valid everywhere. */
  readonly channel: Channel | undefined;
  readonly mask: Uint8Array | undefined;
  readonly nodata: number | undefined;
  readonly convert: ((value: number) => number | undefined) | undefined;
}

/** One band of whatever kind: resampled, converted, masked. */
function paintChannel(canvas: Canvas, slot: number, { part, placed }: Piece, { channel, mask, nodata, convert }: ChannelPaint): void {
  const { window, data, painted } = canvas;
  const samples = canvas.bands.length;
  const need = sourceWindow(placed, part);
  const columns = Int32Array.from({ length: part.width }, (_, i) => nearestOf(placed.x, part.x + i) - need.x);
  const valueAt = (x: number, y: number, pixel: number): number | undefined => {
    if (channel === undefined) return VALID;
    if (placed.layer.averaged) return meanOf(channel, need, coveredBy(placed.x, x), coveredBy(placed.y, y), nodata);
    const value = channel.data[pixel * channel.samples + channel.at]!;
    return isNodata(value, nodata) ? undefined : value;
  };
  for (let y = part.y; y < part.y + part.height; y++) {
    let to = ((y - window.y) * window.width + part.x - window.x) * samples + slot;
    const row = (nearestOf(placed.y, y) - need.y) * need.width;
    for (let i = 0; i < part.width; i++, to += samples) {
      const pixel = row + columns[i]!;
      if (painted[to] === 1 || mask?.[pixel] === 0) continue;
      const found = valueAt(part.x + i, y, pixel);
      const value = found === undefined || convert === undefined ? found : convert(found);
      if (value === undefined) continue;
      data[to] = value;
      painted[to] = 1;
    }
  }
}

function isNodata(value: number, nodata: number | undefined): boolean {
  return nodata !== undefined && (value === nodata || (value !== value && nodata !== nodata));
}

/** Mean of a rectangle of a channel, without nodata; `undefined` if nothing is left. */
function meanOf(channel: Channel, need: Window, [left, right]: readonly [number, number], [top, bottom]: readonly [number, number], nodata: number | undefined): number | undefined {
  let sum = 0;
  let count = 0;
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const value = channel.data[((y - need.y) * need.width + x - need.x) * channel.samples + channel.at]!;
      if (isNodata(value, nodata)) continue;
      sum += value;
      count++;
    }
  }
  return count === 0 ? undefined : sum / count;
}
