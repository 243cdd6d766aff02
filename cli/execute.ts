import { setMaxListeners } from 'node:events';
import { EXIT, Interrupted, InvalidOptionError, memoryError, TilewrightError } from '../src/errors.js';
import type { Progress, TaskContext } from '../src/run/index.js';
import { endBySignal, handOverInterrupts } from './interrupt.js';
import { createProgressPrinter } from './progress.js';

export interface ExecuteOptions<R> {
  /** Prints the result as JSON on stdout instead of calling `print`. */
  readonly json?: boolean | undefined;
  /** Prints the result for people, on stdout. */
  readonly print: (result: R) => void;
  /** Called before the process ends without the task's consent, after Ctrl-C. */
  readonly onLeave?: () => void;
}

/** How long after Ctrl-C a task may take to end in order. */
const PATIENCE_MS = 900;

/**
 * Runs one task for a command: hands it a signal that Ctrl-C aborts, shows its progress on stderr, prints its result on
 * stdout, and turns errors into one line and an exit code.
 */
export async function execute<R>(task: (context: TaskContext) => Promise<R>, options: ExecuteOptions<R>): Promise<void> {
  const controller = new AbortController();
  // Every read under way listens, and a mosaic reads many files at a time.
  setMaxListeners(0, controller.signal);
  let reported = false;
  const printer = createProgressPrinter();
  const stop = (): void => {
    controller.abort();
    setTimeout(() => {
      if (!reported) {
        printer.end();
        report(new Interrupted());
      }
      options.onLeave?.();
      endBySignal();
    }, PATIENCE_MS).unref();
  };
  process.once('SIGINT', stop);
  handOverInterrupts();
  process.once('SIGTERM', stop);
  try {
    const result = await task({
      signal: controller.signal,
      onProgress: (progress: Progress) => printer.show(progress),
      onWarning: (text) => {
        printer.end();
        process.stderr.write(`note: ${text}\n`);
      },
    });
    printer.end();
    if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`);
    else options.print(result);
  } catch (error) {
    printer.end();
    report(error);
    reported = true;
  } finally {
    process.removeListener('SIGINT', stop);
    process.removeListener('SIGTERM', stop);
  }
}

/** Prints an error as one line and sets the exit code. A stack only with `--debug`, or where the error is a bug. */
export function report(thrown: unknown): void {
  const error = memoryError(thrown);
  const debug = process.argv.includes('--debug');
  if (error instanceof TilewrightError) {
    const advice = error.advice === undefined ? '' : ` (${error.advice})`;
    process.stderr.write(`tilewright: ${asTyped(error)}${advice}\n`);
    if (debug) process.stderr.write(`${error.stack ?? ''}\n${error.cause instanceof Error ? error.cause.stack ?? '' : ''}\n`);
    process.exitCode = error.exitCode;
    return;
  }
  const known = error instanceof Error ? systemError(error) : undefined;
  if (known !== undefined) {
    process.stderr.write(`tilewright: ${known}\n`);
    if (debug) process.stderr.write(`${(error as Error).stack ?? ''}\n`);
    process.exitCode = EXIT.environment;
    return;
  }
  const text = error instanceof Error ? error.stack ?? error.message : String(error);
  process.stderr.write(`tilewright: this is a bug, please report it: ${debug ? text : text.split('\n')[0] ?? ''}${debug ? '' : ' (--debug shows where)'}\n`);
  process.exitCode = EXIT.bug;
}

/** How options of the library are spelled on the command line, where their names differ. */
const SPELLINGS: Readonly<Record<string, readonly string[]>> = {
  compression: ['--compress'], predictor: ['--predictor'], level: ['--level'], quality: ['--quality'], blockSize: ['--block-size'], overviews: ['--overviews'], model: ['--model', '-m'],
};

/** The message, with the option as it was typed where it is one of the library's. */
function asTyped(error: TilewrightError): string {
  if (!(error instanceof InvalidOptionError)) return error.message;
  const { option, message } = error;
  const typed = SPELLINGS[option]?.find((name) => process.argv.some((word) => word === name || word.startsWith(`${name}=`)));
  return typed === undefined ? message : `${typed}${message.slice(option.length)}`;
}

/** A sentence for errors of the operating system that can strike anywhere. */
function systemError(error: Error & { code?: string; path?: string; syscall?: string }): string | undefined {
  const place = error.path === undefined ? '' : `${error.path}: `;
  switch (error.code) {
    case 'ENOSPC': return `${place}no space left on the disk; free some and run the same command again`;
    case 'EACCES': case 'EPERM': case 'EROFS': return `${place}permission denied`;
    case 'EMFILE': return `${place}too many open files; raise the limit with ulimit -n`;
    case 'EFBIG': return `${place}the file is larger than the disk or ulimit -f allows; the same command goes on when there is room`;
    case 'EDQUOT': return `${place}disk quota exceeded`;
    case 'EIO': return `${place}the disk reports an input/output error`;
    // Whatever else the system refuses is about this machine, not a fault of the program.
    default: return error.syscall === undefined || error.code === undefined ? undefined : `${place}the system refuses to ${error.syscall} (${error.code})`;
  }
}
