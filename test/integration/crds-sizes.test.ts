import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { HISTORY_MAX, INBOX_MAX_ENTRIES } from '../../src/api/kinds/host-rollout-record.ts';
import type { HostRolloutRecordStatus, InboxEntry } from '../../src/api/kinds/host-rollout-record.ts';
import { hostRolloutRecordResource, rolloutResource } from '../../src/api/kinds/resources.ts';
import type { RolloutStatus } from '../../src/api/kinds/rollout.ts';
import { configMapResource, getBlob, putBlob } from '../../src/kube/blob-store.ts';
import { KubeError } from '../../src/kube/errors.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { SAMPLE_TIME, sampleRecord, sampleRollout } from '../support/kind-samples.ts';
import { clientOf } from '../support/widgets.ts';
import { adminKubeconfig, newNamespace } from './support/shared-cluster.ts';

let client: KubeClient;
let namespace: string;

beforeAll(() => {
  client = clientOf(adminKubeconfig());
});

beforeEach(async () => {
  namespace = await newNamespace('sizes');
});

afterAll(() => client.close());

function bytesOf(object: unknown): number {
  return Buffer.byteLength(JSON.stringify(object));
}

describe('a record', () => {
  const entry = (seq: number): InboxEntry => ({
    seq,
    at: SAMPLE_TIME,
    event: { kind: 'ProbeResult', probeName: 'nginx', mode: 'enforce', status: 'pass', seq },
  });

  const withInbox = async (entries: number): Promise<HostRolloutRecordStatus | undefined> => {
    const record = await client.create(hostRolloutRecordResource, sampleRecord(namespace, `r.${entries}`));
    const inbox = Array.from({ length: entries }, (_, index) => entry(index + 1));
    const status: HostRolloutRecordStatus = { state: 'Pending', lastEventSeq: 0, inbox };
    return (await client.replaceStatus(hostRolloutRecordResource, { ...record, status })).status;
  };

  test('holds a full inbox with every member of its events, and refuses one entry more', async () => {
    expect((await withInbox(INBOX_MAX_ENTRIES))?.inbox?.[63]).toEqual(entry(64));
    await expect(withInbox(INBOX_MAX_ENTRIES + 1)).rejects.toThrow('must have at most 64 items');
  });

  test('stays under 10 kB when it has been through everything and its inbox is empty', async () => {
    const created = await client.create(hostRolloutRecordResource, sampleRecord(namespace));
    const stored = await client.replaceStatus(hostRolloutRecordResource, { ...created, status: eventful() });
    expect(stored.status).toEqual(eventful());
    expect(bytesOf(stored)).toBeLessThan(10_000);
  });

  function eventful(): HostRolloutRecordStatus {
    const closure = '1111111111111111111111111111111a-nixos-system-web-01-26.05';
    const at = SAMPLE_TIME;
    return {
      state: 'Failed',
      lastEventSeq: 4711,
      currentClosureAtDispatch: closure,
      closureBeforeDispatch: closure,
      currentClosure: closure,
      dispatchAckedAt: at,
      activationStartedAt: at,
      activationCompletedAt: at,
      probeObservedFirstAt: at,
      probeFailureFirstAt: at,
      soakDueAt: at,
      failedAt: at,
      policyApplied: 'rollback-and-halt',
      probes: Array.from({ length: 12 }, (_, index) => ({
        name: `probe-${index}`,
        mode: 'enforce',
        status: 'fail',
        lastObservedAt: at,
        failureReason: 'connect: connection refused',
        failingControls: ['CIS-1.1.1', 'CIS-1.1.2', 'CIS-1.1.3'],
      })),
      dispatch: { queuedAt: at, term: 12, deliveredAt: at, lastDeliveredAt: at, suspended: true },
      lastReport: { closure, at },
      pendingEffects: [
        { type: 'InsertQuarantine', seq: 4711, channel: 'stable', closure, reason: 'a probe failed', at },
      ],
      blockedBy: [
        { gate: 'rollout-halted', key: 'web-07', since: at },
        { gate: 'budget', key: 'tag web', since: at },
        { gate: 'host-offline', since: at },
      ],
      history: Array.from({ length: HISTORY_MAX }, (_, index) => ({
        from: 'Activating',
        to: 'Soaking',
        at,
        seq: index,
        cause: 'ActivationCompleted',
      })),
    };
  }
});

test('a Rollout of 10,000 hosts that every gate holds says so in less than 50 kB, a usual one in less than 5 kB', async () => {
  const hosts = (count: number) => ({
    total: 10_000,
    pending: count,
    activating: 10,
    deferred: 0,
    soaking: 40,
    converged: 9_950 - count,
    failed: 0,
    reverted: 0,
    offline: 12,
    leftBehind: 0,
  });
  const blocked = (gates: number, reason: string): RolloutStatus['blocked'] =>
    Array.from({ length: gates }, (_, index) => ({
      gate: `gate-${index}`,
      count: 9_000,
      reason,
      hosts: Array.from({ length: 5 }, (_unused, host) => `web-${host}.rack-12.example`),
    }));
  const created = await client.create(rolloutResource, sampleRollout(namespace));
  const write = async (status: Partial<RolloutStatus>): Promise<number> =>
    bytesOf(
      await client.replaceStatus(rolloutResource, {
        ...(await client.get(rolloutResource, created.metadata)),
        status: { state: 'Active', currentWave: 0, hosts: hosts(9_000), ...status },
      }),
    );
  expect(await write({ blocked: blocked(3, 'the wave before is still at work: wait for it') })).toBeLessThan(
    5_000,
  );
  expect(await write({ blocked: blocked(32, 'x'.repeat(1024)) })).toBeLessThan(50_000);
  await expect(write({ blocked: blocked(33, '') })).rejects.toThrow('must have at most 32 items');
  const six = Array.from({ length: 6 }, (_, host) => `web-${host}`);
  await expect(write({ blocked: [{ gate: 'wave', count: 6, reason: '', hosts: six }] })).rejects.toThrow(
    'must have at most 5 items',
  );
});

test('content that does not compress is cut into immutable ConfigMaps of at most 900 KiB and put together again', async () => {
  // A release of 10,000 hosts packs to about 1 MB, nearly all of it hashes (kubernetes-api.md, measured limits).
  const bytes = randomBytes(2_000_000);
  const location = { namespace, prefix: 'lab', labels: {} };
  const { names } = await putBlob(client, location, bytes);
  expect(await putBlob(client, location, bytes)).toMatchObject({ names, replaced: [] });
  const stored = await Promise.all(names.map((name) => client.get(configMapResource, { namespace, name })));
  expect(stored).toHaveLength(3);
  for (const configMap of stored) {
    expect(configMap.immutable).toBe(true);
    expect(bytesOf(configMap.binaryData)).toBeLessThanOrEqual(900 * 1024);
    const changed = { ...configMap, binaryData: { other: 'AA==' } };
    await expect(client.replace(configMapResource, changed)).rejects.toThrow(KubeError);
  }
  expect(bytes.equals(await getBlob(client, namespace, names))).toBe(true);
});
