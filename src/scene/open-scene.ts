import { stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { InvalidFileError, InvalidOptionError } from '../errors.js';
import { openFileSource } from './byte-source.js';
import type { ByteSource } from './byte-source.js';
import type { BlockScene, SceneCaches } from './create-scene.js';
import { isJpeg, openJpeg } from './jpeg.js';
import type { MosaicContext } from './mosaic/context.js';
import type { MemberLocation } from './mosaic/location.js';
import { listRasters, openFiles } from './mosaic/open-files.js';
import { OpenMembers } from './mosaic/open-members.js';
import { TILE_LIST, isTileList, openTileList } from './mosaic/open-tile-list.js';
import { isVrtName, openVrt } from './mosaic/open-vrt.js';
import { SharedBlocks } from './mosaic/shared-blocks.js';
import { isVrt } from './mosaic/vrt-file.js';
import type { PictureOptions } from './picture-scene.js';
import { openPng } from './png.js';
import { isPng } from './png-header.js';
import { isRemote, openRemoteSource } from './remote/open-remote.js';
import type { RemoteOptions } from './remote/open-remote.js';
import { isTiff } from './tiff/directory.js';
import { isWebp } from './tiff/webp-block.js';
import { openTiff } from './tiff/open-tiff.js';
import { openWebp } from './webp.js';

export interface OpenSceneOptions extends Omit<PictureOptions, 'caches'> {
  /** Which picture of a file that holds several (TIFF), from 0. Default 0. */
  readonly page?: number;
  /**
   * Bytes of decoded blocks that the scene keeps for later reads. Default: enough to read strips of 1024 rows patch by
   * patch without decoding a block twice, at most 256 MB. `stripCacheBytes` tells what another strip
   * height needs, `readMemory` what the scene then holds in all.
   */
  readonly cacheBytes?: number;
  /**
   * Whether a VRT on this machine may name files on servers, and a remote one files on other servers. Default: `'allow'`
   * if the environment variable `TILEWRIGHT_VRT_NETWORK` is 1, else `'refuse'`.
   */
  readonly vrtNetwork?: 'refuse' | 'allow';
  /** How servers are asked. */
  readonly remote?: RemoteOptions;
}

/** Enough to tell the formats apart, and a VRT behind its comments. */
const MAGIC_BYTES = 4096;

/**
 * Opens a raster by what its bytes say it is, whatever its name: GeoTIFF, JPEG, PNG or WebP, a path, an `http(s)://` URL or
 * `s3://bucket/key`; or several of one grid as one scene: a VRT, a folder of them, a `tiles.json`, a list of paths. Reads
 * headers and sidecars, no pixels.
 * @throws {InvalidFileError} if there is no such file, or it is of another kind, damaged, or not supported
 * @throws {RemoteError} if a server does not answer, or answers wrongly
 */
export async function openScene(source: string | readonly string[], options: OpenSceneOptions = {}): Promise<BlockScene> {
  if (typeof source !== 'string') {
    if (source.length === 0) throw new InvalidFileError('scene', 'expected at least one path, got an empty list');
    const label = source.length === 1 ? source[0]! : `${source[0]!} and ${source.length - 1} more`;
    return openFiles(source, label, mosaicContext(options), options);
  }
  const opener = mosaicContext(options);
  if (isRemote(source)) return openBytes(await openRemoteSource(source, options.remote), { kind: 'url', at: source }, opener, options);
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(source)) {
    throw new InvalidFileError(source, 'expected the path of a file or folder, or a URL that begins with https://, http:// or s3://');
  }
  const found = await stat(source).catch(() => undefined);
  if (found?.isDirectory()) {
    const list = join(source, TILE_LIST);
    const hasList = await stat(list).then((status) => status.isFile(), () => false);
    if (!hasList) return openFiles(await listRasters(source), source, opener, options);
    source = list;
  }
  return openBytes(await openFileSource(source), { kind: 'file', at: resolve(source) }, opener, options);
}

async function openBytes(source: ByteSource, location: MemberLocation, context: MosaicContext, options: OpenSceneOptions): Promise<BlockScene> {
  try {
    return await openSource(source, location, context, options);
  } catch (error) {
    await source.close();
    await context.open.close();
    throw error;
  }
}

/** What mosaics in this scene share, and how their members are opened. */
function mosaicContext(options: OpenSceneOptions): MosaicContext {
  const network = options.vrtNetwork ?? (process.env['TILEWRIGHT_VRT_NETWORK'] === '1' ? 'allow' : 'refuse');
  return {
    blocks: new SharedBlocks(),
    open: new OpenMembers(),
    policy: { network },
    chain: [],
    openBytes: (at) => (isRemote(at) ? openRemoteSource(at, options.remote, network === 'allow' ? 'anywhere' : 'same-server') : openFileSource(at)),
    openMember: (source, location, caches, context) => openSource(source, location, context, { ...options, page: 0, caches }),
  };
}

type SourceOptions = OpenSceneOptions & { readonly caches?: SceneCaches };

async function openSource(source: ByteSource, location: MemberLocation, context: MosaicContext, options: SourceOptions): Promise<BlockScene> {
  const scene = await openFormat(source, location, context, options);
  source.opened?.();
  return scene;
}

async function openFormat(source: ByteSource, location: MemberLocation, context: MosaicContext, options: SourceOptions): Promise<BlockScene> {
  const magic = await source.read(0, MAGIC_BYTES);
  if (isTiff(magic)) return openTiff(source, options);
  if ((options.page ?? 0) > 0) throw new InvalidOptionError('--page', `${source.url} holds one picture, got ${options.page! + 1}`);
  if (isJpeg(magic)) return openJpeg(source, options);
  if (isPng(magic)) return openPng(source, options);
  if (isWebp(magic)) return openWebp(source, options);
  const text = Buffer.from(magic).toString('utf8');
  if (isVrt(text)) {
    if (context.chain.length > 0 && location.kind !== 'inline' && !isVrtName(location.at)) {
      throw new InvalidFileError(source.url, 'it is a VRT inside another, but its name does not end in .vrt', { advice: 'rename it' });
    }
    return openVrt(source, location, context, options);
  }
  if (isTileList(text) && context.chain.length === 0) return openTileList(source, context, options);
  throw new InvalidFileError(source.url, `expected a GeoTIFF, JPEG, PNG, WebP or VRT, found ${describe(magic.subarray(0, DESCRIBED_BYTES))}`);
}

const DESCRIBED_BYTES = 16;

/** What a file of an unknown kind starts with, in words. */
function describe(magic: Uint8Array): string {
  const isText = magic.every((byte) => (byte >= 32 && byte < 127) || byte === 9 || byte === 10 || byte === 13 || byte >= 0xc2);
  const text = Buffer.from(magic).toString('utf8').replace(/\s+/g, ' ').trim();
  if (isText && text !== '') return `text that begins with "${text}"`;
  return `bytes ${Buffer.from(magic.subarray(0, 8)).toString('hex').replace(/(..)(?=.)/g, '$1 ')}`;
}
