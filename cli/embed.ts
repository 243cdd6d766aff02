import { Option } from 'commander';
import type { Command } from 'commander';
import { formatBytes } from '../src/run/index.js';
import { DEFAULT_EXTRACTOR, embed } from '../src/tasks/embed.js';
import type { EmbedOptions, EmbedResult } from '../src/tasks/embed.js';
import type { ChipPlan } from '../src/tasks/chips/plan.js';
import { printChipPlan } from './classify.js';
import { execute } from './execute.js';
import { bandList, gsdOrModel, pageNumber, stretchRule, wholeNumber } from './options.js';
import { formatSeconds } from './progress.js';

type Flags = Omit<EmbedOptions, 'inputs'> & { readonly json?: boolean };

export function registerEmbed(program: Command): void {
  program.command('embed')
    .description('turn the chips of scenes and folders into feature vectors, for search')
    .argument('<scene|folder|tiles.json...>', 'GeoTIFFs, JPEGs, PNGs or WebPs of any size, VRTs, URLs (https://, s3://), folders of chips, lists of tiles')
    .option('-m, --model <model>', 'shipped model, model folder or ONNX file with features', DEFAULT_EXTRACTOR)
    .requiredOption('--index <dir>', 'folder of the index')
    .option('--append', 'add to an index that is there')
    .option('--layer <name>', 'tensor of the model\'s graph to take; maps are averaged (default: the features that its card names)')
    .option('--patch-size <pixels>', 'edge of a scene\'s chips (default: what the model was trained on)', wholeNumber(1))
    .option('--overlap <pixels>', 'pixels that neighbouring chips of a scene share (default: 0)', wholeNumber(0))
    .option('--page <number>', 'picture of a scene\'s file that holds several, from 1', pageNumber)
    .option('--scales <list>', 'also chips that are so many times larger on the ground, such as 1,2,4 (default: 1)', bandList)
    .option('--tags <file.csv>', 'for a folder of chips: a table image_name,tags whose tags the entries get')
    .option('--bands <list>', 'bands for the model, from 1, such as 3,2,1', bandList)
    .option('--gsd <metres>', 'resample the scene to so many metres per pixel, or model: to what the model was trained at', gsdOrModel)
    .option('--aoi <area.geojson>', 'work only inside polygons (longitude, latitude)')
    .option('--stretch <rule>', 'how values become what the model takes: percentile:2,98, minmax:LOW,HIGH or scale:FACTOR,OFFSET', stretchRule)
    .option('--threads <number>', 'engine threads (default: all cores)', wholeNumber(1))
    .addOption(new Option('--precision <form>', 'form of the model: 8-bit integers where they are as good and faster (auto), or one of both').choices(['auto', 'float32', 'int8']).default('auto'))
    .addOption(new Option('--device <device>', 'where the model runs').choices(['cpu', 'cuda', 'webgpu']).default('cpu'))
    .addOption(new Option('--engine <engine>', 'what runs it: its ONNX graph by onnxruntime, or its layers by TensorFlow').choices(['onnxruntime', 'tensorflow']).default('onnxruntime'))
    .option('--overwrite', 'begin the index anew')
    .option('--dry-run', 'say what the run would do and need; write nothing')
    .option('--json', 'print the result as JSON')
    .action(async (inputs: string[], flags: Flags) => {
      await execute((context) => embed({ ...flags, inputs }, context), {
        json: flags.json, print: (result: EmbedResult | ChipPlan) => ('memory' in result ? printChipPlan(result) : printResult(result)),
      });
    });
}

function printResult(result: EmbedResult): void {
  const lines = [
    `${result.index}: ${result.added} chips of ${result.sources.length === 1 ? result.sources[0]!.name : `${result.sources.length} scenes and folders`} added, ${result.count} in all, ${result.dimensions} numbers each (${result.model}, ${result.layer})`,
    ...(result.nodata > 0 ? [`${result.nodata} chips have no data and no entry`] : []),
    `${formatSeconds(result.seconds)} (${formatSeconds(result.modelSeconds)} in the model, ${result.precision} on ${result.device}), peak memory ${formatBytes(result.peakRssBytes)}`
      + `${result.resumedStrips > 0 ? `; ${result.resumedStrips} of ${result.strips} strips from an earlier run` : ''}`,
    ...result.warnings.map((warning) => `note: ${warning}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
