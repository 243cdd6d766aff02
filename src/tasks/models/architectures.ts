import { ARCHITECTURES, stagesOf, type Architecture } from '../../../models/architectures/index.js';
import { mappingsOf } from '../../../models/mappings/index.js';

export interface ArchitectureSummary extends Pick<Architecture, 'name' | 'title' | 'gives' | 'smallest'> {
  /** Edge of the input that it was made for. */
  readonly size?: number;
  /** Parts from the input on, by which layers can be frozen. */
  readonly stages: readonly string[];
  /** Libraries whose weights it takes. */
  readonly weightsOf: readonly string[];
}

export interface ListArchitecturesResult { readonly architectures: readonly ArchitectureSummary[] }

/** The networks that recipes and `models import --architecture` know. */
export function listArchitectures(): ListArchitecturesResult {
  return {
    architectures: ARCHITECTURES.map((architecture) => {
      const { name, title, gives, smallest, size } = architecture;
      return { name, title, gives, smallest, ...(size === undefined ? {} : { size }), stages: stagesOf(architecture), weightsOf: mappingsOf(name).map(({ naming }) => naming) };
    }),
  };
}
