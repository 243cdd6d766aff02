export type { Device, PatchOutput, Predictor, PredictorOptions, PredictorOutput } from './types.js';
export { loadModel, type LoadedModel, type LoadModelOptions } from './load.js';
export { openPredictor } from './engine.js';
export { zooFolder, zooModels } from './zoo.js';
