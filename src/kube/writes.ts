import { isConflict } from './errors.ts';
import type { DeleteOptions, KubeClient, RequestOptions } from './kube-client.ts';
import { keyOf, type KubeObject, type ObjectRef, type Resource, type WithStatus } from './resource.ts';
import { sameJson } from './same-json.ts';
import type { WriteSink } from './store.ts';

/** Creates an object and puts the answer into the store. */
export async function createObject<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  store: WriteSink<T> | undefined,
  object: T,
  options?: RequestOptions,
): Promise<T> {
  const answer = await client.create(resource, object, options);
  store?.upsertFromWrite(answer);
  return answer;
}

/**
 * Writes the status of `next`, which was decided on `base`, and puts the answer into the store. Nothing is sent where
 * the status does not change. Rejects with a conflict where somebody else was faster: read again and decide again.
 */
export async function updateStatus<T extends WithStatus>(
  client: KubeClient,
  resource: Resource<T>,
  store: WriteSink<T> | undefined,
  change: { readonly base: T; readonly next: T },
  options?: RequestOptions,
): Promise<T> {
  if (sameJson(change.base.status, change.next.status)) return change.base;
  const answer = await client.replaceStatus(resource, onVersionOf(change), options);
  store?.upsertFromWrite(answer);
  return answer;
}

/** Like `updateStatus`, for everything but the status. */
export async function updateObject<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  store: WriteSink<T> | undefined,
  change: { readonly base: T; readonly next: T },
  options?: RequestOptions,
): Promise<T> {
  if (sameJson(change.base, change.next)) return change.base;
  const answer = await client.replace(resource, onVersionOf(change), options);
  store?.upsertFromWrite(answer);
  return answer;
}

/** Deletes exactly this object (by uid) and takes it out of the store once it is gone. */
export async function deleteObject<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  store: WriteSink<T> | undefined,
  object: T,
  options?: Omit<DeleteOptions, 'uid'>,
): Promise<void> {
  const uid = object.metadata.uid;
  const ref: ObjectRef = object.metadata;
  const result = await client.delete(resource, ref, { ...options, uid });
  if (!result.gone) store?.upsertFromWrite(result.object);
  else if (uid !== undefined) store?.removeFromWrite(keyOf(object), uid);
}

/**
 * Reads, decides and writes until no one else was faster, at most `attempts` times; then rejects with the last
 * conflict. `attempt` gets its number from 0, so that the first can use the cache and the rest read live.
 */
export async function casLoop<R>(attempts: number, attempt: (number: number) => Promise<R>): Promise<R> {
  for (let number = 0; ; number += 1) {
    try {
      return await attempt(number);
    } catch (error) {
      if (!isConflict(error) || number + 1 >= attempts) throw error;
    }
  }
}

/** The compare in compare-and-swap: the version the decision was made on, whatever the decision copied. */
function onVersionOf<T extends KubeObject>(change: { readonly base: T; readonly next: T }): T {
  const { uid, resourceVersion } = change.base.metadata;
  return { ...change.next, metadata: { ...change.next.metadata, uid, resourceVersion } };
}
