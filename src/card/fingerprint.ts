import { createHash } from 'node:crypto';
import type { CardInput, ModelCard } from './types.js';

/** @param digest SHA-256 of the model's file, weights in other files included, in hexadecimal. */
function hashOf(digest: string, covered: unknown): string {
  return createHash('sha256').update(Buffer.from(digest, 'hex')).update(JSON.stringify(covered)).digest('hex');
}

/**
 * Fingerprint of a model's answers: its file, how samples go in, and what the numbers that come out mean. Descriptions, limits,
 * licences, scores, colours and the presence of another form do not belong to it.
 */
export function answersFingerprint(digest: string, { task, input, output }: ModelCard): string {
  const classes = output.classes.map(({ color_hint: _color, ...one }) => one);
  return hashOf(digest, { task, input, output: { ...output, classes } });
}

/** What of a card's input decides the numbers: not where the model was trained, nor which scenes it is let at. */
function decisive({ gsd: _gsd, scene_data_types: _types, ...input }: CardInput): Partial<CardInput> {
  return input;
}

/** Fingerprint of a model's feature vectors: its file, and how samples go in. The layer is told beside it. */
export function featuresFingerprint(digest: string, { input }: ModelCard): string {
  return hashOf(digest, { input: decisive(input) });
}

/** The fingerprint that older indexes have, which name no digest: over the file and the whole card. */
export function wholeFingerprint(digest: string, card: ModelCard): string {
  return hashOf(digest, card);
}

/** Fields of the input by which two cards give other numbers from one file. */
export function inputDifferences(one: ModelCard, other: ModelCard): string[] {
  const [a, b] = [decisive(one.input), decisive(other.input)] as Readonly<Record<string, unknown>>[];
  return [...new Set([...Object.keys(a!), ...Object.keys(b!)])].filter((field) => JSON.stringify(a![field]) !== JSON.stringify(b![field]));
}
