/**
 * A pool of vitest whose one worker outlives a run. A mutant's tests take milliseconds; starting a worker for them and
 * loading what they import takes half a second, and there are some thousand mutants.
 */
import {
  ThreadsPoolWorker,
  type PoolOptions,
  type PoolRunnerInitializer,
  type PoolWorker,
} from 'vitest/node';

type Message = Parameters<PoolWorker['send']>[0];
type Listener = Parameters<PoolWorker['on']>[1];

let kept: ThreadsPoolWorker | undefined;

/** To be set as `poolRunner` of a project, with its name as `pool`. The process has to be ended from outside. */
export const keptWorkerPool: PoolRunnerInitializer = {
  name: 'kept',
  createPoolWorker: (options) => new KeptWorker(options),
};

/** What a run takes for its own worker: it sees the kept one start and stop, which happens once only. */
class KeptWorker implements PoolWorker {
  readonly name = keptWorkerPool.name;
  readonly #options: PoolOptions;
  readonly #listeners: [event: string, listener: Listener][] = [];
  #config: unknown;
  #isNew = false;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    if (kept !== undefined) return;
    this.#isNew = true;
    kept = new ThreadsPoolWorker(this.#options);
    await kept.start();
    kept.on('exit', () => {
      kept = undefined;
    });
  }

  async stop(): Promise<void> {
    for (const [event, listener] of this.#listeners) kept?.off(event, listener);
    this.#listeners.length = 0;
    await Promise.resolve();
  }

  on(event: string, listener: Listener): void {
    this.#listeners.push([event, listener]);
    kept?.on(event, listener);
  }

  off(event: string, listener: Listener): void {
    kept?.off(event, listener);
  }

  send(message: Message): void {
    if (message.type === 'start') {
      // It says which tests to run, and the worker keeps what it was told first.
      this.#config = message.context.config;
      if (this.#isNew) kept?.send(message);
      else this.#answer('started');
    } else if (message.type === 'run') {
      const context = { ...message.context, config: this.#config };
      kept?.send({ ...message, context });
    } else if (message.type === 'stop') this.#answer('stopped');
    else kept?.send(message);
  }

  deserialize(data: unknown): unknown {
    return data;
  }

  #answer(type: 'started' | 'stopped'): void {
    const listeners = this.#listeners.filter(([event]) => event === 'message');
    queueMicrotask(() => {
      for (const [, listener] of listeners) listener({ type, __vitest_worker_response__: true });
    });
  }
}
