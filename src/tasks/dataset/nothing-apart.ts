import type { Split } from '../../samples/index.js';

/** How one scene becomes several samples. */
export const DIVIDE_SCENE = 'list it several times under scenes in dataset.yaml, each time with another name and area, and keep one of these apart; or, for a tagger or classifier, cut chips: --set chip=256';

/**
 * What to say where shares were asked for, and so few samples leave none to validate or test on.
 * @param kind `chips` or `pictures`
 */
export function nothingApart({ train, validation, test }: Split, kind: string, wanted: { readonly validation: number; readonly test: number }): string | undefined {
  if (validation.length > 0 || test.length > 0 || wanted.validation + wanted.test === 0) return undefined;
  if (kind === 'pictures' && train.length === 1) return `nothing is kept apart to validate or test on: there is one picture or scene, which is one sample; ${DIVIDE_SCENE}`;
  const larger = Math.ceil(100 / (2 * train.length)) / 100;
  return `nothing is kept apart to validate or test on: shares of ${wanted.validation} and ${wanted.test} of ${train.length} ${train.length === 1 ? kind.slice(0, -1) : kind} are none${train.length === 1 ? '' : `; a share of ${larger} is one of them`}`;
}
