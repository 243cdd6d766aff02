import { throwIfAborted } from '../errors.js';

/**
 * Starts `work` on up to `ahead` items at a time and hands out the results in the items' order, so that a stage that is
 * slower than its neighbour is never waited for twice and the outcome does not depend on timing.
 *
 * When the consumer leaves early, or an item fails, no further item is started and those under way are waited for.
 */
export async function* ordered<T, R>(
  items: Iterable<T>, ahead: number, work: (item: T) => Promise<R>, signal?: AbortSignal,
): AsyncGenerator<R> {
  const pending: Promise<R>[] = [];
  const iterator = items[Symbol.iterator]();
  const start = (): boolean => {
    const next = iterator.next();
    if (next.done) return false;
    const promise = work(next.value);
    promise.catch(() => undefined); // it is awaited later; until then its failure is not unhandled
    pending.push(promise);
    return true;
  };
  try {
    while (pending.length < ahead && start());
    while (pending.length > 0) {
      throwIfAborted(signal);
      const result = await pending.shift()!;
      start();
      yield result;
    }
  } finally {
    await Promise.allSettled(pending);
  }
}
