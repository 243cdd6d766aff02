import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelCard } from '../../card/index.js';

/** Name of a model's 8-bit form beside its ONNX file. */
export const INT8_FILE = 'model.int8.onnx';

/**
 * Puts the 8-bit form and the card that tells of it into a model's folder. The card tells of integers only while it tells of
 * those that are there, whenever this ends.
 * @returns the file of integers
 */
export async function writeInt8(folder: string, bytes: Uint8Array, card: ModelCard): Promise<string> {
  const file = join(folder, INT8_FILE);
  const place = join(folder, 'card.json');
  const { int8: _, ...without } = card;
  const text = (written: ModelCard): string => `${JSON.stringify(written, null, 2)}\n`;
  for (const [path, content] of [[place, text(without)], [file, bytes], [place, text(card)]] as const) {
    await writeFile(`${path}.partial`, content);
    await rename(`${path}.partial`, path);
  }
  return file;
}
