import { Interrupted, throwIfAborted } from '../../errors.js';

interface Running<T> {
  readonly result: Promise<T>;
  /** Stops the work when nobody waits any more. */
  readonly stop: AbortController;
  waiting: number;
}

/**
 * Work that is done once for all who ask for its result, and again after a failure. Who gives a signal stops waiting with it; the
 * work itself is stopped only when all who wait have done so.
 */
export function sharedWork<T>(work: (signal: AbortSignal) => Promise<T>): (signal?: AbortSignal) => Promise<T> {
  let running: Running<T> | undefined;
  const start = (): Running<T> => {
    const stop = new AbortController();
    const started: Running<T> = { result: work(stop.signal), stop, waiting: 0 };
    running = started;
    started.result.catch(() => { if (running === started) running = undefined; });
    return started;
  };
  return async (signal) => {
    throwIfAborted(signal);
    const joined = running ?? start();
    joined.waiting++;
    let leave = (): void => undefined;
    const left = new Promise<undefined>((resolve) => { leave = () => { resolve(undefined); }; });
    signal?.addEventListener('abort', leave, { once: true });
    try {
      const done = await Promise.race([joined.result.then((value) => ({ value })), left]);
      if (done !== undefined) return done.value;
    } finally {
      joined.waiting--;
      signal?.removeEventListener('abort', leave);
    }
    if (joined.waiting === 0) {
      // Who asks from now on begins anew. What is stopped tidies up before this ends.
      if (running === joined) running = undefined;
      joined.stop.abort();
      await joined.result.catch(() => undefined);
    }
    throw new Interrupted();
  };
}
