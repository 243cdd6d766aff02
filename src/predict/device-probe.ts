/**
 * A process of its own that tries one device (see devices.ts): `node device-probe.js cuda`. It prints nothing on stdout if the
 * device works, else the reason.
 */
import { encodeModel, node, valueInfo } from '../onnx/index.js';
import { openPool } from './pool.js';
import type { Device } from './types.js';

function smallestGraph(): Uint8Array {
  return encodeModel({
    irVersion: 7,
    opsetImport: [{ version: 13 }],
    graph: { name: 'test', node: [node('Relu', ['x'], ['y'])], input: [valueInfo('x', 'float32', [1, 4])], output: [valueInfo('y', 'float32', [1, 4])] },
  });
}

const device = process.argv[2] as Device;
const pool = openPool({ model: 'a test graph', device, workers: 1, threads: 1, logs: 'errors' });
try {
  await pool.load(1, smallestGraph());
  await pool.run(1, { input: 'x', type: 'float32', data: new Float32Array(4), dims: [4], count: 1, step: 1, exact: false });
} catch (error) {
  const { message } = error as Error;
  process.stdout.write(message.replace(`the device ${device} cannot be used: `, ''));
}
await pool.close();
