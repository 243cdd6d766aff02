import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { Tensorflow } from '../../models/architectures/index.js';

export type EngineName = 'tensorflow-gpu' | 'tensorflow' | 'javascript';

export interface LoadedTensorflow {
  readonly tf: Tensorflow;
  readonly engine: EngineName;
  /** What runs, and why not something faster. */
  readonly note: string;
  /** What to do for a faster one; absent where there is none. */
  readonly advice?: string;
}

/** Environment variable with the folder that `npm run setup:tensorflow` installs into. Default `.tensorflow` in the checkout. */
export const TENSORFLOW_FOLDER_VARIABLE = 'TILEWRIGHT_TENSORFLOW';

/** Where TensorFlow's native engine is installed apart from `node_modules`, which `npm ci` empties. */
export function tensorflowFolder(): string {
  return process.env[TENSORFLOW_FOLDER_VARIABLE] ?? join(packageFolder(dirname(fileURLToPath(import.meta.url))), '.tensorflow');
}

/**
 * The fastest TensorFlow.js that is there: tfjs-node-gpu, tfjs-node (installed, or by `npm run setup:tensorflow`), else the
 * one in plain JavaScript, which is 50 to 350 times slower. The WASM backend is not offered: it has no gradients of
 * convolutions.
 */
export async function loadTensorflow(): Promise<LoadedTensorflow> {
  const folder = tensorflowFolder();
  const places = [import.meta.url, pathToFileURL(join(folder, 'package.json')).href];
  const failures: string[] = [];
  for (const [name, engine] of [['@tensorflow/tfjs-node-gpu', 'tensorflow-gpu'], ['@tensorflow/tfjs-node', 'tensorflow']] as const) {
    for (const place of places) {
      const require = createRequire(place);
      let file: string;
      try {
        file = require.resolve(name);
      } catch {
        continue;
      }
      try {
        replaceOldUtilities(require);
        prepareNative();
        const tf = require(file) as Tensorflow;
        await tf.ready();
        // A thread that ends before the native library has done anything takes the whole process with it.
        tf.tidy(() => tf.add(1, 1).dataSync());
        return { tf, engine, ...describeNative(tf, name, failures) };
      } catch (error) {
        failures.push(`${name} does not load: ${(error as Error).message.split('\n')[0] ?? ''}`);
      }
    }
  }
  const tf = await import('@tensorflow/tfjs');
  await tf.setBackend('cpu');
  await tf.ready();
  (tf.backend() as { firstUse?: boolean }).firstUse = false; // the note below says what TensorFlow.js would print
  const why = failures.length > 0 ? failures.join('; ') : 'the native engine is not installed';
  return { tf, engine: 'javascript', note: `TensorFlow.js in plain JavaScript, 50 to 350 times slower than native (${why})`, advice: 'npm run setup:tensorflow installs the native engine' };
}

/**
 * Variables that native TensorFlow looks at when it is loaded: without notes about the processor, and with oneDNN's kernels,
 * which it takes by itself only on processors with AVX-512 (a third less time without: docs/decisions/0020-kernels-of-training.md). It says that they
 * are on in two lines before it reads its log level (both in static initialisers, in this order, in 2.21), so no variable keeps them back. What is set
 * already stays. A thread has a copy of the environment, which native code does not see: whoever starts one calls this first.
 */
export function prepareNative(): void {
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  process.env['TF_ENABLE_ONEDNN_OPTS'] ??= '1';
}

/** The native backend tells whether it found a GPU; one build serves both. */
function describeNative(tf: Tensorflow, name: string, failures: readonly string[]): Pick<LoadedTensorflow, 'note' | 'advice'> {
  const { isUsingGpuDevice } = tf.backend() as { isUsingGpuDevice?: boolean };
  const before = failures.length === 0 ? '' : ` (${failures.join('; ')})`;
  if (isUsingGpuDevice === true) return { note: `${name} ${tf.version_core} (native, on the GPU)${before}` };
  return { note: `${name} ${tf.version_core} (native)${before}`, advice: 'it runs on the processor; with an NVIDIA card: npm run setup:tensorflow -- --cuda' };
}

/** tfjs-node 4.22 calls functions of `node:util` that Node 22 warns of and Node 23 removed (tensorflow/tfjs#8425). */
function replaceOldUtilities(require: NodeJS.Require): void {
  const util = require('node:util') as Record<string, unknown>;
  util['isNullOrUndefined'] = (value: unknown) => value === null || value === undefined;
  util['isArray'] = Array.isArray;
}

function packageFolder(folder: string): string {
  const parent = dirname(folder);
  return existsSync(join(folder, 'package.json')) || parent === folder ? folder : packageFolder(parent);
}
