import { basename, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { deepnessMetadata } from '../../card/index.js';
import type { ModelCard } from '../../card/index.js';
import { decodeModel, encodeModel } from '../../onnx/index.js';
import { makeFolder } from '../../run/index.js';
import type { TaskContext } from '../../run/index.js';
import { chooseThresholds, exportOnnx, mapShape, saveLayers, targetsOf, verifyOnnx, type EpochRecord, type Recipe, type RecipeNetworks, type Tensorflow, writeWhole } from '../../train/index.js';
import type { TrainOptions } from '../train.js';
import { makeCard, makeFeatureCard } from './card.js';
import { courseText } from './course.js';
import { makeReadme } from './readme.js';
import { makeReport } from './report.js';
import { confusionTable, tagTable, type Examined } from './examined.js';
import { collectExtremes, extremeChips } from './extremes.js';
import { areChips, loadSamples, type LoadedChips, type LoadedMaps, type LoadedSamples } from './samples.js';
import { answerChips, confuseClasses, confuseMaps, scoreClasses, scoreClassifier, scoredSamples, scoreTags } from './scores.js';
import { writeSeen } from './seen.js';
import { writeSplit } from './split-record.js';

export interface Trained {
  readonly recipe: Recipe;
  readonly loaded: LoadedSamples;
  readonly networks: RecipeNetworks;
  readonly options: TrainOptions;
  readonly history: readonly EpochRecord[];
  readonly bestEpoch: number;
  readonly scoreName: string;
  /** What steps were run by, for people. */
  readonly engine: string;
  /** Of the model. */
  readonly name: string;
}

/** Exports the network, checks and scores what was exported, and writes it with its card, README and report. */
export async function writeModel(tf: Tensorflow, trained: Trained, context: TaskContext): Promise<ModelCard> {
  const { recipe, loaded, networks, options } = trained;
  const { shipped } = networks;
  const model = exportOnnx({ name: trained.name, outputs: { scores: shipped.scores, ...(shipped.features === undefined ? {} : { features: shipped.features }) } });
  const full = areChips(loaded) ? loaded : await loadSamples(recipe, { data: options.data, cacheFolder: options.output, fullSize: true }, context) as LoadedMaps;
  try {
    await verifyOnnx(tf, shipped.scores, model, ...firstSquares(recipe, full, areChips(loaded) ? 1 : mapShape(recipe, shipped).multiple));
    const thresholds = areChips(loaded) && recipe.task === 'tagger' ? await thresholdsOf(recipe, model, loaded, context) : undefined;
    const examined = await examine(trained, model, full, thresholds, context);
    const dimensions = shipped.features?.outputs[0]?.shape[1] ?? undefined;
    const card = makeCard(recipe, loaded, {
      name: trained.name, dataName: basename(resolve(options.data)),
      parameters: shipped.scores.countParams(), scores: examined.scores, command: `${commandOf(options)}${recipe.card.course === undefined ? '' : ` # ${recipe.card.course}`}`,
      ...(dimensions === undefined ? {} : { dimensions }), ...(thresholds === undefined ? {} : { thresholds }), ...(areChips(loaded) ? {} : { shape: mapShape(recipe, shipped) }),
    });
    const course = courseText(trained);
    await writeFolder(options.output, { card, model, course });
    await writeSeen(options.output, full);
    await writeSplit(options.output, recipe, full);
    await writeWhole(options.output, 'recipe.yaml', stringify(recipe));
    await writeWhole(options.output, 'report.html', await makeReport(options.output, card, trained, examined));
    await saveLayers(tf, shipped.scores, join(options.output, 'layers'));
    if (shipped.features !== undefined && dimensions !== undefined) {
      const features = makeFeatureCard(card, recipe, dimensions);
      await writeFolder(join(options.output, 'features'), { card: features, model: exportOnnx({ name: features.name, outputs: { features: shipped.features } }), course });
    }
    return card;
  } finally {
    if (full !== loaded) await full.samples.close();
  }
}

/** Scores the exported model, and keeps what the report shows. */
async function examine(trained: Trained, model: Uint8Array, full: LoadedSamples, thresholds: readonly number[] | undefined, context: TaskContext): Promise<Examined> {
  const { recipe, networks } = trained;
  if (!areChips(full)) {
    const scored = scoredSamples(full.split, 'pictures', recipe.training);
    const shape = mapShape(recipe, networks.shipped);
    const extremes = collectExtremes(full, recipe);
    const matrix = await confuseMaps(model, full, scored, shape, context, (place, classes, right) => extremes.add(place, classes, right));
    return { on: scored.on, scores: scoreClasses(full, scored, matrix), table: confusionTable(matrix, full.outputs), extremes: await extremes.draw() };
  }
  const scored = scoredSamples(full.split, 'chips', recipe.training);
  const answers = await answerChips(model, full, scored.places, context);
  const extremes = await extremeChips(full, scored.places, answers, thresholds);
  if (thresholds !== undefined) return { on: scored.on, scores: scoreTags(full, scored, answers, thresholds), table: tagTable(full, scored.places, answers, thresholds), extremes };
  const matrix = confuseClasses(full, scored, answers);
  return { on: scored.on, scores: scoreClassifier(full, scored, matrix), table: confusionTable(matrix, full.outputs), extremes };
}

/** One for all, or one per tag, chosen on the validation chips. */
async function thresholdsOf(recipe: Recipe, model: Uint8Array, chips: LoadedChips, context: TaskContext): Promise<readonly number[]> {
  const { threshold = 0.5 } = recipe.training;
  if (threshold !== 'per-tag') return chips.outputs.map(() => threshold);
  const { validation } = chips.split;
  if (validation.length === 0) return chips.outputs.map(() => 0.5);
  return chooseThresholds(await answerChips(model, chips, validation, context), targetsOf(chips.samples, validation), chips.outputs.length);
}

async function writeFolder(folder: string, { card, model, course }: { readonly card: ModelCard; readonly model: Uint8Array; readonly course: string }): Promise<void> {
  await makeFolder(folder);
  const graph = decodeModel(model, card.file);
  const metadataProps = [...(graph.metadataProps ?? []), ...Object.entries(deepnessMetadata(card)).map(([key, value]) => ({ key, value }))];
  await writeWhole(folder, 'model.onnx', encodeModel({ ...graph, metadataProps }));
  await writeWhole(folder, 'README.md', makeReadme(card, course));
  await writeWhole(folder, 'card.json', `${JSON.stringify(card, null, 2)}\n`);
}

/** Real samples to compare the export on: four chips, or a corner of the first picture. */
function firstSquares(recipe: Recipe, loaded: LoadedSamples, multiple: number): [Uint8Array, [number, number, number, number]] {
  if (areChips(loaded)) {
    const { samples } = loaded;
    // A network that reduces by itself takes larger chips than those prepared; any pixels will do for a comparison.
    const edge = samples.size * (recipe.network.reduce ?? 1);
    const known = new Uint8Array(samples.size * samples.size * 3 * Math.min(4, samples.count));
    for (let chip = 0; chip < Math.min(4, samples.count); chip++) samples.read(chip, known, chip * samples.size * samples.size * 3);
    return [Uint8Array.from({ length: 4 * edge * edge * 3 }, (_, at) => known[at % known.length]!), [4, edge, edge, 3]];
  }
  const picture = loaded.samples.pictures[0]!;
  const edge = Math.max(multiple, Math.floor(Math.min(256, picture.width, picture.height) / multiple) * multiple);
  const pixels = new Uint8Array(edge * edge * 3);
  const window = { x: 0, y: 0, width: Math.min(edge, picture.width), height: Math.min(edge, picture.height) };
  const corner = loaded.samples.readWindow(0, window).pixels;
  for (let row = 0; row < window.height; row++) pixels.set(corner.subarray(row * window.width * 3, (row + 1) * window.width * 3), row * edge * 3);
  return [pixels, [1, edge, edge, 3]];
}

function commandOf(options: TrainOptions): string {
  const own = /models[\\/]recipes[\\/]([a-z0-9-]+)\.yaml$/.exec(options.recipe)?.[1];
  const recipe = own ?? `--recipe ${basename(options.recipe)}`;
  // Texts of the card are in the card, and folders differ from machine to machine.
  const settings = (options.set ?? []).filter((setting) => !setting.startsWith('card.')).map((setting) => `--set ${quoted(setting.replace(/^(training\.start_from=).*/, '$1<folder>/layers'))}`);
  return [`tilewright train ${recipe} --data <folder> -o <folder>`, ...settings].join(' ');
}

/** As a shell takes it for one word. */
function quoted(text: string): string {
  return /^[\w.=/:,@%+-]*$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
