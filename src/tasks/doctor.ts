import { availableParallelism, totalmem } from 'node:os';
import { inspectEngine, probeDevices } from '../predict/index.js';
import type { DeviceReport } from '../predict/index.js';
import { loadTensorflow } from '../train/index.js';

/** What this machine can run. */
export interface DoctorResult {
  readonly node: string;
  readonly platform: string;
  /** Processor threads that Node may use. */
  readonly cores: number;
  readonly memoryBytes: number;
  readonly onnxruntime: {
    /** `null` where onnxruntime-node is not installed. */
    readonly version: string | null;
    readonly cudaLibraries: readonly string[];
  };
  /** Tried one after the other with a small graph. */
  readonly devices: readonly DeviceReport[];
  /** What `--engine` can name. */
  readonly engines: {
    readonly tensorflow: {
      /** Whether models with layers can be run by it. */
      readonly usable: boolean;
      readonly advice?: string;
    };
  };
  readonly training: {
    /** `tensorflow-gpu`, `tensorflow` or `javascript`. */
    readonly engine: string;
    /** What it is, and why not something faster. */
    readonly note: string;
    /** What to do for a faster one. */
    readonly advice?: string;
  };
}

/** Tries the engines and devices for predicting and training. Nothing is written. */
export async function doctor(): Promise<DoctorResult> {
  const engine = inspectEngine();
  const devices = await probeDevices();
  const training = await loadTensorflow();
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    onnxruntime: { version: engine.version ?? null, cudaLibraries: engine.cudaLibraries },
    devices,
    engines: { tensorflow: training.engine === 'javascript' ? { usable: false, advice: 'npm run setup:tensorflow installs it' } : { usable: true } },
    training: { engine: training.engine, note: training.note, ...(training.advice === undefined ? {} : { advice: training.advice }) },
  };
}
