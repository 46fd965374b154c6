import { LABEL_BURNED_NONCE } from '../../api/group.ts';
import { addMillis, compareTimestamps, parseTimestamp } from '../../api/time.ts';
import { configMapResource, type ConfigMap } from '../../kube/blob-store.ts';
import { isNotFound } from '../../kube/errors.ts';
import type { ControllerContext } from '../context.ts';

/** What a burned nonce leaves behind stays so long after nobody could use it anyway (kubernetes-api.md, Fleet). */
const KEEP_MS = 24 * 3_600_000;
const PAGE = 500;

/** Deletes what burned bootstrap nonces left behind, a day after token and listing have ended. */
export async function deleteBurnedNonces(context: ControllerContext, signal: AbortSignal): Promise<void> {
  const { client, namespace } = context;
  let token: string | undefined;
  do {
    const page = await client.list(configMapResource, {
      namespace,
      labelSelector: LABEL_BURNED_NONCE,
      limit: PAGE,
      continue: token,
      signal,
    });
    for (const burned of page.items) {
      signal.throwIfAborted();
      if (isOver(context, burned)) await deleteOne(context, burned);
    }
    token = page.continue;
  } while (token !== undefined && token !== '');
}

/** One without a readable end stays: a nonce too many in store does no harm, one too few does. */
function isOver({ clock }: ControllerContext, { data }: ConfigMap): boolean {
  const expiresAt = parseTimestamp(data?.['expiresAt'] ?? '');
  return expiresAt !== undefined && compareTimestamps(addMillis(expiresAt, KEEP_MS), clock.now()) <= 0;
}

async function deleteOne({ client }: ControllerContext, { metadata }: ConfigMap): Promise<void> {
  try {
    await client.delete(configMapResource, metadata, { uid: metadata.uid });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}
