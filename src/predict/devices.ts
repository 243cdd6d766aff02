import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EnvironmentError } from '../errors.js';
import { DEVICE_ADVICE } from './engine-error.js';
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
/** Graphics drivers may take seconds to start. */
const PROBE_TIMEOUT_MS = 60_000;

/** Tries each device with the smallest of graphs. */
export async function probeDevices(): Promise<readonly DeviceReport[]> {
  const reports: DeviceReport[] = [];
  for (const device of DEVICES) reports.push(await probeDevice(device));
  return reports;
}

/**
 * Tries a device in a process of its own: drivers print what they like on stderr, say there what is missing, and may crash.
 */
export function probeDevice(device: Device): Promise<DeviceReport> {
  const script = fileURLToPath(new URL('./device-probe.js', import.meta.url));
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [script, device], { timeout: PROBE_TIMEOUT_MS }, (error, stdout, stderr) => {
      const said = stdout.trim();
      if (error === null && said === '') { resolve({ device, usable: true }); return; }
      const missing = /([^\s/]+\.(?:so|dll|dylib)[\w.]*): cannot open shared object file/.exec(stderr)?.[1];
      const crash = `trying it ended with ${child.signalCode ?? `exit code ${child.exitCode ?? 'unknown'}`}`;
      const reason = `${said === '' ? crash : said}${missing === undefined ? '' : ` (${missing} is missing)`}`;
      const advice = DEVICE_ADVICE[device];
      resolve({ device, usable: false, reason, ...(advice === undefined ? {} : { advice }) });
    });
  });
}

/** @throws {EnvironmentError} if the device cannot be used here. */
export async function checkDevice(device: Device): Promise<void> {
  if (device === 'cpu') return;
  const { usable, reason, advice } = await probeDevice(device);
  if (!usable) throw new EnvironmentError(`the device ${device} cannot be used: ${reason ?? 'unknown reason'}`, { advice: `${advice ?? ''}; tilewright doctor tells what works here` });
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
