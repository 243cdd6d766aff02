import { existsSync } from 'node:fs';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InvalidFileError, InvalidOptionError, TilewrightError } from '../errors.js';
import { bytesOf } from '../raster/index.js';
import type { Scene, SceneProfile } from '../raster/index.js';
import { makeFolder } from '../run/index.js';
import type { TaskContext } from '../run/index.js';
import { openScene } from '../scene/index.js';
import { openIndex } from '../index-store/index.js';
import { classify } from './classify.js';
import { embed } from './embed.js';
import { info } from './info.js';
import { mosaic } from './mosaic.js';
import { search } from './search.js';
import { segment } from './segment.js';
import { tile } from './tile.js';

export interface DemoOptions {
  /** Path of a scene. Default: the small aerial scene that ships with the project. */
  readonly scene?: string;
  /** Folder of the results; what an earlier demo left there is replaced. Default `demo`. */
  readonly output?: string;
}

export interface DemoStep {
  /** The command line that does the same. */
  readonly command: string;
  readonly seconds: number;
  /** What came out, in a few words; or why the step could not be done on this scene. */
  readonly outcome: string;
  readonly done: boolean;
  /** Files to look at. */
  readonly files: readonly string[];
}

export interface DemoResult {
  readonly scene: string;
  readonly output: string;
  readonly steps: readonly DemoStep[];
  readonly seconds: number;
}

const SHIPPED_SCENE = 'assets/demo/dubai-crop.tif';
/** Lies in folders that a demo made, whose files a later one may replace. */
const MARK = '.tilewright-demo';
const COMPARE_ROWS = 512;

/**
 * The main job from end to end on one scene: info → tile → mosaic, which must equal the scene → segment → classify → embed →
 * search. Values that are not bytes are stretched for the shipped models. A step that
 * the scene does not allow is reported, and the others go on.
 * @throws {InvalidOptionError} if the output folder holds anything that no demo made.
 */
export async function demo(options: DemoOptions = {}, context: TaskContext = {}): Promise<DemoResult> {
  const started = performance.now();
  const scene = options.scene ?? join(packageFolder(), SHIPPED_SCENE);
  const output = options.output ?? 'demo';
  const { profile } = await withScene(scene, (profile) => Promise.resolve({ profile }));
  await takeFolder(output);
  const at = (name: string): string => join(output, name);
  for (const name of ['tiles', 'mosaic.tif', 'map.tif', 'map.tif.aux.xml', 'map.png', 'tags', 'index', 'search.png']) await rm(at(name), { recursive: true, force: true });
  const bands = colourBands(profile);
  // The shipped models are made for bytes.
  const stretch = profile.dtype === 'uint8' ? undefined : { kind: 'percentile' as const, low: 2, high: 98 };
  const chosen = { ...(bands === undefined ? {} : { bands }), ...(stretch === undefined ? {} : { stretch }) };
  const flag = `${bands === undefined ? '' : ` --bands ${bands.join(',')}`}${stretch === undefined ? '' : ' --stretch percentile:2,98'}`;
  const shown = options.scene ?? relative(process.cwd(), scene);
  const { signal } = context;
  const quiet = signal === undefined ? {} : { signal };
  const steps: DemoStep[] = [];

  async function step(command: string, run: () => Promise<{ outcome: string; files?: readonly string[] }>): Promise<void> {
    const from = performance.now();
    context.onProgress?.({ stage: 'demo', done: steps.length, total: 7, unit: 'steps', detail: command.split(' ')[0]! });
    const finish = (outcome: string, done: boolean, files: readonly string[] = []): void => {
      steps.push({ command: `tilewright ${command}`, seconds: (performance.now() - from) / 1000, outcome, done, files });
    };
    try {
      const { outcome, files } = await run();
      finish(outcome, true, files);
    } catch (error) {
      if (!(error instanceof TilewrightError) || signal?.aborted) throw error;
      finish(`not done: ${error.message}`, false);
    }
  }

  await step(`info ${shown}`, async () => {
    const { width, height, bands: count, dtype, crs } = await info({ scene }, quiet);
    return { outcome: `${width} × ${height} pixels, ${count} bands of ${dtype}, ${crs?.name ?? 'no CRS'}` };
  });
  await step(`tile ${shown} ${at('tiles')}`, async () => {
    const { tiles, manifest } = await tile({ scene, folder: at('tiles'), overwrite: true }, quiet);
    return { outcome: `${tiles} georeferenced tiles of 512 pixels`, files: [manifest] };
  });
  await step(`mosaic ${at('tiles')} ${at('mosaic.tif')}`, async () => {
    await mosaic({ folder: at('tiles'), output: at('mosaic.tif'), overwrite: true }, quiet);
    const different = await countDifferentPixels(scene, at('mosaic.tif'));
    if (different > 0) throw new InvalidFileError(at('mosaic.tif'), `expected the scene's pixels, found ${different} others`);
    return { outcome: 'equals the scene in every pixel', files: [at('mosaic.tif')] };
  });
  await step(`segment ${shown} -m aerial-landcover -o ${at('map.tif')} --preview ${at('map.png')}${flag}`, async () => {
    const result = await segment({ scene, model: 'aerial-landcover', output: at('map.tif'), preview: at('map.png'), overwrite: true, ...chosen }, quiet);
    const largest = [...result.classes].sort((a, b) => b.share - a.share).slice(0, 3);
    const seam = result.seamScore === null ? '' : `; seam score ${result.seamScore.toFixed(2)}`;
    return { outcome: `${largest.map(({ name, share }) => `${name} ${(100 * share).toFixed(0)} %`).join(', ')}${seam}`, files: [at('map.tif'), at('map.png')] };
  });
  await step(`classify ${shown} -m aerial-chips -o ${at('tags')}${flag}`, async () => {
    const result = await classify({ input: scene, model: 'aerial-chips', output: at('tags'), overwrite: true, ...chosen }, quiet);
    if (!('tags' in result)) throw new TypeError('expected a result, got a plan');
    const tags = [...result.tags].filter(({ chips }) => chips > 0).sort((a, b) => b.chips - a.chips).slice(0, 3);
    return {
      outcome: `${result.chips} chips: ${tags.map(({ name, chips }) => `${name} in ${chips}`).join(', ')}`,
      files: [join(at('tags'), 'chips.csv'), join(at('tags'), 'map.png')],
    };
  });
  await step(`embed ${shown} --index ${at('index')} --overlap 128${flag}`, async () => {
    const result = await embed({ inputs: [scene], index: at('index'), overlap: 128, overwrite: true, ...chosen }, quiet);
    if (!('count' in result)) throw new TypeError('expected a result, got a plan');
    return { outcome: `${result.count} vectors of ${result.dimensions} numbers`, files: [at('index')] };
  });
  const id = await middleId(at('index')).catch(() => '<id>');
  await step(`search ${at('index')} --id ${id} -k 10 --sheet ${at('search.png')}`, async () => {
    const { results } = await search({ index: at('index'), id, k: 10, sheet: at('search.png'), overwrite: true }, quiet);
    return { outcome: `nearest to ${id}: ${results.slice(1, 4).map((hit) => `${hit.id} (${hit.distance.toFixed(2)})`).join(', ')}`, files: [at('search.png')] };
  });
  context.onProgress?.({ stage: 'demo', done: 7, total: 7, unit: 'steps' });
  return { scene, output, steps, seconds: (performance.now() - started) / 1000 };
}

/** Colour bands for a model that takes three, from 1; `undefined` where the scene's own bands are right as they are. */
function colourBands(profile: SceneProfile): number[] | undefined {
  const colours = Array.from({ length: profile.bands }, (_, band) => band).filter((band) => band !== profile.alphaBand);
  // A model for three colours sees a grey scene in all of them.
  if (colours.length < 3) return [0, 1, 2].map((band) => colours[Math.min(band, colours.length - 1)]! + 1);
  if (colours.length === 3) return undefined;
  const named = ['red', 'green', 'blue'].map((name) => profile.bandNames?.findIndex((other) => other.toLowerCase() === name) ?? -1);
  return named.every((band) => band >= 0) ? named.map((band) => band + 1) : [1, 2, 3];
}

/** The chip in the middle of the index: as good as any to begin with, and the same in every run. */
async function middleId(folder: string): Promise<string> {
  const index = await openIndex(folder);
  try {
    return index.count === 0 ? '' : (await index.entry(index.count >> 1)).id;
  } finally {
    await index.close();
  }
}

/** Makes the folder, or takes one that is empty or an earlier demo's: its files will be replaced. */
async function takeFolder(output: string): Promise<void> {
  await makeFolder(output);
  const names = await readdir(output);
  if (names.length > 0 && !names.includes(MARK)) {
    throw new InvalidOptionError('-o', `${output} is a folder with other files (${names.sort()[0]!}), and a demo replaces what it finds`, { advice: 'choose a new folder' });
  }
  await writeFile(join(output, MARK), '');
}

/** Pixels in which two scenes of one size differ, read side by side in strips. */
async function countDifferentPixels(first: string, second: string): Promise<number> {
  return withScene(first, (_, a) => withScene(second, async (profile, b) => {
    let different = 0;
    for (let y = 0; y < profile.height; y += COMPARE_ROWS) {
      const window = { x: 0, y, width: profile.width, height: Math.min(COMPARE_ROWS, profile.height - y) };
      const [p, q] = await Promise.all([a.read(window), b.read(window)]);
      const [left, right] = [bytesOf(p.data), bytesOf(q.data)];
      if (left.length !== right.length) return profile.width * profile.height;
      const perPixel = left.length / (window.width * window.height);
      for (let i = 0; i < left.length; i += perPixel) {
        for (let k = 0; k < perPixel; k++) if (left[i + k] !== right[i + k]) { different++; break; }
      }
    }
    return different;
  }));
}

async function withScene<R>(path: string, use: (profile: SceneProfile, scene: Scene) => Promise<R>): Promise<R> {
  const scene = await openScene(path);
  try {
    return await use(scene.profile, scene);
  } finally {
    await scene.close();
  }
}

/** The folder with package.json, above the compiled file. */
function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}
