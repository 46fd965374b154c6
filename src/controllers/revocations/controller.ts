import type { Host } from '../../api/kinds/host.ts';
import { hostResource } from '../../api/kinds/resources.ts';
import { compareTimestamps, type Timestamp } from '../../api/time.ts';
import { mergeLedgers, type RevocationLedger } from '../../core/enrolment/revocation-ledger.ts';
import { hostName } from '../../core/naming.ts';
import { configMapResource, type ConfigMap } from '../../kube/blob-store.ts';
import { Controller } from '../../kube/controller.ts';
import { isNotFound } from '../../kube/errors.ts';
import { forEachParallel } from '../../kube/parallel.ts';
import type { RuntimeMetrics } from '../../kube/runtime-metrics.ts';
import type { WorkQueue } from '../../kube/work-queue.ts';
import { createObject, updateObject } from '../../kube/writes.ts';
import { keyIn, type ControllerContext } from '../context.ts';
import type { SideDocuments } from '../side-documents/side-documents.ts';
import { ledgerIn, ledgerName, withLedger } from './ledger-store.ts';

/** The only key. */
const KEY = 'revocations';
const PARALLEL_WRITES = 8;

/**
 * The controller that makes revocations last: every one that was ever seen is kept in the Fleet's ConfigMap and raised
 * on its Host, so that neither a restart nor a shorter document undoes it (kubernetes-api.md, Fleet).
 */
export function createRevocationController(
  context: ControllerContext,
  documents: SideDocuments,
  metrics?: RuntimeMetrics,
): Controller {
  const keeper = new RevocationKeeper(context, documents);
  return new Controller({
    name: 'revocations',
    clock: context.clock,
    log: context.log,
    tracer: context.tracer,
    ...(metrics && { metrics }),
    reconcile: async () => {
      await keeper.keep();
      return {};
    },
  });
}

/** Looks at once, when the document in use changes, and when a Host or the ConfigMap does. Returns the removal. */
export function wireRevocationController(
  context: ControllerContext,
  documents: SideDocuments,
  queue: WorkQueue,
): () => void {
  const { stores, fleetName } = context;
  queue.add(KEY);
  const removals = [
    documents.onChange(() => queue.add(KEY)),
    stores.hosts.subscribe((change) => {
      const before = change.type === 'added' ? undefined : change.old.spec.revokedBefore;
      const after = change.type === 'deleted' ? undefined : change.new.spec.revokedBefore;
      if (change.type === 'added' || before !== after) queue.add(KEY);
    }),
    stores.configMaps.subscribe((change) => {
      const object = change.type === 'deleted' ? change.old : change.new;
      if (object.metadata.name === ledgerName(fleetName)) queue.add(KEY);
    }),
  ];
  return () => {
    for (const remove of removals) remove();
  };
}

class RevocationKeeper {
  readonly #context: ControllerContext;
  readonly #documents: SideDocuments;

  constructor(context: ControllerContext, documents: SideDocuments) {
    this.#context = context;
    this.#documents = documents;
  }

  async keep(): Promise<void> {
    const { stores } = this.#context;
    const onHosts = new Map<string, Timestamp>();
    for (const { spec } of stores.hosts.list()) {
      if (spec.revokedBefore !== undefined) onHosts.set(spec.hostname, spec.revokedBefore);
    }
    const seen = mergeLedgers(this.#documents.revokedBefore, onHosts);
    const ledger = await this.#remember(seen);
    await forEachParallel(ledger, PARALLEL_WRITES, ([hostname, revokedBefore]) =>
      this.#raise(hostname, revokedBefore),
    );
  }

  /** All that was ever seen; the ConfigMap is written first, because a Host can be deleted and made anew. */
  async #remember(seen: RevocationLedger): Promise<RevocationLedger> {
    const { client, stores, namespace, fleetName, log } = this.#context;
    const cached = ledgerIn(stores.configMaps.get(keyIn(this.#context, ledgerName(fleetName))));
    if (cached !== undefined && covers(cached, seen)) return cached;
    const base = await this.#readLive();
    const known = ledgerIn(base);
    if (known === undefined) {
      log.error(
        { configMap: ledgerName(fleetName) },
        'the ledger of revocations is damaged: delete the ConfigMap, it is made anew',
      );
      return seen;
    }
    const ledger = mergeLedgers(known, seen);
    if (covers(known, ledger)) return ledger;
    const next = withLedger({ namespace, fleetName }, base, ledger);
    if (base === undefined) await createObject(client, configMapResource, stores.configMaps, next);
    else await updateObject(client, configMapResource, stores.configMaps, { base, next });
    return ledger;
  }

  async #readLive(): Promise<ConfigMap | undefined> {
    const { client, namespace, fleetName } = this.#context;
    try {
      return await client.get(configMapResource, { namespace, name: ledgerName(fleetName) });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #raise(hostname: string, revokedBefore: Timestamp): Promise<void> {
    const { client, stores, audit, events } = this.#context;
    const base = stores.hosts.get(keyIn(this.#context, hostName(hostname)));
    if (base?.spec.hostname !== hostname || isCovered(base, revokedBefore)) return;
    const next: Host = { ...base, spec: { ...base.spec, revokedBefore } };
    const raised = await updateObject(client, hostResource, stores.hosts, { base, next });
    audit.info({ host: hostname, revokedBefore }, 'certificates revoked');
    const message = `certificates issued before ${revokedBefore} are refused: enrol the host anew`;
    events.record({ about: raised, type: 'Warning', reason: 'CertificatesRevoked', message });
  }
}

function isCovered({ spec }: Host, revokedBefore: Timestamp): boolean {
  return spec.revokedBefore !== undefined && compareTimestamps(spec.revokedBefore, revokedBefore) >= 0;
}

function covers(ledger: RevocationLedger, other: RevocationLedger): boolean {
  return [...other].every(([hostname, time]) => {
    const known = ledger.get(hostname);
    return known !== undefined && compareTimestamps(known, time) >= 0;
  });
}
