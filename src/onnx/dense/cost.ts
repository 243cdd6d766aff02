import type { DenseWriter, MapSize } from './write.js';
import type { PatchGraph } from './read.js';

/** What a dense graph costs for n × n answers at once. */
export interface DenseCost {
  /** Bytes of the maps that are alive at the same time, at most; without weights and the engine's own buffers. */
  bytes(answers: number): number;
  /** Multiplications of convolutions per answer. */
  multiplications(answers: number): number;
  /** Multiplications of convolutions and dense layers for one patch by itself. */
  readonly patchMultiplications: number;
}

const FLOAT_BYTES = 4;

export function denseCost(writer: DenseWriter, graph: PatchGraph): DenseCost {
  const numbers = ({ channels, y, x }: MapSize, answers: number): number => channels * (y[0] + y[1] * (answers - 1)) * (x[0] + x[1] * (answers - 1));
  const lastUse = new Map<string, number>();
  writer.nodes.forEach((one, at) => { for (const name of one.input) lastUse.set(name, at); });
  return {
    bytes(answers) {
      let [alive, most] = [0, 0];
      writer.nodes.forEach((one, at) => {
        alive += numbers(writer.sizes.get(one.output[0]!)!, answers);
        most = Math.max(most, alive);
        for (const name of new Set(one.input)) if (lastUse.get(name) === at && writer.sizes.has(name)) alive -= numbers(writer.sizes.get(name)!, answers);
      });
      return most * FLOAT_BYTES;
    },
    multiplications(answers) {
      let sum = 0;
      for (const [name, each] of writer.work) sum += each * numbers(writer.sizes.get(name)!, answers);
      return sum / answers ** 2;
    },
    patchMultiplications: graph.steps.reduce((sum, { compute, value }) => (compute.kind === 'convolution' ? sum + compute.kernel.to * compute.kernel.from * compute.kernel.height * compute.kernel.width * value.y.kinds.length * value.x.kinds.length : sum), 0),
  };
}
