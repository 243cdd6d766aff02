import { readFile, stat, writeFile, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { stacItem } from '../../card/index.js';
import { InvalidOptionError } from '../../errors.js';
import { loadModel } from '../../predict/index.js';

export interface CardOptions {
  /** A shipped model's name, a model folder, a card or an ONNX file. */
  readonly model: string;
  /** A STAC item instead of the card. */
  readonly stac?: boolean;
  /** File to write instead of printing. */
  readonly output?: string;
  readonly overwrite?: boolean;
}

export interface CardResult {
  readonly output?: string;
  /** The card or the item. */
  readonly json: object;
}

/** The card of a model, as it is or as a STAC item with the machine-learning-model extension. */
export async function modelCard(options: CardOptions): Promise<CardResult> {
  const { card, file, bytes } = await loadModel(options.model);
  const folder = dirname(file);
  const files = [{ key: 'model', href: `./${basename(file)}`, bytes, title: `${card.name} (float32)` }];
  if (card.int8 !== undefined) files.push({ key: 'int8', href: `./${card.int8.file}`, bytes: (await stat(join(folder, card.int8.file))).size, title: `${card.name} (8-bit integers)` });
  const datetime = (await stat(file)).mtime.toISOString();
  const json = options.stac === true ? stacItem(card, { datetime, files }) : card;
  if (options.output === undefined) return { json };
  if (options.overwrite !== true && await readFile(options.output).then(() => true, () => false)) throw new InvalidOptionError('-o', `${options.output} exists`, { advice: 'add --overwrite to replace it' });
  await writeFile(`${options.output}.partial`, `${JSON.stringify(json, null, 2)}\n`);
  await rename(`${options.output}.partial`, options.output);
  return { output: options.output, json };
}
