import { basename, extname } from 'node:path';
import { InvalidOptionError } from '../errors.js';
import { footprint, groundSize, pixelToCrs, sceneAreaM2, toLonLat } from '../georef/index.js';
import type { GroundControlPoint, LonLat, RationalCoefficients, Transform } from '../georef/index.js';
import { bytesPerSample, fullWindow } from '../raster/index.js';
import type { BandStatistics, DataType, Rgba, SceneProfile } from '../raster/index.js';
import { scenePicture } from '../picture/index.js';
import { checkOutput, writeWhole } from '../run/index.js';
import type { TaskContext } from '../run/index.js';
import { openScene, readMemory } from '../scene/index.js';

export interface InfoOptions {
  /** Path of a GeoTIFF, JPEG, PNG or WebP, of a VRT or a folder of files on one grid, or a URL. */
  readonly scene: string;
  /** Which picture of a file that holds several, from 0. Default 0. */
  readonly page?: number;
  /** PNG of the scene in few pixels. */
  readonly preview?: string;
  /** Replaces an existing preview. */
  readonly overwrite?: boolean;
}

/** What is known of a scene without reading a pixel; only numbers, texts and lists, so that it is the same as JSON. */
export interface InfoResult {
  readonly source: string;
  readonly format: string;
  readonly width: number;
  readonly height: number;
  readonly bands: number;
  readonly bandNames: readonly string[] | null;
  readonly dtype: DataType;
  /** Bits in use, where fewer than the type has. */
  readonly bits: number | null;
  /** Which of the file's pictures it is, from 0, and how many there are. */
  readonly page: { readonly index: number; readonly count: number };
  /** GDAL's six numbers. */
  readonly transform: Transform | null;
  readonly crs: { readonly epsg: number | null; readonly name: string; readonly kind: string; readonly proj4: string | null } | null;
  /** Ground length of a pixel's edges in metres, along its row and its column, at the scene's centre. */
  readonly gsd: { readonly x: number; readonly y: number } | null;
  /** Ground area of the scene in hectares. */
  readonly areaHa: number | null;
  /** Longitude and latitude of the corners and the centre, WGS 84 (of other bodies than the earth: their own; a note says so). */
  readonly lonLat: {
    readonly upperLeft: LonLat; readonly upperRight: LonLat; readonly lowerRight: LonLat; readonly lowerLeft: LonLat; readonly center: LonLat;
  } | null;
  /** Ground control points: column and row from the upper left corner, coordinates in their CRS. */
  readonly gcps: { readonly crs: string | null; readonly epsg: number | null; readonly points: readonly GroundControlPoint[] } | null;
  /** A satellite's camera model. */
  readonly rpc: RationalCoefficients | null;
  /** A number, or `"NaN"`, `"Infinity"`, `"-Infinity"`, which JSON has no numbers for. */
  readonly nodata: number | string | null;
  /** Nodata band by band, where the bands do not share one. */
  readonly bandNodata: readonly (number | string | null)[] | null;
  /** `sample * scale + offset`, band by band. */
  readonly scaling: readonly { readonly scale: number; readonly offset: number }[] | null;
  readonly units: readonly string[] | null;
  /** What the file says of its values, band by band. */
  readonly statistics: readonly (BandStatistics | null)[] | null;
  /** Band that is alpha, from 0. */
  readonly alphaBand: number | null;
  readonly mask: SceneProfile['maskSource'];
  /** Colours by pixel value. */
  readonly palette: readonly Rgba[] | null;
  readonly classNames: readonly string[] | null;
  readonly compression: string;
  readonly block: { readonly width: number; readonly height: number };
  readonly overviews: SceneProfile['overviews'];
  readonly bytes: number;
  /** Bytes of all pixels in memory. */
  readonly decodedBytes: number;
  /** Bytes that reading it in strips of 512 rows holds at most. */
  readonly stripMemoryBytes: number;
  readonly fingerprint: string;
  /** Files beside the scene that were used. */
  readonly sidecars: readonly string[];
  /** The preview that was written. */
  readonly preview: string | null;
  readonly notes: readonly string[];
}

/** Longest edge of a preview, in pixels. */
const PREVIEW_EDGE = 1024;

/** Rows of the strips that `stripMemoryBytes` is about. */
const STRIP = 512;

/**
 * Tells what a scene is, and draws it if asked to.
 * @throws {InvalidFileError} if it cannot be opened, or drawn
 * @throws {InvalidOptionError} if it has no such page, or the preview exists
 */
export async function info(options: InfoOptions, context: TaskContext = {}): Promise<InfoResult> {
  if (options.preview !== undefined && extname(options.preview).toLowerCase() !== '.png') throw new InvalidOptionError('--preview', `expected a name that ends in .png, got ${options.preview}`);
  if (options.preview !== undefined) await checkOutput(options.preview, { overwrite: options.overwrite ?? false, option: '--preview', inFolderThere: true });
  const scene = await openScene(options.scene, options.page === undefined ? {} : { page: options.page });
  try {
    if (options.preview !== undefined) await writeWhole(options.preview, await scenePicture(scene, { maxEdge: PREVIEW_EDGE, ...(context.signal === undefined ? {} : { signal: context.signal }) }));
    return describe(scene.profile, options.preview);
  } finally {
    await scene.close();
  }
}

function describe(profile: SceneProfile, preview: string | undefined): InfoResult {
  const { width, height, transform, crs, gcps } = profile;
  const ground = transform === undefined ? undefined : groundSize(transform, crs, width / 2, height / 2);
  const area = transform === undefined ? undefined : sceneAreaM2(transform, crs, { width, height });
  return {
    source: profile.source,
    format: profile.format,
    width,
    height,
    bands: profile.bands,
    bandNames: profile.bandNames ?? null,
    dtype: profile.dtype,
    bits: profile.bits ?? null,
    page: profile.page ?? { index: 0, count: 1 },
    transform: transform ?? null,
    crs: crs === undefined ? null : { epsg: crs.epsg ?? null, name: crs.name, kind: crs.kind, proj4: crs.proj4 ?? null },
    gsd: ground === undefined ? null : { x: ground.width, y: ground.height },
    areaHa: area === undefined ? null : area / 10_000,
    lonLat: corners(profile),
    gcps: gcps === undefined ? null : { crs: gcps.crs?.name ?? null, epsg: gcps.crs?.epsg ?? null, points: gcps.points },
    rpc: profile.rpc ?? null,
    nodata: jsonNumber(profile.nodata),
    bandNodata: profile.bandNodata?.map(jsonNumber) ?? null,
    scaling: profile.scaling ?? null,
    units: profile.units ?? null,
    statistics: profile.statistics?.map((band) => band ?? null) ?? null,
    alphaBand: profile.alphaBand ?? null,
    mask: profile.maskSource,
    palette: profile.palette ?? null,
    classNames: profile.classNames ?? null,
    compression: profile.compression,
    block: { width: profile.blockWidth, height: profile.blockHeight },
    overviews: profile.overviews,
    bytes: profile.bytes,
    decodedBytes: width * height * profile.bands * bytesPerSample(profile.dtype),
    stripMemoryBytes: readMemory(profile, STRIP),
    fingerprint: profile.fingerprint,
    sidecars: profile.sidecars ?? [],
    preview: preview ?? null,
    notes: profile.notes,
  };
}

function jsonNumber(value: number | undefined): number | string | null {
  return value === undefined ? null : Number.isFinite(value) ? value : String(value);
}

function corners({ transform, crs, width, height }: SceneProfile): InfoResult['lonLat'] {
  if (transform === undefined || footprint(transform, crs, fullWindow({ width, height })) === undefined) return null;
  const lonLat = toLonLat(crs)!;
  const at = (column: number, row: number): LonLat | undefined => lonLat(...pixelToCrs(transform, column, row));
  const upperLeft = at(0, 0);
  const upperRight = at(width, 0);
  const lowerRight = at(width, height);
  const lowerLeft = at(0, height);
  const center = at(width / 2, height / 2);
  if (upperLeft === undefined || upperRight === undefined || lowerRight === undefined || lowerLeft === undefined || center === undefined) return null;
  return { upperLeft, upperRight, lowerRight, lowerLeft, center };
}

/** The result as lines for people. */
export function formatInfo(result: InfoResult): string {
  const lines: [string, string][] = [
    ['file', `${basename(result.source)} (${result.format}, ${formatBytes(result.bytes)})`],
    ['size', `${result.width} × ${result.height} pixels, ${formatBytes(result.decodedBytes)} decoded`],
    ['bands', `${result.bands} × ${result.dtype}${result.bits === null ? '' : ` (${result.bits} bits used)`}${result.bandNames === null ? '' : `: ${result.bandNames.join(', ')}`}`],
    ['crs', result.crs === null ? 'none' : `${result.crs.name}${result.crs.epsg === null ? '' : ` (EPSG:${result.crs.epsg})`}`],
  ];
  if (result.transform !== null) {
    const [x, dx, rx, y, ry, dy] = result.transform;
    lines.push(['origin', `${plain(x)}, ${plain(y)}`], ['pixel', rx === 0 && ry === 0 ? `${plain(dx)} × ${plain(dy)}` : `${plain(dx)}, ${plain(rx)} / ${plain(ry)}, ${plain(dy)} (rotated)`]);
  } else {
    lines.push(['origin', 'none']);
  }
  if (result.gsd !== null) lines.push(['on the ground', `${metres(result.gsd.x)} × ${metres(result.gsd.y)} per pixel${result.areaHa === null ? '' : `, ${hectares(result.areaHa)} in all`}`]);
  if (result.lonLat !== null) {
    const { upperLeft, upperRight, lowerRight, lowerLeft, center } = result.lonLat;
    lines.push(['centre', place(center)], ['corners', [upperLeft, upperRight, lowerRight, lowerLeft].map(place).join(' · ')]);
  }
  if (result.gcps !== null) lines.push(['control points', `${result.gcps.points.length}${result.gcps.crs === null ? '' : ` in ${result.gcps.crs}`}`]);
  if (result.rpc !== null) lines.push(['camera model', `RPC, centre ${place([result.rpc.longOffset, result.rpc.latOffset])}, height ${result.rpc.heightOffset} m`]);
  lines.push(
    ['nodata', result.bandNodata === null ? String(result.nodata ?? 'none') : result.bandNodata.map((value) => value ?? 'none').join(', ')],
    ['mask', result.mask === 'alpha' ? `alpha (band ${(result.alphaBand ?? 0) + 1})` : result.mask],
  );
  if (result.palette !== null) lines.push(['palette', `${result.palette.length} colours`]);
  if (result.scaling !== null) lines.push(['values', listed(result.scaling.map(({ scale, offset }, band) => `sample × ${plain(scale)} + ${plain(offset)}${result.units?.[band] ? ` ${result.units[band]}` : ''}`))]);
  if (result.statistics !== null) lines.push(['statistics', listed(result.statistics.map((band) => (band === null ? 'none' : `${band.min ?? '?'} to ${band.max ?? '?'}, mean ${band.mean ?? '?'}`)))]);
  if (result.classNames !== null) lines.push(['classes', result.classNames.join(', ')]);
  lines.push(
    ['blocks', `${result.block.width} × ${result.block.height}, ${result.compression}`],
    ['overviews', result.overviews.length === 0 ? 'none' : result.overviews.map((size) => `${size.width} × ${size.height}`).join(', ')],
    ['memory', `${formatBytes(result.stripMemoryBytes)} to read it in strips of ${STRIP} rows`],
    ...(result.sidecars.length === 0 ? [] : [['beside it', result.sidecars.join(', ')] as [string, string]]),
    ...(result.preview === null ? [] : [['preview', result.preview] as [string, string]]),
    ...result.notes.map((note): [string, string] => ['note', note]),
  );
  const widest = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, value]) => `${name.padEnd(widest)}  ${value}`).join('\n');
}

/** One text if all are the same; the first eight of many. */
function listed(texts: readonly string[]): string {
  if (texts.every((text) => text === texts[0])) return texts[0] ?? '';
  return `${texts.slice(0, 8).join(' · ')}${texts.length > 8 ? ' …' : ''}`;
}

function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) { value /= 1000; unit++; }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? ''}`;
}

/** A number in at most 12 digits: 0.35272, not 0.35272000000000003; JSON has it exactly. */
function plain(value: number): string {
  return String(Number(value.toPrecision(12)));
}

function metres(length: number): string {
  return `${Number(length.toPrecision(5))} m`;
}

function hectares(area: number): string {
  return area >= 10_000 ? `${(area / 100).toFixed(1)} km²` : `${Number(area.toPrecision(5))} ha`;
}

function place([lon, lat]: LonLat): string {
  return `${lon.toFixed(6)}, ${lat.toFixed(6)}`;
}
