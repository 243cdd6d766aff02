import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { PARTS_FOLDER, addToIndex, writeParts } from '../../index-store/index.js';
import type { Addition, IndexManifest } from '../../index-store/index.js';
import { hasJournal, journalPart, openJournal } from '../../run/index.js';
import type { Journal, JournalOptions, TaskContext } from '../../run/index.js';
import type { EmbedOptions, EmbedResult } from '../embed.js';
import type { EmbedSource, OpenEngine } from './source.js';

export interface EmbedJob {
  readonly options: EmbedOptions;
  /** The index as it is; what it says of the model is what is written. */
  readonly base: IndexManifest;
  readonly sources: readonly EmbedSource[];
}

/** Embeds sources one after the other, as one run with one journal, and adds all of them to the index at once. */
export async function runEmbed(
  job: EmbedJob & { readonly openEngine: OpenEngine }, context: TaskContext,
): Promise<Pick<EmbedResult, 'sources' | 'added' | 'nodata' | 'count' | 'resumedStrips'>> {
  const { options, base, sources } = job;
  const journal = await openJournal(journalOptions(job));
  let finished = false;
  try {
    const resumedStrips = journal.states.length;
    const parts = await partsOf(journal, sources);
    const total = sources.reduce((sum, { strips }) => sum + strips, 0);
    for (const [i, source] of sources.entries()) {
      const part = parts[i]!;
      if (part.states.length === source.strips) continue;
      await source.predict(part, job.openEngine, sources.length === 1 && source.description.scales === undefined ? context : inAll(context, journal, total, sources.length === 1 ? '' : `${source.name}, `));
      await source.close();
    }
    const from = join(journal.folder, PARTS_FOLDER);
    await rm(from, { recursive: true, force: true });
    const additions: Addition[] = [];
    for (const [i, source] of sources.entries()) {
      const written = await writeParts(source.entries(parts[i]!), { folder: from, source: source.name, dimensions: base.dimensions });
      const count = written.reduce((sum, { rows }) => sum + rows, 0);
      additions.push({ source: { ...source.description, count, nodata: source.chips - count }, parts: written });
      await source.close();
    }
    const empty = { ...base, count: 0, sources: [], parts: [] };
    const manifest = await addToIndex(options.index, additions, { from, empty, replace: options.overwrite ?? false, ...(context.signal === undefined ? {} : { signal: context.signal }) });
    await journal.complete();
    finished = true;
    const added = additions.map(({ source: { name, count, nodata } }) => ({ name, added: count, nodata }));
    return { sources: added, added: added.reduce((sum, one) => sum + one.added, 0), nodata: added.reduce((sum, one) => sum + one.nodata, 0), count: manifest.count, resumedStrips };
  } finally {
    if (!finished) await journal.close();
  }
}

/** Removes what a run left that was killed after its entries were in the index. Other unfinished runs are left alone. */
export async function discardFinished(job: EmbedJob): Promise<void> {
  const options = journalOptions(job);
  if (!await hasJournal(options.folder)) return;
  const journal = await openJournal({ ...options, restart: false }).catch(() => undefined);
  await journal?.complete();
}

function journalOptions({ options, base, sources }: EmbedJob): JournalOptions {
  const folder = `${resolve(options.index)}.partial`;
  const identity = Object.fromEntries(sources.flatMap((source) => Object.entries(source.identity).map(([what, value]) => [`${what} of ${source.name}`, value])));
  return {
    folder, identity: { task: 'embed/2', model: base.model.fingerprint, layer: base.model.layer, device: options.device ?? 'cpu', ...identity }, restart: options.overwrite ?? false,
    refusal: { option: '--index', advice: `give its command again to finish it, or remove ${folder}` },
  };
}

/** A journal for every source, one behind the other. */
async function partsOf(journal: Journal, sources: readonly EmbedSource[]): Promise<Journal[]> {
  const parts: Journal[] = [];
  let first = 0;
  for (const { strips } of sources) {
    parts.push(await journalPart(journal, first, strips));
    first += strips;
  }
  return parts;
}

/** Progress of one source, or of one scale of it, as that of all. @param before begins the detail. */
function inAll(context: TaskContext, journal: Journal, total: number, before: string): TaskContext {
  const { onProgress } = context;
  if (onProgress === undefined) return context;
  return { ...context, onProgress: (progress) => onProgress({ ...progress, done: journal.states.length, total, unit: 'strips', detail: `${before}${progress.detail ?? ''}` }) };
}
