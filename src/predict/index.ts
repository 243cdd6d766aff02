export type { Device, PatchOutput, Predictor, PredictorOptions, PredictorOutput, StartedEngines } from './types.js';
export { choosePrecision, loadModel, type LoadedModel, type LoadModelOptions, type Precision } from './load.js';
export { openPredictor, startEngines } from './engine.js';
export { measurePredictor, peakOfProcess, type MeasureOptions, type PredictorCost } from './measure.js';
export { borderPatchSize, measureBorderEffect, type BorderEffect, type BorderOptions } from './border.js';
export { mapThreshold, patchSize, type PatchSize } from './inspect.js';
export { zooFolder, zooModels } from './zoo.js';
export { checkModel, MODEL_FILE, writeModel, type CheckedModel, type CheckOptions } from './import.js';
export { inspectEngine, probeDevices, type DeviceReport, type EngineReport } from './devices.js';
