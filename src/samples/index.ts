export { seededRandom, shuffled, type Random } from './random.js';
export { IGNORE, type ChipSet, type MaskedPicture, type Split } from './types.js';
