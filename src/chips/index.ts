export type { Chip, ChipWriter } from './types.js';
export { createChipCsv, createSubmissionCsv, csvField, csvRecord } from './csv.js';
export { tagList } from './fields.js';
export type { ChipGeometry } from './geojson.js';
export { createChipGeoJson, footprintGeometry } from './geojson.js';
export { likeliestTag, mostTellingTag, presentTags } from './tags.js';
export type { ChipFeatureSink, ChipField } from './features.js';
export { chipFields, createChipFeatures } from './features.js';
