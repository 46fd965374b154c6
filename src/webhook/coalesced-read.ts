/**
 * A read that many ask for at the same time. Everyone gets an answer to a read that *began* after they asked, so it is
 * never older than what they had seen; at most one read runs and one waits.
 */
export class CoalescedRead<T> {
  readonly #read: () => Promise<T>;
  #running: Promise<unknown> | undefined;
  #next: Promise<T> | undefined;

  constructor(read: () => Promise<T>) {
    this.#read = read;
  }

  /** The result of a read that begins now or later; rejects as the read does. */
  get(): Promise<T> {
    if (this.#running === undefined) return this.#start();
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.#start();
    });
    return this.#next;
  }

  #start(): Promise<T> {
    const result = this.#read();
    const ended = (): void => {
      if (this.#running === settled) this.#running = undefined;
    };
    const settled: Promise<void> = result.then(ended, ended);
    this.#running = settled;
    return result;
  }
}
