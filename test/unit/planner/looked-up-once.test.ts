/** What is kept so that a plan of ten thousand hosts stays cheap: each of these would give the same plan without it. */
import { describe, expect, it } from 'vitest';
import type { GateName } from '../../../src/api/gates.ts';
import { BlockSummary } from '../../../src/core/planner/block-summary.ts';
import { isSuspect } from '../../../src/core/planner/deadlocks.ts';
import type { FleetPlanInput, PlanManifest, PlanRecord } from '../../../src/core/planner/fleet-input.ts';
import { FleetPlanMemory } from '../../../src/core/planner/fleet-plan-memory.ts';
import type { FleetPlan, Hold } from '../../../src/core/planner/fleet-plan-result.ts';
import { FleetView } from '../../../src/core/planner/fleet-view.ts';
import { Holds } from '../../../src/core/planner/holds.ts';
import { OutstandingTotals } from '../../../src/core/planner/outstanding.ts';
import { PlanIndex } from '../../../src/core/planner/plan-index.ts';
import { RecordOutcomes } from '../../../src/core/planner/record-outcomes.ts';
import { FleetTopology } from '../../../src/core/planner/topology.ts';
import { NO_OUTCOME, TrackedRecord } from '../../../src/core/planner/tracked-record.ts';
import type { HostRow } from '../../../src/core/planner/types.ts';
import { WakeTime } from '../../../src/core/planner/wake-time.ts';
import { budget, inputOf, minute, record, rollout } from './fleet-fixture.ts';

const held = (hostname: string, gate: GateName): TrackedRecord => {
  const tracked = new TrackedRecord(record(hostname), 0);
  tracked.outcome = { ...NO_OUTCOME, holds: [{ gate, reason: 'x' }] };
  return tracked;
};

describe('what holds the hosts of a rollout', () => {
  const none: readonly Hold[] = [];
  const a = held('a', 'host-offline');

  it('is summed up only where something changed since it was last asked for', () => {
    const summary = new BlockSummary();
    expect(summary.takeBlocks([a])).toBeUndefined();
    summary.replace(none, a.outcome.holds);
    expect(summary.takeBlocks([a])).toMatchObject([{ gate: 'host-offline', count: 1, hosts: ['a'] }]);
    expect(summary.takeBlocks([a])).toBeUndefined();
    summary.replace(a.outcome.holds, a.outcome.holds);
    expect(summary.takeBlocks([a])).toBeUndefined();
  });

  it('is looked for no further than to the last host that it names', () => {
    let seen = 0;
    const beyond = ['b', 'c'].map((hostname) => {
      const tracked = new TrackedRecord(record(hostname), 1);
      Object.defineProperty(tracked, 'outcome', { get: () => (seen++, NO_OUTCOME) });
      return tracked;
    });
    const summary = new BlockSummary();
    summary.replace(none, a.outcome.holds);
    expect(summary.takeBlocks([a, ...beyond])).toHaveLength(1);
    expect(seen).toBeLessThan(2);
  });
});

describe('what can never clear', () => {
  const full = rollout({ budgets: [budget(['a'], { maxInFlight: 1 })] });
  const view = new FleetView(inputOf({ rollouts: [full], records: [record('a')] }), new WakeTime(minute(0)));
  const suspect = (gate: GateName, loop?: string): boolean => {
    const tracked = held('a', gate);
    return isSuspect(view, tracked, tracked.outcome.holds, loop);
  };

  it('is not searched for where a budget is full or a channel at work', () => {
    expect([suspect('disruption-budget'), suspect('channel-edges')]).toEqual([false, false]);
    expect([suspect('channel-edges', 'a circle'), suspect('host-edge')]).toEqual([true, true]);
  });
});

describe('the circle of a channel', () => {
  it('is searched for once, however many hosts of it are held', () => {
    let asked = 0;
    class Manifests extends Map<string, PlanManifest> {
      override has(channel: string): boolean {
        asked++;
        return super.has(channel);
      }
    }
    const manifests = new Manifests([['web', { channelRef: 'r1', signedAt: minute(-1) }]]);
    const fleet = { channelEdges: [{ gates: 'web', gated: 'web' }] };
    const input = inputOf({ records: [record('a')], manifests, fleet });
    const wake = new WakeTime(minute(0));
    const view = new FleetView(input, wake);
    const outcomes = new RecordOutcomes(view, new Holds(view, input, wake), input.term);
    const [first, then] = [1, 2].map(() => {
      const loops = view.standings.all.map((standing) => outcomes.loopOf(standing));
      expect(loops).toEqual(["channel 'web' waits for channel 'web' in a circle"]);
      return asked;
    });
    expect([asked > 0, then]).toEqual([true, first]);
  });
});

describe('the order that a fleet declares', () => {
  it('is gone through once, however many ask', () => {
    const reads: string[] = [];
    const read = <T>(what: string, value: T): T => {
      reads.push(what);
      return value;
    };
    const topology = new FleetTopology({
      get hosts() {
        return read('hosts', { a: { channel: 'web', closureHash: 'x' } });
      },
      waves: {
        get web() {
          return read('waves', [{ hosts: ['a'], soakMinutes: 5 }]);
        },
      },
      get edges() {
        return read('edges', [{ gates: 'a', gated: 'b' }]);
      },
      get channelEdges() {
        return read('channelEdges', [{ gates: 'db', gated: 'web' }]);
      },
    });
    const answers = () => [
      topology.hasBuiltHost('web'),
      topology.waveOf('web', 'a'),
      topology.predecessorChannels('web'),
      topology.gatingHosts('b'),
      topology.gatedHosts('a'),
    ];
    expect(answers()).toEqual([true, 0, ['db'], ['a'], ['b']]);
    const once = [...reads];
    expect(answers()).toEqual([true, 0, ['db'], ['a'], ['b']]);
    expect(reads).toEqual(once);
  });
});

describe('the failures of earlier waves', () => {
  it('are summed up once for all hosts of a channel, until they change', () => {
    let reads = 0;
    const waves = {
      get web() {
        reads++;
        return [{ hosts: ['a'], soakMinutes: 5 }];
      },
    };
    const topology = new FleetTopology({ hosts: {}, waves });
    const totals = new OutstandingTotals(new Map([['web-r1', new Map([['a', 2]])]]), topology);
    const first = [totals.before('web-r1', 'web', 1), totals.before('web-r1', 'web', 1), reads];
    expect(first).toEqual([2, 2, 1]);
    totals.forget('web-r1');
    expect([totals.before('web-r1', 'web', 1), reads]).toEqual([2, 2]);
  });
});

describe('whether a host is done', () => {
  it('is looked up in a table of its rollout that is made once', () => {
    let reads = 0;
    const row: HostRow = {
      rolloutId: 'web@r1',
      state: 'Converged',
      targetClosure: 'x',
      get host() {
        reads++;
        return 'a';
      },
    };
    const manifests = { fleet: { hosts: {}, waves: {} }, rollouts: new Map() };
    const index = new PlanIndex(manifests, { hostStates: [row], rollouts: [] }, new Map());
    expect([index.isDone('web@r1', 'a'), index.isDone('web@r1', 'b'), reads]).toEqual([true, false, 1]);
  });
});

describe('a rollout in which nothing moved', () => {
  const soaking = (name: string, changes: Partial<PlanRecord> = {}) =>
    record(name, { state: 'Soaking', dispatchAckedAt: minute(-9), ...changes });
  const after = (input: FleetPlanInput, ...changed: PlanRecord[]) => ({
    ...input,
    records: new Map(changed.map((each) => [each.name, each])),
    hosts: new Map(),
  });

  it.each([
    ['nothing changed', [['a', 'b'], ['c']], []],
    ['nothing changed, in the last wave', [['a', 'b', 'c']], []],
    ['its wave waits for another host', [['a', 'b'], ['c']], [soaking('b', { soakMinutes: 6 })]],
  ])('does not look for its next wave where %s', (_, lists, changed) => {
    let reads = 0;
    const waves = {
      get web() {
        reads++;
        return lists.map((hosts) => ({ hosts, soakMinutes: 5 }));
      },
    };
    const input = inputOf({ records: ['a', 'b', 'c'].map((name) => soaking(name)), fleet: { waves } });
    const memory = new FleetPlanMemory(input);
    const before = reads;
    memory.update(after(input, ...changed));
    expect([before > 0, reads]).toEqual([true, before]);
  });

  it('has what can never clear, and who is left behind, from the plan before', () => {
    const records = [record('a'), soaking('b', { clearedAt: minute(-1) })];
    const input = inputOf({ records, fleet: { edges: [{ gates: 'a', gated: 'a' }] } });
    const memory = new FleetPlanMemory(input);
    const lists = ({ deadlocks, leftBehind }: FleetPlan) => [deadlocks[0], leftBehind.get('web-r1')];
    const [deadlock, behind] = lists(memory.plan);
    expect([deadlock, behind]).toMatchObject([{ gate: 'host-edge' }, ['b']]);
    const [laterDeadlock, laterBehind] = lists(memory.update(after(input)));
    expect(laterDeadlock).toBe(deadlock);
    expect(laterBehind).toBe(behind);
  });
});
