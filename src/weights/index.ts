export { readWeights } from './read.js';
export { buildNetwork, disposeNetwork, doublesByCentres } from './build-network.js';
export type { ModelConfiguration, NamedTensor, WeightFile, WeightFormat, WeightType } from './types.js';
