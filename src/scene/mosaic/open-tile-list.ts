import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { InvalidFileError } from '../../errors.js';
import type { Crs, Transform } from '../../georef/index.js';
import { wrongField } from '../../raster/index.js';
import type { DataType, FreeMetadata, Rgba, SceneProfile, Window } from '../../raster/index.js';
import type { ByteSource } from '../byte-source.js';
import type { BlockScene } from '../create-scene.js';
import { parseNodata } from '../nodata.js';
import type { MosaicContext } from './context.js';
import { createMosaicScene } from './create-mosaic.js';
import { forEachOf } from './in-parallel.js';
import { createMemberTable } from './member-table.js';
import type { Member } from './member-table.js';
import { unionArea } from './union-area.js';

/** The list that `tilewright tile` writes beside its tiles. */
export const TILE_LIST = 'tiles.json';

const MAX_LIST_BYTES = 2 ** 28;
const DATA_TYPES: readonly string[] = ['uint8', 'int8', 'uint16', 'int16', 'uint32', 'int32', 'float32', 'float64'] satisfies readonly DataType[];

/** What is needed of a `tiles.json` to read its tiles as the scene that they were cut from. */
interface TileList {
  readonly tileFormat: string;
  readonly scene: {
    readonly width: number; readonly height: number; readonly bands: number; readonly dtype: DataType; readonly nodata?: number | string;
    readonly alphaBand?: number; readonly photometric?: 'rgb'; readonly transform?: Transform; readonly crs?: Crs; readonly bandNames?: readonly string[];
    readonly palette?: readonly Rgba[]; readonly classNames?: readonly string[];
    readonly scaling?: SceneProfile['scaling']; readonly units?: readonly string[];
    readonly metadata?: FreeMetadata['items']; readonly bandMetadata?: FreeMetadata['bands'];
  };
  readonly tiles: readonly { readonly file: string; readonly window: Window }[];
}

/** Whether a text begins like a list of tiles. */
export function isTileList(head: string): boolean {
  return /^\s*\{\s*"format":\s*"tilewright-tiles"/.test(head);
}

/**
 * Opens the tiles of a list as the scene that they were cut from, without copying.
 * @throws {InvalidFileError} if the list is damaged, or a tile is not there
 */
export async function openTileList(source: ByteSource, context: MosaicContext, options: { readonly cacheBytes?: number }): Promise<BlockScene> {
  const { url, path } = source;
  if (path === undefined) throw new InvalidFileError(url, 'lists of tiles on servers are not read', { advice: 'download the folder, or make a VRT of it' });
  if (source.size > MAX_LIST_BYTES) throw new InvalidFileError(url, `the list has ${source.size} bytes, more than the ${MAX_LIST_BYTES} that are read`);
  const text = Buffer.from(await source.read(0, source.size)).toString('utf8');
  await source.close();
  const { scene, tiles } = parseList(text, url);
  const folder = dirname(resolve(path));
  const members = new Map<string, Member>();
  await forEachOf(tiles, async ({ file, window }) => {
    const at = join(folder, file);
    const found = await stat(at).catch(() => undefined);
    if (!found?.isFile()) throw new InvalidFileError(url, `its tile ${file} is not there`, { advice: 'the tile command that made it writes missing tiles again' });
    members.set(at, { location: { kind: 'file', at }, expected: { width: window.width, height: window.height }, status: { size: found.size, modified: found.mtimeMs } });
  });
  const inner = { ...context, chain: [url] };
  const table = createMemberTable(members, url, inner);
  const nodata = typeof scene.nodata === 'string' ? parseNodata(scene.nodata) : scene.nodata;
  const layers = tiles.map(({ file, window }) => ({
    member: join(folder, file), placement: { target: window }, resampling: 'nearest' as const, useMask: false,
    bands: Array.from({ length: scene.bands }, (_, band) => ({ from: band, part: 'real' as const, to: band })),
  }));
  const isMasked = nodata === undefined && scene.alphaBand === undefined && unionArea(tiles.map(({ window }) => window)) < scene.width * scene.height;
  const { width, height, dtype, alphaBand, transform, crs, palette, classNames, scaling, units, metadata, bandMetadata } = scene;
  try {
    return await createMosaicScene({
      width, height, dtype, layers,
      bands: Array.from({ length: scene.bands }, (_, band) => {
        const name = scene.bandNames?.[band];
        return { fill: nodata ?? 0, ...(name === undefined ? {} : { name }) };
      }),
      ...(isMasked ? { mask: layers.map((layer) => ({ ...layer, bands: [{ from: 'mask' as const, part: 'real' as const, to: 0 }] })) } : {}),
      ...(transform === undefined ? {} : { transform }),
      ...(crs === undefined ? {} : { crs }),
      ...(nodata === undefined ? {} : { nodata }),
      ...(alphaBand === undefined ? {} : { alphaBand }),
      ...(palette === undefined ? {} : { palette }),
      ...(classNames === undefined ? {} : { classNames }),
      described: {
        ...(scene.photometric === 'rgb' ? { photometric: 'rgb' as const } : {}),
        ...(scaling === undefined ? {} : { scaling }), ...(units === undefined ? {} : { units }),
        ...(metadata === undefined ? {} : { metadata: { items: metadata, bands: bandMetadata ?? [] } }),
      },
      notes: [`${tiles.length} tiles of one scene`],
    }, table, inner, {
      source: url, format: 'tiles', outermost: true, ...(options.cacheBytes === undefined ? {} : { cacheBytes: options.cacheBytes }),
      fingerprint: createHash('sha256').update(text).update(JSON.stringify([...members.values()].map(({ location, status }) => [location, status]))).digest('hex').slice(0, 32),
    });
  } catch (error) {
    await context.open.close();
    throw error;
  }
}

function parseList(text: string, url: string): TileList {
  const refuse = (message: string): never => { throw new InvalidFileError(url, message); };
  let list: TileList | null;
  try {
    list = JSON.parse(text) as TileList | null;
  } catch (error) {
    throw new InvalidFileError(url, 'expected JSON', { cause: error });
  }
  const { scene, tiles, tileFormat } = (list ?? {}) as TileList;
  const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 1 && (value as number) < 2 ** 31;
  if (typeof scene !== 'object' || scene === null || !Array.isArray(tiles) || !isCount(scene.width) || !isCount(scene.height) || !isCount(scene.bands) || !DATA_TYPES.includes(scene.dtype)) {
    refuse('expected a scene with its size, bands and sample type, and tiles');
  }
  const wrong = wrongField(scene, scene.bands);
  if (wrong !== undefined) refuse(`the scene's ${wrong} is not what it should be`);
  if (tileFormat === 'npy') throw new InvalidFileError(url, 'expected tiles that are pictures, found npy', { advice: 'tilewright mosaic joins them to a GeoTIFF' });
  tiles.forEach((tile, i) => {
    const { file, window } = (tile ?? {}) as Partial<TileList['tiles'][number]>;
    const isPlain = typeof file === 'string' && file !== '' && basename(file) === file && !file.includes('\\');
    const isPlaced = typeof window === 'object' && window !== null && [window.x, window.y].every((value) => Number.isInteger(value) && value >= 0) && isCount(window.width) && isCount(window.height);
    if (!isPlain || !isPlaced) refuse(`tile ${i} (${JSON.stringify(file)}) has no plain name or no place`);
  });
  return list!;
}
