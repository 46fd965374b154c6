import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Fleet } from '../../src/api/kinds/fleet.ts';
import type { Host } from '../../src/api/kinds/host.ts';
import type { HostRolloutRecord, HostRolloutRecordStatus } from '../../src/api/kinds/host-rollout-record.ts';
import {
  fleetResource,
  hostResource,
  hostRolloutRecordResource,
  quarantinedClosureResource,
  rolloutResource,
} from '../../src/api/kinds/resources.ts';
import type { Rollout } from '../../src/api/kinds/rollout.ts';
import { KubeError } from '../../src/kube/errors.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import type { KubeObject, Resource } from '../../src/kube/resource.ts';
import {
  SAMPLE_TIME,
  sampleFleet,
  sampleHost,
  sampleQuarantine,
  sampleRecord,
  sampleRollout,
} from '../support/kind-samples.ts';
import { clientOf } from '../support/widgets.ts';
import { adminKubeconfig, newNamespace } from './support/shared-cluster.ts';

let client: KubeClient;
let namespace: string;

beforeAll(() => {
  client = clientOf(adminKubeconfig());
});

beforeEach(async () => {
  namespace = await newNamespace('rules');
});

afterAll(() => client.close());

/** What the server says against a write; `accepted` where nothing. */
async function verdict(write: Promise<unknown>): Promise<string> {
  try {
    await write;
    return 'accepted';
  } catch (error) {
    if (error instanceof KubeError && error.status === 422) return error.message;
    throw error;
  }
}

/** The same object with another value at a dotted path; undefined takes it out. */
function changed<T extends object>(object: T, path: string, value: unknown): T {
  const copy = structuredClone(object);
  const names = path.split('.');
  const last = names.pop() ?? '';
  let at = copy as Record<string, unknown>;
  for (const name of names) at = at[name] as Record<string, unknown>;
  if (value === undefined) delete at[last];
  else at[last] = value;
  return copy;
}

describe('a Fleet', () => {
  const inline = { fleet: '{}', signature: 'AA==', manifests: [] };
  const http = {
    fleetURL: 'https://forge.example/fleet',
    signatureURL: 'https://forge.example/fleet.sig',
    manifestURLTemplate: 'https://forge.example/{rolloutId}',
    manifestSignatureURLTemplate: 'https://forge.example/{rolloutId}.sig',
  };
  const configMapRefs = ['release'];
  const one = 'give exactly one of inline, configMapRefs, http';

  test.each([
    ['no source', 'spec.source', {}, one],
    ['inline and configMapRefs', 'spec.source', { inline, configMapRefs }, one],
    ['configMapRefs and http', 'spec.source', { configMapRefs, http }, one],
    ['all three sources', 'spec.source', { inline, configMapRefs, http }, one],
    ['an empty list of ConfigMaps', 'spec.source', { configMapRefs: [] }, 'should have at least 1 items'],
    [
      'seventeen ConfigMaps',
      'spec.source',
      { configMapRefs: Array.from({ length: 17 }, (_, n) => `part-${n}`) },
      'must have at most 16 items',
    ],
    [
      'hosts that count as offline after two heartbeats',
      'spec.offline',
      { after: '2m59s' },
      'offline.after must be at least 3m, because agents heartbeat once a minute',
    ],
    ['a duration that is none', 'spec.offline', { after: 'soon' }, 'spec.offline.after'],
    ['no trust', 'spec.trust', undefined, 'spec.trust: Required value'],
    [
      'two sources of revocations',
      'spec.agents.revocations',
      {},
      'exactly one of inline, configMapRef, http',
    ],
  ])('with %s is refused', async (_, path, value, message) => {
    expect(
      await verdict(client.create(fleetResource, changed(sampleFleet(namespace), path, value))),
    ).toContain(message);
  });

  test.each([
    ['inline', { inline }],
    ['configMapRefs', { configMapRefs }],
    ['http', { http }],
  ])('with only %s is accepted', async (_, source) => {
    const fleet = changed(sampleFleet(namespace), 'spec.source', source);
    expect(await verdict(client.create(fleetResource, fleet))).toBe('accepted');
  });

  test('gets the documented defaults', async () => {
    const { spec } = await client.create(fleetResource, sampleFleet(namespace));
    expect(spec).toMatchObject({
      freshness: { window: '720h' },
      offline: { after: '15m', policy: 'Wait' },
      agents: { certificateLifetime: '720h', artifactMaxAge: '55m' },
      retention: { attemptsPerChannel: 2, minAge: '1h' },
      intent: { hold: 'None' },
    });
  });
});

describe('what is fixed at opening', () => {
  interface Specified extends KubeObject {
    readonly spec: object;
  }
  const cases: readonly [Resource<Specified>, (namespace: string) => Specified, readonly string[]][] = [
    [rolloutResource, sampleRollout, ['intent']],
    [hostRolloutRecordResource, sampleRecord, []],
    [quarantinedClosureResource, sampleQuarantine, ['reason', 'rolloutId', 'hostname', 'quarantinedAt']],
    [hostResource, sampleHost, ['channel', 'tags', 'platform', 'declaredClosure', 'revokedBefore']],
  ];

  test.each(cases)('the fields of $plural cannot be changed', async (resource, sample, free) => {
    const object = await client.create(resource, sample(namespace));
    const verdicts: Record<string, string> = {};
    for (const [field, value] of Object.entries(object.spec)) {
      if (free.includes(field)) continue;
      const next = changed(object, `spec.${field}`, otherThan(value));
      verdicts[field] = await verdict(client.replace(resource, next));
    }
    for (const said of Object.values(verdicts)) expect(said).toContain('this field cannot be changed');
    expect(Object.keys(verdicts).length).toBeGreaterThanOrEqual(2);
  });

  function otherThan(value: unknown): unknown {
    if (typeof value === 'number') return value + 1;
    if (value === 'rollback-and-halt') return 'halt';
    if (value === SAMPLE_TIME) return '2026-06-01T11:00:00Z';
    return Array.isArray(value) ? [] : `${String(value)}x`;
  }

  test('the intent of a Rollout belongs to people', async () => {
    const rollout = await client.create(rolloutResource, sampleRollout(namespace));
    const paused = await client.replace(rolloutResource, changed(rollout, 'spec.intent.hold', 'Pause'));
    expect(paused.spec.intent.hold).toBe('Pause');
  });
});

describe('what never goes back', () => {
  test('the term of a Fleet', async () => {
    const fleet = await client.create(fleetResource, sampleFleet(namespace));
    const led = await client.replaceStatus(fleetResource, { ...fleet, status: { term: 7 } });
    const write = (status: Fleet['status']): Promise<string> =>
      verdict(client.replaceStatus(fleetResource, { ...led, ...(status && { status }) }));
    const never = 'status.term never falls: a former leader is writing';
    expect(await write({ term: 6 })).toContain(never);
    expect(await write({ channels: [] })).toContain(never);
    expect(await verdict(client.replaceStatus(fleetResource, changed(led, 'status', undefined)))).toContain(
      never,
    );
    expect(await write({ term: 8 })).toBe('accepted');
  });

  test('the current wave of a Rollout', async () => {
    const rollout = await client.create(rolloutResource, sampleRollout(namespace));
    const waving = await client.replaceStatus(rolloutResource, {
      ...rollout,
      status: { state: 'Active', currentWave: 2 },
    });
    const write = (next: Rollout): Promise<string> => verdict(client.replaceStatus(rolloutResource, next));
    const never = 'status.currentWave never falls: a former leader is writing';
    expect(await write(changed(waving, 'status.currentWave', 1))).toContain(never);
    expect(await write(changed(waving, 'status.currentWave', undefined))).toContain(never);
    expect(await write(changed(waving, 'status', undefined))).toContain(never);
    expect(await write(changed(waving, 'status.currentWave', 3))).toBe('accepted');
  });

  test('the last sequence number of a record', async () => {
    const record = await recordWith({ state: 'Soaking', lastEventSeq: 4 });
    const never = 'status.lastEventSeq never falls: it was promised to the host';
    expect(await rewrite(changed(record, 'status.lastEventSeq', 3))).toContain(never);
    expect(await rewrite(changed(record, 'status.lastEventSeq', undefined))).toContain(never);
    expect(await rewrite(changed(record, 'status', undefined))).toContain(never);
    expect(await rewrite(changed(record, 'status.lastEventSeq', 5))).toBe('accepted');
  });

  test.each(['Converged', 'Reverted'] as const)('a record that is %s', async (state) => {
    const record = await recordWith({ state, lastEventSeq: 4 });
    for (const other of ['Pending', 'Activating', 'Soaking', 'Failed', 'Converged', 'Reverted', undefined]) {
      if (other === state) continue;
      expect(await rewrite(changed(record, 'status.state', other))).toContain(
        'Converged and Reverted are end states',
      );
    }
    expect(await rewrite(changed(record, 'status.lastEventSeq', 5))).toBe('accepted');
  });

  test('a revocation', async () => {
    const host = await client.create(hostResource, sampleHost(namespace));
    const write = (value: unknown): Promise<string> =>
      verdict(client.replace(hostResource, changed<Host>(host, 'spec.revokedBefore', value)));
    const never = 'a revocation cannot be taken back';
    expect(await write('2026-06-01T09:59:59Z')).toContain(never);
    expect(await write(undefined)).toContain(never);
    expect(await write('2026-06-01T10:00:01Z')).toBe('accepted');
  });

  async function recordWith(status: HostRolloutRecordStatus): Promise<HostRolloutRecord> {
    const record = await client.create(hostRolloutRecordResource, sampleRecord(namespace));
    return client.replaceStatus(hostRolloutRecordResource, { ...record, status });
  }

  function rewrite(record: HostRolloutRecord): Promise<string> {
    return verdict(client.replaceStatus(hostRolloutRecordResource, record));
  }
});

test('the answer to a create holds the state to start from', async () => {
  const record = await client.create(hostRolloutRecordResource, sampleRecord(namespace));
  expect(record.status).toEqual({ state: 'Pending', lastEventSeq: 0 });
  const rollout = await client.create(rolloutResource, sampleRollout(namespace));
  expect(rollout.status).toEqual({ state: 'Opening', currentWave: 0 });
});
