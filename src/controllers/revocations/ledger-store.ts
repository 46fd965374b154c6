import { LABEL_FLEET } from '../../api/group.ts';
import { printLedger, readLedger, type RevocationLedger } from '../../core/enrolment/revocation-ledger.ts';
import { configMapResource, type ConfigMap } from '../../kube/blob-store.ts';
import { nameLabel } from '../../core/naming.ts';

/** The key under which a Fleet's ConfigMap of revocations holds them. */
export const LEDGER_KEY = 'revoked-before.json';

/**
 * Name of the one ConfigMap that keeps the revocations of a Fleet, of names without a Host, too. People publish their
 * signed list under other names.
 */
export function ledgerName(fleetName: string): string {
  return `${fleetName}-revoked-before`;
}

/** What a ConfigMap keeps; undefined where it is damaged. */
export function ledgerIn(configMap: ConfigMap | undefined): RevocationLedger | undefined {
  if (configMap === undefined) return new Map();
  const text = configMap.data?.[LEDGER_KEY];
  return text === undefined ? undefined : readLedger(text);
}

/** The ConfigMap with this ledger, on the base of what is there. */
export function withLedger(
  place: { readonly namespace: string; readonly fleetName: string },
  base: ConfigMap | undefined,
  ledger: RevocationLedger,
): ConfigMap {
  const { namespace, fleetName } = place;
  const data = { ...base?.data, [LEDGER_KEY]: printLedger(ledger) };
  if (base !== undefined) return { ...base, data };
  const { apiVersion, kind } = { apiVersion: configMapResource.version, kind: configMapResource.kind };
  const metadata = { name: ledgerName(fleetName), namespace, labels: nameLabel(LABEL_FLEET, fleetName) };
  return { apiVersion, kind, metadata, data };
}
