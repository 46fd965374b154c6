import { describe, expect, it } from 'vitest';
import { addMillis } from '../../../src/api/time.ts';
import type { Release } from '../../../src/core/artifacts/release.ts';
import { conditionOf } from '../../../src/core/conditions.ts';
import { freshUntil, notServedStatus, type FleetStatusInput } from '../../../src/core/fleet/status.ts';
import {
  LAB,
  NOW,
  REF,
  RELEASE,
  SIGNED,
  channel,
  fleetWith,
  host,
  release,
  shown,
  statusOf,
} from './fixture.ts';

describe('the status of a Fleet', () => {
  it('has all its conditions from the first visit on', () => {
    const types = ['Ready', 'Verified', 'Fresh', 'Converged', 'Deadlocked', 'Reconciling', 'Stalled'];
    expect(statusOf().conditions?.map(({ type }) => type)).toEqual(types);
    expect(statusOf({ release: undefined, channels: [] }).conditions?.map(({ type }) => type)).toEqual(types);
    expect(conditionOf(statusOf().conditions, 'Ready')).toMatchObject({
      observedGeneration: 3,
      lastTransitionTime: NOW,
    });
  });

  it('begins on a Fleet that has no status at all', () => {
    const { status: _, ...bare } = fleetWith();
    expect(statusOf({ fleet: bare })).toEqual(statusOf());
    expect(notServedStatus(bare, 'other', NOW)).toEqual(notServedStatus(fleetWith(), 'other', NOW));
  });

  it('keeps what others wrote into it', () => {
    const artifact = {
      ciCommit: REF,
      signedAt: SIGNED,
      sha256: 'x',
      verifiedAt: SIGNED,
      contentRefs: ['lab-1-0'],
    };
    expect(statusOf({ fleet: fleetWith({ term: 7, artifact }) })).toMatchObject({ term: 7, artifact });
  });

  it('observes a generation only when all of it was carried out', () => {
    expect(statusOf()).toMatchObject({ observedGeneration: 3 });
    expect(statusOf({ fleet: fleetWith({ observedGeneration: 2 }), done: false }).observedGeneration).toBe(2);
    const { generation: _, ...unversioned } = fleetWith().metadata;
    expect(statusOf({ fleet: { ...fleetWith(), metadata: unversioned } })).toMatchObject({
      observedGeneration: 0,
    });
  });

  it('names the rollout in force of each channel', () => {
    expect(statusOf().channels).toEqual([
      { name: 'edge', ref: REF, rollout: 'edge-11111111-0123456789', hosts: 1, opened: true },
      { name: 'stable', ref: REF, rollout: 'stable-11111111-0123456789', hosts: 2, opened: true },
    ]);
  });

  it('says of a rollout that it was opened once it was there, and forgets it with its successor', () => {
    const openedOf = (changes: Partial<FleetStatusInput>) =>
      statusOf(changes).channels?.map(({ rollout, opened }) => [rollout, opened]);
    const name = 'edge-11111111-0123456789';
    const said = (rollout: string, opened?: boolean) =>
      fleetWith({ channels: [{ name: 'edge', ref: REF, rollout, hosts: 1, ...(opened && { opened }) }] });
    const missing = { channels: [channel('edge')] };
    expect(openedOf(missing)).toEqual([[name, undefined]]);
    expect(openedOf({ ...missing, fleet: said(name) })).toEqual([[name, undefined]]);
    expect(openedOf({ fleet: said(name), channels: [channel('edge', 'no status')] })).toEqual([[name, true]]);
    expect(openedOf({ ...missing, fleet: said(name, true) })).toEqual([[name, true]]);
    expect(openedOf({ ...missing, fleet: said('edge-before', true) })).toEqual([[name, undefined]]);
  });

  it('keeps the former channels while the content cannot be read, because events find their rollout by them', () => {
    const channels = [{ name: 'old', ref: REF, rollout: 'old-1', hosts: 1 }];
    const unreadable = {
      fleet: fleetWith({ channels }),
      contentFault: 'ConfigMap lab-1-0 is gone',
      release: undefined,
    };
    expect(statusOf({ ...unreadable, channels: [] }).channels).toEqual(channels);
  });
});

describe('the counters of a Fleet', () => {
  const seen = { lastSeenTime: SIGNED };

  it('count declared hosts by what is known of them', () => {
    const hosts = [
      host('web-01', seen),
      host('web-02', { ...seen, offline: true }),
      host('edge-01', { offline: false }),
    ];
    const status = statusOf({ hosts: [...hosts, host('not-declared', seen)] });
    expect(status.hosts).toEqual({ total: 3, online: 1, offline: 1, unmanaged: 0 });
    expect(status.summary).toEqual({ commit: '11111111', online: '1/3' });
  });

  it('count a host without object or status as neither online nor offline', () => {
    expect(statusOf({ hosts: [host('web-01')] }).hosts).toEqual({
      total: 3,
      online: 0,
      offline: 0,
      unmanaged: 0,
    });
  });

  it('count hosts that nothing was built for, and those whose channel has no rollout, as unmanaged', () => {
    const partly = release({ ...LAB, targets: { 'web-02': null } });
    expect(statusOf({ release: partly }).hosts).toMatchObject({ total: 3, unmanaged: 1 });
    const without = {
      ...RELEASE,
      manifests: new Map([...RELEASE.manifests].filter(([name]) => name !== 'stable')),
    };
    expect(statusOf({ release: without }).hosts).toMatchObject({ total: 3, unmanaged: 2 });
  });

  it('stay as they were while there is no release to count by', () => {
    const counted = {
      hosts: { total: 9, online: 8, offline: 1, unmanaged: 0 },
      summary: { commit: 'x', online: '8/9' },
    };
    expect(statusOf({ release: undefined, fleet: fleetWith(counted) })).toMatchObject(counted);
    expect(statusOf({ release: undefined })).not.toHaveProperty('hosts');
    expect(statusOf({ release: undefined })).not.toHaveProperty('summary');
  });
});

describe('Ready', () => {
  it.each<[string, Partial<FleetStatusInput>, string]>([
    ['every channel is open', {}, 'True InForce: release 11111111 is in force for 2 channels'],
    [
      'one of them has no rollout yet',
      { channels: [channel('edge', 'Active'), channel('stable')] },
      'False Opening: opening channels stable',
    ],
    [
      'a rollout has no status yet',
      { channels: [channel('edge', 'no status')] },
      'False Opening: opening channels edge',
    ],
    [
      'a rollout is opening',
      { channels: [channel('edge', 'Opening')] },
      'False Opening: opening channels edge',
    ],
    [
      'a rollout has failed, but is open',
      { channels: [channel('edge', 'Failed')] },
      'True InForce: release 11111111 is in force for 1 channels',
    ],
    [
      'many are opening',
      { channels: ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => channel(name)) },
      'False Opening: opening channels a, b, c, d, e',
    ],
    [
      'the Fleet is on hold with channels to open',
      { fleet: fleetWith({}, 'Hold'), channels: ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => channel(name)) },
      'False OnHold: spec.intent.hold is Hold, so channels a, b, c, d, e are not opened: set it to None to go on',
    ],
    [
      'the Fleet is on hold with everything open',
      { fleet: fleetWith({}, 'Hold') },
      'True InForce: release 11111111 is in force for 2 channels',
    ],
    [
      'nothing was ever accepted',
      { release: undefined, channels: [] },
      'False NothingInForce: no release was accepted yet: see the condition Verified',
    ],
    [
      'the content is unreadable',
      { contentFault: 'gone', release: undefined },
      'False ContentUnreadable: gone',
    ],
  ])('where %s', (_, changes, expected) => {
    expect(shown(statusOf(changes), 'Ready')).toBe(expected);
  });
});

describe('Verified', () => {
  const artifact = {
    ciCommit: 'abcdef0123456789',
    signedAt: SIGNED,
    sha256: 'x',
    verifiedAt: SIGNED,
    contentRefs: [],
  };
  const refused = { ok: false, reason: 'BadSignature', message: 'forged' } as const;

  it.each<[string, Partial<FleetStatusInput>, string]>([
    [
      'the release in the source is in force',
      { fleet: fleetWith({ artifact }) },
      `True Verified: signed ${SIGNED}`,
    ],
    ['it is accepted but not in force yet', {}, 'True Verified: signed and verified'],
    [
      'it is refused, and another stays',
      { source: refused, fleet: fleetWith({ artifact }) },
      'False BadSignature: forged; abcdef01 stays in force',
    ],
    [
      'it is refused with the key that signed what is in force',
      { source: refused, contentFault: 'refused', fleet: fleetWith({ artifact }) },
      'False BadSignature: forged; abcdef01 stays in force, but cannot be used: see the condition Ready',
    ],
    [
      'it is refused, and there is no other',
      { source: refused },
      'False BadSignature: forged; nothing is in force',
    ],
  ])('where %s', (_, changes, expected) => {
    expect(shown(statusOf(changes), 'Verified')).toBe(expected);
  });
});

describe('Fresh', () => {
  /** Channels are fresh for 1440 minutes in small fleets. */
  const until = addMillis(SIGNED, 1440 * 60_000);

  it.each<[string, Partial<FleetStatusInput>, string]>([
    ['the release is young', {}, `True Fresh: signed ${SIGNED}, fresh until ${until}`],
    ['its time ends right now', { now: until }, `True Fresh: signed ${SIGNED}, fresh until ${until}`],
    [
      'its time is over',
      { now: addMillis(until, 1) },
      `False ReleaseAged: signed ${SIGNED}, fresh until ${until}: let CI sign again`,
    ],
    [
      'there are no channels',
      { release: release({ channels: {} }), channels: [], now: addMillis(until, 1) },
      `True Fresh: signed ${SIGNED}`,
    ],
    [
      'nothing was ever accepted',
      { release: undefined },
      'False NothingInForce: no release was accepted yet',
    ],
    ['the content is unreadable', { contentFault: 'gone' }, 'Unknown ContentUnreadable: gone'],
  ])('where %s', (_, changes, expected) => {
    expect(shown(statusOf(changes), 'Fresh')).toBe(expected);
  });

  it('goes by the tightest window, in minutes, and outlives no calendar', () => {
    const windows = (...minutes: number[]): Release => {
      const [one] = Object.values(RELEASE.fleet.channels);
      if (one === undefined) throw new Error('the fleet has no channel');
      const channels = Object.fromEntries(
        minutes.map((freshnessWindow, i) => [`c${i}`, { ...one, freshnessWindow }]),
      );
      return { ...RELEASE, fleet: { ...RELEASE.fleet, channels } };
    };
    expect(freshUntil(windows(90, 30, 60))).toBe('2026-05-16T01:30:00Z');
    expect(freshUntil(windows())).toBeUndefined();
    const forever = windows(4_294_967_295);
    expect(shown(statusOf({ release: forever }), 'Fresh')).toMatch(/^True Fresh: /);
  });
});

describe('Converged', () => {
  it.each<[string, Partial<FleetStatusInput>, string]>([
    ['all rollouts are Terminal', {}, 'True AllTerminal: every host runs what the release declares'],
    [
      'some are not',
      { channels: [channel('a', 'Terminal'), channel('b', 'Active'), channel('c')] },
      'False RollingOut: channels b, c are on their way',
    ],
    [
      'many are not',
      { channels: ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => channel(name, 'Active')) },
      'False RollingOut: channels a, b, c, d, e are on their way',
    ],
    [
      'one has failed',
      { channels: [channel('a', 'Active'), channel('b', 'Failed')] },
      'False Halted: channel b is halted: kubectl get nfhr -l nixfleet.dev/rollout=b-11111111-0123456789',
    ],
    [
      'one was rolled back',
      { channels: [channel('a', 'Reverted'), channel('b', 'Failed')] },
      'False Halted: channel a is halted: kubectl get nfhr -l nixfleet.dev/rollout=a-11111111-0123456789',
    ],
    [
      'nothing was ever accepted',
      { release: undefined, channels: [] },
      'False NothingInForce: no release was accepted yet',
    ],
    ['the content is unreadable', { contentFault: 'gone' }, 'Unknown ContentUnreadable: gone'],
  ])('where %s', (_, changes, expected) => {
    expect(shown(statusOf(changes), 'Converged')).toBe(expected);
  });
});

describe('Deadlocked', () => {
  it('says what can never come, at most five times', () => {
    expect(shown(statusOf(), 'Deadlocked')).toBe('False NoDeadlock: nothing waits for what can never come');
    const deadlocks = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `${name} waits`);
    expect(shown(statusOf({ deadlocks }), 'Deadlocked')).toBe(
      'True NeverClears: a waits; b waits; c waits; d waits; e waits',
    );
  });
});

describe('RenewalDue', () => {
  it('is absent where nobody looks', () => {
    expect(conditionOf(statusOf().conditions, 'RenewalDue')).toBeUndefined();
  });

  it('names the most urgent matter, and what to do about all', () => {
    expect(shown(statusOf({ renewals: [] }), 'RenewalDue')).toBe('False NothingDue: nothing runs out soon');
    const renewals = [
      { reason: 'AuthorityEnding', message: 'the CA ends' },
      { reason: 'ReleaseAging', message: 'sign again' },
    ] as const;
    expect(shown(statusOf({ renewals }), 'RenewalDue')).toBe('True AuthorityEnding: the CA ends; sign again');
  });
});

describe('Reconciling and Stalled', () => {
  const settled = 'False Settled: nothing left to do for this generation';
  const opening = 'True Opening: the rollouts of the release are being opened';

  it.each<[string, Partial<FleetStatusInput>, string]>([
    ['everything is open', {}, settled],
    ['a channel is to be opened', { channels: [channel('a', 'Active'), channel('b')] }, opening],
    ['a rollout is opening', { channels: [channel('a', 'Opening')] }, opening],
    [
      'a channel is to be opened, but the Fleet is on hold',
      { channels: [channel('a')], fleet: fleetWith({}, 'Hold') },
      settled,
    ],
    ['there is no release to open', { channels: [channel('a')], release: undefined }, settled],
  ])('where %s', (_, changes, expected) => {
    expect(shown(statusOf(changes), 'Reconciling')).toBe(expected);
  });

  it('stalls where a person has to change the source', () => {
    expect(shown(statusOf(), 'Stalled')).toBe('False Settled: nothing needs a person');
    const source = { ok: false, reason: 'ManifestMissing', message: 'sign it' } as const;
    expect(shown(statusOf({ source }), 'Stalled')).toBe('True SourceRefused: ManifestMissing: sign it');
  });
});

describe('a Fleet that this installation does not serve', () => {
  it('says so in every condition and names the remedy', () => {
    const status = notServedStatus(fleetWith({ term: 2 }), 'other', NOW);
    expect(status).toMatchObject({ term: 2, observedGeneration: 3 });
    expect(status.conditions?.map(({ type, status: value, reason }) => `${type} ${value} ${reason}`)).toEqual(
      [
        'Ready False NotServed',
        'Verified False NotServed',
        'Fresh Unknown NotServed',
        'Converged Unknown NotServed',
        'Deadlocked Unknown NotServed',
        'Reconciling False NotServed',
        'Stalled True NotServed',
      ],
    );
    for (const { message } of status.conditions ?? [])
      expect(message).toMatch(/serves the Fleet "other" \(flag --fleet\): install the operator once more/);
    const { generation: _, ...unversioned } = fleetWith().metadata;
    expect(notServedStatus({ ...fleetWith(), metadata: unversioned }, 'other', NOW).observedGeneration).toBe(
      0,
    );
  });
});
