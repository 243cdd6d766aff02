import { basename, extname, resolve } from 'node:path';
import { InvalidOptionError } from '../../errors.js';
import { createGrid, patchCount } from '../../grid/index.js';
import type { Grid } from '../../grid/index.js';
import type { EmbeddedEntry, IndexSource } from '../../index-store/index.js';
import type { AppliedStretch, Scene, Window } from '../../raster/index.js';
import { isRemote, openScene } from '../../scene/index.js';
import { journalPart } from '../../run/index.js';
import type { Journal, Json } from '../../run/index.js';
import { chipEdge, chipId, pageName } from '../chips/patches.js';
import { chipPlaces } from '../chips/places.js';
import { planChips } from '../chips/plan.js';
import { griddedRows, isPredicted, openRows, sceneRows } from '../chips/rows.js';
import type { ChipSource } from '../chips/strips.js';
import { bandsForModel, bandsNote, domainWarnings } from '../model-input.js';
import { asModelSees } from '../model-input/model-scene.js';
import { metresPerPixel, reduceScene } from '../model-input/reduced-scene.js';
import { pictureBands } from '../picture-bands.js';
import type { EmbedOptions } from '../embed.js';
import type { Extractor } from './extractor.js';
import { lonLat } from './source.js';
import type { EmbedSource, OpenEngine } from './source.js';

/** A scene in one of the asked sizes. */
interface View {
  readonly scale: number;
  readonly scene: Scene;
  readonly grid: Grid;
  /** From its pixels to those of the file. */
  readonly toFile: (window: Window) => Window;
}

interface OpenedScene {
  readonly scene: Scene;
  readonly views: readonly View[];
  readonly bands: readonly number[];
  readonly stretch?: AppliedStretch;
}

/** Prepares a scene and keeps it open: everything about it is checked. */
export async function prepareScene(input: string, options: EmbedOptions, extractor: Extractor): Promise<EmbedSource> {
  const { card } = extractor.model;
  const length = extractor.dimensions;
  const edge = chipEdge(card, options.patchSize);
  let kept: OpenedScene | undefined = await openViews(input, options, extractor, edge);
  const opened = async (): Promise<OpenedScene> => (kept ??= await openViews(input, options, extractor, edge));
  const { scene: { profile: file }, views, bands, stretch } = kept;
  const { profile } = views[0]!.scene;
  // A URL without its signature: an index goes to other people.
  const safe = isRemote(input) ? profile.source : input;
  const name = pageName(basename(safe, extname(safe)), file);
  const page = file.page === undefined || file.page.index === 0 ? {} : { page: file.page.index };
  const path = isRemote(safe) ? safe : resolve(safe);
  const { overlap } = views[0]!.grid;
  const scales = views.map(({ scale }) => scale);
  const left = (options.scales ?? [1]).filter((scale) => !scales.includes(scale));
  const warnings = [
    ...profile.notes.filter((note) => !file.notes.includes(note)), ...bandsNote(profile, card, options.bands), ...domainWarnings(card, metresPerPixel(profile), file),
    ...left.map((scale) => `${name} is smaller than one chip at scale ${scale}, which is left out`),
  ];
  const description: Omit<IndexSource, 'count' | 'nodata'> = {
    name, kind: 'scene', path, ...page, fingerprint: profile.fingerprint, bands: bands.map((band) => band + 1), pictureBands: pictureBands(profile, card, bands).map((band) => band + 1),
    width: file.width, height: file.height, patchSize: edge, overlap, ...(scales.length === 1 && scales[0] === 1 ? {} : { scales }), ...(stretch === undefined ? {} : { stretch }),
    ...(file.transform === undefined ? {} : { transform: file.transform }), ...(file.crs === undefined ? {} : { crs: file.crs }),
  };
  const chips = views.reduce((sum, { grid }) => sum + patchCount(grid), 0);
  const sourceOf = async ({ scene, grid }: View, engine: OpenEngine): Promise<ChipSource> => (
    { scene, grid, bands, kind: 'features', predictor: await engine(scene.profile.dtype, { width: edge, height: edge }) });

  /** Steps of the journal before a view. */
  const before = (i: number): number => views.slice(0, i).reduce((sum, { grid }) => sum + grid.rows.length, 0);

  async function* viewEntries(view: View, journal: Journal): AsyncGenerator<EmbeddedEntry> {
    const { scene, grid, scale, toFile } = view;
    const placeOf = chipPlaces(scene.profile);
    const gsd = metresPerPixel(scene.profile);
    const prefix = scale === 1 ? name : `${name}_x${scale}`;
    const rows = await openRows(journal, grid, length);
    try {
      for await (const { row, column, values } of griddedRows({ grid }, rows, length)) {
        if (!isPredicted(values)) continue;
        const window = { x: grid.columns[column]!, y: grid.rows[row]!, width: edge, height: edge };
        const { centre, footprint } = placeOf(window);
        yield {
          entry: {
            id: chipId(prefix, grid, row, column), source: name, scene: path, window: toFile(window), scale, ...(gsd === undefined ? {} : { gsd: Number(gsd.toPrecision(9)) }),
            ...lonLat(centre), ...(footprint === undefined ? {} : { footprint }),
          }, vector: values,
        };
      }
    } finally {
      await rows.close();
    }
  }

  return {
    name, chips, strips: before(views.length), warnings, description,
    identity: { scene: profile.fingerprint, 'patch size': edge, overlap, scales, bands: [...bands], stretch: (stretch ?? null) as unknown as Json },
    async plan(engine, context) {
      const source = await sourceOf((await opened()).views[0]!, engine);
      const plan = await planChips({ ...source, warnings }, { output: chips * (length * 8 + 300), temporary: chips * length * 4 }, context);
      return { ...plan, strips: before(views.length), chips, estimatedSeconds: plan.secondsPerChip * chips };
    },
    async predict(journal, engine, context) {
      const now = await opened();
      for (const [i, view] of now.views.entries()) {
        const part = await journalPart(journal, before(i), view.grid.rows.length);
        if (part.states.length === view.grid.rows.length) continue;
        const rows = await sceneRows(await sourceOf(view, engine), { journal: part, length, stage: 'embed' }, context);
        await rows.close();
      }
    },
    async* entries(journal) {
      const now = await opened();
      for (const [i, view] of now.views.entries()) yield* viewEntries(view, await journalPart(journal, before(i), view.grid.rows.length));
    },
    async close() {
      const open = kept;
      kept = undefined;
      await open?.scene.close();
    },
  };
}

async function openViews(input: string, options: EmbedOptions, extractor: Extractor, edge: number): Promise<OpenedScene> {
  const { card } = extractor.model;
  const opened = await openScene(input, options.page === undefined ? {} : { page: options.page });
  try {
    const { scene, stretch, toFile } = await asModelSees(opened, card, options);
    const bands = bandsForModel(scene.profile, card, options.bands);
    const { width, height } = scene.profile;
    const asked = checkedScales(options.scales);
    // At scale 1 a scene that is smaller than a chip is mirrored; larger chips would say nothing that this one does not.
    const fitting = asked.filter((scale) => scale === 1 || (width >= scale * edge && height >= scale * edge));
    if (fitting.length === 0) throw new InvalidOptionError('--scales', `${input} has ${width} × ${height} pixels, less than a chip of ${edge} at scales ${asked.join(', ')}`, { advice: 'take smaller scales' });
    const views = fitting.map((scale): View => {
      const seen = scale === 1 ? scene : reduceScene(scene, scale);
      return {
        scale, scene: seen, grid: createGrid({ width: seen.profile.width, height: seen.profile.height, patchSize: edge, overlap: options.overlap ?? 0 }),
        toFile: ({ x, y, width: w, height: h }) => toFile({ x: x * scale, y: y * scale, width: w * scale, height: h * scale }),
      };
    });
    return { scene: opened, views, bands, ...(stretch === undefined ? {} : { stretch }) };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

/** @throws {InvalidOptionError} unless they are different whole numbers from 1 to 64. */
export function checkedScales(scales: readonly number[] = [1]): readonly number[] {
  const wrong = scales.find((scale, i) => !Number.isInteger(scale) || scale < 1 || scale > 64 || scales.indexOf(scale) !== i);
  if (scales.length === 0 || wrong !== undefined) throw new InvalidOptionError('--scales', `expected different whole numbers from 1 to 64, such as 1,2,4, got ${scales.join(',') || 'none'}`);
  return scales;
}
