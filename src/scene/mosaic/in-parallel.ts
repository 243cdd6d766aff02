/** Things that are looked at at the same time. */
const AT_ONCE = 8;

/** Does something with every item, a few at a time. The first error ends it, once what has begun is done. */
export async function forEachOf<T>(items: readonly T[], work: (item: T, index: number) => Promise<void>): Promise<void> {
  let next = 0;
  let failed = false;
  const worker = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const index = next++;
      try {
        await work(items[index]!, index);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
