import { API_VERSION } from '../../../src/api/group.ts';
import type { Fleet, FleetStatus } from '../../../src/api/kinds/fleet.ts';
import type { Host, HostStatus } from '../../../src/api/kinds/host.ts';
import type { RolloutState } from '../../../src/api/wire/enums.ts';
import type { Timestamp } from '../../../src/api/time.ts';
import { verifyRelease, type Release } from '../../../src/core/artifacts/release.ts';
import { signDocument } from '../../../src/core/artifacts/sign.ts';
import { conditionOf } from '../../../src/core/conditions.ts';
import {
  deriveFleetStatus,
  type ChannelInForce,
  type FleetStatusInput,
} from '../../../src/core/fleet/status.ts';
import { smallFleetDocuments, type SmallFleet } from '../../support/small-fleet.ts';
import { sampleFleet, sampleRollout } from '../../support/kind-samples.ts';
import { edKey } from '../artifacts/fixtures.ts';

export const SIGNED = '2026-05-16T01:00:00Z' as Timestamp;
export const NOW = '2026-05-16T02:00:00Z' as Timestamp;
export const REF = '1'.repeat(40);
export const LAB: SmallFleet = {
  channels: { stable: { waves: [['web-01'], ['web-02']] }, edge: { waves: [['edge-01']] } },
};

export function release(design: SmallFleet = LAB): Release {
  const key = edKey(7);
  const sign = (text: string) => ({ bytes: Buffer.from(text), signature: signDocument(text, key).signature });
  const documents = new Map(smallFleetDocuments(design, SIGNED));
  const resolved = documents.get('fleet.resolved.json') ?? '';
  documents.delete('fleet.resolved.json');
  const verdict = verifyRelease(
    { fleet: sign(resolved), manifests: [...documents.values()].map((text) => ({ document: sign(text) })) },
    { keys: [key.trusted], now: SIGNED, freshnessWindowSeconds: undefined },
  );
  if (!verdict.ok) throw new Error(verdict.message);
  return verdict.release;
}

export const RELEASE = release();

export function fleetWith(status: FleetStatus = {}, hold: 'None' | 'Hold' = 'None'): Fleet {
  const { spec, ...rest } = sampleFleet('ns');
  return {
    ...rest,
    metadata: { ...rest.metadata, generation: 3 },
    spec: { ...spec, intent: { hold } },
    status,
  };
}

export function channel(name: string, state?: RolloutState | 'no status', hosts = 1): ChannelInForce {
  const { status: _, ...rollout } = sampleRollout('ns', `${name}-11111111-0123456789`);
  return {
    name,
    ref: REF,
    rolloutName: rollout.metadata.name,
    hosts,
    rollout:
      state === undefined
        ? undefined
        : state === 'no status'
          ? rollout
          : { ...rollout, status: { state, currentWave: 0 } },
  };
}

export function host(hostname: string, status?: HostStatus): Host {
  return {
    apiVersion: API_VERSION,
    kind: 'Host',
    metadata: { name: `object-of-${hostname}`, namespace: 'ns' },
    spec: { fleetRef: 'lab', hostname, channel: 'stable', tags: [], platform: 'x86_64-linux' },
    ...(status && { status }),
  };
}

/** A release of two channels that are both Terminal. */
export function statusOf(changes: Partial<FleetStatusInput> = {}): FleetStatus {
  return deriveFleetStatus({
    fleet: fleetWith(),
    source: { ok: true },
    release: RELEASE,
    channels: [channel('edge', 'Terminal'), channel('stable', 'Terminal', 2)],
    hosts: [],
    deadlocks: [],
    done: true,
    now: NOW,
    ...changes,
  });
}

/** `status reason: message` of one condition. */
export function shown(status: FleetStatus, type: string): string {
  const condition = conditionOf(status.conditions, type);
  return condition === undefined ? 'absent' : `${condition.status} ${condition.reason}: ${condition.message}`;
}
