import type { Progress } from '../src/run/index.js';

export interface ProgressPrinter {
  show(progress: Progress): void;
  /** Ends the line that is being rewritten. */
  end(): void;
}

/** Milliseconds between lines where each stays. */
const LINE_EVERY = 5000;
/** So few steps are told one by one, those that say nothing of themselves no faster than can be read. */
const FEW_STEPS = 50;
const STEP_EVERY = 1000;

/**
 * Progress on stderr: one line that is rewritten on a terminal; elsewhere a line for each of a few steps, of many one
 * every few seconds, the first and the last.
 */
export function createProgressPrinter(stream: NodeJS.WriteStream = process.stderr): ProgressPrinter {
  let started = Date.now();
  let shown = 0;
  let stage = '';
  let first = 0;
  let open = false;
  return {
    show(progress) {
      // What is worth knowing stays on a line of its own, whatever is under way.
      if (progress.detail?.startsWith('note: ') === true && progress.total === 1) {
        if (open) stream.write(stream.isTTY ? '\r\x1b[2K' : '\n');
        open = false;
        stream.write(`${progress.detail}\n`);
        return;
      }
      if (progress.stage !== stage) {
        if (open) stream.write('\n');
        stage = progress.stage;
        started = Date.now();
        first = progress.done;
        open = false;
        shown = 0;
      }
      const isDone = progress.done >= progress.total;
      const every = progress.total > FEW_STEPS ? LINE_EVERY : progress.detail === undefined ? STEP_EVERY : 0;
      if (stream.isTTY !== true && !isDone && Date.now() - shown < every) return;
      shown = Date.now();
      const seconds = (Date.now() - started) / 1000;
      const made = progress.done - first;
      const left = made > 0 ? (seconds / made) * (progress.total - progress.done) : Number.NaN;
      const parts = [
        `${progress.stage} ${progress.done}/${progress.total} ${progress.unit}`,
        ...(progress.detail === undefined ? [] : [progress.detail]),
        ...(Number.isFinite(left) && progress.done < progress.total ? [`${formatSeconds(left)} left`] : []),
        `${Math.round(process.memoryUsage.rss() / 1048576)} MB`,
      ];
      const line = parts.join(' · ');
      if (stream.isTTY) {
        stream.write(`\r\x1b[2K${line.slice(0, Math.max(20, stream.columns - 1))}`);
        open = true;
      } else {
        stream.write(`${line}\n`);
      }
    },
    end() {
      if (open) stream.write('\n');
      open = false;
    },
  };
}

/** `75` → `1 min 15 s`. */
export function formatSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
