import { inputDifferences, wholeFingerprint } from '../card/index.js';
import type { IndexModel } from './types.js';

/**
 * What makes vectors of one model impossible to compare with another's, for people; `undefined` where they can be. Descriptions,
 * scores, colours and further forms of a model make no difference. Layers and dimensions are looked at elsewhere.
 */
export function modelDifference(found: IndexModel, wanted: IndexModel): string | undefined {
  if (found.fingerprint === wanted.fingerprint) return undefined;
  if (found.digest !== undefined && found.digest === wanted.digest) return inputDifference(found, wanted);
  // Indexes of before had a fingerprint over file and card, and the card as it was: with the file of today it gives the same.
  if (isOlderOf(found, wanted) || isOlderOf(wanted, found)) return inputDifference(found, wanted);
  if (found.precision !== undefined && wanted.precision !== undefined && found.precision !== wanted.precision) return `the index has vectors of the ${formName(found)}, this is the ${formName(wanted)}`;
  if (found.digest === undefined && wanted.digest === undefined) return 'neither index says which ONNX file it was made with, and their fingerprints differ';
  return 'the ONNX file is another one';
}

function isOlderOf(old: IndexModel, { digest }: IndexModel): boolean {
  return old.digest === undefined && digest !== undefined && wholeFingerprint(digest, old.card) === old.fingerprint;
}

function inputDifference(found: IndexModel, wanted: IndexModel): string | undefined {
  const fields = inputDifferences(found.card, wanted.card);
  return fields.length === 0 ? undefined : `the card has another ${fields.map((field) => `input.${field}`).join(' and ')} than then`;
}

function formName({ precision }: IndexModel): string {
  return precision === 'int8' ? '8-bit form (int8)' : 'float32 form';
}
