import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { InvalidFileError } from '../../errors.js';
import type { ByteSource } from '../byte-source.js';
import type { BlockScene } from '../create-scene.js';
import { fingerprint } from '../fingerprint.js';
import type { MosaicContext } from './context.js';
import { createMosaicScene } from './create-mosaic.js';
import { forEachOf } from './in-parallel.js';
import { isInside, locate, shortName } from './location.js';
import type { Location, MemberLocation } from './location.js';
import { createMemberTable } from './member-table.js';
import type { Member, MemberTable } from './member-table.js';
import type { Layer, Mosaic } from './types.js';
import { parseVrt } from './vrt-file.js';
import type { VrtBand, VrtFile } from './vrt-file.js';
import type { VrtSource } from './vrt-source.js';

/** A VRT of ten thousand files with four bands has about 30 MB. */
const MAX_VRT_BYTES = 2 ** 28;

/** VRTs in VRTs in VRTs. */
const MAX_DEPTH = 6;

export interface OpenVrtOptions {
  readonly cacheBytes?: number;
}

/**
 * Opens a VRT: simple and complex sources of files on one grid, read from the files when windows are read.
 * @throws {InvalidFileError} if it is damaged, computes what is not computed here, or names files that it may not or that are not there
 */
export async function openVrt(source: ByteSource, location: MemberLocation, context: MosaicContext, options: OpenVrtOptions): Promise<BlockScene> {
  const { url } = source;
  if (source.size > MAX_VRT_BYTES) throw new InvalidFileError(url, `the VRT has ${source.size} bytes, more than the ${MAX_VRT_BYTES} that are read`);
  const text = Buffer.from(await source.read(0, source.size)).toString('utf8');
  const vrt = parseVrt(text, url);
  const base = location.kind === 'inline' ? location.base : location;
  const chain = [...context.chain, location.kind === 'inline' ? `inline ${url}` : location.at];
  if (chain.length > MAX_DEPTH) throw new InvalidFileError(url, `VRTs in VRTs are read ${MAX_DEPTH} deep`);
  const names = new Map<string, string>();
  const members = await findMembers(vrt, base, url, { ...context, chain }, names);
  const inner = { ...context, chain };
  const table = createMemberTable(members, url, inner);
  const { mosaic, notes } = mosaicOf(vrt, names);
  const scene = await createMosaicScene({ ...mosaic, notes: [...notes, ...outsideNotes(members, base)] }, table, inner, {
    source: url,
    format: 'VRT',
    fingerprint: await vrtFingerprint(source, text, members, table),
    ...(options.cacheBytes === undefined ? {} : { cacheBytes: options.cacheBytes }),
    outermost: context.chain.length === 0,
  });
  await source.close();
  return scene;
}

/** All files that the VRT names, found and looked at. `names` tells which member a name means. */
async function findMembers(vrt: VrtFile, base: Location, url: string, context: MosaicContext, names: Map<string, string>): Promise<Map<string, Member>> {
  const members = new Map<string, Member>();
  for (const source of [...vrt.bands, ...(vrt.mask === undefined ? [] : [vrt.mask])].flatMap((band) => band.sources)) {
    const key = nameKey(source);
    if (names.has(key)) continue;
    const location = locate(source.file, source.relative, base, url, context.policy);
    const member = location.kind === 'inline' ? `${url} ${location.text}` : location.at;
    names.set(key, member);
    if (location.kind !== 'inline' && context.chain.includes(location.at)) {
      throw new InvalidFileError(url, `it contains itself: ${[...context.chain.map(shortName), shortName(location.at)].join(' → ')}`);
    }
    members.set(member, { location, ...(source.expected === undefined ? {} : { expected: source.expected }) });
  }
  await forEachOf([...members], async ([name, member]) => {
    if (member.location.kind !== 'file') return;
    const { at } = member.location;
    const found = await stat(at).catch((error: NodeJS.ErrnoException) => {
      const isAbsent = error.code === 'ENOENT' || error.code === 'ENOTDIR';
      throw new InvalidFileError(url, `its source ${shortName(at)} ${isAbsent ? 'does not exist' : `cannot be read (${error.code ?? 'unknown reason'})`}`, { cause: error });
    });
    if (!found.isFile()) throw new InvalidFileError(url, `expected a file as its source, found ${name}`);
    members.set(name, { ...member, status: { size: found.size, modified: found.mtimeMs } });
  });
  return members;
}

/** The same name means other files with and without `relativeToVRT`. */
function nameKey(source: Pick<VrtSource, 'file' | 'relative'>): string {
  return `${source.relative ? 'beside' : 'here'} ${source.file}`;
}

/** A note about files that lie elsewhere: they are read, but not without saying so. */
function outsideNotes(members: ReadonlyMap<string, Member>, base: Location): string[] {
  if (base.kind !== 'file') return [];
  const folder = dirname(base.at);
  const outside = [...members.values()].flatMap(({ location }) => (location.kind === 'file' && !isInside(location.at, folder) ? [location.at] : []));
  const remote = [...members.values()].filter(({ location }) => location.kind === 'url').length;
  return [
    ...(outside.length === 0 ? [] : [`reads ${outside.length === 1 ? 'a file' : `${outside.length} files`} outside its folder: ${outside[0]!}${outside.length > 1 ? ' …' : ''}`]),
    ...(remote === 0 ? [] : [`reads ${remote} files from servers`]),
  ];
}

/** Changes when the VRT or one of its files changes; those of VRTs inside it count, too. */
async function vrtFingerprint(source: ByteSource, text: string, members: ReadonlyMap<string, Member>, table: MemberTable): Promise<string> {
  const hash = createHash('sha256').update(source.state === undefined ? text : await fingerprint(source)).update(text);
  for (const [name, { location, status }] of members) {
    // One after the other: VRTs that contain each other are found only so.
    const inner = location.kind === 'inline' || isVrtName(location.at) ? (await table.profile(name)).fingerprint : '';
    hash.update(JSON.stringify([location.kind === 'inline' ? '' : location.at, status ?? null, inner]));
  }
  return hash.digest('hex').slice(0, 32);
}

/** VRTs inside others must have a name that says so: then circles among them are found when they are opened. */
export function isVrtName(at: string): boolean {
  return /\.vrt$/i.test(at.replace(/[?#].*$/, ''));
}

function mosaicOf(vrt: VrtFile, names: ReadonlyMap<string, string>): { readonly mosaic: Omit<Mosaic, 'notes'>; readonly notes: string[] } {
  const { width, height, dtype, isComplex, bands, transform, crs } = vrt;
  const [first] = bands;
  const values = inParts(bands.map((band) => band.nodata), isComplex);
  const nodata = values.find((value) => value !== undefined);
  const differ = values.some((value) => !Object.is(value, nodata));
  const alphaBand = bands.findIndex((band) => band.isAlpha);
  const isSingle = bands.length === 1;
  return {
    notes: [...vrt.notes],
    mosaic: {
      width, height, dtype,
      bands: inParts(bands.map(({ fill, name, isWide, dtype: type }) => ({
        fill, ...(name === undefined ? {} : { name }), ...(isWide === true ? { isWide } : {}), ...(type === dtype ? {} : { dtype: type }),
      })), isComplex),
      ...(isComplex ? { isComplex } : {}),
      layers: layersOf(bands, isComplex, names),
      ...(vrt.mask === undefined ? {} : { mask: layersOf([vrt.mask], false, names) }),
      described: describedOf(vrt),
      ...(transform === undefined ? {} : { transform }),
      ...(crs === undefined ? {} : { crs }),
      ...(nodata === undefined ? {} : { nodata }),
      ...(differ ? { bandNodata: values } : {}),
      ...(alphaBand < 0 || isComplex ? {} : { alphaBand }),
      ...(isSingle && first?.palette !== undefined ? { palette: first.palette } : {}),
      ...(isSingle && first?.classNames !== undefined ? { classNames: first.classNames } : {}),
    },
  };
}

/** A band of complex numbers is two bands of their parts. */
function inParts<T>(bands: readonly T[], isComplex: boolean): readonly T[] {
  return isComplex ? bands.flatMap((band) => [band, band]) : bands;
}

const COLOURS = ['red', 'green', 'blue'];

function describedOf({ bands: written, isComplex, gcps, rpc, metadata }: VrtFile): NonNullable<Mosaic['described']> {
  const bands = inParts(written, isComplex);
  return {
    ...(COLOURS.every((colour, i) => bands[i]?.colour === colour) ? { photometric: 'rgb' as const } : {}),
    ...(gcps === undefined ? {} : { gcps }),
    ...(rpc === undefined ? {} : { rpc }),
    ...(metadata === undefined ? {} : { metadata: { ...metadata, bands: inParts(metadata.bands, isComplex) } }),
    ...(bands.some((band) => band.scaling !== undefined) ? { scaling: bands.map((band) => band.scaling ?? { scale: 1, offset: 0 }) } : {}),
    ...(bands.some((band) => band.unit !== undefined) ? { units: bands.map((band) => band.unit ?? '') } : {}),
  };
}

/**
 * The sources of all bands as layers. What several bands take from the same place of a file in the same way becomes one
 * layer, so that it is read once. The order within each band stays as it was, and no other order matters.
 */
function layersOf(bands: readonly VrtBand[], isComplex: boolean, names: ReadonlyMap<string, string>): Layer[] {
  const parts = isComplex ? ['real', 'imaginary'] as const : ['real'] as const;
  const layers: Layer[] = [];
  const most = Math.max(0, ...bands.map((band) => band.sources.length));
  for (let i = 0; i < most; i++) {
    const alike = new Map<string, { readonly source: VrtSource; readonly bands: Layer['bands'][number][] }>();
    bands.forEach((band, index) => {
      const source = band.sources[i];
      if (source === undefined) return;
      const { band: from, expected, nodata, ...rest } = source;
      const key = JSON.stringify([rest, nodata === undefined ? null : String(nodata), expected]);
      const group = alike.get(key) ?? { source, bands: [] };
      parts.forEach((part, p) => { group.bands.push({ from, part, to: index * parts.length + p }); });
      alike.set(key, group);
    });
    for (const { source, bands: pairs } of alike.values()) {
      const { placement, nodata, useMask, rule, resampling } = source;
      layers.push({
        member: names.get(nameKey(source))!, placement, bands: pairs, useMask, resampling,
        ...(nodata === undefined ? {} : { nodata }), ...(rule === undefined ? {} : { rule }),
      });
    }
  }
  return layers;
}
