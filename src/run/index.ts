export type { Progress, TaskContext } from './progress.js';
export type { Journal, JournalEntry, JournalOptions, Json } from './journal.js';
export { canonicalJson, fingerprintOf, hasJournal, openJournal } from './journal.js';
export type { MemoryPart, MemoryPlan } from './memory.js';
export { formatBytes, memoryPlan, parseBytes, peakRss } from './memory.js';
export type { CheckOutputOptions } from './output.js';
export { checkFolder, checkOutput, checkSpace, makeFolder, promote, writeWhole } from './output.js';
export { ordered } from './ordered.js';
