/**
 * Calls `fn` for every item with at most `limit` calls under way. All items are tried; then the first error is thrown,
 * so that one failing object does not keep the others from being written.
 */
export async function forEachParallel<T>(
  items: Iterable<T>,
  limit: number,
  fn: (item: T) => Promise<unknown>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const failures: unknown[] = [];
  const work = async (first: T): Promise<void> => {
    for (let item = first; ;) {
      try {
        await fn(item);
      } catch (error) {
        failures.push(error);
      }
      const next = iterator.next();
      if (next.done === true) return;
      item = next.value;
    }
  };
  const workers: Promise<void>[] = [];
  while (workers.length < limit) {
    const next = iterator.next();
    if (next.done === true) break;
    workers.push(work(next.value));
  }
  await Promise.all(workers);
  if (failures.length > 0) throw failures[0];
}
