import type { ReducibleSource, SceneProfile, Size } from '../../raster/index.js';
import type { OpenLevel } from '../level.js';
import { checkBands, readMasked } from '../masked-read.js';
import type { SampleReader } from '../masked-read.js';
import { placeAxis } from './axis.js';
import type { PlacedLayer } from './paint-piece.js';
import type { MemberTable } from './member-table.js';
import type { Layer, Mosaic } from './types.js';

/** Whole pixels of a member that become one, across and down. */
export interface Factor {
  readonly x: number;
  readonly y: number;
}

/** A layer on the pixels of a reduced mosaic, painted from the reduced member. */
export interface ReducedLayer extends PlacedLayer {
  readonly factor: Factor;
}

/** Makes readers of a mosaic's samples from layers that are placed already. */
export type ReaderOf = (mosaic: Pick<Mosaic, 'dtype' | 'bands'>, layers: readonly ReducedLayer[]) => SampleReader;

/**
 * Reduced copies of a mosaic, one for each that its first file has: painted, when they are read, from the reduced copies of all
 * files, or from their full pixels where they have none. Files lie to half a pixel of the copy where they begin between its
 * pixels. None if the mosaic leaves out a value that its first file does not know for nodata: the file's copies would be mixed
 * with it.
 */
export async function mosaicLevels(mosaic: Mosaic, profile: SceneProfile, sample: SceneProfile | undefined, members: MemberTable, readerOf: ReaderOf): Promise<OpenLevel[]> {
  const first = mosaic.layers[0];
  if (first === undefined || sample === undefined) return [];
  if (first.nodata !== undefined && !Object.is(first.nodata, sample.nodata)) return [];
  const step = await stepOf(first, members);
  const levels: OpenLevel[] = [];
  for (const overview of sample.overviews) {
    const [across, down] = [Math.round(sample.width / overview.width) / step.x, Math.round(sample.height / overview.height) / step.y];
    const size = { width: Math.ceil(mosaic.width / across), height: Math.ceil(mosaic.height / down) };
    if (across > 1 && down > 1) levels.push(levelOf(mosaic, profile, size, members, readerOf));
  }
  return levels;
}

function levelOf(mosaic: Mosaic, profile: SceneProfile, size: Size, members: MemberTable, readerOf: ReaderOf): OpenLevel {
  let opened: Promise<{ readonly pixels: SampleReader; readonly mask: SampleReader | undefined }> | undefined;
  const open = async (): Promise<{ readonly pixels: SampleReader; readonly mask: SampleReader | undefined }> => ({
    pixels: readerOf(mosaic, await reduceLayers(mosaic.layers, mosaic, size, members)),
    mask: mosaic.mask === undefined ? undefined : readerOf({ dtype: 'uint8', bands: [{ fill: 0 }] }, await reduceLayers(mosaic.mask, mosaic, size, members)),
  });
  const source: ReducibleSource = {
    ...size, blockWidth: Math.min(size.width, profile.blockWidth), blockHeight: Math.min(size.height, profile.blockHeight),
    read: async (window, options) => {
      opened ??= open();
      const { pixels, mask } = await opened;
      const bands = checkBands(options.bands, profile.bands);
      const samples = await readMasked(profile, pixels, mask, window, bands, options.signal);
      return { ...samples, width: window.width, height: window.height, bands: bands.length, layout: 'pixel' };
    },
  };
  return { usable: () => Promise.resolve(true), source, clear: () => undefined, heldBytes: () => 0 };
}

/** Pixels of a member to a pixel of the mosaic. */
async function stepOf(layer: Layer, members: MemberTable): Promise<Factor> {
  const { source, target } = await rectsOf(layer, members);
  return { x: source.width / target.width, y: source.height / target.height };
}

async function rectsOf({ member, placement: { source, target } }: Layer, members: MemberTable): Promise<{ readonly source: NonNullable<Layer['placement']['source']>; readonly target: NonNullable<Layer['placement']['target']>; readonly size: Size }> {
  const size = await members.size(member);
  const from = source ?? { x: 0, y: 0, ...size };
  return { size, source: from, target: target ?? (source === undefined ? from : { x: 0, y: 0, width: source.width, height: source.height }) };
}

/** Nearest pixels of members that are reduced as much as whole numbers allow: filters have been at work when the copies were made. */
async function reduceLayers(layers: readonly Layer[], mosaic: Size, size: Size, members: MemberTable): Promise<ReducedLayer[]> {
  const placed: ReducedLayer[] = [];
  const [across, down] = [size.width / mosaic.width, size.height / mosaic.height];
  for (const layer of layers) {
    const { size: file, source, target } = await rectsOf(layer, members);
    const factor = { x: wholeFactor(source.width / target.width / across), y: wholeFactor(source.height / target.height / down) };
    const x = placeAxis({
      sourceOffset: source.x / factor.x, sourceSize: source.width / factor.x, targetOffset: target.x * across, targetSize: target.width * across,
      fileSize: Math.ceil(file.width / factor.x), mosaicSize: size.width,
    });
    const y = placeAxis({
      sourceOffset: source.y / factor.y, sourceSize: source.height / factor.y, targetOffset: target.y * down, targetSize: target.height * down,
      fileSize: Math.ceil(file.height / factor.y), mosaicSize: size.height,
    });
    if (x !== undefined && y !== undefined) placed.push({ layer: { ...layer, resampling: 'nearest' }, x, y, factor });
  }
  return placed;
}

/** A last pixel that is cut makes a factor a little smaller than it is. */
function wholeFactor(factor: number): number {
  return Math.max(1, Math.floor(factor + 0.05));
}
