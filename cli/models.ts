import type { Command } from 'commander';
import { shapeSizes } from '../src/card/index.js';
import type { ModelCard } from '../src/card/index.js';
import { formatBytes } from '../src/run/index.js';
import { importModel, listModels, showModel } from '../src/tasks/models.js';
import type { ImportModelOptions, ImportModelResult, ListModelsResult, ShowModelResult } from '../src/tasks/models.js';
import { modelCard } from '../src/tasks/models/stac.js';
import type { CardOptions } from '../src/tasks/models/stac.js';
import type { QuantizeOptions, QuantizeResult } from '../src/tasks/quantize.js';
import { listArchitectures, type ListArchitecturesResult } from '../src/tasks/models/architectures.js';
import { PUBLIC_WEIGHTS } from '../src/tasks/models/catalogue.js';
import { pullModel, type PullModelOptions, type PullModelResult } from '../src/tasks/models/pull.js';
import { execute } from './execute.js';
import { wholeNumber } from './options.js';
import { speedText } from './words.js';

interface JsonFlag { readonly json?: boolean }

export function registerModels(program: Command): void {
  const models = program.command('models').description('list, show, import and fetch models');
  models.command('list')
    .description('models that come with tilewright')
    .option('--json', 'print the result as JSON')
    .action((flags: JsonFlag) => execute(() => listModels(), { json: flags.json, print: printList }));
  models.command('show')
    .description('what a model needs, gives, and was measured at')
    .argument('<model>', 'shipped model, model folder or ONNX file')
    .option('--json', 'print the result as JSON')
    .action((model: string, flags: JsonFlag) => execute(() => showModel({ model }), { json: flags.json, print: printModel }));
  models.command('import')
    .description('make a model folder from an ONNX file or a whole model of Keras or TensorFlow.js: check it against its card, try it, write both')
    .argument('<file>', 'ONNX file, Keras .h5 or .keras, TensorFlow.js model.json; with --architecture also weights: .h5, .keras, .safetensors, .pth')
    .option('--card <json>', 'card of the model (default: the metadata in the file, also as the QGIS plugin Deepness writes it); for whole models also parts of one')
    .option('--architecture <name>', 'the file has weights of this network, by the names of keras-applications, torchvision or timm (models architectures lists them)')
    .option('--labels <file>', 'names of the classes of a whole model or of weights: a line each, or JSON; or imagenet')
    .option('--normalization <rule>', 'weights: what samples become before they go in: none, unit, signed, caffe, torch (default: as the library has it)')
    .option('--size <pixels>', 'weights: edge of the input (default: the network\'s own)', wholeNumber(1))
    .option('--name <name>', 'name of the model (default: the card\'s, or the file\'s)')
    .option('-o, --output <dir>', 'folder to make (default: the name)')
    .option('--overwrite', 'replace an existing model folder')
    .option('--json', 'print the result as JSON')
    .action((file: string, flags: Omit<ImportModelOptions, 'file'> & JsonFlag) =>
      execute((context) => importModel({ ...flags, file }, context), { json: flags.json, print: printImport }));
  models.command('pull')
    .description('fetch public ImageNet weights of VGG and ResNet, and make a model folder of them')
    .argument('<name>', `which: ${PUBLIC_WEIGHTS.map(({ name }) => name).join(', ')}`)
    .option('--from <file>', 'the weights as a file at hand, fetched elsewhere')
    .option('--url <address>', 'another server that has the same file')
    .option('-o, --output <dir>', 'folder to make (default: the name)')
    .option('--overwrite', 'replace an existing model folder')
    .option('--json', 'print the result as JSON')
    .action((model: string, flags: Omit<PullModelOptions, 'model'> & JsonFlag) =>
      execute((context) => pullModel({ ...flags, model }, context), { json: flags.json, print: printPull }));
  models.command('architectures')
    .description('networks that can be trained, and take other libraries\' weights')
    .option('--json', 'print the result as JSON')
    .action((flags: JsonFlag) => execute(() => Promise.resolve(listArchitectures()), { json: flags.json, print: printArchitectures }));
  models.command('card')
    .description('the card of a model as JSON, or as a STAC item with the machine-learning-model extension')
    .argument('<model>', 'shipped model, model folder or ONNX file')
    .option('--stac', 'a STAC item')
    .option('-o, --output <file.json>', 'write it to a file')
    .option('--overwrite', 'replace an existing file')
    .action((model: string, flags: Omit<CardOptions, 'model'>) => execute(() => modelCard({ ...flags, model }), {
      json: false, print: ({ output, json }) => process.stdout.write(output === undefined ? `${JSON.stringify(json, null, 2)}\n` : `${output}\n`),
    }));
  models.command('quantize')
    .description('make the 8-bit form of a trained model: calibrated on its training data, scored on its validation data')
    .argument('<model>', 'model folder, or name of a shipped model')
    .option('--recipe <file>', 'recipe (YAML) that says what its data are (default: recipe.yaml in the model\'s folder)')
    .requiredOption('--data <folder>', 'folder that the paths in the recipe start from')
    .option('--set <key=value>', 'another value for a key of the recipe; may be repeated', (value: string, all: string[]) => [...all, value], [])
    .option('--patches <number>', 'training patches to calibrate on', wholeNumber(1), 32)
    .option('--overwrite', 'replace the 8-bit form that is there')
    .option('--json', 'print the result as JSON')
    .action(async (model: string, flags: Omit<QuantizeOptions, 'model'> & JsonFlag) => {
      const { quantize } = await import('../src/tasks/quantize.js');
      await execute((context) => quantize({ ...flags, model }, context), { json: flags.json, print: printQuantized });
    });
}

function printQuantized({ file, bytes, floatBytes, int8, taken }: QuantizeResult): void {
  process.stdout.write(`${[
    `${file}: ${formatBytes(bytes)} (float32 ${formatBytes(floatBytes)})`,
    `${int8.metric} ${int8.value} (float32 ${int8.float32}) on ${int8.on}`,
    `${speedText(int8.speedup)} here, by processor time of one thread`,
    `float     ${int8.float_layers === undefined ? 'no layer but the last' : int8.float_layers.join(', ')}`,
    `--precision auto takes ${taken ? 'it' : 'float32'}`,
  ].join('\n')}\n`);
}

function printPull(result: PullModelResult): void {
  process.stdout.write(`${result.file}: ${result.fetchedBytes === 0 ? 'was there' : `fetched ${formatBytes(result.fetchedBytes)}`}, checksum right\n`);
  printImport(result);
}

function printArchitectures(result: ListArchitecturesResult): void {
  const width = Math.max(...result.architectures.map(({ name }) => name.length));
  process.stdout.write(`${result.architectures.map((item) => [
    `${item.name.padEnd(width)}  ${item.title}; ${item.gives === 'maps' ? 'maps' : 'chips'}`,
    `${' '.repeat(width)}  stages: ${item.stages.join(', ')}${item.weightsOf.length === 0 ? '' : `; weights of ${item.weightsOf.join(', ')}`}`,
  ].join('\n')).join('\n')}\n`);
}

function printList(result: ListModelsResult): void {
  const width = Math.max(0, ...result.models.map(({ name }) => name.length));
  const lines = result.models.length === 0 ? [`no models in ${result.zoo}`] : result.models.flatMap((model) => [
    `${model.name.padEnd(width)}  ${model.task}, ${formatBytes(model.bytes)}${model.license === undefined ? '' : `, ${model.license}`}`,
    ...(model.description === undefined ? [] : [`${' '.repeat(width)}  ${model.description}`]),
    `${' '.repeat(width)}  ${gives(model.classes, model.dimensions)}`,
  ]);
  const broken = result.broken.map(({ name, reason }) => `${name}: cannot be used: ${reason}`);
  process.stdout.write(`${[...lines, ...broken].join('\n')}\n`);
}

function gives(classes: readonly string[], dimensions: number | undefined): string {
  const parts = [...(classes.length > 0 ? [classes.join(', ')] : []), ...(dimensions === undefined ? [] : [`features of ${dimensions} numbers`])];
  return parts.join('; ');
}

function printModel(result: ShowModelResult): void {
  const { card } = result;
  const rows: [string, string | undefined][] = [
    ['name', card.name],
    ['about', card.description],
    ['task', card.task],
    ['network', [card.architecture, card.total_parameters === undefined ? undefined : `${card.total_parameters.toLocaleString('en')} parameters`].filter(Boolean).join(', ') || undefined],
    ['file', `${result.file} (${formatBytes(result.bytes)})`],
    ['input', describeInput(card)],
    ['output', describeOutput(card)],
    ['8 bits', card.int8 === undefined ? undefined : `${card.int8.file}: ${card.int8.metric} ${rounded(card.int8.value)} (float32 ${rounded(card.int8.float32)}) on ${card.int8.on}; ${speedText(card.int8.speedup)}`],
    ['sees', card.receptive_field === undefined ? undefined : `${card.receptive_field} pixels around each output pixel`],
    ['data', card.data === undefined ? undefined : [card.data.name, card.data.license, card.data.split].filter(Boolean).join('; ')],
    ['license', card.license],
    ['trained', card.trained_with],
    ['card', result.cardFrom === 'file' ? 'card.json' : `${result.cardFrom} metadata in the file`],
  ];
  const lines = rows.filter((row): row is [string, string] => row[1] !== undefined).map(([name, text]) => `${name.padEnd(8)}${text}`);
  const width = Math.max(0, ...card.output.classes.map(({ name }) => name.length));
  const classes = card.output.classes.map((entry) => `  ${String(entry.value).padStart(3)}  ${entry.name.padEnd(width)}  ${entry.color_hint}${entry.threshold === undefined ? '' : `  from ${rounded(entry.threshold)}`}`);
  const scores = (card.scores ?? []).map((score) => `  ${score.metric} ${rounded(score.value)} (${score.of ?? 'model'}) on ${score.on}`);
  process.stdout.write(`${[
    ...lines,
    ...(classes.length > 0 ? ['classes', ...classes] : []),
    ...(scores.length > 0 ? ['scores', ...scores] : []),
    ...(card.limits ?? []).map((limit) => `limit   ${limit}`),
    ...result.notes.map((note) => `note    ${note}`),
  ].join('\n')}\n`);
}

/** At most four digits after the point: the card has all. */
function rounded(value: number): number {
  return Number(value.toFixed(4));
}

function describeInput(card: ModelCard): string {
  const { input } = card;
  const sizes = shapeSizes(input);
  const size = sizes.width === -1 ? `any size${(input.multiple_of ?? 1) > 1 ? ` that is a multiple of ${input.multiple_of ?? 1}` : ''}` : `${sizes.width}×${sizes.height} pixels`;
  const window = input.window === undefined ? '' : `, reduced from ${input.window} pixels`;
  const gsd = input.gsd === undefined ? '' : `, made for ${input.gsd} m per pixel`;
  return `${input.bands.join(', ')} of ${(input.scene_data_types ?? ['uint8']).join(', ')} scenes; ${size}${window}${gsd}`;
}

function describeOutput(card: ModelCard): string {
  const { output } = card;
  const parts = [
    ...(output.classes.length > 0 ? [`${output.classes.length} ${card.task === 'multi-label-classification' ? 'tags' : card.task === 'regression' ? 'numbers' : 'classes'}${output.dim_order === 'bc' ? ' per patch' : ' per pixel'}`] : []),
    ...((output.margin ?? 0) > 0 ? [`without the outer ${output.margin ?? 0} pixels`] : []),
    ...(output.features === undefined ? [] : [`features of ${output.features.dimensions} numbers (${output.features.name})`]),
  ];
  return parts.join('; ');
}

function printImport(result: ImportModelResult): void {
  const lines = [
    `${result.output}: ${result.card.name}, ${result.card.task}, ${formatBytes(result.bytes)}`,
    `input   ${describeInput(result.card)}`,
    `output  ${describeOutput(result.card)}`,
    ...result.notes.map((note) => `note    ${note}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
