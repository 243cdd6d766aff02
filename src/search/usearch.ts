import { EnvironmentError } from '../errors.js';

/** The part of usearch (an HNSW graph: Malkov and Yashunin 2018) that is used here. */
export interface GraphIndex {
  add(keys: BigUint64Array, vectors: Float32Array, threads: number): void;
  search(vector: Float32Array, k: number, threads: number): { readonly keys: BigUint64Array };
  size(): number;
  save(path: string): void;
  view(path: string): void;
}

export interface GraphSettings {
  readonly dimensions: number;
  readonly metric: 'l2sq' | 'cos';
  readonly quantization: 'f16' | 'f32';
  /** Neighbours per node. */
  readonly connectivity: number;
  /** Nodes that are looked at when one is added, and when one is searched for. */
  readonly expansion_add: number;
  readonly expansion_search: number;
  readonly multi: boolean;
}

type Usearch = { readonly Index: new (settings: GraphSettings) => GraphIndex };

/** Makes graphs. @throws {EnvironmentError} where usearch, an optional dependency, is not installed or has no binary for this machine. */
export async function loadUsearch(): Promise<(settings: GraphSettings) => GraphIndex> {
  try {
    const { Index } = await import('usearch') as unknown as Usearch;
    return (settings) => new Index(settings);
  } catch (cause) {
    throw new EnvironmentError('approximate search needs the package usearch, which is not here or has no binary for this machine', { cause, advice: 'install it with: npm install usearch@2.25.3, or search without --ann' });
  }
}
