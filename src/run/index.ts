export type { Progress, TaskContext } from './progress.js';
