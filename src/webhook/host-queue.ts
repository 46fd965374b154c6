/** A task was not taken, because too many of its host wait already. */
export class HostQueueFullError extends Error {
  override readonly name = 'HostQueueFullError';
}

interface Line {
  tail: Promise<unknown>;
  waiting: number;
}

/**
 * One line per host: what a host sends is worked on in the order in which it arrived, so that no answer to a heartbeat
 * is older than an event that was promised before it (agent-protocol.md §3.9). Hosts do not wait for one another, and
 * a host that has nothing under way costs nothing.
 */
export class HostQueue {
  readonly #lines = new Map<string, Line>();
  readonly #max: number;

  /** At most `max` tasks of one host wait or run. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Hosts with something under way. */
  get size(): number {
    return this.#lines.size;
  }

  /** Runs the task when all earlier ones of the host have ended; rejects with `HostQueueFullError`. */
  run<R>(host: string, task: () => Promise<R>): Promise<R> {
    const line = this.#lines.get(host);
    if (line === undefined) {
      const first: Line = { tail: Promise.resolve(), waiting: 1 };
      this.#lines.set(host, first);
      return this.#follow(host, first, task());
    }
    if (line.waiting >= this.#max) {
      return Promise.reject(new HostQueueFullError(`${this.#max} requests of ${host} wait already`));
    }
    line.waiting += 1;
    return this.#follow(host, line, line.tail.then(task));
  }

  #follow<R>(host: string, line: Line, running: Promise<R>): Promise<R> {
    const leave = (): void => {
      line.waiting -= 1;
      if (line.waiting === 0) this.#lines.delete(host);
    };
    // The next task waits for the end of this one, however it ends.
    line.tail = running.then(leave, leave);
    return running;
  }
}
