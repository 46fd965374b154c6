import { describe, expect, it } from 'vitest';
import type { FleetHost, FleetResolved } from '../../../src/api/artifacts/fleet-resolved.ts';
import type { RolloutManifest } from '../../../src/api/artifacts/rollout-manifest.ts';
import type { Selector } from '../../../src/api/artifacts/selector.ts';
import type { Timestamp } from '../../../src/api/time.ts';
import type { ReleaseManifest } from '../../../src/core/artifacts/release.ts';
import { hostName } from '../../../src/core/naming.ts';
import { hostSetHash } from '../../../src/core/rollout/attempts.ts';
import {
  desiredHostSpec,
  isOwnedBy,
  newHost,
  newRecord,
  newRollout,
  isReopened,
} from '../../../src/core/rollout/open.ts';
import { sampleRecord, sampleRollout } from '../../support/kind-samples.ts';

const PLACE = { namespace: 'ns', fleetName: 'lab' };
const NOW = '2026-05-16T01:00:00Z' as Timestamp;
const REF = 'a1b2c3d4e5f60718293a4b5c6d7e8f9001122334';
const LONG = 'x'.repeat(64);
const FLEET_HOST: FleetHost = {
  system: 'x86_64-linux',
  tags: ['web'],
  channel: 'stable',
  closureHash: 'c1',
  pubkey: 'ssh-ed25519 A',
};
const ALL: Selector = { tags: [], tagsAny: [], hosts: [], channel: null, all: true };

/** A fleet with a channel `stable` of two waves; its maps have no prototype where it was read from a document. */
function fleet(changes: Partial<FleetResolved> = {}): FleetResolved {
  const channel = {
    rolloutPolicy: 'slow',
    reconcileIntervalMinutes: 5,
    freshnessWindow: 60,
    signingIntervalMinutes: 30,
  };
  const wave = (soakMinutes: number) => ({ selector: ALL, soakMinutes });
  return {
    schemaVersion: 1,
    hosts: {},
    channels: { stable: channel },
    rolloutPolicies: {
      slow: {
        strategy: 'staged',
        waves: [wave(5), wave(7)],
        healthGate: {},
        onHealthFailure: 'rollback-and-halt',
      },
    },
    waves: {
      stable: [
        { hosts: ['web-01'], soakMinutes: 1 },
        { hosts: ['web-02'], soakMinutes: 1 },
        { hosts: [], soakMinutes: 1 },
      ],
    },
    edges: [],
    channelEdges: [],
    disruptionBudgets: [],
    meta: { schemaVersion: 1, signedAt: NOW, ciCommit: REF },
    ...changes,
  };
}

function release(changes: Partial<RolloutManifest> = {}): ReleaseManifest {
  const manifest: RolloutManifest = {
    schemaVersion: 1,
    displayName: 'stable',
    channel: 'stable',
    channelRef: REF,
    fleetResolvedHash: 'f',
    hostSet: [{ hostname: 'web-01', waveIndex: 0, targetClosure: 'c1' }],
    healthGate: {},
    disruptionBudgets: [],
    meta: { schemaVersion: 1, signedAt: NOW, ciCommit: REF },
    ...changes,
  };
  const bytes = new Uint8Array();
  return {
    bytes,
    signature: bytes,
    rolloutId: `${manifest.channel}@${REF}`,
    channel: manifest.channel,
    manifest,
    sha256: 's',
    signedAt: NOW,
  };
}

const CHOICE = { name: 'stable-a1b2c3d4-0123456789', attempt: 2, open: true };

describe('the Host object of a declared host', () => {
  it('is named after the host, labelled with its Fleet, and owned by nobody', () => {
    expect(newHost(PLACE, 'Web_01', FLEET_HOST)).toEqual({
      apiVersion: 'nixfleet.dev/v1alpha1',
      kind: 'Host',
      metadata: { name: hostName('Web_01'), namespace: 'ns', labels: { 'nixfleet.dev/fleet': 'lab' } },
      spec: {
        fleetRef: 'lab',
        hostname: 'Web_01',
        channel: 'stable',
        tags: ['web'],
        platform: 'x86_64-linux',
        pubkey: 'ssh-ed25519 A',
        declaredClosure: 'c1',
      },
    });
  });

  it('has no member for what the fleet does not know', () => {
    const unknown = { ...FLEET_HOST, pubkey: null, closureHash: null };
    const spec = {
      fleetRef: 'lab',
      hostname: 'a',
      channel: 'stable',
      tags: ['web'],
      platform: 'x86_64-linux',
    };
    expect(desiredHostSpec('lab', 'a', unknown)).toStrictEqual(spec);
    expect(desiredHostSpec('lab', 'a', { ...unknown, pin: undefined })).toStrictEqual(spec);
  });

  it('shows a pin, with its end where it has one', () => {
    const pin = { commit: REF, reason: 'audit' };
    const pinOf = (given: FleetHost['pin']) => desiredHostSpec('lab', 'a', { ...FLEET_HOST, pin: given }).pin;
    expect(pinOf(pin)).toStrictEqual(pin);
    expect(pinOf({ ...pin, expiresAt: undefined })).toStrictEqual(pin);
    expect(pinOf({ ...pin, expiresAt: NOW })).toStrictEqual({ ...pin, expiresAt: NOW });
  });
});

describe('a Rollout that is opened', () => {
  it('holds all that is fixed from now on, and belongs to its Fleet', () => {
    expect(newRollout(PLACE, 'uid-1', fleet(), release(), CHOICE)).toEqual({
      apiVersion: 'nixfleet.dev/v1alpha1',
      kind: 'Rollout',
      metadata: {
        name: CHOICE.name,
        namespace: 'ns',
        labels: { 'nixfleet.dev/fleet': 'lab' },
        ownerReferences: [
          { apiVersion: 'nixfleet.dev/v1alpha1', kind: 'Fleet', name: 'lab', uid: 'uid-1', controller: true },
        ],
      },
      spec: {
        rolloutId: `stable@${REF}`,
        channel: 'stable',
        channelRef: REF,
        attempt: 2,
        fleetRef: 'lab',
        hostCount: 1,
        hostSetHash: hostSetHash(release().manifest),
        waves: 3,
        onHealthFailure: 'rollback-and-halt',
        budgets: [],
        intent: { hold: 'None', retry: [] },
      },
    });
  });

  it('counts the hosts of a budget and keeps the limits that there are, zero included', () => {
    const budget = { selector: ALL, hosts: ['a', 'b'], maxInFlight: null, maxInFlightPct: null };
    const disruptionBudgets = [
      budget,
      { ...budget, maxInFlight: 0 },
      { ...budget, hosts: [], maxInFlightPct: 20 },
    ];
    expect(
      newRollout(PLACE, 'u', fleet(), release({ disruptionBudgets }), CHOICE).spec.budgets,
    ).toStrictEqual([
      { selectorSummary: 'all', hosts: 2 },
      { selectorSummary: 'all', maxInFlight: 0, hosts: 2 },
      { selectorSummary: 'all', maxInFlightPct: 20, hosts: 0 },
    ]);
  });

  it('summarises a long selector within what its field may hold', () => {
    const selector = { ...ALL, all: false, tags: ['x'.repeat(600)] };
    const disruptionBudgets = [{ selector, hosts: [], maxInFlight: 1, maxInFlightPct: null }];
    const [budget] = newRollout(PLACE, 'u', fleet(), release({ disruptionBudgets }), CHOICE).spec.budgets;
    expect(budget?.selectorSummary).toHaveLength(512);
    expect(budget?.selectorSummary).toMatch(/x…$/);
  });

  it.each(['edge', 'constructor'])('has no waves where the fleet lists none for channel %s', (channel) => {
    expect(newRollout(PLACE, 'u', fleet(), release({ channel }), CHOICE).spec.waves).toBe(0);
  });

  it.each<[string, Partial<FleetResolved>, string]>([
    ['the channel is not declared', { channels: {} }, 'stable'],
    ['the policy is not declared', { rolloutPolicies: {} }, 'stable'],
    ['the channel is called like a member of every object', {}, 'constructor'],
  ])('halts on failure where %s', (_, changes, channel) => {
    expect(newRollout(PLACE, 'u', fleet(changes), release({ channel }), CHOICE).spec.onHealthFailure).toBe(
      'halt',
    );
  });

  it('halts on failure where the policy is called like a member of every object', () => {
    const [channel] = Object.values(fleet().channels);
    if (channel === undefined) throw new Error('the fleet has no channel');
    const channels = { stable: { ...channel, rolloutPolicy: 'constructor' } };
    expect(newRollout(PLACE, 'u', fleet({ channels }), release(), CHOICE).spec.onHealthFailure).toBe('halt');
  });
});

describe('a record that is opened', () => {
  const rollout = {
    ...sampleRollout('ns'),
    metadata: { name: 'stable-a1b2c3d4-0123456789', namespace: 'ns', uid: 'uid-r' },
  };
  const host = { hostname: 'web-01', waveIndex: 1, targetClosure: 'c1' };

  it.each([
    ['for a rollout that is being opened', {}, 'Opening', false],
    ['for a rollout that is open already', {}, 'Active', true],
    [
      'for a rollout that was deleted and is opened again',
      { 'nixfleet.dev/reopened': 'true' },
      'Opening',
      true,
    ],
  ] as const)('D22: %s', (_, annotations, state, reopened) => {
    const opening = {
      ...rollout,
      metadata: { ...rollout.metadata, annotations },
      status: { state, currentWave: 0 },
    };
    const made = newRecord(PLACE, opening, fleet(), host, 0, NOW);
    expect(isReopened(made)).toBe(reopened);
    expect(isReopened(newRollout(PLACE, 'u', fleet(), release(), CHOICE, reopened))).toBe(reopened);
  });

  it('holds all that step() needs, and belongs to its Rollout', () => {
    expect(newRecord(PLACE, rollout, fleet(), host, 4, NOW)).toEqual({
      apiVersion: 'nixfleet.dev/v1alpha1',
      kind: 'HostRolloutRecord',
      metadata: {
        name: 'stable-a1b2c3d4-0123456789.web-01',
        namespace: 'ns',
        labels: {
          'nixfleet.dev/fleet': 'lab',
          'nixfleet.dev/rollout': 'stable-a1b2c3d4-0123456789',
          'nixfleet.dev/host': 'web-01',
        },
        ownerReferences: [
          {
            apiVersion: 'nixfleet.dev/v1alpha1',
            kind: 'Rollout',
            name: 'stable-a1b2c3d4-0123456789',
            uid: 'uid-r',
            controller: true,
          },
        ],
      },
      spec: {
        rolloutRef: 'stable-a1b2c3d4-0123456789',
        rolloutId: `stable@${REF}`,
        attempt: 1,
        hostname: 'web-01',
        hostRef: 'web-01',
        channel: 'stable',
        ref: 'a1b2c3d4',
        wave: 1,
        targetClosure: 'c1',
        soakMinutes: 7,
        onHealthFailure: 'rollback-and-halt',
        firstSeq: 4,
        dispatchedAt: NOW,
      },
    });
  });

  it('soaks as its wave of the policy says, and an hour where the policy does not say', () => {
    const soakOf = (waveIndex: number): number =>
      newRecord(PLACE, rollout, fleet(), { ...host, waveIndex }, 0, NOW).spec.soakMinutes;
    expect([soakOf(0), soakOf(1), soakOf(2)]).toEqual([5, 7, 60]);
  });

  it('names the object of a host whose name is no object name', () => {
    const { metadata, spec } = newRecord(PLACE, rollout, fleet(), { ...host, hostname: 'Web_01' }, 0, NOW);
    expect(spec).toMatchObject({ hostname: 'Web_01', hostRef: hostName('Web_01') });
    expect(metadata.name).toBe(`${rollout.metadata.name}.${hostName('Web_01')}`);
    expect(metadata.labels?.['nixfleet.dev/host']).toBe(hostName('Web_01'));
  });

  it('soaks an hour where the fleet has no policy for the channel', () => {
    const first = { ...host, waveIndex: 0 };
    expect(newRecord(PLACE, rollout, fleet({ rolloutPolicies: {} }), first, 0, NOW).spec).toMatchObject({
      soakMinutes: 60,
      onHealthFailure: 'halt',
    });
  });

  it('has no label that would be longer than a label may be', () => {
    const labels = newRecord(
      { namespace: 'ns', fleetName: LONG },
      rollout,
      fleet(),
      { ...host, hostname: LONG },
      0,
      NOW,
    ).metadata.labels;
    expect(labels).toEqual({ 'nixfleet.dev/rollout': rollout.metadata.name });
  });

  it('belongs to the very Rollout, not to one of the same name', () => {
    const record = newRecord(PLACE, rollout, fleet(), host, 0, NOW);
    const again = { ...rollout, metadata: { ...rollout.metadata, uid: 'uid-s' } };
    expect(isOwnedBy(record, rollout)).toBe(true);
    expect(isOwnedBy(record, again)).toBe(false);
    expect(isOwnedBy(sampleRecord('ns'), rollout)).toBe(false);
    const unstored = { ...rollout, metadata: { name: rollout.metadata.name, namespace: 'ns' } };
    const early = newRecord(PLACE, unstored, fleet(), host, 0, NOW);
    expect([isOwnedBy(early, unstored), isOwnedBy(early, rollout)]).toEqual([false, false]);
    expect(early.metadata.ownerReferences).toMatchObject([{ uid: '' }]);
    const owner = { apiVersion: 'v1', kind: 'Fleet', name: 'lab', uid: 'uid-r' };
    expect(
      isOwnedBy({ ...record, metadata: { ...record.metadata, ownerReferences: [owner] } }, rollout),
    ).toBe(false);
  });
});
