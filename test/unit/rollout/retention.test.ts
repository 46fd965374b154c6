import { describe, expect, it } from 'vitest';
import type { Fleet } from '../../../src/api/kinds/fleet.ts';
import type { Rollout, RolloutStatus } from '../../../src/api/kinds/rollout.ts';
import { addMillis } from '../../../src/api/time.ts';
import { expiredRollouts } from '../../../src/core/rollout/retention.ts';
import { sampleFleet } from '../../support/kind-samples.ts';
import { NOW, record, rollout, time } from '../controllers-rollout/objects.ts';

const HOUR_MS = 3_600_000;
const at = (hoursAgo: number) => addMillis(NOW, -hoursAgo * HOUR_MS);

/** A Fleet that keeps one finished attempt per channel for an hour. */
function keeping(minAge = '1h'): Fleet {
  const sample = sampleFleet('ns');
  return {
    ...sample,
    spec: { ...sample.spec, retention: { attemptsPerChannel: 1, minAge } },
    status: { channels: [] },
  };
}

function expired(rollouts: readonly Rollout[], fleet: Fleet | undefined = keeping()): string[] {
  const facts = { fleet, rollouts, recordsOf: () => [record('a', { state: 'Converged' })], now: NOW };
  return expiredRollouts(facts).map(({ metadata }) => metadata.name);
}

function ended(name: string, status: Partial<RolloutStatus>): Rollout {
  const { openedAt: _, ...bare } = rollout(status).status ?? { state: 'Active', currentWave: 0 };
  return { ...rollout({}, {}, name), status: { ...bare, ...status } };
}

const newest = ended('newest', { state: 'Superseded', supersededAt: at(0.5) });

describe('an old rollout', () => {
  it.each<[string, Partial<RolloutStatus>]>([
    ['superseded', { state: 'Superseded', supersededAt: at(1), terminalAt: at(0), openedAt: at(0) }],
    ['at its end', { state: 'Terminal', terminalAt: at(1), openedAt: at(0) }],
    ['failed', { state: 'Failed', openedAt: at(1) }],
    ['rolled back', { state: 'Reverted', openedAt: at(1) }],
  ])('that is %s goes in the very moment it is old enough', (_, status) => {
    expect(expired([newest, ended('old', status)])).toEqual(['old']);
    expect(expired([newest, ended('old', status)], keeping('3601s'))).toEqual([]);
  });

  it('without any time of its own goes by its creation, and without that it stays', () => {
    const created = (creationTimestamp: string): Rollout => {
      const old = ended('old', { state: 'Failed' });
      return { ...old, metadata: { ...old.metadata, creationTimestamp: time(creationTimestamp) } };
    };
    expect(expired([newest, created(at(2))])).toEqual(['old']);
    expect(expired([newest, created(at(0.75))])).toEqual([]);
    expect(expired([newest, created('soon')])).toEqual([]);
    expect(expired([newest, ended('old', { state: 'Failed' })])).toEqual([]);
  });

  it('that was just created and has no status stays', () => {
    const { status: _, ...created } = rollout({}, {}, 'created');
    expect(
      expired([newest, { ...created, metadata: { ...created.metadata, creationTimestamp: at(9) } }]),
    ).toEqual([]);
  });

  it('goes before newer ones, in whatever order they are given; of equal age the first name stays', () => {
    const old = ['a', 'b', 'c'].map((name, index) =>
      ended(name, { state: 'Failed', openedAt: at(4 - index) }),
    );
    expect(expired(old)).toEqual(['b', 'a']);
    expect(expired(old.toReversed())).toEqual(['b', 'a']);
    const equal = ['b', 'c', 'a'].map((name) => ended(name, { state: 'Failed', openedAt: at(2) }));
    expect(expired(equal)).toEqual(['b', 'c']);
    expect(expired(equal.toReversed())).toEqual(['b', 'c']);
  });

  it('stays while nobody knows the Fleet or its channels', () => {
    const old = [newest, ended('old', { state: 'Failed', openedAt: at(9) })];
    const facts = { rollouts: old, recordsOf: () => [], now: NOW };
    expect(expiredRollouts({ ...facts, fleet: undefined })).toEqual([]);
    const { status: _, ...unverified } = keeping();
    expect(expired(old, unverified)).toEqual([]);
    expect(expired(old, { ...unverified, status: {} })).toEqual([]);
  });
});
