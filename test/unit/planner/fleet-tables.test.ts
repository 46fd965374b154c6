/** The tables that a plan keeps, and what it takes for the same as before. */
import { describe, expect, it } from 'vitest';
import { BudgetTable } from '../../../src/core/planner/budget-table.ts';
import type { PlanRecord } from '../../../src/core/planner/fleet-input.ts';
import { FleetView } from '../../../src/core/planner/fleet-view.ts';
import { sameHolds, sameRolloutHolds } from '../../../src/core/planner/holds.ts';
import { OrderedRecords } from '../../../src/core/planner/ordered-records.ts';
import { movedRollouts } from '../../../src/core/planner/plan-changes.ts';
import { PlanIndex } from '../../../src/core/planner/plan-index.ts';
import { factsOf } from '../../../src/core/planner/record-facts.ts';
import { RecordIndex } from '../../../src/core/planner/record-index.ts';
import { RolloutStanding } from '../../../src/core/planner/rollout-standing.ts';
import { Standings } from '../../../src/core/planner/standings.ts';
import { NO_FACTS, TrackedRecord } from '../../../src/core/planner/tracked-record.ts';
import { WakeTime } from '../../../src/core/planner/wake-time.ts';
import { waveOutlook } from '../../../src/core/planner/wave-advance.ts';
import { budget, inputOf, minute, record, rollout } from './fleet-fixture.ts';

describe('the budgets of all rollouts', () => {
  const summarised: string[] = [];
  const make = (): BudgetTable =>
    new BudgetTable({
      maxOf: () => 1,
      summaryOf: ({ tags = [] }) => {
        summarised.push(tags.join());
        return 'x';
      },
    });

  it('tell lists of hosts apart of which one begins like the other', () => {
    const table = make();
    table.add('first', [budget(['a'], {})]);
    table.add('second', [budget(['a', 'b'], {})]);
    table.add('third', [budget(['a'], {})]);
    const holders = ['first', 'second', 'third'].filter((name) => table.keysHeld(name, 'b').length > 0);
    expect(holders).toEqual(['second']);
    expect(table.listing('third', 'a')).toHaveLength(1);
  });

  it('hold a list of hosts once that several rollouts carry', () => {
    let walks = 0;
    const hosts = () => {
      const names = ['a', 'b'];
      const walk = names[Symbol.iterator].bind(names);
      return Object.assign(names, { [Symbol.iterator]: () => (walks++, walk()) });
    };
    const table = make();
    for (const name of ['first', 'second']) table.add(name, [budget(hosts(), {})]);
    table.add('third', [budget(['b', 'a'], {})]);
    table.add('fourth', [budget(hosts(), {})]);
    expect([walks, table.listing('fourth', 'b').length]).toEqual([1, 1]);
  });

  it('are put into words when first asked for, and once', () => {
    const table = make();
    table.add('web-r1', [budget(['a'], {})]);
    expect(summarised).toEqual([]);
    for (const _ of [1, 2]) expect(table.listing('web-r1', 'a')[0]?.summary).toBe('x');
    expect(summarised).toEqual(['web']);
  });
});

describe('records in the order of the plan', () => {
  const [a, b, c, d] = [-1, 0, 1, 2].map((position) => new TrackedRecord(record('a'), position));
  const all = [a, b, c, d].filter((each) => each !== undefined);

  it('stay in that order, however they come and go, and say whether any did', () => {
    for (const coming of [all, all.toReversed(), [...all.slice(2), ...all.slice(0, 2)]]) {
      const records = new OrderedRecords();
      expect(records.takeChanged()).toBe(false);
      for (const each of coming) records.set(each, true);
      expect(records.list().map(({ position }) => position)).toEqual([-1, 0, 1, 2]);
      expect([records.takeChanged(), records.takeChanged()]).toEqual([true, false]);
      for (const each of coming.slice(0, 3)) records.set(each, false);
      expect([records.list(), records.takeChanged()]).toEqual([coming.slice(3), true]);
    }
  });
});

describe('what a plan takes for the same', () => {
  const hold = { gate: 'quarantine', key: 'x', reason: 'because' } as const;

  it.each([
    ['another gate', { ...hold, gate: 'host-busy' as const }],
    ['another key', { ...hold, key: 'y' }],
    ['another reason', { ...hold, reason: 'why not' }],
  ])('is no hold with %s', (_, other) => {
    expect(sameHolds([hold], [{ ...hold }])).toBe(true);
    expect(sameHolds([hold], [other])).toBe(false);
    expect(sameRolloutHolds({ first: [], last: hold }, { first: [], last: other })).toBe(false);
    expect(sameRolloutHolds({ first: [hold], last: null }, { first: [other], last: null })).toBe(false);
  });

  it('is no list with one hold more, and nothing for something', () => {
    expect([sameHolds([hold], [hold, hold]), sameHolds([hold, hold], [hold])]).toEqual([false, false]);
    expect(sameRolloutHolds({ first: [], last: hold }, { first: [], last: null })).toBe(false);
    expect(sameRolloutHolds({ first: [], last: null }, { first: [], last: hold })).toBe(false);
    expect(sameRolloutHolds({ first: [], last: null }, { first: [], last: null })).toBe(true);
    expect(sameRolloutHolds({ first: [], last: hold }, { first: [], last: { ...hold } })).toBe(true);
  });

  it('is one and the same object for all records that matter to nobody else', () => {
    const failing = record('c', { outstandingFailures: 2 });
    const story = inputOf({ records: [record('a'), record('b', { rollout: 'stray' }), failing] });
    const view = new FleetView(story, new WakeTime(minute(0)));
    const [standing] = view.standings.all;
    const facts = standing?.records.map((tracked) => factsOf(tracked, standing, view));
    expect(facts?.pop()).toEqual({ ...NO_FACTS, outstanding: 2 });
    const strays = view.standings.strays.map((tracked) => factsOf(tracked, undefined, view));
    for (const each of [...(facts ?? []), ...strays]) expect(each).toBe(NO_FACTS);
    expect([facts?.length, strays.length]).toEqual([1, 1]);
  });
});

describe('what the gates ask about', () => {
  it('is not in flight, done or promoted where nothing is known of it', () => {
    const view = new FleetView(inputOf({ records: [record('a')] }), new WakeTime(minute(0)));
    for (const [of, name] of [
      ['unknown', 'a'],
      ['web-r1', 'unknown'],
    ] as const) {
      expect([view.inFlight('web', of, name), view.isDone(of, name), view.currentWave(of)]).toEqual([
        0,
        false,
        0,
      ]);
    }
    const manifests = { fleet: { hosts: {}, waves: {} }, rollouts: new Map() };
    const former = new PlanIndex(manifests, { hostStates: [], rollouts: [] }, new Map());
    expect(former.currentWave('unknown')).toBe(0);
  });

  it('is a busy host for as long as one of its records keeps it so', () => {
    const view = new FleetView(inputOf({ records: [record('a')] }), new WakeTime(minute(0)));
    const [standing] = view.standings.all;
    const tracked = new TrackedRecord(record('a'), 0);
    view.note(tracked, standing, { ...NO_FACTS, isBusy: true });
    expect(view.busyRecords('a')).toEqual([record('a')]);
    view.note(tracked, standing, NO_FACTS);
    expect(view.busyRecords('a')).toBeUndefined();
  });
});

describe('the rollouts that moved', () => {
  it('are none where all of them say the same once more', () => {
    const input = inputOf({ records: [record('a')] });
    const standings = new Standings(input);
    const before = { frame: input, standings, index: new RecordIndex(standings) };
    const changes = (next: Partial<ReturnType<typeof rollout>>) => ({
      ...input,
      rollouts: input.rollouts.map((each) => ({ ...each, ...next })),
      records: new Map(),
      hosts: new Map(),
    });
    expect(movedRollouts(before, changes({}))).toEqual([]);
    expect(movedRollouts(before, changes({ paused: true }))).toHaveLength(1);
  });
});

describe('a rollout that stays in its wave', () => {
  const web = rollout();
  const waves = [['a', 'b'], ['c']].map((hosts) => ({ hosts, soakMinutes: 5 }));
  const outlook = (b: Partial<PlanRecord>) =>
    waveOutlook(
      new RolloutStanding(web, true, [record('a', { state: 'Converged' }), record('b', b), record('c')]),
      waves,
    );

  it('names the host that it waits for', () => {
    expect(outlook({}).waitsFor?.record.hostname).toBe('b');
  });

  it('goes on once that is cleared, and says what became of the hosts', () => {
    const { step, waitsFor } = outlook({ clearedAt: minute(-1) });
    expect([step, waitsFor]).toEqual([
      { rollout: web, from: 0, to: 1, reason: 'wave 0: 1 Converged, 1 cleared' },
      undefined,
    ]);
  });
});
