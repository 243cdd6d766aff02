import { readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { InvalidFileError } from '../../errors.js';
import type { SceneProfile } from '../../raster/index.js';
import type { ByteSource } from '../byte-source.js';
import { memorySource } from '../byte-source.js';
import type { BlockScene } from '../create-scene.js';
import { DEFAULT_IN_MEMORY_BYTES, decodedBytes } from '../picture-scene.js';
import type { MosaicContext } from './context.js';
import type { MemberLocation } from './location.js';
import type { OpenMember } from './open-members.js';

/** A member as its mosaic knows it. */
export interface Member {
  readonly location: MemberLocation;
  /** What it should be, where the mosaic tells. */
  readonly expected?: { readonly width: number; readonly height: number };
  /** Length and time of the file when the mosaic was opened. */
  readonly status?: { readonly size: number; readonly modified: number };
}

/** The members of one mosaic. They are opened when they are needed, and checked then. */
export interface MemberTable {
  /** Size in pixels; opens the member only where the mosaic does not tell it. */
  size(name: string): Promise<{ readonly width: number; readonly height: number }>;
  profile(name: string): Promise<SceneProfile>;
  use<T>(name: string, work: (scene: BlockScene) => Promise<T>): Promise<T>;
  /** Length of all files. */
  bytes(): number;
  /** Paths and URLs. */
  files(): string[];
}

/** @param url of the mosaic, for messages and as the base of VRTs inside it */
export function createMemberTable(members: ReadonlyMap<string, Member>, url: string, context: MosaicContext): MemberTable {
  const sizes = new Map<string, { readonly width: number; readonly height: number }>();
  const states = new Map<string, string>();
  const listings = new Map<string, Promise<ReadonlySet<string>>>();
  const neighboursOf = (path: string): Promise<ReadonlySet<string>> => {
    const folder = dirname(path);
    let listing = listings.get(folder);
    if (listing === undefined) {
      listing = readdir(folder).then((names) => new Set(names), () => new Set<string>());
      listings.set(folder, listing);
    }
    return listing;
  };
  const open = async (name: string): Promise<OpenMember> => {
    const member = members.get(name)!;
    const bytes = await openSource(name, member, url, context);
    const source = member.location.kind === 'file' ? { ...bytes, neighbours: await neighboursOf(member.location.at) } : bytes;
    let scene: BlockScene;
    try {
      scene = await context.openMember(source, member.location, context.blocks.viewOf(keyOf(name, member.location)), context);
    } catch (error) {
      await source.close();
      throw error;
    }
    try {
      check(scene.profile, member, states.get(name), url);
    } catch (error) {
      await scene.close();
      throw error;
    }
    states.set(name, scene.profile.fingerprint);
    return { scene, bytes: pictureBytes(scene.profile) };
  };
  const use = <T>(name: string, work: (scene: BlockScene) => Promise<T>): Promise<T> => context.open.use(keyOf(name, members.get(name)!.location), () => open(name), work);
  const profile = (name: string): Promise<SceneProfile> => use(name, (scene) => Promise.resolve(scene.profile));
  return {
    use,
    profile,
    size: async (name) => {
      const known = members.get(name)!.expected ?? sizes.get(name);
      if (known !== undefined) return known;
      const { width, height } = await profile(name);
      sizes.set(name, { width, height });
      return { width, height };
    },
    files: () => [...members.values()].flatMap(({ location }) => (location.kind === 'inline' ? [] : [location.at])),
    bytes: () => [...members.values()].reduce((sum, member) => sum + (member.status?.size ?? 0), 0),
  };
}

/** The same file in different mosaics of one tree is one file. */
function keyOf(name: string, location: MemberLocation): string {
  return location.kind === 'inline' ? `inline ${name}` : location.at;
}

async function openSource(name: string, member: Member, url: string, context: MosaicContext): Promise<ByteSource> {
  const { location, status } = member;
  if (location.kind === 'inline') return { ...memorySource(url, Buffer.from(location.text)), state: `${url} ${name}` };
  const source = await context.openBytes(location.at);
  // Members are told apart by path, length and time: reading both ends of thousands of files takes long.
  const state = source.state ?? `${location.at} ${source.size} ${source.modified ?? ''}`;
  if (status !== undefined && (status.size !== source.size || status.modified !== source.modified)) {
    await source.close();
    throw new InvalidFileError(location.at, 'it changed while the mosaic was read', { advice: 'run the same command again' });
  }
  return { ...source, state };
}

function check(found: SceneProfile, { expected }: Member, state: string | undefined, url: string): void {
  if (expected !== undefined && (expected.width !== found.width || expected.height !== found.height)) {
    throw new InvalidFileError(found.source, `${url} says that it has ${expected.width} × ${expected.height} pixels, it has ${found.width} × ${found.height}`,
      { advice: 'make the mosaic again, for example with gdalbuildvrt' });
  }
  if (state !== undefined && state !== found.fingerprint) throw new InvalidFileError(found.source, 'it changed while the mosaic was read', { advice: 'run the same command again' });
}

/** What a picture without random access holds when it is decoded. */
function pictureBytes(profile: SceneProfile): number {
  const isPicture = ['JPEG', 'PNG', 'WEBP'].includes(profile.format);
  const bytes = isPicture ? decodedBytes(profile) : 0;
  return bytes <= DEFAULT_IN_MEMORY_BYTES ? bytes : 0;
}
