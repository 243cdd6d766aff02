import { Option } from 'commander';
import type { Command } from 'commander';
import { formatBytes } from '../src/run/index.js';
import type { SegmentResult } from '../src/tasks/segment.js';
import type { SegmentPlan } from '../src/tasks/segment/plan.js';
import type { SegmentOptions } from '../src/tasks/segment/setup.js';
import { execute } from './execute.js';
import { bandList, byteSize, gsdOrModel, numberFrom, pageNumber, stretchRule, wholeNumber, wholeNumberOrAuto } from './options.js';
import { formatSeconds } from './progress.js';
import { counted, engineText, groundArea } from './words.js';

type Flags = Omit<SegmentOptions, 'scene'> & { readonly json?: boolean };

export function registerSegment(program: Command): void {
  program.command('segment')
    .description('make a theme map of a scene: one class per pixel, blended where patches meet')
    .argument('<scene>', 'GeoTIFF, JPEG, PNG or WebP of any size, a VRT or a folder of files on one grid, or a URL (https://, s3://)')
    .requiredOption('-m, --model <model>', 'shipped model, model folder or ONNX file')
    .requiredOption('-o, --output <map.tif>', 'the map: a cloud-optimised GeoTIFF with palette and class names')
    .option('--patch-size <pixels>', 'edge of what the model sees, or auto', wholeNumberOrAuto(1), 'auto')
    .option('--overlap <pixels>', 'pixels that neighbouring patches share, or auto: the receptive field (default: 64)', wholeNumberOrAuto(0))
    .option('--stride <pixels>', 'classifiers of patches: a class for every so many pixels, of the patch around; 1: for every pixel', wholeNumber(1))
    .addOption(new Option('--blend <kind>', 'how shared pixels are decided (default: linear)').choices(['linear', 'hann', 'crop', 'none']))
    .option('--page <number>', 'picture of a file that holds several, from 1', pageNumber)
    .option('--bands <list>', 'bands for the model, from 1, such as 3,2,1', bandList)
    .option('--gsd <metres>', 'resample the scene to so many metres per pixel, or model: to what the model was trained at', gsdOrModel)
    .option('--aoi <area.geojson>', 'work only inside polygons (longitude, latitude)')
    .option('--stretch <rule>', 'how values become what the model takes: percentile:2,98, minmax:LOW,HIGH or scale:FACTOR,OFFSET', stretchRule)
    .addOption(new Option('--tta <ways>', 'look at everything mirrored (flips: 4 ways) or mirrored and turned (d4: 8), and average').choices(['flips', 'd4']))
    .option('--probabilities <file.tif>', 'also write every class\'s probability (× 255)')
    .option('--confidence <file.tif>', 'also write the winning class\'s probability (× 255)')
    .option('--preview <file.png>', 'also draw the map over the scene, with a legend')
    .option('--vectors <file>', 'also write polygons: .geojson, .fgb or .parquet')
    .option('--min-area <m2>', 'polygons: smaller areas become part of their largest neighbour', numberFrom(0))
    .option('--simplify <metres>', 'polygons: let borders move so far to have fewer corners', numberFrom(0))
    .option('--memory <size>', 'most memory, such as 1GB', byteSize)
    .option('--threads <number>', 'engine threads (default: all cores)', wholeNumber(1))
    .addOption(new Option('--precision <form>', 'form of the model: 8-bit integers where they are as good and faster (auto), or one of both').choices(['auto', 'float32', 'int8']).default('auto'))
    .addOption(new Option('--device <device>', 'where the model runs').choices(['cpu', 'cuda', 'webgpu']).default('cpu'))
    .addOption(new Option('--engine <engine>', 'what runs it: its ONNX graph by onnxruntime, or its layers by TensorFlow').choices(['onnxruntime', 'tensorflow']).default('onnxruntime'))
    .option('--overwrite', 'replace existing outputs')
    .option('--dry-run', 'say what the run would do and need; write nothing')
    .option('--json', 'print the result as JSON')
    .action(async (scene: string, flags: Flags) => {
      const { segment } = await import('../src/tasks/segment.js');
      await execute((context) => segment({ ...flags, scene }, context), {
        json: flags.json, print: (result: SegmentResult | SegmentPlan) => ('memory' in result ? printPlan(result) : printResult(result)),
      });
    });
}

function printResult(result: SegmentResult): void {
  const lines = [
    `${result.output}: ${result.width} × ${result.height} pixels from ${result.stride === undefined ? counted(result.patches, 'patch', 'patches') : `${counted(result.patches, 'window')}, each pixel from the ${result.patchSize} × ${result.patchSize} around it`}`,
    ...result.classes.map(({ name, share, areaHa }) => `  ${name.padEnd(16)} ${(100 * share).toFixed(2).padStart(6)} %${areaHa === undefined ? '' : `  ${groundArea(areaHa)}`}`),
    result.stride !== undefined ? 'no seams: every pixel has a patch of its own' : result.seamScore === null ? 'seam score: nothing to compare, the patches share too few borders or classes' : `seam score ${result.seamScore.toFixed(2)} (1.00: patch borders cannot be seen)`,
    `${formatSeconds(result.seconds)} (${formatSeconds(result.modelSeconds)} in the model, ${result.precision} on ${result.device}), peak memory ${formatBytes(result.peakRssBytes)}`
      + `${result.resumedStrips > 0 ? `; ${result.resumedStrips} of ${result.strips} strips from an earlier run` : ''}`,
    ...result.files.map((file) => `also written: ${file}`),
    ...result.warnings.map((warning) => `note: ${warning}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function printPlan(plan: SegmentPlan): void {
  const lines = [
    ...(plan.stride === undefined ? [`scene     ${plan.width} × ${plan.height} pixels`] : []),
    ...(plan.stride === undefined
      ? [`patches   ${plan.patches} of ${plan.patchSize} pixels in ${counted(plan.strips, 'strip')}, overlap ${plan.overlap}, blend ${plan.blend}`]
      : [`map       ${plan.width} × ${plan.height} pixels, each with the class of the ${plan.patchSize} × ${plan.patchSize} pixels around it${plan.stride === 1 ? '' : `, one every ${plan.stride} pixels of the scene`}`, `windows   ${plan.patches} of up to ${plan.mapPatchSize} map pixels an edge, in ${counted(plan.strips, 'strip')}`]),
    `time      about ${formatSeconds(plan.estimatedSeconds)} (${plan.secondsPerPatch.toFixed(2)} s per ${plan.stride === undefined ? 'patch' : 'window'} measured, ${engineText(plan.device)})`,
    `memory    about ${formatBytes(plan.memory.peakBytes)}`,
    ...plan.memory.parts.map(({ name, bytes }) => `            ${name.padEnd(26)} ${formatBytes(bytes)}`),
    `output    about ${formatBytes(plan.estimatedOutputBytes)}, and ${formatBytes(plan.estimatedTemporaryBytes)} beside it until the end`,
    ...plan.warnings.map((warning) => `note: ${warning}`),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
