import { describe, expect, it } from 'vitest';
import { FollowedPlan } from '../../../src/controllers/planner/followed-plan.ts';
import type { FleetPlanFrame } from '../../../src/core/planner/fleet-input.ts';
import type { FleetPlan } from '../../../src/core/planner/fleet-plan-result.ts';
import { FleetTopology } from '../../../src/core/planner/topology.ts';
import { NOW, record, ROLLOUT } from '../controllers-rollout/objects.ts';
import { rollout as planRollout, SETTINGS } from '../planner/fleet-fixture.ts';
import { onlineHost, PlannerRoom } from './planner-room.ts';

const HOSTS = ['a', 'b', 'c'];
const CHECK_MS = 300_000;

/** A planner of three hosts, and how each plan of it is asked for. */
class Planner {
  readonly room = new PlannerRoom();
  readonly records = HOSTS.map((hostname) => this.room.put(this.room.stores.records, record(hostname)));
  readonly quarantines = new Map<string, Set<string>>();
  readonly followed: FollowedPlan;
  readonly #frame: FleetPlanFrame;

  constructor() {
    for (const hostname of HOSTS) this.room.put(this.room.stores.hosts, onlineHost(hostname));
    this.followed = new FollowedPlan(this.room.context);
    const built = Object.fromEntries(HOSTS.map((name) => [name, { channel: 'stable', closureHash: 'x' }]));
    this.#frame = {
      now: NOW,
      term: 1,
      settings: SETTINGS,
      topology: new FleetTopology({ hosts: built, waves: {} }),
      fleetSignedAt: NOW,
      manifests: new Map([['stable', { channelRef: 'r1', signedAt: NOW }]]),
      rollouts: [planRollout({ name: ROLLOUT, rolloutId: 'stable@r1', channel: 'stable' })],
      quarantines: this.quarantines,
    };
  }

  /** The next plan, not written yet. */
  next(change: Partial<FleetPlanFrame> = {}): FleetPlan {
    return this.followed.next({ ...this.#frame, ...change });
  }

  /** The next plan, written but for some records. */
  write(change: Partial<FleetPlanFrame> = {}, again: readonly string[] = []): FleetPlan {
    const made = this.next(change);
    this.followed.written(again);
    return made;
  }
}

const hostsOf = (made: FleetPlan): string[] => made.marks.map(({ record: { hostname } }) => hostname);
const visited = (made: FleetPlan): string[] | undefined =>
  made.visited && [...made.visited].map((name) => name.replace(`${ROLLOUT}.`, '')).toSorted();
const paused = [planRollout({ name: ROLLOUT, rolloutId: 'stable@r1', channel: 'stable', paused: true })];

describe('each plan', () => {
  it('is made from what changed since the one before', () => {
    const planner = new Planner();
    expect([visited(planner.write({ rollouts: paused }))]).toEqual([undefined]);
    expect(visited(planner.write({ rollouts: paused }))).toEqual([]);
    planner.room.put(planner.room.stores.hosts, onlineHost('b', 'clo-other'));
    expect(visited(planner.write({ rollouts: paused }))).toEqual(['b']);
    const [first] = planner.records;
    if (first !== undefined) planner.room.change(first, { state: 'Converged' });
    expect(visited(planner.write({ rollouts: paused }))).toEqual(['a']);
    expect(hostsOf(planner.write())).toEqual(['b', 'c']);
  });

  it('looks again at what could not be written', () => {
    const planner = new Planner();
    planner.write({ rollouts: paused }, [`${ROLLOUT}.b`]);
    expect(visited(planner.write({ rollouts: paused }))).toEqual(['b']);
    expect(visited(planner.write({ rollouts: paused }))).toEqual([]);
  });

  it('is made of everything where the one before was not written to its end', () => {
    const planner = new Planner();
    planner.write();
    planner.next();
    expect(visited(planner.write())).toBeUndefined();
    expect(visited(planner.write())).toEqual(HOSTS);
  });

  it('is made of everything where a Host is gone', () => {
    const planner = new Planner();
    planner.write();
    planner.room.remove(planner.room.stores.hosts, onlineHost('c'));
    const made = planner.write();
    expect([visited(made), hostsOf(made)]).toEqual([undefined, ['a', 'b']]);
  });

  it('is made of everything after one that threw', () => {
    const planner = new Planner();
    planner.write();
    expect(() => planner.next({ rollouts: undefined as never })).toThrow(TypeError);
    const made = planner.write();
    expect([visited(made), hostsOf(made)]).toEqual([undefined, HOSTS]);
  });
});

describe('now and then', () => {
  it('everything is planned anew, which is no other plan', async () => {
    const planner = new Planner();
    planner.write();
    await planner.room.clock.advance(CHECK_MS - 1);
    expect(visited(planner.write())).toEqual(HOSTS);
    await planner.room.clock.advance(1);
    expect(visited(planner.write())).toBeUndefined();
    expect(visited(planner.write())).toEqual(HOSTS);
    expect([planner.room.divergences, planner.room.errors]).toEqual([0, []]);
  });

  it('where it is, that is said, and the plan of everything counts', async () => {
    const planner = new Planner();
    planner.write({ rollouts: paused });
    // Something that no subscription tells of.
    planner.quarantines.set('stable', new Set(['clo-new']));
    const gates = (made: FleetPlan): string[] => [...made.blockedBy.values()].flat().map(({ gate }) => gate);
    expect(gates(planner.write({ rollouts: paused }))).not.toContain('quarantine');
    await planner.room.clock.advance(CHECK_MS);
    expect(gates(planner.write({ rollouts: paused }))).toContain('quarantine');
    expect(planner.room.divergences).toBe(1);
    expect(planner.room.errors).toEqual([{ parts: ['blockedBy', 'blocked'] }]);
  });
});
