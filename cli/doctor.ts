import type { Command } from 'commander';
import { formatBytes } from '../src/run/index.js';
import { doctor } from '../src/tasks/doctor.js';
import type { DoctorResult } from '../src/tasks/doctor.js';
import { execute } from './execute.js';

export function registerDoctor(program: Command): void {
  program.command('doctor')
    .description('which engines and devices work here, why others do not, and what to do')
    .option('--json', 'print the result as JSON')
    .action((flags: { readonly json?: boolean }) => execute(() => doctor(), { json: flags.json, print: printDoctor }));
}

function printDoctor(result: DoctorResult): void {
  const { version, cudaLibraries } = result.onnxruntime;
  const lines = [
    `node      ${result.node}, ${result.platform}, ${result.cores} cores, ${formatBytes(result.memoryBytes)}`,
    `engine    ${version === null ? 'onnxruntime-node is not installed: run npm ci' : `onnxruntime-node ${version}${cudaLibraries.length > 0 ? ` with ${cudaLibraries.join(', ')}` : ''}`}`,
    ...result.devices.flatMap(({ device, usable, reason, advice }) => [
      `${device.padEnd(10)}${usable ? 'works' : 'does not work'}${reason === undefined ? '' : `: ${reason}`}`,
      ...(advice === undefined ? [] : [`          ${advice}`]),
    ]),
    `--engine  onnxruntime, ${result.engines.tensorflow.usable ? 'tensorflow (for models with layers)' : `not tensorflow: it is not installed (${result.engines.tensorflow.advice ?? ''})`}`,
    `training  ${result.training.note}`,
    ...(result.training.advice === undefined ? [] : [`          ${result.training.advice}`]),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
