export type { LogisticOptions, LinearModel, Rows } from './logistic.js';
export { fitBinary, fitMulticlass, logistic, probabilities } from './logistic.js';
export type { Standard, StandardBuilder } from './standardize.js';
export { createStandard, standardize, unstandardize } from './standardize.js';
export type { MinimizeOptions, Minimum } from './lbfgs.js';
export { minimize } from './lbfgs.js';
export type { PlaceFolds, SamplePlace } from './folds.js';
export { placeFolds } from './folds.js';
