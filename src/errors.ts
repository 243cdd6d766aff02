/**
 * Every error that a user can cause. The message is one sentence: what was expected, where, what was found; `advice` says
 * what to do. The command line prints both on one line and ends with `exitCode`.
 */

/** Exit codes of the command line. 1 is left to bugs. */
export const EXIT = { done: 0, bug: 1, usage: 2, input: 3, environment: 4, interrupted: 130 } as const;

export interface ErrorDetails {
  /** What the user can do about it, as a short sentence without a full stop. */
  readonly advice?: string;
  /** The underlying error, shown with `--debug`. */
  readonly cause?: unknown;
}

/** Files quote themselves in messages: what they say may be long. */
const MOST_LETTERS = 900;

function inOneLine(message: string): string {
  const line = message.replace(/\s*[\r\n]\s*/g, ' ');
  return line.length > MOST_LETTERS ? `${line.slice(0, MOST_LETTERS)} …` : line;
}

/** Base of all errors caused by input, options, models or the environment; anything else that is thrown is a bug. */
export class TilewrightError extends Error {
  readonly code: string;
  readonly exitCode: number;
  readonly advice: string | undefined;

  constructor(code: string, exitCode: number, message: string, details: ErrorDetails = {}) {
    super(inOneLine(message), details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.exitCode = exitCode;
    this.advice = details.advice;
  }
}

/** A scene, tile, table or other data file that is missing, damaged, or of a kind that is not read. Exit code 3. */
export class InvalidFileError extends TilewrightError {
  readonly file: string;
  constructor(file: string, message: string, details: ErrorDetails = {}) {
    super('INVALID_FILE', EXIT.input, `${file}: ${message}`, details);
    this.file = file;
  }
}

/** An option with a value that is not allowed, alone or together with others. Exit code 2. */
export class InvalidOptionError extends TilewrightError {
  readonly option: string;
  constructor(option: string, message: string, details: ErrorDetails = {}) {
    super('INVALID_OPTION', EXIT.usage, `${option}: ${message}`, details);
    this.option = option;
  }
}

/** A model that cannot be read, does not fit its card, or does not fit the scene. Exit code 3. */
export class ModelError extends TilewrightError {
  readonly model: string;
  constructor(model: string, message: string, details: ErrorDetails = {}) {
    super('MODEL', EXIT.input, `${model}: ${message}`, details);
    this.model = model;
  }
}

/** An output that cannot be written: it exists, the folder is not writable, the disk is full. Exit code 4. */
export class OutputError extends TilewrightError {
  readonly path: string;
  constructor(path: string, message: string, details: ErrorDetails = {}) {
    super('OUTPUT', EXIT.environment, `${path}: ${message}`, details);
    this.path = path;
  }
}

/** Something this machine lacks: an engine, a device, memory. Exit code 4. */
export class EnvironmentError extends TilewrightError {
  constructor(message: string, details: ErrorDetails = {}) {
    super('ENVIRONMENT', EXIT.environment, message, details);
  }
}

/** A remote source that does not answer, or answers wrongly. Exit code 4. */
export class RemoteError extends TilewrightError {
  readonly url: string;
  constructor(url: string, message: string, details: ErrorDetails = {}) {
    super('REMOTE', EXIT.environment, `${url}: ${message}`, details);
    this.url = url;
  }
}

/** The run was stopped by its signal; what is finished is kept, and the same command goes on. Exit code 130. */
export class Interrupted extends TilewrightError {
  constructor(message = 'interrupted', details: ErrorDetails = { advice: 'the same command goes on' }) {
    super('INTERRUPTED', EXIT.interrupted, message, details);
  }
}

/** Throws {@link Interrupted} if the signal was aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new Interrupted();
}

/** How V8 says that the system gave no memory, to a buffer or to an instance of WebAssembly. */
const NO_MEMORY = /out of memory|allocation failed|unable to grow|maximum memory size/i;

/** An {@link EnvironmentError} for what is thrown where memory cannot be had, here or in a thread whose error arrived as a copy; else the error itself. */
export function memoryError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof TilewrightError) return error;
  const { code, advice } = error as Error & { readonly code?: unknown; readonly advice?: unknown };
  if (code === 'ENVIRONMENT' && typeof advice === 'string') return new EnvironmentError(error.message, { advice, cause: error });
  if (!(error instanceof RangeError) || !NO_MEMORY.test(error.message)) return error;
  return new EnvironmentError('the system gives the program no more memory', {
    advice: 'free some; or, where the address space is limited (ulimit -v), raise that limit: each thread that packs or decodes reserves about 10 GB of it and uses little', cause: error,
  });
}

/** Does what takes memory. @throws {EnvironmentError} if the system gives none */
export function takingMemory<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw memoryError(error);
  }
}

/** Says in an error of the operating system which file it is about: writing to an open file does not know its name. */
export function nameFile(error: unknown, file: string): unknown {
  return error instanceof Error && 'syscall' in error && !('path' in error) ? Object.assign(error, { path: file }) : error;
}

/** An error as a message to another thread. `path` and `syscall` are those of errors of the operating system. */
export interface PlainError { readonly name: string; readonly code?: string; readonly exitCode?: number; readonly message: string; readonly advice?: string | undefined; readonly stack?: string | undefined; readonly path?: string; readonly syscall?: string }

export function errorToPlain(error: unknown): PlainError {
  if (error instanceof TilewrightError) return { name: error.name, code: error.code, exitCode: error.exitCode, message: error.message, advice: error.advice, stack: error.stack };
  if (!(error instanceof Error)) return { name: 'Error', message: String(error), stack: undefined };
  const { name, message, stack, code, path, syscall } = error as Error & { code?: unknown; path?: unknown; syscall?: unknown };
  return { name, message, stack, ...(typeof code === 'string' ? { code } : {}), ...(typeof path === 'string' ? { path } : {}), ...(typeof syscall === 'string' ? { syscall } : {}) };
}

/** The error that another thread sent: of the same kind for whoever prints it. */
export function errorFromPlain(plain: PlainError): Error {
  const { name, code, exitCode, message, advice, stack, path, syscall } = plain;
  const ofSystem = { ...(code === undefined ? {} : { code }), ...(path === undefined ? {} : { path }), ...(syscall === undefined ? {} : { syscall }) };
  const error = code !== undefined && exitCode !== undefined ? new TilewrightError(code, exitCode, message, advice === undefined ? {} : { advice }) : Object.assign(new Error(message), ofSystem);
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}
