export { readWeights } from './read.js';
export type { ModelConfiguration, NamedTensor, WeightFile, WeightFormat, WeightType } from './types.js';
