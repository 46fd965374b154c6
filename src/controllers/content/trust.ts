import type { TrustConfig, TrustedKey } from '../../api/artifacts/trust-config.ts';
import type { Fleet } from '../../api/kinds/fleet.ts';
import { millisBetween, type Timestamp } from '../../api/time.ts';
import { activeKeys, readTrust } from '../../core/artifacts/key-slots.ts';
import type { ConfigMap } from '../../kube/blob-store.ts';
import type { StoreReader } from '../../kube/store.ts';

/** The trust config of a Fleet, or why there is none, with a reason for its Verified condition. */
export type TrustReading =
  | { readonly ok: true; readonly trust: TrustConfig; readonly version: string }
  | { readonly ok: false; readonly reason: 'TrustNotFound' | 'TrustUnreadable'; readonly message: string };

/** Reads the trust.json that the Fleet points at from the cached ConfigMaps. */
export function trustOf(fleet: Fleet, configMaps: Pick<StoreReader<ConfigMap>, 'get'>): TrustReading {
  const { name, key } = fleet.spec.trust.configMapRef;
  const configMap = configMaps.get(`${fleet.metadata.namespace ?? ''}/${name}`);
  const text = configMap?.data?.[key];
  if (configMap === undefined || text === undefined) {
    const what =
      configMap === undefined ? `ConfigMap ${name} does not exist` : `ConfigMap ${name} has no key ${key}`;
    return {
      ok: false,
      reason: 'TrustNotFound',
      message: `spec.trust.configMapRef: ${what}: create it with the trust.json`,
    };
  }
  const reading = readOnce(configMap, key, text);
  if (!reading.ok)
    return {
      ok: false,
      reason: 'TrustUnreadable',
      message: `ConfigMap ${name}, key ${key}: ${reading.message}`,
    };
  const { uid = '', resourceVersion = '' } = configMap.metadata;
  return { ok: true, trust: reading.value, version: `${uid}/${resourceVersion}` };
}

/** What was read of a ConfigMap, by key; objects of a store never change in place, and every plan asks. */
const readings = new WeakMap<ConfigMap, Map<string, ReturnType<typeof readTrust>>>();

function readOnce(configMap: ConfigMap, key: string, text: string): ReturnType<typeof readTrust> {
  let known = readings.get(configMap);
  if (known === undefined) readings.set(configMap, (known = new Map()));
  let reading = known.get(key);
  if (reading === undefined) known.set(key, (reading = readTrust(text)));
  return reading;
}

/** The keys that releases may be signed with at `now`, and the cut-off of their slot. */
export function releaseKeys(
  trust: TrustConfig,
  now: Timestamp,
): { readonly keys: readonly TrustedKey[]; readonly rejectBefore: Timestamp | null } {
  return { keys: activeKeys(trust.ciReleaseKey, now), rejectBefore: trust.ciReleaseKey.rejectBefore };
}

/**
 * Milliseconds until another set of keys is in force although nobody edits the trust config, because a successor is not
 * trusted beyond `retireAt`; undefined where that never comes.
 */
export function keysChangeInMs({ ciReleaseKey }: TrustConfig, now: Timestamp): number | undefined {
  const { successor, retireAt } = ciReleaseKey;
  if (successor === null || retireAt === null) return undefined;
  const left = millisBetween(now, retireAt);
  return left > 0 ? left : undefined;
}
