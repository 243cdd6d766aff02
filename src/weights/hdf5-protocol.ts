/** Messages between a file and the thread that reads it. */

export interface Hdf5Dataset {
  /** From the root, without a slash before it. */
  readonly path: string;
  readonly shape: readonly number[];
  /** Bytes of one value. */
  readonly size: number;
  readonly kind: 'integer' | 'float' | 'other';
  readonly signed: boolean;
  readonly littleEndian: boolean;
  /** In chunks, which may be compressed. */
  readonly packed: boolean;
}

export interface Hdf5Listing {
  readonly datasets: readonly Hdf5Dataset[];
  /** Texts of groups by the group's path (`''`: the root) and the attribute's name. */
  readonly attributes: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** Without `dataset`: the listing. */
export interface Hdf5Request { readonly id: number; readonly dataset?: string }

export interface Hdf5Reply { readonly id: number; readonly listing?: Hdf5Listing; readonly bytes?: Uint8Array; readonly failure?: string }
