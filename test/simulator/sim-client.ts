import { KubeError } from '../../src/kube/errors.ts';
import type {
  DeleteOptions,
  DeleteResult,
  KubeClient,
  ListOptions,
  ObjectList,
  RequestOptions,
} from '../../src/kube/kube-client.ts';
import type { KubeObject, ObjectRef, Resource, WithStatus } from '../../src/kube/resource.ts';
import type { EventLoop } from './event-loop.ts';
import type { Prng } from './prng.ts';
import type { Refusal, SimApi } from './sim-api.ts';
import type { Weather } from './scenario.ts';
import type { SimProcess } from './sim-process.ts';

/** How the API server is reached. */
export interface ApiWeather {
  /** Milliseconds that one way takes. */
  latencyMs(): number;
  /** Whether this request fails, and when: before it arrives, or after it was done. */
  failure(write: boolean): 'lost' | 'unanswered' | undefined;
}

/** The connection of one process to the API server. What it has sent arrives even if the process dies meanwhile. */
export class SimClient implements KubeClient {
  readonly #loop: EventLoop;
  readonly #api: SimApi;
  readonly #process: SimProcess;
  readonly #weather: ApiWeather;
  readonly #as: string;

  /** `as` is who the writes are by. */
  constructor(of: { loop: EventLoop; api: SimApi; process: SimProcess; weather: ApiWeather; as: string }) {
    this.#loop = of.loop;
    this.#api = of.api;
    this.#process = of.process;
    this.#weather = of.weather;
    this.#as = of.as;
  }

  get<T extends KubeObject>(resource: Resource<T>, ref: ObjectRef): Promise<T> {
    return this.#send(() => this.#api.get(resource, ref));
  }

  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<ObjectList<T>> {
    return this.#send(() => ({
      items: this.#api.list(resource, options),
      resourceVersion: this.#api.version,
    }));
  }

  create<T extends KubeObject>(resource: Resource<T>, object: T, options?: RequestOptions): Promise<T> {
    return this.#write('create', resource, object.metadata, options, () =>
      this.#api.create(resource, object, this.#as),
    );
  }

  replace<T extends KubeObject>(resource: Resource<T>, object: T, options?: RequestOptions): Promise<T> {
    return this.#write('replace', resource, object.metadata, options, () =>
      this.#api.replace(resource, object, this.#as),
    );
  }

  replaceStatus<T extends WithStatus>(
    resource: Resource<T>,
    object: T,
    options?: RequestOptions,
  ): Promise<T> {
    return this.#write('replaceStatus', resource, object.metadata, options, () =>
      this.#api.replaceStatus(resource, object, this.#as),
    );
  }

  delete<T extends KubeObject>(
    resource: Resource<T>,
    ref: ObjectRef,
    options: DeleteOptions = {},
  ): Promise<DeleteResult<T>> {
    return this.#write('delete', resource, ref, options, () =>
      this.#api.delete(resource, ref, options, this.#as),
    );
  }

  mergePatch<T extends KubeObject>(): Promise<T> {
    return Promise.reject(new Error('nothing that is simulated patches'));
  }

  watch(): Promise<never> {
    return Promise.reject(new Error('watches are simulated by the replica'));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #write<R>(
    verb: Refusal['verb'],
    { plural }: Resource,
    { name }: ObjectRef,
    options: RequestOptions | undefined,
    act: () => R,
  ): Promise<R> {
    try {
      options?.beforeWrite?.();
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
    const told = (): R => {
      try {
        return act();
      } catch (error) {
        const reason = error instanceof KubeError ? error.reason : String(error);
        this.#api.refused({ by: this.#as, verb, plural, name, reason });
        throw error;
      }
    };
    return this.#send(told, true);
  }

  #send<R>(act: () => R, write = false): Promise<R> {
    const { promise, resolve, reject } = Promise.withResolvers<R>();
    const failure = this.#weather.failure(write);
    const back = (answer: () => void): void => {
      this.#loop.schedule(this.#weather.latencyMs(), this.#process, answer);
    };
    this.#loop.schedule(this.#weather.latencyMs(), this.#process.wire, () => {
      if (failure === 'lost') return back(() => reject(noAnswer()));
      let result: R;
      try {
        result = act();
      } catch (error) {
        return back(() => reject(error));
      }
      back(() => (failure === 'unanswered' ? reject(noAnswer()) : resolve(result)));
    });
    return promise;
  }
}

/** A weather that is drawn from a seed: mostly fast, now and then slow, seldom broken. */
export function drawnWeather(prng: Prng, of: Weather): ApiWeather {
  return {
    latencyMs: () => (of.steady === true ? 2 : prng.chance(of.slow) ? prng.int(50, 2_000) : prng.int(1, 8)),
    failure: (write) => {
      if (!prng.chance(of.broken)) return undefined;
      return write && prng.chance(0.5) ? 'unanswered' : 'lost';
    },
  };
}

function noAnswer(): KubeError {
  return new KubeError({ status: 0, reason: 'ConnectionFailed', message: 'no answer' });
}
