import { createRequire } from 'node:module';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { TilewrightError } from '../errors.js';
import { node, encodeModel, valueInfo } from '../onnx/index.js';
import { DEVICE_ADVICE } from './engine-error.js';
import { openPool } from './pool.js';
import type { Device } from './types.js';

/** Whether something can run models on this machine, and if not, why and what to do. */
export interface DeviceReport {
  readonly device: Device;
  readonly usable: boolean;
  /** Why not; absent where it can be used. */
  readonly reason?: string;
  readonly advice?: string;
}

const DEVICES: readonly Device[] = ['cpu', 'cuda', 'webgpu'];

/** Tries each device with the smallest of graphs. */
export async function probeDevices(): Promise<readonly DeviceReport[]> {
  const reports: DeviceReport[] = [];
  for (const device of DEVICES) reports.push(await probeDevice(device));
  return reports;
}

async function probeDevice(device: Device): Promise<DeviceReport> {
  const pool = openPool({ model: 'a test graph', device, workers: 1, threads: 1 });
  try {
    await pool.load(1, smallestGraph());
    await pool.run(1, { input: 'x', type: 'float32', data: new Float32Array(4), dims: [4], count: 1, step: 1, exact: false });
    return { device, usable: true };
  } catch (error) {
    if (!(error instanceof TilewrightError)) throw error;
    const advice = DEVICE_ADVICE[device] ?? error.advice;
    return { device, usable: false, reason: error.message.replace(`the device ${device} cannot be used: `, ''), ...(advice === undefined ? {} : { advice }) };
  } finally {
    await pool.close();
  }
}

function smallestGraph(): Uint8Array {
  return encodeModel({
    irVersion: 7,
    opsetImport: [{ version: 13 }],
    graph: { name: 'test', node: [node('Relu', ['x'], ['y'])], input: [valueInfo('x', 'float32', [1, 4])], output: [valueInfo('y', 'float32', [1, 4])] },
  });
}

export interface EngineReport {
  /** Version of onnxruntime-node; absent where it is not installed. */
  readonly version?: string;
  /** Folder of its libraries for this platform. */
  readonly folder?: string;
  /** Libraries for CUDA that are there. */
  readonly cudaLibraries: readonly string[];
}

/** What is installed of the engine, without loading it. */
export function inspectEngine(): EngineReport {
  const require = createRequire(import.meta.url);
  try {
    const manifest = require.resolve('onnxruntime-node/package.json');
    const { version } = require(manifest) as { version: string };
    const binaries = join(dirname(manifest), 'bin');
    const generation = existsSync(binaries) ? readdirSync(binaries).sort().at(-1) : undefined;
    const folder = generation === undefined ? undefined : join(binaries, generation, process.platform, process.arch);
    const files = folder !== undefined && existsSync(folder) ? readdirSync(folder) : undefined;
    if (folder === undefined || files === undefined) return { version, cudaLibraries: [] };
    return { version, folder, cudaLibraries: files.filter((name) => /providers_(cuda|shared)/.test(name)) };
  } catch {
    return { cudaLibraries: [] };
  }
}
