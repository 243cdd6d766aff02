import { readFile } from 'node:fs/promises';
import { ModelError } from '../../errors.js';

export type Fields = Readonly<Record<string, unknown>>;

/** A card of which only some parts are given. @throws {ModelError} if it cannot be read or is not JSON. */
export async function partialCard(path: string): Promise<Fields> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => { throw new ModelError(path, 'the card cannot be read', { cause }); });
  try {
    return fieldsOf(JSON.parse(text));
  } catch (cause) {
    throw new ModelError(path, `the card is not JSON: ${(cause as Error).message}`, { cause });
  }
}

/** A part of a card as fields; none if it is no object. */
export function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {};
}
