import { EnvironmentError, ModelError } from '../errors.js';
import type { TilewrightError } from '../errors.js';

/** What to do where a device is not there. */
export const DEVICE_ADVICE: Readonly<Record<string, string>> = {
  cuda: 'it takes an NVIDIA driver, the CUDA libraries, and libonnxruntime_providers_cuda.so of onnxruntime-node\'s own version beside its libonnxruntime',
  webgpu: 'it takes a graphics card and its Vulkan, Metal or Direct3D 12 driver',
};

/** An error of a worker as one of ours: what the engine said, without its decoration. */
export function engineError(model: string, device: string, raw: string, doing: 'load' | 'run'): TilewrightError {
  const reason = plainReason(raw);
  if (/bad allocation|std::bad_alloc|Failed to allocate memory|out of memory|ERR_WORKER_OUT_OF_MEMORY/i.test(raw)) {
    return new EnvironmentError(`${model}: not enough memory to run it (${reason})`, { advice: 'use a smaller --patch-size' });
  }
  const advice = DEVICE_ADVICE[device];
  if (doing === 'load' && advice !== undefined && /providers?_|Execution ?Provider|CUDA|cuda|WebGPU|adapter|shared library|backend/i.test(raw)) {
    return new EnvironmentError(`the device ${device} cannot be used: ${reason}`, { advice: `${advice}; tilewright doctor tells what works here` });
  }
  const what = doing === 'load' ? 'onnxruntime cannot load it' : 'onnxruntime failed on a patch';
  return new ModelError(model, `${what}: ${reason}`, { cause: new Error(raw) });
}

/** The part of an engine's message that says something: no status codes, no source files, one line. */
export function plainReason(raw: string): string {
  const oneLine = raw.replace(/\s+/g, ' ').trim();
  const node = /while running (\S+) node\. Name:'([^']*)'/.exec(oneLine);
  const text = oneLine
    .replace(/^.*Status Message: /, '')
    .replace(/^Error: /, '')
    .replace(/^(\[ErrorCode:[^\]]*\] )?(Load model from buffer failed:|Failed to load model because|Exception during initialization:)\s*/i, '')
    .replace(/^\[ErrorCode:[^\]]*\]\s*/, '')
    // Source places such as /onnxruntime_src/core/framework/x.cc:123 with the function that follows.
    .replace(/\S*\/onnxruntime\S*\.(cc|h|cpp):\d+\s+(?:[^:]*::)*[^ ]*\([^)]*\)\s*/g, '')
    .replace(/^.{0,120}? was false\.\s*/, '')
    .replace(/[.\s]+$/, '');
  const reason = text === '' ? oneLine : text;
  return node === null || reason.includes(node[2] ?? '') ? reason : `${node[1] ?? ''} node ${node[2] ?? ''}: ${reason}`;
}
