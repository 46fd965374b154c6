import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { timestampFromMillis } from '../../../src/api/time.ts';
import type { FleetPlanChanges, PlanHost, PlanRecord } from '../../../src/core/planner/fleet-input.ts';
import { FleetPlanMemory } from '../../../src/core/planner/fleet-plan-memory.ts';
import type { FleetPlan } from '../../../src/core/planner/fleet-plan-result.ts';
import { WakeQueue } from '../../../src/core/planner/wake-queue.ts';
import {
  budget,
  gatesOf,
  host,
  inputOf,
  MARK,
  marked,
  minute,
  record,
  rollout,
  type Story,
} from './fleet-fixture.ts';

/** What is said to have changed; rollouts and the like are given whole. */
interface Change extends Omit<Partial<FleetPlanChanges>, 'records' | 'hosts'> {
  readonly records?: readonly PlanRecord[];
  readonly hosts?: readonly PlanHost[];
  readonly gone?: readonly string[];
}

/** The plan of a story and then of each change to it. */
function follow(story: Story, ...changes: readonly Change[]): FleetPlan {
  const input = inputOf(story);
  const { records: _records, hosts: _hosts, ...frame } = input;
  const memory = new FleetPlanMemory(input);
  for (const { records = [], hosts = [], gone = [], ...rest } of changes) {
    memory.update({
      ...frame,
      ...rest,
      records: new Map([
        ...records.map((next): [string, PlanRecord] => [next.name, next]),
        ...gone.map((name): [string, undefined] => [name, undefined]),
      ]),
      hosts: new Map(hosts.map((next) => [next.hostname, next])),
    });
  }
  return memory.plan;
}

const visitedBy = (plan: FleetPlan): string[] | undefined =>
  plan.visited && [...plan.visited].map((name) => name.replace('web-r1.', '')).toSorted();

const three = [record('a'), record('b'), record('c')];
const waves = { waves: { web: [['a', 'b'], ['c']].map((hosts) => ({ hosts, soakMinutes: 5 })) } };
const done = { state: 'Converged', dispatchAckedAt: minute(-9) } as const;
const soaking = { state: 'Soaking', dispatchAckedAt: minute(-9), soakDueAt: minute(0) } as const;

describe('a plan that follows its fleet looks again', () => {
  it('at everything the first time', () => {
    expect(follow({ records: three }).visited).toBeUndefined();
  });

  it('at nothing where nothing changed, but for marks, which carry the time of the plan', () => {
    const plan = follow({ records: [record('a'), record('b', soaking)] }, { now: minute(1) });
    expect(visitedBy(plan)).toEqual(['a']);
    expect(plan.marks).toMatchObject([{ queuedAt: minute(1), soakDueAt: minute(6) }]);
  });

  it('at a record that changed, and at no other that does not read it', () => {
    const story = { records: [record('a', soaking), record('b', soaking), record('c', { dispatch: MARK })] };
    expect(visitedBy(follow(story, { records: [record('a', done)] }))).toEqual(['a']);
  });

  it('at the records of a host that changed', () => {
    const old = record('a', { rollout: 'web-r0', ...soaking });
    const rollouts = [rollout(), rollout({ name: 'web-r0', rolloutId: 'web@r0', state: 'Superseded' })];
    const story = { rollouts, records: [record('a', soaking), record('b', soaking), old] };
    expect(visitedBy(follow(story, { hosts: [host('a', { offline: true })] }))).toEqual(['a', 'web-r0.a']);
  });

  it('at the hosts that wait for a host which is done', () => {
    const fleet = { edges: [{ gates: 'a', gated: 'b' }] };
    const plan = follow(
      { records: [record('a', soaking), record('b'), record('c', soaking)], fleet },
      { records: [record('a', done)] },
    );
    expect(visitedBy(plan)).toEqual(['a', 'b']);
    expect(marked(plan)).toEqual(['b']);
  });

  it('at the next host of a budget whose slot is free, and not beyond it', () => {
    const rollouts = [rollout({ budgets: [budget(['a', 'b', 'c'], { maxInFlight: 1 })] })];
    const story = { rollouts, records: [record('a', soaking), record('b'), record('c')] };
    const freed = { records: [record('a', done)] };
    expect(visitedBy(follow(story, freed))).toEqual(['a', 'b']);
    expect(marked(follow(story, freed))).toEqual(['b']);
    const written = { records: [record('b', { dispatch: MARK })] };
    expect(visitedBy(follow(story, freed, written))).toEqual(['b']);
    expect(gatesOf(follow(story, freed, written), 'c')).toEqual(['disruption-budget']);
  });

  it('once at a host that changed while the budget did, which does not hold itself', () => {
    const rollouts = [rollout({ budgets: [budget(['a', 'b', 'c'], { maxInFlight: 1 })] })];
    const story = { rollouts, records: [record('a', soaking), record('aa', done), record('b'), record('c')] };
    const plan = follow(story, { records: [record('a', done), record('b', { soakMinutes: 6 })] });
    expect([marked(plan), gatesOf(plan, 'c')]).toEqual([['b'], ['disruption-budget']]);
  });

  it('at no mark that is taken back already, and at nobody who waits for a host that is still not done', () => {
    const fleet = { edges: [{ gates: 'a', gated: 'b' }] };
    const story = { records: [record('a', soaking), record('b', { dispatch: MARK })], fleet };
    expect(follow(story).withdrawals).toHaveLength(1);
    expect(visitedBy(follow(story, { now: minute(1) }))).toEqual([]);
    expect(visitedBy(follow(story, { records: [record('a', { ...soaking, soakMinutes: 6 })] }))).toEqual([
      'a',
    ]);
  });

  it('at an earlier try, which has no place among the hosts that a free slot may be for', () => {
    const again = (name: string) => record(name, { attempt: 2, name: `web-r1.${name}.2` });
    const rollouts = [rollout({ budgets: [budget(['a', 'b', 'c'], { maxInFlight: 1 })] })];
    const story = {
      rollouts,
      records: [record('a'), again('a'), record('b'), again('b'), record('c', soaking)],
    };
    const plan = follow(story, { records: [record('c', done)], hosts: [host('a')] });
    expect(plan.marks.map((mark) => mark.record.name)).toEqual(['web-r1.a.2']);
  });

  it('once at a marked host that changed, which takes one slot', () => {
    const rollouts = [rollout({ budgets: [budget(['a', 'b', 'c'], { maxInFlight: 2 })] })];
    const plan = follow({ rollouts, records: three }, { hosts: [host('a', { closure: 'a-older' })] });
    expect([marked(plan), gatesOf(plan, 'c')]).toEqual([['a', 'b'], ['disruption-budget']]);
  });

  it('at nobody for a budget that is never full', () => {
    const rollouts = [rollout({ paused: true, budgets: [budget(['a', 'b', 'c'], { maxInFlight: 3 })] })];
    const story = { rollouts, records: [record('a', soaking), record('b', soaking), record('c')] };
    expect(visitedBy(follow(story, { records: [record('a', done)] }))).toEqual(['a']);
  });

  it('at nobody for a budget that has no limit', () => {
    const rollouts = [rollout({ paused: true, budgets: [budget(['a', 'b', 'c'], {})] })];
    const story = { rollouts, records: [record('a', soaking), record('b', soaking), record('c')] };
    expect(visitedBy(follow(story, { records: [record('a', done)] }))).toEqual(['a']);
  });

  it('at nobody for two budgets of equal selector, of which only the first gives a slot', () => {
    const one = budget(['a', 'b', 'c'], { maxInFlight: 1 });
    const plan = follow(
      { rollouts: [rollout({ budgets: [one, { ...one }] })], records: three },
      { records: [record('a', { dispatch: MARK })] },
    );
    expect(visitedBy(plan)).toEqual(['a']);
  });

  it('at the whole rollout where a wave is over', () => {
    const story = { records: [record('a', done), record('b', soaking), record('c')], fleet: waves };
    const plan = follow(story, { records: [record('b', done)] });
    expect(visitedBy(plan)).toEqual(['a', 'b', 'c']);
    expect([plan.waves.map(({ to }) => to), marked(plan)]).toEqual([[1], ['c']]);
  });

  it('at what can never clear, where a part of it has cleared', () => {
    const edges = ['b', 'c'].map((gates) => ({ gates, gated: 'a' }));
    const later = { waves: { web: [['a'], ['b', 'c']].map((hosts) => ({ hosts, soakMinutes: 5 })) } };
    const story = {
      records: [record('a'), record('b', soaking), record('c', soaking)],
      fleet: { ...later, edges },
    };
    const waitsFor = (plan: FleetPlan): string[] => plan.deadlocks.map(({ reason }) => reason);
    const inLaterWave = (gating: string): string => `it waits for host '${gating}', which is in a later wave`;
    expect(waitsFor(follow(story))).toEqual(['b', 'c'].map(inLaterWave));
    expect(waitsFor(follow(story, { records: [record('b', done)] }))).toEqual([inLaterWave('c')]);
  });

  it('at everything when the artifacts become too old, and says when that is', () => {
    const story = { records: [record('a'), record('b', soaking)] };
    const plan = follow(story, { now: minute(1) });
    expect([plan.wakeAt, marked(plan)]).toEqual([minute(45), ['a']]);
    const stale = follow(story, { now: minute(45) });
    expect([gatesOf(stale, 'a'), stale.wakeAt]).toEqual([['artifact-stale'], undefined]);
  });

  it('at what is due, when it is', () => {
    const records = [record('a'), record('b', soaking)];
    const story = {
      records,
      hosts: [{ hostname: 'a', offline: false, firstReportAt: minute(0) }, host('b')],
    };
    expect(visitedBy(follow(story, { now: minute(5) }))).toEqual([]);
    const due = follow(story, { now: minute(5) }, { now: minute(5.5) });
    expect([visitedBy(due), marked(due)]).toEqual([['a'], ['a']]);
  });

  it('at one rollout where that is paused', () => {
    const plan = follow({ records: three }, { rollouts: [rollout({ paused: true })] });
    expect([visitedBy(plan), marked(plan)]).toEqual([['a', 'b', 'c'], []]);
  });

  it('at what it is told to have changed, though it means nothing to any rollout', () => {
    const stray = record('a', { rollout: 'other' });
    expect(visitedBy(follow({ records: [...three, stray] }, { records: [stray] }))).toContain('other.a');
  });
});

describe('a plan that follows its fleet begins anew', () => {
  const channels = [rollout(), rollout({ name: 'db-r1', rolloutId: 'db@r1', channel: 'db' })];
  const manifests = new Map(['web', 'db'].map((name) => [name, { channelRef: 'r1', signedAt: minute(-10) }]));
  const story = {
    rollouts: channels,
    manifests,
    records: [...three, record('d', { rollout: 'db-r1', ...done })],
    fleet: { channelEdges: [{ gates: 'db', gated: 'web' }] },
  };

  it.each<[string, Change]>([
    ['where a record is new', { records: [record('e')] }],
    ['where a record is gone', { gone: ['web-r1.a'] }],
    ['where a name means another host', { records: [record('z', { name: 'web-r1.a' })] }],
    ['where a name means another try', { records: [record('a', { attempt: 2 })] }],
    [
      'where a name means another rollout',
      { records: [record('a', { name: 'web-r1.a', rollout: 'db-r1' })] },
    ],
    ['where a rollout is new', { rollouts: [...channels, rollout({ name: 'x', rolloutId: 'x@r1' })] }],
    ['where a rollout is gone', { rollouts: channels.slice(0, 1) }],
    ['where a rollout is another', { rollouts: [rollout(), rollout({ name: 'x', rolloutId: 'x@r1' })] }],
    ['where a rollout is outdated', { rollouts: channels.map((each) => ({ ...each, outdated: true })) }],
    [
      'where budgets are others',
      { rollouts: channels.map((each) => ({ ...each, budgets: [budget(['a'], {})] })) },
    ],
    ['in another term', { term: 8 }],
    ['with other manifests', { manifests: new Map(manifests) }],
    ['with other waves and edges', { topology: inputOf(story).topology }],
    ['with a fleet signed anew', { fleetSignedAt: minute(-9) }],
    ['where the clock went back', { now: minute(-1) }],
    ['on hold', { settings: { ...inputOf(story).settings, fleetHold: true } }],
    ['with a new quarantine', { quarantines: new Map([['web', new Set(['x'])]]) }],
  ])('%s', (_, change) => {
    expect(follow(story, change).visited).toBeUndefined();
  });

  it.each([
    ['with another closure in quarantine', [['web', 'y']]],
    ['with a quarantine on another channel', [['db', 'x']]],
  ] as const)('%s', (_, entries) => {
    const of = (pairs: readonly (readonly [string, string])[]) =>
      new Map(pairs.map(([channel, closure]) => [channel, new Set([closure])]));
    const before = { ...story, quarantines: of([['web', 'x']]) };
    expect(follow(before, { quarantines: of(entries) }).visited).toBeUndefined();
    expect(follow(before, { quarantines: of([['web', 'x']]) }).visited).toBeDefined();
  });

  it('where a rollout ends, for which another channel waits, and where it goes on after all', () => {
    expect(gatesOf(follow(story), 'a')).toEqual(['channel-edges']);
    const ended = channels.map((each) =>
      each.channel === 'db' ? { ...each, state: 'Terminal' as const } : each,
    );
    expect(marked(follow(story, { rollouts: ended }))).toEqual(['a', 'b', 'c']);
    const again = follow(story, { rollouts: ended }, { rollouts: channels });
    expect([again.visited, gatesOf(again, 'a')]).toEqual([undefined, ['channel-edges']]);
  });

  it('with one more of the quarantines that there are', () => {
    const quarantines = (...closures: string[]) => ({ quarantines: new Map([['web', new Set(closures)]]) });
    const begun = { ...story, ...quarantines('x') };
    expect(follow(begun, quarantines('x', 'y')).visited).toBeUndefined();
    expect(follow(begun, quarantines('x')).visited).toBeDefined();
  });

  it.each<[string, Change]>([
    ['where the same is said once more', { rollouts: channels.map((each) => ({ ...each, budgets: [] })) }],
    ['where quarantines are the same', { quarantines: new Map() }],
    ['where settings are the same', { settings: { ...inputOf(story).settings } }],
    ['where a rollout converges', { rollouts: channels.map((each) => ({ ...each, state: 'Converging' })) }],
  ])('but not %s', (_, change) => {
    expect(follow(story, change).visited).toBeDefined();
  });

  it('but not where a rollout with budgets, or one that ended, is paused', () => {
    const budgets = [budget(['a'], { maxInFlight: 1 })];
    for (const each of [rollout({ budgets }), rollout({ state: 'Terminal' })]) {
      const paused = { rollouts: [{ ...each, paused: true }] };
      expect(follow({ rollouts: [each], records: three }, paused).visited).toBeDefined();
    }
  });

  it('where a rollout is outdated no more', () => {
    const outdated = channels.map((each) => ({ ...each, outdated: true }));
    expect(follow({ ...story, rollouts: outdated }, { rollouts: channels }).visited).toBeUndefined();
  });

  it('and knows what changed meanwhile', () => {
    const built = Object.fromEntries(['a', 'b', 'c', 'e'].map((name) => [name, { channel: 'web' }]));
    const plan = follow(
      { records: three, hosts: three.map(({ hostname }) => host(hostname)), fleet: { hosts: built } },
      { records: [record('a', soaking)], hosts: [host('b', { offline: true })] },
      { records: [record('c', soaking), record('e')], hosts: [host('e')] },
    );
    expect([plan.visited, marked(plan), gatesOf(plan, 'b')]).toEqual([undefined, ['e'], ['host-offline']]);
  });
});

describe('what is due', () => {
  const time = (seconds: number) => timestampFromMillis(seconds * 1000);

  it('comes out by its newest time, whatever was noted before', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(40), fc.option(fc.nat(20), { nil: undefined })), { maxLength: 120 }),
        fc.nat(20),
        (notes, now) => {
          const queue = new WakeQueue<number>();
          const wanted = new Map<number, number>();
          for (const [item, at] of notes) {
            queue.set(item, at === undefined ? undefined : time(at));
            if (at === undefined) wanted.delete(item);
            else wanted.set(item, at);
          }
          const earliest = Math.min(...wanted.values());
          expect(queue.earliest()).toBe(wanted.size === 0 ? undefined : time(earliest));
          const due = [...wanted].filter(([, at]) => at <= now);
          const times = queue.takeDue(time(now)).map((item) => wanted.get(item));
          expect(times).toEqual(due.map(([, at]) => at).toSorted((a, b) => a - b));
          const left = [...wanted.values()].filter((at) => at > now);
          expect(queue.earliest()).toBe(left.length === 0 ? undefined : time(Math.min(...left)));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('comes out in order though one was taken out whose place an earlier one has to take', () => {
    const queue = new WakeQueue<number>();
    // One half of the heap is late, and what takes the gap in it comes from the end of the other half.
    for (const at of [1, 20, 2, 21, 22, 3, 4, 23, 24, 25, 26, 5, 6, 7, 8]) queue.set(at, time(at));
    queue.set(21, undefined);
    expect(queue.takeDue(time(9))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});
