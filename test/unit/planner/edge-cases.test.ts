/** Small parts of the planner where one step more or less matters. */
import { describe, expect, it } from 'vitest';
import { onCircles } from '../../../src/core/planner/circles.ts';
import { clipped } from '../../../src/core/planner/clip.ts';
import { artifactStale } from '../../../src/core/planner/gates/artifact-stale.ts';
import { complianceWave } from '../../../src/core/planner/gates/compliance-wave.ts';
import { hostEdge } from '../../../src/core/planner/gates/host-edge.ts';
import { hostUnsettled, hostUntold } from '../../../src/core/planner/gates/host-unsettled.ts';
import { wavePromotion } from '../../../src/core/planner/gates/wave-promotion.ts';
import { compareCodePoints } from '../../../src/core/planner/order.ts';
import { statusAfterPlan } from '../../../src/core/planner/planned-status.ts';
import { selectorKey } from '../../../src/core/planner/selector.ts';
import { host, minute } from './fleet-fixture.ts';

const never = () => false;

describe('a gate', () => {
  it('holds every host of a channel that no manifest is in force for', () => {
    expect(artifactStale(minute(0), undefined, never)).toEqual({
      gate: 'artifact-stale',
      reason: 'artifact-stale: no manifest is in force for this channel; sign and publish one',
    });
  });

  it('lets a host go that has settled in the very moment its record was made anew', () => {
    const settled = host('a', { settledTime: minute(0) });
    expect(hostUnsettled(settled, { reopenedAt: minute(0) }, never)).toBeNull();
    expect(hostUnsettled(settled, { reopenedAt: minute(1) }, never)).toMatchObject({
      gate: 'host-unsettled',
    });
  });

  it('about what a host may not know yet leaves a host without object to others', () => {
    const countsOn = { toldAt: undefined };
    expect(hostUntold(host('a'), { countsOn }, never)).toMatchObject({ gate: 'host-unsettled' });
    expect(hostUntold(undefined, { countsOn }, never)).toBeNull();
  });

  it('about hosts of the same channel does not hold one that is in none', () => {
    const nowhere = { channelOf: () => undefined };
    expect(hostEdge({ ...nowhere, gatingHosts: () => ['b'], isDone: never }, 'r', 'a')).toBeNull();
    expect(complianceWave({ ...nowhere, waveOf: () => 1, outstandingBefore: () => 1 }, 'r', 'a')).toBeNull();
    const later = { hasWaves: () => true, waveOf: () => 1, currentWave: () => 0 };
    expect(wavePromotion({ ...nowhere, ...later }, 'r', 'a')).toBeNull();
  });

  it('about earlier waves does not hold a host that is in none, or in the first', () => {
    const view = { channelOf: () => 'stable', outstandingBefore: () => 1 };
    const gateOf = (wave: number | undefined) => complianceWave({ ...view, waveOf: () => wave }, 'r', 'a');
    expect([gateOf(undefined), gateOf(0)]).toEqual([null, null]);
    expect(gateOf(1)).toMatchObject({ gate: 'compliance-wave' });
  });
});

describe('what a plan leaves behind', () => {
  const marked = { state: 'Pending', lastEventSeq: 0, dispatch: { queuedAt: minute(-1), term: 6 } } as const;

  it('is the mark as it was where the record is only held, and a gate without key', () => {
    const held = statusAfterPlan(marked, { holds: [{ gate: 'host-offline', reason: 'x' }] }, 7, minute(0));
    expect(held).toStrictEqual({ ...marked, blockedBy: [{ gate: 'host-offline', since: minute(0) }] });
  });
});

describe('a circle', () => {
  it('does not contain who waits for two that wait for nobody', () => {
    const waits = new Map([['a', ['b', 'c']]]);
    expect(onCircles(['a'], (node) => waits.get(node) ?? [])).toEqual(new Set());
  });

  it('does not contain who is waited for from two sides, and waits for nobody on it', () => {
    const waits = new Map([
      ['a', ['b', 'c']],
      ['b', ['a', 'c']],
      ['c', ['d']],
    ]);
    expect(onCircles(['a'], (node) => waits.get(node) ?? [])).toEqual(new Set(['a', 'b']));
  });
});

describe('texts', () => {
  it('are ordered by code point at both ends of the surrogates', () => {
    expect(compareCodePoints('\u{10000}', '\uffff')).toBeGreaterThan(0);
    expect(compareCodePoints('\u{103ff}', '\u{10000}')).toBeGreaterThan(0);
  });

  it('are cut where they are full, whatever characters come before', () => {
    expect(clipped('😀abcdef', 5)).toBe('😀ab…');
    expect(clipped('abc😀def', 5)).toBe('abc…');
  });

  it('of selectors are equal where members are left out or empty', () => {
    const empty = { tags: [], tagsAny: [], hosts: [], channel: null, all: false };
    expect(selectorKey({})).toBe(selectorKey(empty));
  });
});
