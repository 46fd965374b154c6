import { randomUUID } from 'node:crypto';
import { laterOf, type Timestamp } from '../api/time.ts';
import { activeKeys } from '../core/artifacts/key-slots.ts';
import type { RevocationLedger } from '../core/enrolment/revocation-ledger.ts';
import type { DeclaredHosts } from '../core/enrolment/judge-request.ts';
import { trustOf } from '../controllers/content/trust.ts';
import { servedFleet, type Stores } from '../controllers/context.ts';
import { ledgerIn, ledgerName } from '../controllers/revocations/ledger-store.ts';
import type { SideDocuments } from '../controllers/side-documents/side-documents.ts';
import type { ConfigMap } from '../kube/blob-store.ts';
import type { EventSink } from '../kube/events.ts';
import type { StoreReader } from '../kube/store.ts';
import type { Admission } from '../webhook/admission.ts';

/** What deciding whom the agent port lets in needs. */
export interface AdmissionOptions {
  readonly namespace: string;
  readonly fleetName: string;
  readonly stores: Stores;
  readonly burnedNonces: StoreReader<ConfigMap>;
  readonly documents: SideDocuments;
  readonly declaredHosts: () => DeclaredHosts;
  readonly authority: Admission['authority'];
  readonly events: EventSink;
}

/** The admission of one replica: everything is read from its caches, which follow the objects. */
export function admissionOf(options: AdmissionOptions): Admission {
  const { namespace, fleetName, stores, burnedNonces, documents, declaredHosts, authority, events } = options;
  const ledger = new CachedLedger();
  const key = (name: string): string => `${namespace}/${name}`;
  return {
    documentsVerified: () => documents.settled,
    revokedBefore: (hostname) => {
      const kept = ledger.read(stores.configMaps.get(key(ledgerName(fleetName)))).get(hostname);
      const listed = documents.revokedBefore.get(hostname);
      return kept === undefined || listed === undefined ? (kept ?? listed) : laterOf(kept, listed);
    },
    orgRoot: (now: Timestamp) => {
      const fleet = servedFleet({ namespace, fleetName, stores });
      if (fleet === undefined) return { fault: `the Fleet ${fleetName} does not exist` };
      const trust = trustOf(fleet, stores.configMaps);
      if (!trust.ok) return { fault: trust.message };
      const { orgRootKey } = trust.trust;
      if (orgRootKey === null)
        return { fault: 'the trust config has no orgRootKey: add the one that signs tokens' };
      return { keys: activeKeys(orgRootKey, now) };
    },
    listedNonces: (nonce) => documents.listed(nonce),
    knowsBurned: (configMap) => burnedNonces.get(key(configMap)) !== undefined,
    declaredHosts,
    authority,
    newRequestId: () => randomUUID(),
    events,
  };
}

/** The ledger of revocations, read again only where its ConfigMap has changed. */
class CachedLedger {
  #of: ConfigMap | undefined;
  #ledger: RevocationLedger = new Map();

  read(configMap: ConfigMap | undefined): RevocationLedger {
    if (configMap === this.#of) return this.#ledger;
    this.#of = configMap;
    // What is damaged or gone takes nothing back.
    const ledger = configMap === undefined ? undefined : ledgerIn(configMap);
    if (ledger !== undefined) this.#ledger = ledger;
    return this.#ledger;
  }
}
