export type { CardClass, CardData, CardInput, CardOutput, CardScore, ModelCard, ModelTask } from './types.js';
