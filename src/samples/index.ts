export { memoryChips, memoryMaps, type MemoryChipsOptions, type MemoryMapsOptions } from './memory.js';
export { seededRandom, shuffled, type Random } from './random.js';
export { IGNORE, type ChipSamples, type ChipSet, type MapSamples, type MaskedPicture, type PictureEntry, type Split } from './types.js';
