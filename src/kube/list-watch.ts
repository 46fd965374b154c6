import type { KubeClient, ObjectList, WatchEvent } from './kube-client.ts';
import { apiVersionOf, type KubeObject, type Resource } from './resource.ts';

/** Which pages of the collection to read. */
export interface ListPage {
  readonly resourceVersion?: string;
  readonly limit?: number;
  readonly continue?: string;
  /** Limit of the request in milliseconds, where it shall be shorter than usual. */
  readonly timeoutMs?: number;
}

/** Where a reflector reads a collection from. */
export interface ListWatch<T extends KubeObject> {
  /** Name for metrics and logs. */
  readonly name: string;
  list(page: ListPage, signal: AbortSignal): Promise<ObjectList<T>>;
  watch(
    from: { readonly resourceVersion: string; readonly timeoutSeconds: number },
    signal: AbortSignal,
  ): Promise<AsyncIterable<WatchEvent<T>>>;
}

/** Which objects of a kind to follow. */
export interface Selection {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

/** The collection of a kind on the API server. Items of a list get the apiVersion and kind that the server leaves out. */
export function listWatchOf<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  selection: Selection,
): ListWatch<T> {
  const apiVersion = apiVersionOf(resource);
  return {
    name: resource.plural,
    async list(page, signal) {
      const answer = await client.list(resource, { ...selection, ...page, signal });
      const items = answer.items.map((item) =>
        item.kind === undefined ? { ...item, apiVersion, kind: resource.kind } : item,
      );
      return { ...answer, items };
    },
    watch: (from, signal) => client.watch(resource, { ...selection, ...from, signal }),
  };
}
