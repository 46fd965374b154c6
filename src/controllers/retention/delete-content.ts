import { LABEL_CONTENT } from '../../api/group.ts';
import { fleetResource, rolloutResource } from '../../api/kinds/resources.ts';
import { millisBetween, parseTimestamp } from '../../api/time.ts';
import { configMapResource, type ConfigMap } from '../../kube/blob-store.ts';
import { isAlreadyExists, isNotFound } from '../../kube/errors.ts';
import type { ListOptions } from '../../kube/kube-client.ts';
import type { KubeObject, Resource } from '../../kube/resource.ts';
import { keyIn, type ControllerContext } from '../context.ts';

/** Content younger than this may be about to be pointed at, in milliseconds. */
const GRACE_MS = 600_000;
/** A page of content can hold some tens of MiB. */
const CONTENT_PAGE = 20;
const ROLLOUT_PAGE = 500;

/**
 * Deletes content ConfigMaps that neither the Fleets nor any Rollout refer to. Everything is read from the API server
 * at this moment; the content itself first, so that a reference made meanwhile is seen.
 */
export async function deleteContent(context: ControllerContext, signal: AbortSignal): Promise<void> {
  const stored = await listAll(context, configMapResource, {
    labelSelector: LABEL_CONTENT,
    limit: CONTENT_PAGE,
    signal,
  });
  const old = stored.filter((configMap) => isOld(context, configMap));
  if (old.length === 0) return;
  const referred = await referredContent(context, signal);
  for (const configMap of old) {
    if (referred.has(configMap.metadata.name)) continue;
    signal.throwIfAborted();
    await deleteConfigMap(context, configMap);
    await restoreIfReferred(context, configMap, signal);
  }
}

/** Putting the same release in force again uses content that is there already, perhaps in this very moment. */
async function restoreIfReferred(
  context: ControllerContext,
  { apiVersion, kind, metadata, immutable, binaryData, data }: ConfigMap,
  signal: AbortSignal,
): Promise<void> {
  if (!(await referredContent(context, signal)).has(metadata.name)) return;
  const { name, namespace, labels } = metadata;
  const again = { apiVersion, kind, metadata: { name, namespace, labels }, immutable, binaryData, data };
  try {
    await context.client.create(configMapResource, again);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}

async function deleteConfigMap(context: ControllerContext, { metadata }: ConfigMap): Promise<void> {
  const { name, uid } = metadata;
  try {
    await context.client.delete(configMapResource, metadata, { uid });
    context.stores.configMaps.removeFromWrite(keyIn(context, name), uid ?? '');
    context.audit.info({ configMap: name, cause: 'RetentionExpired' }, 'content deleted');
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function isOld({ clock }: ControllerContext, { metadata }: ConfigMap): boolean {
  const created = parseTimestamp(metadata.creationTimestamp ?? '');
  return created !== undefined && millisBetween(created, clock.now()) >= GRACE_MS;
}

async function referredContent(
  context: ControllerContext,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const fleets = await listAll(context, fleetResource, { limit: ROLLOUT_PAGE, signal });
  const rollouts = await listAll(context, rolloutResource, { limit: ROLLOUT_PAGE, signal });
  return new Set([
    ...fleets.flatMap(({ status }) => status?.artifact?.contentRefs ?? []),
    ...rollouts.flatMap(({ status }) => status?.manifest?.contentRefs ?? []),
  ]);
}

async function listAll<T extends KubeObject>(
  { client, namespace }: ControllerContext,
  resource: Resource<T>,
  options: ListOptions,
): Promise<T[]> {
  const items: T[] = [];
  let token: string | undefined;
  do {
    const page = await client.list(resource, { ...options, namespace, continue: token });
    items.push(...page.items);
    token = page.continue;
  } while (token !== undefined && token !== '');
  return items;
}
