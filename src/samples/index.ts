export { parseCsvRecords, type CsvRecord } from './csv-records.js';
export { seededRandom, shuffled, type Random } from './random.js';
export { IGNORE, type ChipSamples, type MapSamples, type MaskedPicture, type PictureEntry, type Split } from './types.js';
export type { DataDescription, SceneEntry } from './description.js';
export { stripsOf, type Strip } from './strips.js';
