import type { ByteSource } from '../byte-source.js';
import type { BlockScene, SceneCaches } from '../create-scene.js';
import type { LocationPolicy, MemberLocation } from './location.js';
import type { OpenMembers } from './open-members.js';
import type { SharedBlocks } from './shared-blocks.js';

/** What a mosaic, and the mosaics inside it, share. */
export interface MosaicContext {
  readonly blocks: SharedBlocks;
  readonly open: OpenMembers;
  readonly policy: LocationPolicy;
  /** The VRTs that led here, outermost first. */
  readonly chain: readonly string[];
  /** Opens the bytes of a path or a URL that a mosaic names; what its server sends on to is held to the policy, too. */
  openBytes(at: string): Promise<ByteSource>;
  /** Opens a member whose blocks go to the shared cache; a VRT among them belongs to the same mosaic. */
  openMember(source: ByteSource, location: MemberLocation, caches: SceneCaches, context: MosaicContext): Promise<BlockScene>;
}
