import { InvalidFileError } from '../../errors.js';
import { datumNote } from '../../georef/index.js';
import { allocate } from '../../raster/index.js';
import type { Raster, ReadOptions, SceneProfile, TypedArray, Window } from '../../raster/index.js';
import { createReaderScene } from '../create-scene.js';
import type { BlockScene } from '../create-scene.js';
import type { SampleReader } from '../masked-read.js';
import { maskSourceOf } from '../tiff/open-tiff.js';
import { defaultCacheBytes, stripCacheBytes } from '../memory.js';
import { placeAxis } from './axis.js';
import type { MosaicContext } from './context.js';
import type { MemberTable } from './member-table.js';
import { mosaicLevels } from './mosaic-levels.js';
import type { Factor } from './mosaic-levels.js';
import { paint } from './paint.js';
import type { MemberRequest } from './paint.js';
import { kernelOf } from './paint-piece.js';
import type { BandKind, MemberRaster, PlacedLayer } from './paint-piece.js';
import { isFilter } from './taps.js';
import type { Layer, Mosaic } from './types.js';
import { RENDER } from './vrt-source.js';

export interface MosaicOrigin {
  readonly source: string;
  readonly format: string;
  readonly fingerprint: string;
  /** Bytes of decoded blocks that are kept, for a mosaic that is not inside another. */
  readonly cacheBytes?: number;
  /** Whether the mosaic is the outermost one, which closes what is shared. */
  readonly outermost: boolean;
}

/** Makes a scene of a mosaic: windows are painted from its members, whose decoded blocks share one cache. */
export async function createMosaicScene(mosaic: Mosaic, members: MemberTable, context: MosaicContext, origin: MosaicOrigin): Promise<BlockScene> {
  const { width, height, dtype } = mosaic;
  const layers = await placeLayers(mosaic.layers, mosaic, members);
  const maskLayers = mosaic.mask === undefined ? undefined : await placeLayers(mosaic.mask, mosaic, members);
  const first = mosaic.layers[0] ?? mosaic.mask?.[0];
  const sample = first === undefined ? undefined : await members.profile(first.member);
  const names = bandNames(mosaic, sample);
  const classNames = mosaic.classNames ?? (mosaic.palette === undefined ? undefined : sample?.classNames);
  const datum = datumNote(mosaic.crs);
  const profile: SceneProfile = {
    source: origin.source,
    format: origin.format,
    width,
    height,
    bands: mosaic.bands.length,
    dtype,
    ...(sample?.bits === undefined || sample.dtype !== dtype ? {} : { bits: sample.bits }),
    ...(mosaic.isComplex === true ? { isComplex: true } : {}),
    ...(mosaic.transform === undefined ? {} : { transform: mosaic.transform }),
    ...(mosaic.crs === undefined ? {} : { crs: mosaic.crs }),
    ...(mosaic.nodata === undefined ? {} : { nodata: mosaic.nodata }),
    ...(mosaic.bandNodata === undefined ? {} : { bandNodata: mosaic.bandNodata }),
    ...(mosaic.alphaBand === undefined ? {} : { alphaBand: mosaic.alphaBand }),
    ...mosaic.described,
    maskSource: maskLayers !== undefined ? 'internal' : maskSourceOf(mosaic, dtype),
    ...(names === undefined ? {} : { bandNames: names }),
    ...(mosaic.palette === undefined ? {} : { palette: mosaic.palette }),
    ...(classNames === undefined ? {} : { classNames }),
    compression: sample?.compression ?? 'none',
    blockWidth: Math.min(width, sample?.blockWidth ?? EMPTY_BLOCK),
    blockHeight: Math.min(height, sample?.blockHeight ?? EMPTY_BLOCK),
    overviews: [],
    bytes: members.bytes(),
    files: members.files(),
    fingerprint: origin.fingerprint,
    notes: [...mosaic.notes, ...(datum === undefined ? [] : [datum])],
  };
  const { cache } = context.blocks;
  // Members do not begin where rows of blocks do, and a band is read after another: one row of blocks is always kept.
  if (origin.outermost) cache.limit = Math.max(stripCacheBytes(profile, 1), origin.cacheBytes ?? defaultCacheBytes(profile));
  const reader = mosaicReader(mosaic, layers, members);
  const maskReader = maskLayers === undefined ? undefined : mosaicReader({ dtype: 'uint8', bands: [{ fill: 0 }] }, maskLayers, members);
  return createReaderScene({
    profile,
    levels: await mosaicLevels(mosaic, profile, sample, members, (parts, placed) => mosaicReader(parts, placed, members)),
    pixels: () => Promise.resolve(reader),
    ...(maskReader === undefined ? {} : { mask: maskReader }),
    decodedBlocks: () => cache.decoded,
    heldBytes: () => cache.bytes,
    close: async () => {
      if (!origin.outermost) return;
      cache.clear();
      await context.open.close();
    },
  });
}

/** Names that the mosaic gives, else those of its first file: GDAL's tools leave them out of VRTs. */
function bandNames(mosaic: Mosaic, first: SceneProfile | undefined): string[] | undefined {
  const given = mosaic.bands.map((band) => band.name);
  const inFile = given.map((_, band) => {
    const from = mosaic.layers[0]?.bands.find(({ to }) => to === band)?.from;
    return typeof from === 'number' ? first?.bandNames?.[from] : undefined;
  });
  const names = given.some((name) => name !== undefined) ? given : inFile;
  return names.every((name) => name === undefined) ? undefined : names.map((name, i) => name ?? `band ${i + 1}`);
}

/** Edge of the blocks of a mosaic without any source. */
const EMPTY_BLOCK = 512;

async function placeLayers(layers: readonly Layer[], { width, height }: Pick<Mosaic, 'width' | 'height'>, members: MemberTable): Promise<PlacedLayer[]> {
  const placed: PlacedLayer[] = [];
  for (const layer of layers) {
    const size = await members.size(layer.member);
    const { source, target } = layer.placement;
    const from = source ?? { x: 0, y: 0, ...size };
    const to = target ?? (source === undefined ? from : { x: 0, y: 0, width: source.width, height: source.height });
    const isInterpolated = layer.resampling !== 'nearest' && isFilter(layer.resampling);
    const x = placeAxis({ sourceOffset: from.x, sourceSize: from.width, targetOffset: to.x, targetSize: to.width, fileSize: size.width, mosaicSize: width, isInterpolated });
    const y = placeAxis({ sourceOffset: from.y, sourceSize: from.height, targetOffset: to.y, targetSize: to.height, fileSize: size.height, mosaicSize: height, isInterpolated });
    if (x !== undefined && y !== undefined) placed.push({ layer, x, y });
  }
  return placed;
}

function mosaicReader(mosaic: Pick<Mosaic, 'dtype' | 'bands'>, layers: readonly PlacedLayer[], members: MemberTable): SampleReader {
  const kinds: readonly BandKind[] = mosaic.bands.map(({ dtype = mosaic.dtype, isWide = false }) => ({ dtype, isWide }));
  return {
    bands: mosaic.bands.length,
    read: async (window, bands, signal) => {
      const data = allocate(mosaic.dtype, window.width * window.height * bands.length);
      fillBands(data, bands.map((band) => mosaic.bands[band]!.fill));
      const canvas = { window, bands, data, painted: new Uint8Array(data.length), claimed: new Uint8Array(data.length) };
      await paint(canvas, kinds, layers, (request, stop) => readMember(members, request, stop), signal);
      return data;
    },
  };
}

async function readMember(members: MemberTable, { placed, window, origins }: MemberRequest, signal: AbortSignal | undefined): Promise<MemberRaster> {
  const { layer, factor } = placed;
  const kernel = kernelOf(placed);
  return members.use(layer.member, async (scene) => {
    const { profile } = scene;
    const { isComplex = false, alphaBand } = profile;
    if (isComplex && kernel !== undefined) {
      throw new InvalidFileError(profile.source, `complex numbers are to be resampled by ${kernel}, which is not done`, { advice: RENDER });
    }
    const wanted = origins.map(({ from, part }) => {
      const band = from === 'mask' ? 0 : isComplex ? 2 * from + (part === 'real' ? 0 : 1) : from;
      if (band >= profile.bands) throw new InvalidFileError(profile.source, `the mosaic takes band ${Number(from) + 1} of it, but it has ${isComplex ? profile.bands / 2 : profile.bands}`);
      return part === 'imaginary' && !isComplex ? undefined : band;
    });
    const usesAlpha = kernel !== undefined && profile.maskSource === 'alpha' && alphaBand !== undefined;
    const read = [...new Set([...wanted.filter((band) => band !== undefined), ...(usesAlpha ? [alphaBand] : [])])];
    const bands = read.length === 0 ? [0] : read;
    const options = { bands, ...(signal === undefined ? {} : { signal }) };
    const raster = factor === undefined ? await scene.read(window, options) : await readReduced(scene, layer, window, factor, options);
    return {
      raster, profile,
      bands: wanted.map((band) => (band === undefined ? undefined : { band, at: bands.indexOf(band) })),
      ...(usesAlpha ? { alpha: bands.indexOf(alphaBand) } : {}),
    };
  });
}

/** A window of the pixels that so many of the scene's make one of. */
function readReduced(scene: BlockScene, layer: Layer, window: Window, { x, y }: Factor, options: ReadOptions): Promise<Raster> {
  const { width, height, nodata } = scene.profile;
  const left = window.x * x;
  const top = window.y * y;
  const whole = { x: left, y: top, width: Math.min(width - left, window.width * x), height: Math.min(height - top, window.height * y) };
  // A mean with a value that the layer leaves out would be neither.
  const isPicked = layer.nodata !== undefined && !Object.is(layer.nodata, nodata);
  return scene.readReduced(whole, window, { ...options, ...(isPicked ? { resampling: 'nearest' } : {}) });
}

function fillBands(data: TypedArray, fills: readonly number[]): void {
  const [first] = fills;
  if (first === undefined || fills.every((fill) => fill === 0)) return;
  if (fills.every((fill) => Object.is(fill, first))) {
    data.fill(first);
    return;
  }
  for (let at = 0; at < data.length; at += fills.length) for (let s = 0; s < fills.length; s++) data[at + s] = fills[s]!;
}
