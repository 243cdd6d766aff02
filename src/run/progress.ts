/** One step forward of a long task; the command line shows it, a library user may ignore it. */
export interface Progress {
  /** What is being done, one word or two: `decode`, `segment`, `train`. */
  readonly stage: string;
  /** Units finished and in all. */
  readonly done: number;
  readonly total: number;
  /** What is counted: `strips`, `patches`, `tiles`, `epochs`. */
  readonly unit: string;
  /** More for people: patches per second, loss … */
  readonly detail?: string;
}

/** What every task takes beside its options. */
export interface TaskContext {
  /** Aborting ends the task with `Interrupted` within a second; what is finished is kept. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** What a user should know before the task has done its work: it may be the wrong one. */
  readonly onWarning?: (text: string) => void;
}
