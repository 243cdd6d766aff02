import { Interrupted } from '../src/errors.js';

/**
 * Ctrl-C while the program starts, before a task listens: the same line as later. Loaded before everything else, since loading the rest takes
 * a good part of a second.
 */
function stopped(): void {
  const { message, advice } = new Interrupted();
  process.stderr.write(`tilewright: ${message} (${advice ?? ''})\n`);
  endBySignal();
}

process.on('SIGINT', stopped);

/** From here on somebody else listens for Ctrl-C. */
export function handOverInterrupts(): void {
  process.removeListener('SIGINT', stopped);
}

/**
 * Ends the process at once, as Ctrl-C does to a program that does not listen for it: the shell sees 130. `process.exit` would wait for
 * the engine's threads, and a native call there cannot be interrupted; everything finished is on disk, so leaving is safe.
 */
export function endBySignal(): void {
  process.removeAllListeners('SIGINT');
  process.kill(process.pid, 'SIGINT');
}
