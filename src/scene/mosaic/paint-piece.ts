import type { DataType, Raster, SceneProfile, TypedArray, Window } from '../../raster/index.js';
import { VALID } from '../masks.js';
import { nearestOf } from './axis.js';
import type { Axis } from './axis.js';
import type { Canvas } from './canvas.js';
import { resample } from './resample.js';
import type { Channel } from './resample.js';
import { reachedBy } from './taps.js';
import type { Kernel, Layer, Origin } from './types.js';
import { applyRule, holdsAll } from './values.js';

/** A layer with its place on the mosaic's pixels. */
export interface PlacedLayer {
  readonly layer: Layer;
  readonly x: Axis;
  readonly y: Axis;
  /** The member's pixels are counted in larger ones, which so many of its own make, across and down. */
  readonly factor?: { readonly x: number; readonly y: number };
}

/** What the samples of a band of the mosaic are, before they are given in its type. */
export interface BandKind {
  readonly dtype: DataType;
  /** Integers of 64 bits, as doubles. */
  readonly isWide?: boolean;
}

/** One piece of a layer on the canvas. */
export interface Piece {
  readonly placed: PlacedLayer;
  readonly part: Window;
  /** Where its bands lie in a pixel of the canvas, which of the mosaic's they are, and what of the member. */
  readonly slots: readonly (Origin & { readonly slot: number; readonly to: number })[];
}

/** What a member gives for a window of its own pixels. */
export interface MemberRaster {
  readonly raster: Raster;
  readonly profile: Pick<SceneProfile, 'dtype' | 'bits' | 'palette' | 'nodata' | 'bandNodata' | 'maskSource'>;
  /** The member's band of each origin that was asked for, and its place in a pixel; none of the imaginary part of real numbers. */
  readonly bands: readonly ({ readonly band: number; readonly at: number } | undefined)[];
  /** Place of alpha, where pixels that count by their alpha are resampled. */
  readonly alpha?: number;
}

/** The filter of a layer whose pixels change their size. */
export function kernelOf({ layer, x, y }: PlacedLayer): Kernel | undefined {
  return layer.resampling === 'nearest' || (x.isUnit && y.isUnit) ? undefined : layer.resampling;
}

/** The pixels of the member that a part needs. */
export function sourceWindow(placed: PlacedLayer, part: Window): Window {
  const kernel = kernelOf(placed);
  const range = (axis: Axis, from: number, count: number): readonly [number, number] => {
    if (kernel !== undefined) return reachedBy(axis, kernel, from, count);
    return [nearestOf(axis, from), nearestOf(axis, from + count - 1) + 1];
  };
  const [left, right] = range(placed.x, part.x, part.width);
  const [top, bottom] = range(placed.y, part.y, part.height);
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** What of the member a piece needs, each once, its mask left aside. */
export function originsOf({ slots }: Piece): Origin[] {
  const origins = new Map(slots.filter(({ from }) => from !== 'mask').map(({ from, part }) => [`${from} ${part}`, { from, part }]));
  return origins.size === 0 ? [{ from: 0, part: 'real' }] : [...origins.values()];
}

/** Samples that stand for pixels of the mosaic, or for those of the member that they are the nearest of. */
interface Samples {
  /** A number: that, everywhere. */
  readonly channel: Channel | number;
  /** 0: missing. */
  readonly mask?: Channel;
  /** Column of `channel` for each column of the part, and where its row begins for a row of the mosaic. */
  readonly columns: Int32Array;
  readonly rowAt: (y: number) => number;
}

export function paintPiece(canvas: Canvas, kinds: readonly BandKind[], piece: Piece, member: MemberRaster): void {
  const { layer, x, y } = piece.placed;
  const { raster, profile } = member;
  const kernel = kernelOf(piece.placed);
  const isPlain = layer.rule === undefined && kernel !== 'averaged';
  const keepsAll = ({ from, to }: Piece['slots'][number]): boolean => {
    const { dtype, isWide = false } = kinds[to]!;
    return holdsAll(from === 'mask' ? 'uint8' : profile.dtype, dtype) && !(isWide && profile.dtype.startsWith('float'));
  };
  const isCopy = isPlain && x.isUnit && y.isUnit;
  const origins = originsOf(piece);
  const bandOf = ({ from, part }: Origin): MemberRaster['bands'][number] => member.bands[origins.findIndex((origin) => origin.from === from && origin.part === part)];
  const isWhole = isCopy && layer.nodata === undefined && !layer.useMask && raster.bands === canvas.bands.length
    && piece.slots.length === raster.bands && piece.slots.every((slot) => slot.from !== 'mask' && bandOf(slot)?.at === slot.slot && keepsAll(slot));
  if (isWhole) {
    copyRows(canvas, piece, raster, raster.bands);
    return;
  }
  // A mean of nothing is no number.
  const nodata = kernel === 'averaged' ? Number.NaN : layer.nodata === undefined ? undefined : profile.dtype === 'float32' ? Math.fround(layer.nodata) : layer.nodata;
  for (const slot of piece.slots) {
    const samples = samplesOf(piece, slot, bandOf(slot), member);
    const { channel, mask } = samples;
    if (isCopy && keepsAll(slot) && typeof channel !== 'number' && mask === undefined) {
      copyChannel(canvas, slot.slot, piece.part, channel, nodata);
      continue;
    }
    const convert = isPlain && keepsAll(slot) ? undefined : applyRule(layer.rule, kinds[slot.to]!, profile.palette);
    paintChannel(canvas, slot.slot, piece, samples, { nodata, convert });
  }
}

/** The samples of one band of a piece, resampled where the layer has a filter. Of palettes, ids are picked: they cannot be mixed. */
function samplesOf(piece: Piece, { from }: Origin, band: MemberRaster['bands'][number], member: MemberRaster): Samples {
  const { placed, part } = piece;
  const { raster, profile } = member;
  const source = sourceWindow(placed, part);
  const maskChannel = raster.mask === undefined ? undefined : { data: raster.mask, samples: 1, at: 0 };
  // A member without a mask is valid everywhere.
  const channel: Channel | number = from === 'mask' ? maskChannel ?? VALID : band === undefined ? 0 : { data: raster.data, samples: raster.bands, at: band.at };
  const mask = placed.layer.useMask ? maskChannel : undefined;
  const kernel = kernelOf(placed);
  if (kernel === undefined || (profile.palette !== undefined && kernel !== 'mode' && from !== 'mask')) {
    return {
      channel, ...(mask === undefined ? {} : { mask }),
      columns: Int32Array.from({ length: part.width }, (_, i) => nearestOf(placed.x, part.x + i) - source.x),
      rowAt: (y) => (nearestOf(placed.y, y) - source.y) * source.width,
    };
  }
  const shared = { kernel, x: placed.x, y: placed.y, part, source };
  const small = (of: Channel, options: Pick<Parameters<typeof resample>[1], 'dtype' | 'bits' | 'nodata' | 'opacity'>): Channel => ({ data: resample(of, { ...shared, ...options }), samples: 1, at: 0 });
  return {
    channel: typeof channel === 'number' ? channel : from === 'mask' ? small(channel, { dtype: 'uint8' }) : small(channel, missingOf(kernel, band, member, maskChannel)),
    ...(mask === undefined ? {} : { mask: small(mask, { dtype: 'uint8' }) }),
    columns: Int32Array.from({ length: part.width }, (_, i) => i),
    rowAt: (y) => (y - part.y) * part.width,
  };
}

/** What counts how much when a band is resampled: its own nodata, else a stored mask, else alpha. */
function missingOf(kernel: Kernel, band: MemberRaster['bands'][number], { raster, profile, alpha }: MemberRaster, mask: Channel | undefined): Pick<Parameters<typeof resample>[1], 'dtype' | 'bits' | 'nodata' | 'opacity'> {
  if (kernel === 'averaged') return { dtype: 'float32', nodata: Number.NaN };
  const { dtype, bits, maskSource } = profile;
  const nodata = profile.bandNodata === undefined ? profile.nodata : profile.bandNodata[band?.band ?? 0];
  const isStored = maskSource === 'internal' || maskSource === 'external';
  const shownBy = isStored ? mask : alpha === undefined || alpha === band?.at ? undefined : alphaChannel(raster, alpha);
  return {
    dtype, ...(bits === undefined ? {} : { bits }),
    ...(nodata === undefined ? {} : { nodata }),
    ...(shownBy === undefined ? {} : { opacity: shownBy }),
  };
}

/** Alpha in eight bits. */
function alphaChannel({ data, bands }: Raster, at: number): Channel {
  if (data instanceof Uint8Array) return { data, samples: bands, at };
  const scaled = new Uint8Array(data.length / bands);
  for (let i = 0; i < scaled.length; i++) scaled[i] = data[i * bands + at]! === 0 ? 0 : Math.max(1, Math.floor(data[i * bands + at]! * 255 / 65535));
  return { data: scaled, samples: 1, at: 0 };
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
  readonly nodata: number | undefined;
  readonly convert: ((value: number) => number | undefined) | undefined;
}

/** One band of whatever kind: resampled, converted, masked. */
function paintChannel(canvas: Canvas, slot: number, { part }: Piece, { channel, mask, columns, rowAt }: Samples, { nodata, convert }: ChannelPaint): void {
  const { window, data, painted } = canvas;
  const samples = canvas.bands.length;
  const valueAt = (pixel: number): number | undefined => {
    if (typeof channel === 'number') return channel;
    const value = channel.data[pixel * channel.samples + channel.at]!;
    return isNodata(value, nodata) ? undefined : value;
  };
  for (let y = part.y; y < part.y + part.height; y++) {
    let to = ((y - window.y) * window.width + part.x - window.x) * samples + slot;
    const row = rowAt(y);
    for (let i = 0; i < part.width; i++, to += samples) {
      const pixel = row + columns[i]!;
      if (painted[to] === 1 || mask?.data[pixel] === 0) continue;
      const found = valueAt(pixel);
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
