import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { EnvironmentError } from '../errors.js';
import { loadTensorflow, tensorflowFolder, TENSORFLOW_FOLDER_VARIABLE } from './engine.js';

/** TensorFlow.js's native engine, and a TensorFlow that its sources compile against. */
const TFJS_NODE = '@tensorflow/tfjs-node@4.22.0';
const WHEEL = 'tensorflow-cpu==2.21.0';
const WHEEL_CUDA = 'tensorflow==2.21.0';

export interface SetupOptions {
  /** Folder to install into. Default: `.tensorflow` in the checkout, or the environment variable's. */
  readonly folder?: string;
  /** A `tensorflow` or `tensorflow-cpu` wheel that is already here; else pip downloads one. */
  readonly wheel?: string;
  /** Takes the wheel with CUDA kernels (1.3 GB unpacked). Default false. */
  readonly cuda?: boolean;
  /** Goes straight to building from source. Default false. */
  readonly source?: boolean;
  readonly say?: (line: string) => void;
}

/**
 * Gives TensorFlow.js its native engine, in a folder of its own that `npm ci` does not empty. First the official install,
 * which downloads a library and an addon; where that fails, the addon is compiled against a `tensorflow` wheel (needs g++,
 * make, Python 3 with pip, unzip).
 * @throws {EnvironmentError} if neither works, with what is missing.
 */
export async function setupTensorflow(options: SetupOptions = {}): Promise<string> {
  const folder = resolve(options.folder ?? tensorflowFolder());
  const say = options.say ?? (() => undefined);
  process.env[TENSORFLOW_FOLDER_VARIABLE] = folder;
  await mkdir(folder, { recursive: true });
  if (!existsSync(join(folder, 'package.json'))) await writeFile(join(folder, 'package.json'), '{"name":"tilewright-tensorflow","private":true}\n');
  if (options.source !== true && options.wheel === undefined && options.cuda !== true) {
    say(`installing ${TFJS_NODE} …`);
    const official = await run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts=false', TFJS_NODE], folder);
    if (official.code === 0 && (await nativeLoads())) return folder;
    say('the official install did not work here (its libraries come from a host that could not be reached, or do not fit); building from source');
  }
  await must(run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', TFJS_NODE], folder), 'the package @tensorflow/tfjs-node from the npm registry');
  await compile(folder, options, say);
  if (!(await nativeLoads())) throw new EnvironmentError('expected the addon that was built to load, found that it does not', { advice: 'run node dist/cli/main.js train … --debug to see why' });
  return folder;
}

async function compile(folder: string, options: SetupOptions, say: (line: string) => void): Promise<void> {
  const libraries = join(folder, 'libtensorflow', 'tensorflow');
  const temporary = await mkdtemp(join(tmpdir(), 'tilewright-tensorflow-'));
  try {
    const wheel = options.wheel === undefined ? await downloadWheel(temporary, options.cuda === true ? WHEEL_CUDA : WHEEL, say) : resolve(options.wheel);
    if (!existsSync(wheel)) throw new EnvironmentError(`${wheel}: expected a tensorflow wheel, found nothing`, { advice: 'leave out --wheel to download one' });
    say('unpacking TensorFlow …');
    await must(run('unzip', ['-q', '-o', wheel, 'tensorflow/libtensorflow_*.so.2', 'tensorflow/include/*', '-d', dirname(libraries)], folder), 'unzip, and a wheel with libtensorflow for Linux');
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  const addon = join(folder, 'node_modules', '@tensorflow', 'tfjs-node');
  const deps = join(addon, 'deps');
  await rm(deps, { recursive: true, force: true });
  await mkdir(join(deps, 'lib'), { recursive: true });
  await symlink(join(libraries, 'include'), join(deps, 'include'));
  for (const name of ['cc', 'framework']) await symlink(join(libraries, `libtensorflow_${name}.so.2`), join(deps, 'lib', `libtensorflow_${name}.so.2`));
  // -ltensorflow finds the C++ library, which has the C interface too.
  await symlink('libtensorflow_cc.so.2', join(deps, 'lib', 'libtensorflow.so'));
  await symlink('libtensorflow_framework.so.2', join(deps, 'lib', 'libtensorflow_framework.so'));
  say('compiling the addon …');
  // Node's own headers, where they came with it; else node-gyp downloads them.
  const prefix = dirname(dirname(process.execPath));
  const headers = existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? [`--nodedir=${prefix}`] : [];
  await must(run('npx', ['node-pre-gyp', 'install', '--build-from-source', ...headers], addon), 'g++, make, Python 3 and the headers of Node');
}

async function downloadWheel(folder: string, requirement: string, say: (line: string) => void): Promise<string> {
  say(`downloading ${requirement} (about ${requirement === WHEEL ? '274' : '572'} MB) …`);
  // Only the libraries inside are used, so the Python that the wheel is for does not matter; but pip wants one to be named.
  await must(run('python3', ['-m', 'pip', 'download', '--no-deps', '--only-binary=:all:', '--python-version', '3.11', '--platform', 'manylinux_2_27_x86_64', '--platform', 'manylinux_2_17_x86_64', '-d', folder, requirement], folder), 'Python 3 with pip, and the package index');
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw new EnvironmentError(`expected pip to download ${requirement}, found no wheel`);
  return join(folder, wheel);
}

async function nativeLoads(): Promise<boolean> {
  const loaded = await loadTensorflow();
  return loaded.engine !== 'javascript';
}

interface Finished { readonly code: number; readonly output: string }

function run(command: string, args: readonly string[], cwd: string): Promise<Finished> {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (data: Buffer): void => { output = (output + data.toString()).slice(-4000); };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => done({ code: -1, output: error.message }));
    child.on('close', (code) => done({ code: code ?? -1, output }));
  });
}

async function must(finished: Promise<Finished>, needs: string): Promise<void> {
  const { code, output } = await finished;
  if (code !== 0) throw new EnvironmentError(`expected the engine's installation to work, found that a step failed: ${output.trim().split('\n').slice(-3).join(' | ')}`, { advice: `needed here: ${needs}` });
}

/** `npm run setup:tensorflow -- [--folder F] [--wheel FILE] [--cuda] [--source]` */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { folder: { type: 'string' }, wheel: { type: 'string' }, cuda: { type: 'boolean' }, source: { type: 'boolean' } } });
  try {
    const folder = await setupTensorflow({ ...values, say: (line) => process.stderr.write(`${line}\n`) });
    const { note } = await loadTensorflow();
    process.stdout.write(`${folder}: ${note}\n`);
  } catch (error) {
    if (!(error instanceof EnvironmentError)) throw error;
    process.stderr.write(`setup:tensorflow: ${error.message}${error.advice === undefined ? '' : ` (${error.advice})`}\n`);
    process.exitCode = error.exitCode;
  }
}

if (process.argv[1] !== undefined && import.meta.url.endsWith('/setup-tensorflow.js') && resolve(process.argv[1]).endsWith('setup-tensorflow.js')) await main();
