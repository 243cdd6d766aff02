export type { CardClass, CardData, CardInput, CardInt8, CardOutput, CardScore, ModelCard, ModelTask } from './types.js';
export { isMapTask, parseCard, shapeSizes, slug } from './parse.js';
export { classColors } from './class-colors.js';
export { defaultColor, legend, palette, parseColor, type LegendEntry } from './legend.js';
export { CARD_KEY, cardFromMetadata, type CardFromMetadata, type GraphSummary } from './metadata.js';
export { MLM_SCHEMA, stacItem, type StacFacts } from './stac.js';
export { alikeNames } from './alike.js';
export { nearestName } from './nearest.js';
export { deepnessMetadata } from './deepness.js';
