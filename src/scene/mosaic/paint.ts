import { throwIfAborted } from '../../errors.js';
import { intersect } from '../../raster/index.js';
import type { Window } from '../../raster/index.js';
import { claim, unclaimed } from './canvas.js';
import type { Canvas } from './canvas.js';
import { originsOf, paintPiece, sourceWindow } from './paint-piece.js';
import type { BandKind, MemberRaster, Piece, PlacedLayer } from './paint-piece.js';
import type { Layer, Origin } from './types.js';

/** What is wanted of a layer's member: a window of its pixels, reduced as the layer has them. */
export interface MemberRequest {
  readonly placed: PlacedLayer;
  readonly window: Window;
  readonly origins: readonly Origin[];
}

/** Reads a window of a member, pixel-interleaved. */
export type ReadMember = (request: MemberRequest, signal?: AbortSignal) => Promise<MemberRaster>;

/** Members that are read at the same time for one window. */
const LOOK_AHEAD = 6;

/** Pixels of a member that are read at once where it is made much smaller. */
const MAX_SOURCE_PIXELS = 2 ** 20;

/**
 * Paints the layers, given bottom to top, from the top down: what is covered already is not read. Members are read a few
 * ahead, and painted in order.
 */
export async function paint(canvas: Canvas, kinds: readonly BandKind[], layers: readonly PlacedLayer[], readMember: ReadMember, signal?: AbortSignal): Promise<void> {
  const pending: { readonly piece: Piece; readonly reading: Promise<MemberRaster> }[] = [];
  const paintFirst = async (): Promise<void> => {
    const { piece, reading } = pending.shift()!;
    paintPiece(canvas, kinds, piece, await reading);
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
    const slots = layer.bands.flatMap(({ to, ...origin }) => (slotOf.has(to) ? [{ slot: slotOf.get(to)!, to, ...origin }] : []));
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

function readPiece(piece: Piece, readMember: ReadMember, signal: AbortSignal | undefined): Promise<MemberRaster> {
  return readMember({ placed: piece.placed, window: sourceWindow(piece.placed, piece.part), origins: originsOf(piece) }, signal);
}
