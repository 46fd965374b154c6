import { isNotFound, KubeError, NotLeaderError } from './errors.ts';
import { clientWith, type KubeClient } from './kube-client.ts';
import { keyOfRef, type ObjectRef, type Resource, type WithStatus } from './resource.ts';
import type { WriteSink } from './store.ts';

/**
 * Writes of the status of one kind that got no answer. The server may have carried them out, and a cache behind a watch
 * shows that when it likes; whoever decides on all objects of the kind together has to know it before (ADR 0032).
 */
export class UnansweredWrites<T extends WithStatus> {
  readonly #resource: Resource<T>;
  readonly #store: WriteSink<T>;
  readonly #unknown = new Map<string, ObjectRef>();

  constructor(resource: Resource<T>, store: WriteSink<T>) {
    this.#resource = resource;
    this.#store = store;
  }

  /** Objects of which nobody knows how they stand. */
  get size(): number {
    return this.#unknown.size;
  }

  /** The same client, whose writes of the kind are followed. */
  following(client: KubeClient): KubeClient {
    return clientWith(client, {
      replaceStatus: async (resource, object, options) => {
        try {
          return await client.replaceStatus(resource, object, options);
        } catch (error) {
          if (resource.plural === this.#resource.plural && isUnanswered(error)) this.#note(object.metadata);
          throw error;
        }
      },
    });
  }

  /** Reads every such object from the server and puts it into the store; rejects, and forgets none, where it cannot. */
  async settle(client: Pick<KubeClient, 'get'>): Promise<void> {
    for (const [key, ref] of this.#unknown) {
      try {
        this.#store.upsertFromWrite(await client.get(this.#resource, ref));
      } catch (error) {
        // What is gone has no status.
        if (!isNotFound(error)) throw error;
      }
      // Unless another write of it got no answer meanwhile.
      if (this.#unknown.get(key) === ref) this.#unknown.delete(key);
    }
  }

  #note({ namespace, name }: ObjectRef): void {
    const ref: ObjectRef = namespace === undefined ? { name } : { namespace, name };
    this.#unknown.set(keyOfRef(ref), ref);
  }
}

/** Whether a write may have been carried out although it failed; only a refusal says that it was not. */
function isUnanswered(error: unknown): boolean {
  if (error instanceof NotLeaderError) return false;
  return !(error instanceof KubeError && error.status > 0 && error.status < 500);
}
