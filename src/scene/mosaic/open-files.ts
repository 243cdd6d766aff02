import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import { InvalidFileError } from '../../errors.js';
import type { SceneProfile, Window } from '../../raster/index.js';
import type { BlockScene } from '../create-scene.js';
import type { MosaicContext } from './context.js';
import { createMosaicScene } from './create-mosaic.js';
import { forEachOf } from './in-parallel.js';
import { createMemberTable } from './member-table.js';
import type { Member } from './member-table.js';
import { commonGrid } from './same-grid.js';
import type { Layer } from './types.js';
import { unionArea } from './union-area.js';

/** Endings of files that belong to a folder's mosaic; everything else in it is left alone. */
const ENDINGS: ReadonlySet<string> = new Set(['.tif', '.tiff', '.jpg', '.jpeg', '.png', '.webp']);

const MAX_FILES = 100_000;

/** The rasters directly in a folder, in the order of their names, numbers inside names by value. @throws {InvalidFileError} if there is none */
export async function listRasters(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => !entry.isDirectory() && ENDINGS.has(extname(entry.name).toLowerCase())).map(({ name }) => name);
  if (names.length === 0) throw new InvalidFileError(folder, 'the folder holds no GeoTIFF, JPEG, PNG or WebP', { advice: 'expected rasters of one grid directly in it' });
  const order = new Intl.Collator('en', { numeric: true });
  return names.sort((a, b) => order.compare(a, b) || (a < b ? -1 : 1)).map((name) => join(folder, name));
}

/**
 * Opens several rasters of one grid as one scene: same coordinate system, pixel size, bands and nodata, origins a whole
 * number of pixels apart. Later files cover earlier ones, but for their missing pixels; where no file is, pixels are missing.
 * @throws {InvalidFileError} naming the first file that cannot be read, or differs
 */
export async function openFiles(paths: readonly string[], label: string, context: MosaicContext, options: { readonly cacheBytes?: number }): Promise<BlockScene> {
  if (paths.length > MAX_FILES) throw new InvalidFileError(label, `expected at most ${MAX_FILES} files, found ${paths.length}`);
  const names = [...new Set(paths.map((path) => resolve(path)))];
  const members = new Map<string, Member>(names.map((name) => [name, { location: { kind: 'file', at: name } }]));
  const inner = { ...context, chain: [label] };
  await forEachOf(names, async (name) => {
    const found = await stat(name).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') throw new InvalidFileError(name, 'no such file', { cause: error });
      throw error;
    });
    members.set(name, { location: { kind: 'file', at: name }, status: { size: found.size, modified: found.mtimeMs } });
  });
  const table = createMemberTable(members, label, inner);
  const profiles: SceneProfile[] = [];
  try {
    await forEachOf(names, async (name, i) => { profiles[i] = await table.profile(name); });
    const { width, height, transform, windows } = commonGrid(profiles);
    const [first] = profiles as [SceneProfile];
    const covered = unionArea(windows);
    const hasGaps = covered < width * height;
    const isMasked = first.nodata === undefined && first.alphaBand === undefined
      && (hasGaps || profiles.some((profile) => profile.maskSource === 'internal' || profile.maskSource === 'external'));
    return await createMosaicScene({
      width, height, dtype: first.dtype, transform,
      bands: Array.from({ length: first.bands }, (_, band) => {
        const name = first.bandNames?.[band];
        return { fill: first.bandNodata === undefined ? first.nodata ?? 0 : first.bandNodata[band] ?? 0, ...(name === undefined ? {} : { name }) };
      }),
      ...(first.isComplex === true ? { isComplex: true } : {}),
      ...(first.crs === undefined ? {} : { crs: first.crs }),
      ...(first.nodata === undefined ? {} : { nodata: first.nodata }),
      ...(first.bandNodata === undefined ? {} : { bandNodata: first.bandNodata }),
      described: { ...(first.photometric === undefined ? {} : { photometric: first.photometric }), ...(first.scaling === undefined ? {} : { scaling: first.scaling }), ...(first.units === undefined ? {} : { units: first.units }) },
      ...(first.alphaBand === undefined ? {} : { alphaBand: first.alphaBand }),
      ...(first.palette === undefined ? {} : { palette: first.palette }),
      ...(first.classNames === undefined ? {} : { classNames: first.classNames }),
      layers: names.map((name, i) => layerOf(name, windows[i]!, profiles[i]!, profiles[i]!.bands)),
      ...(isMasked ? { mask: names.map((name, i) => maskOf(name, windows[i]!, profiles[i]!)) } : {}),
      notes: [
        `${names.length} files on one grid`,
        ...(hasGaps ? [`${percent(1 - covered / (width * height))} of it lies in no file and is nodata`] : []),
        ...first.notes,
      ],
    }, table, inner, {
      source: label, format: 'files', outermost: true, ...(options.cacheBytes === undefined ? {} : { cacheBytes: options.cacheBytes }),
      fingerprint: createHash('sha256').update(JSON.stringify([...members.values()].map(({ location, status }) => [location, status]))).digest('hex').slice(0, 32),
    });
  } catch (error) {
    await context.open.close();
    throw error;
  }
}

function layerOf(member: string, window: Window, profile: SceneProfile, bands: number): Layer {
  return {
    member, placement: { target: window }, resampling: 'nearest',
    bands: Array.from({ length: bands }, (_, band) => (profile.isComplex === true ? { from: band >> 1, part: band % 2 === 0 ? 'real' : 'imaginary', to: band } : { from: band, part: 'real', to: band })),
    // Where the bands' values differ, a pixel is missing if all its bands have theirs: that is what its mask says.
    ...(profile.nodata === undefined || profile.bandNodata !== undefined ? {} : { nodata: profile.nodata }),
    useMask: (profile.nodata === undefined || profile.bandNodata !== undefined) && profile.maskSource !== 'none',
  };
}

/** Which pixels of the mosaic a file gives data for. */
function maskOf(member: string, window: Window, profile: SceneProfile): Layer {
  return { member, placement: { target: window }, resampling: 'nearest', bands: [{ from: 'mask', part: 'real', to: 0 }], useMask: profile.maskSource !== 'none' };
}

function percent(share: number): string {
  return share < 0.001 ? 'less than 0.1 %' : `${Number((share * 100).toPrecision(3))} %`;
}
