import type { Clock } from '../../src/kube/clock.ts';
import { KubeError } from '../../src/kube/errors.ts';
import type {
  DeleteOptions,
  DeleteResult,
  KubeClient,
  ObjectList,
  RequestOptions,
} from '../../src/kube/kube-client.ts';
import { keyOfRef, type KubeObject, type ObjectRef, type Resource } from '../../src/kube/resource.ts';

/**
 * Compare-and-swap storage with the API server's answers, for tests whose subject is time. One per cluster; `client()`
 * gives each process a connection that can be cut on its own. Everything else is tested on the real API server.
 */
export class MemoryApi {
  readonly #objects = new Map<string, KubeObject>();
  #version = 0;
  /** Every accepted write: `verb key version`. */
  readonly writes: string[] = [];

  /** What is stored, if anything. */
  peek(ref: ObjectRef): KubeObject | undefined {
    return this.#objects.get(keyOfRef(ref));
  }

  /** Deletes behind everybody's back. */
  drop(ref: ObjectRef): void {
    this.#objects.delete(keyOfRef(ref));
  }

  client(clock: Clock): MemoryClient {
    return new MemoryClient(this, clock);
  }

  get(ref: ObjectRef): KubeObject {
    const found = this.#objects.get(keyOfRef(ref));
    if (found === undefined) throw new KubeError({ status: 404, reason: 'NotFound', message: 'not found' });
    return structuredClone(found);
  }

  create(object: KubeObject): KubeObject {
    if (this.peek(object.metadata) !== undefined) {
      throw new KubeError({ status: 409, reason: 'AlreadyExists', message: 'exists' });
    }
    return this.#store('create', object, { uid: `uid-${this.#version + 1}` });
  }

  replace(object: KubeObject): KubeObject {
    const { uid, resourceVersion } = this.get(object.metadata).metadata;
    if (object.metadata.resourceVersion !== resourceVersion || object.metadata.uid !== uid) {
      throw new KubeError({ status: 409, reason: 'Conflict', message: 'changed' });
    }
    return this.#store('update', object, { uid });
  }

  delete(ref: ObjectRef, uid: string | undefined): KubeObject {
    const found = this.get(ref);
    if (uid !== undefined && uid !== found.metadata.uid) {
      throw new KubeError({ status: 409, reason: 'Conflict', message: 'another object has this name' });
    }
    this.#objects.delete(keyOfRef(ref));
    this.writes.push(`delete ${keyOfRef(ref)} ${++this.#version}`);
    return found;
  }

  #store(verb: string, object: KubeObject, identity: { uid?: string | undefined }): KubeObject {
    const resourceVersion = String(++this.#version);
    const stored = structuredClone({
      ...object,
      metadata: { ...object.metadata, ...identity, resourceVersion },
    });
    this.#objects.set(keyOfRef(object.metadata), stored);
    this.writes.push(`${verb} ${keyOfRef(object.metadata)} ${resourceVersion}`);
    return structuredClone(stored);
  }
}

/** One process's connection to a `MemoryApi`. */
export class MemoryClient implements KubeClient {
  readonly #api: MemoryApi;
  readonly #clock: Clock;
  /** `refuse`: fails at once; `lose-answers`: writes are done and their answers lost; `hang`: does nothing until the time limit. */
  mode: 'pass' | 'refuse' | 'lose-answers' | 'hang' = 'pass';

  constructor(api: MemoryApi, clock: Clock) {
    this.#api = api;
    this.#clock = clock;
  }

  get<T extends KubeObject>(_: Resource<T>, ref: ObjectRef, options?: RequestOptions): Promise<T> {
    return this.#call(() => this.#api.get(ref), false, options);
  }

  create<T extends KubeObject>(_: Resource<T>, object: T, options?: RequestOptions): Promise<T> {
    return this.#call(() => this.#api.create(object), true, options);
  }

  replace<T extends KubeObject>(_: Resource<T>, object: T, options?: RequestOptions): Promise<T> {
    return this.#call(() => this.#api.replace(object), true, options);
  }

  replaceStatus<T extends KubeObject>(
    resource: Resource<T>,
    object: T,
    options?: RequestOptions,
  ): Promise<T> {
    return this.replace(resource, object, options);
  }

  list<T extends KubeObject>(): Promise<ObjectList<T>> {
    return Promise.reject(new Error('not part of this fake'));
  }

  mergePatch<T extends KubeObject>(): Promise<T> {
    return Promise.reject(new Error('not part of this fake'));
  }

  async delete<T extends KubeObject>(
    _: Resource<T>,
    ref: ObjectRef,
    options?: DeleteOptions,
  ): Promise<DeleteResult<T>> {
    await this.#call(() => this.#api.delete(ref, options?.uid), true, options);
    return { gone: true };
  }

  watch(): Promise<never> {
    return Promise.reject(new Error('not part of this fake'));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #call<T extends KubeObject>(
    act: () => KubeObject,
    write: boolean,
    options: RequestOptions | undefined,
  ): Promise<T> {
    if (write) options?.beforeWrite?.();
    if (this.mode === 'hang') return this.#hang(options);
    if (this.mode === 'refuse') throw connectionFailed();
    const answer = act();
    if (this.mode === 'lose-answers' && write) throw connectionFailed();
    // eslint-disable-next-line typescript/no-unsafe-type-assertion -- what was stored has the type it was stored with
    return answer as T;
  }

  async #hang(options: RequestOptions | undefined): Promise<never> {
    await this.#clock.sleep(options?.timeoutMs ?? 30_000, options?.signal);
    throw connectionFailed();
  }
}

function connectionFailed(): KubeError {
  return new KubeError({ status: 0, reason: 'ConnectionFailed', message: 'no answer' });
}
