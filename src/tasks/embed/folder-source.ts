import { readFile } from 'node:fs/promises';
import { basename, extname, resolve } from 'node:path';
import { parseTagTable } from '../../dataset/index.js';
import { InvalidOptionError } from '../../errors.js';
import type { IndexEntry } from '../../index-store/index.js';
import type { AppliedStretch, SceneProfile } from '../../raster/index.js';
import { openScene } from '../../scene/index.js';
import { fingerprintOf } from '../../run/index.js';
import { predictedSize } from '../chips/enlarge.js';
import { folderNotes, sizeNotes } from '../chips/folder-notes.js';
import { listChipFiles, listTiles } from '../chips/files.js';
import type { ChipFileReader } from '../chips/files.js';
import { planFiles } from '../chips/plan.js';
import { FILE_GROUP, fileRows, isPredicted, openRows, placedRows } from '../chips/rows.js';
import { refuseSceneChoices } from '../model-input/model-scene.js';
import { folderStretch } from '../model-input/folder-stretch.js';
import { withStretch } from '../model-input/stretch.js';
import { bandsForModel, bandsNote } from '../model-input.js';
import { pictureBands } from '../picture-bands.js';
import type { EmbedOptions } from '../embed.js';
import type { Extractor } from './extractor.js';
import { lonLat } from './source.js';
import type { EmbedSource, OpenEngine } from './source.js';

/** Whether a path names a list of tiles, as `tilewright tile` writes it. */
export function isTileList(path: string): boolean {
  return extname(path).toLowerCase() === '.json';
}

/** Prepares a folder of chips, or the tiles of a `tiles.json`. */
export async function prepareFolder(input: string, options: EmbedOptions, extractor: Extractor): Promise<EmbedSource> {
  for (const [option, value] of [['--patch-size', options.patchSize], ['--overlap', options.overlap], ['--scales', options.scales]] as const) {
    if (value !== undefined) throw new InvalidOptionError(option, `${input} is a folder of chips, which are taken whole`);
  }
  refuseSceneChoices(options, input);
  const { model, dimensions: length } = extractor;
  const path = resolve(input);
  const list = isTileList(path) ? await listTiles(path) : { ...await listChipFiles(path), scene: basename(path) };
  const { profile: first, stretch } = await firstOf(list.files.map(({ path: file }) => file), options, extractor);
  const { width, height, dtype } = first;
  const colors = pictureBands(first, model.card, (options.bands ?? []).map((band) => band - 1)).map((band) => band + 1);
  const bands = options.bands === undefined ? {} : { bands: options.bands };
  const readerOf = async (engine: OpenEngine): Promise<ChipFileReader> => ({
    predictor: await engine(dtype, dtype === 'uint8' ? predictedSize({ width, height }, model.card) : { width, height }), card: model.card, kind: 'features', dtype, ...bands, ...(stretch === undefined ? {} : { stretch }),
  });
  const tags = options.tags === undefined ? undefined : await readTags(options.tags);
  const name = list.scene;
  const tagged = list.files.filter(({ id, path: file }) => tags !== undefined && (tags.has(id.normalize('NFC')) || tags.has(basename(file).normalize('NFC')))).length;
  const notes = isTileList(path) ? sizeNotes(first, model.card) : await folderNotes({ ...list, first }, model.card);
  const warnings = [...list.notes, ...bandsNote(first, model.card, options.bands), ...notes, ...tags === undefined || tagged === list.files.length ? [] : [`${list.files.length - tagged} of ${list.files.length} chips of ${name} are not in ${options.tags}`]];
  return {
    name, chips: list.files.length, strips: Math.ceil(list.files.length / FILE_GROUP), warnings,
    identity: {
      chips: list.fingerprint, bands: options.bands === undefined ? null : [...options.bands], stretch: options.stretch ?? null,
      tags: tags === undefined ? null : fingerprintOf([...tags].map(([id, words]) => [id, ...words])),
    },
    description: { name, kind: 'folder', path, fingerprint: list.fingerprint, ...bands, ...(stretch === undefined ? {} : { stretch }), ...(options.bands === undefined ? {} : { pictureBands: colors }) },
    async plan(engine, context) {
      return planFiles({ files: list.files, reader: await readerOf(engine), width, height, rowBytes: length * 4, tableBytes: length * 8 + 300, warnings }, context);
    },
    async predict(journal, engine, context) {
      const rows = await fileRows(list.files, await readerOf(engine), { journal, length, stage: 'embed' }, context);
      await rows.close();
    },
    async* entries(journal) {
      const rows = await openRows(journal, list.files.length, length);
      try {
        for await (const { index, row, place } of placedRows(journal, rows, length)) {
          if (!isPredicted(row)) continue;
          const file = list.files[index]!;
          const [w, h] = place.size;
          const { centre, footprint } = file.place ?? place;
          const known = tags?.get(file.id.normalize('NFC')) ?? tags?.get(basename(file.path).normalize('NFC'));
          const entry: IndexEntry = {
            id: `${name}/${file.id}`, source: name, scene: resolve(file.path), window: { x: 0, y: 0, width: w, height: h }, scale: 1, ...lonLat(centre),
            ...(footprint === undefined ? {} : { footprint }), ...(known === undefined ? {} : { tags: known }),
          };
          yield { entry, vector: row };
        }
      } finally {
        await rows.close();
      }
    },
    close: () => Promise.resolve(),
  };
}

/** What is known of the first chip as the model sees it; all others are alike. */
async function firstOf(paths: readonly string[], options: EmbedOptions, { model: { card } }: Extractor): Promise<{ readonly profile: SceneProfile; readonly stretch?: AppliedStretch }> {
  const opened = await openScene(paths[0]!);
  try {
    const stretch = options.stretch === undefined ? undefined : await folderStretch(paths, card, options.stretch);
    const { profile } = stretch === undefined ? opened : withStretch(opened, stretch);
    bandsForModel(profile, card, options.bands);
    return { profile, ...(stretch === undefined ? {} : { stretch }) };
  } finally {
    await opened.close();
  }
}

/** Tags by names of files, with or without ending. */
async function readTags(path: string): Promise<Map<string, readonly string[]>> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new InvalidOptionError('--tags', `${path} cannot be read`, { cause });
  });
  const { tags, names, targets } = parseTagTable(text, path);
  return new Map(names.map((name, row) => [name, tags.filter((_, id) => targets[row * tags.length + id] === 1)]));
}
