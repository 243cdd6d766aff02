/** Gaps up to so many bytes are read, too, when they join two reads. */
const MAX_GAP = 4096;

/** Reads are joined up to so many bytes; longer ones come faster side by side. */
const MAX_JOINED = 2 ** 21;

/** Requests that are under way at the same time. */
const AT_ONCE = 8;

interface Waiting {
  readonly offset: number;
  readonly length: number;
  readonly resolve: (bytes: Uint8Array) => void;
  readonly reject: (error: unknown) => void;
}

export interface ReadQueue {
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** Collects reads that are asked for in one turn, joins neighbours, and makes a few requests at a time. */
export function createReadQueue(get: (offset: number, length: number) => Promise<Uint8Array>): ReadQueue {
  let collected: Waiting[] = [];
  const groups: Waiting[][] = [];
  let active = 0;

  const start = (): void => {
    while (active < AT_ONCE && groups.length > 0) {
      active++;
      void run(groups.shift()!).finally(() => {
        active--;
        start();
      });
    }
  };
  const run = async (group: readonly Waiting[]): Promise<void> => {
    const from = group[0]!.offset;
    const to = Math.max(...group.map((one) => one.offset + one.length));
    try {
      const bytes = await get(from, to - from);
      // Each reader gets a buffer of its own, which it may view as any type.
      for (const one of group) one.resolve(group.length === 1 ? bytes : bytes.slice(one.offset - from, one.offset - from + one.length));
    } catch (error) {
      for (const one of group) one.reject(error);
    }
  };
  const flush = (): void => {
    const reads = collected.sort((a, b) => a.offset - b.offset);
    collected = [];
    let group: Waiting[] = [];
    let [from, to] = [0, 0];
    for (const one of reads) {
      const end = one.offset + one.length;
      if (group.length > 0 && one.offset - to <= MAX_GAP && Math.max(to, end) - from <= MAX_JOINED) {
        group.push(one);
        to = Math.max(to, end);
      } else {
        group = [one];
        groups.push(group);
        [from, to] = [one.offset, end];
      }
    }
    start();
  };
  return {
    read: (offset, length) => new Promise((resolve, reject) => {
      if (collected.length === 0) setImmediate(flush);
      collected.push({ offset, length, resolve, reject });
    }),
  };
}
