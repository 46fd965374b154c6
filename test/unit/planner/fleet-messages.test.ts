import { describe, expect, it } from 'vitest';
import {
  budget,
  DELIVERED,
  gatesOf,
  host,
  marked,
  minute,
  plan,
  record,
  rollout,
  type Story,
} from './fleet-fixture.ts';

const reasonsOf = (story: Story): string[] =>
  (plan(story).blockedBy.get('web-r1.a') ?? []).map(({ reason }) => reason);

describe('the reason of a gate', () => {
  const a = record('a');
  const failed = (name: string) => record(name, { state: 'Failed' });

  it.each<[string, Story, RegExp]>([
    [
      'fleet-hold',
      { records: [a], settings: { fleetHold: true } },
      /^fleet-hold: the Fleet has spec\.intent\.hold: Hold$/,
    ],
    [
      'rollout-opening',
      { records: [a], rollouts: [rollout({ opened: false })] },
      /^rollout-opening: not all records of this rollout exist yet$/,
    ],
    [
      'rollout-paused',
      { records: [a], rollouts: [rollout({ paused: true })] },
      /^rollout-paused: the Rollout has spec\.intent\.hold: Pause$/,
    ],
    ['rollout-halted by one', { records: [a, failed('x')] }, /^rollout-halted: host 'x' is Failed; retry /],
    [
      'rollout-halted by three',
      { records: [a, failed('x'), failed('y'), failed('z')] },
      /^rollout-halted: host 'x' is Failed, and 2 more; retry /,
    ],
    [
      'artifact-stale',
      { records: [a], fleetSignedAt: minute(-60) },
      /^artifact-stale: the fleet in force was signed at 2026-05-16T00:00:00Z and agents refuse it/,
    ],
  ])('is for people: %s', (_, story, reason) => {
    expect(reasonsOf(story)).toEqual([expect.stringMatching(reason)]);
  });
});

describe('the key of a gate', () => {
  it.each<[string, Story['fleet'], string | undefined]>([
    ['channel-edges', { channelEdges: [{ gates: 'web', gated: 'web' }] }, 'web'],
    ['wave-promotion-host-unstaged', { waves: { web: [{ hosts: ['b'], soakMinutes: 5 }] } }, 'web'],
    ['host-edge', { edges: [{ gates: 'a', gated: 'a' }] }, 'a'],
    [
      'wave-promotion',
      { waves: { web: [['b'], ['a']].map((hosts) => ({ hosts, soakMinutes: 5 })) } },
      undefined,
    ],
  ])('says what is waited for: %s', (gate, fleet, key) => {
    const made = plan({ records: [record('a'), record('b')], ...(fleet && { fleet }) });
    expect(made.blockedBy.get('web-r1.a')?.map((hold) => [hold.gate, hold.key])).toEqual([[gate, key]]);
  });
});

describe('D8: a host edge that only looks like a deadlock', () => {
  const waves = (...lists: string[][]) => ({ web: lists.map((hosts) => ({ hosts, soakMinutes: 5 })) });
  const found = (fleet: Story['fleet'], more: Partial<Story> = {}): string[] =>
    plan({ records: [record('a'), record('b')], ...more, ...(fleet && { fleet }) }).deadlocks.map(
      ({ reason }) => reason,
    );
  const edges = [{ gates: 'a', gated: 'b' }];

  it.each([
    ['there are no waves', {}],
    ['both are in one wave', waves(['a', 'b'])],
    ['the gating host is in an earlier wave', waves(['a'], ['b'])],
  ])('is none where %s', (_, of) => {
    expect(found({ edges, waves: of })).toEqual([]);
  });

  it('is one where the gating host is in a later wave', () => {
    expect(found({ edges, waves: waves(['b'], ['a']) })).toEqual([
      "it waits for host 'a', which is in a later wave",
    ]);
  });

  it('is none where the gating host is on another channel, whose edges do not hold', () => {
    const hosts = { b: { channel: 'web', closureHash: 'x' }, z: { channel: 'db', closureHash: 'x' } };
    expect(found({ edges: [{ gates: 'z', gated: 'b' }], hosts }, { records: [record('b')] })).toEqual([]);
  });

  it('is none where the gating host is done', () => {
    expect(found({ edges }, { records: [record('a', { state: 'Converged' }), record('b')] })).toEqual([]);
  });

  it('is named where the fleet in force does not know the host', () => {
    expect(found({ hosts: {} }, { records: [record('a')] })).toEqual([
      'the host is not in the fleet in force',
    ]);
  });
});

describe('budgets of equal selector in two rollouts', () => {
  const story = (ofDb: readonly string[]): Story => ({
    rollouts: [
      rollout({ budgets: [budget(['a', 'b'], { maxInFlight: 1 })] }),
      rollout({
        name: 'db-r1',
        rolloutId: 'db@r1',
        channel: 'db',
        budgets: [budget(ofDb, { maxInFlight: 1 })],
      }),
    ],
    manifests: new Map(['web', 'db'].map((channel) => [channel, { channelRef: 'r1', signedAt: minute(-1) }])),
    records: [record('a'), record('z', { rollout: 'db-r1', dispatch: DELIVERED })],
    hosts: [host('a'), host('z')],
  });

  it('share their slots, whatever hosts each of them lists', () => {
    expect(gatesOf(plan(story(['z'])), 'a')).toEqual(['disruption-budget']);
    expect(gatesOf(plan(story(['a', 'z'])), 'a')).toEqual(['disruption-budget']);
  });

  it('do not count a host that the budget of its own rollout does not list', () => {
    expect(marked(plan(story(['a', 'b'])))).toEqual(['a']);
    expect(marked(plan(story(['a', 'c'])))).toEqual(['a']);
  });
});

describe('a plan of next to nothing', () => {
  const superseded = rollout({ name: 'web-r0', rolloutId: 'web@r0', state: 'Superseded' });
  const made = () => plan({ rollouts: [superseded], records: [] });

  it('has neither a time to wake up at nor names of what was looked at again', () => {
    expect(Object.keys(made()).filter((member) => ['wakeAt', 'visited'].includes(member))).toEqual([]);
  });

  it('knows of no deadlock of a superseded rollout, and recovers no record that is not there', () => {
    expect([made().deadlocks, made().isRecoverable('web-r0.a')]).toEqual([[], false]);
  });
});
