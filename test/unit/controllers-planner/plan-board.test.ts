import { describe, expect, it } from 'vitest';
import { PlanBoard } from '../../../src/controllers/planner/plan-board.ts';
import type { FleetPlan } from '../../../src/core/planner/fleet-plan-result.ts';
import { plan } from '../planner/fleet-fixture.ts';
import { NOW, record } from '../controllers-rollout/objects.ts';
import { PlannerRoom } from './planner-room.ts';

const onTarget = { lastReport: { closure: 'clo-new', at: NOW } };
const nameOf = (hostname: string): string => record(hostname).metadata.name;
const EVERYBODY: FleetPlan = { ...plan({}), isRecoverable: () => true };

/** A board over hosts of which all but `c` run their target already, and `d` has converged. */
function board(): PlanBoard {
  const room = new PlannerRoom();
  for (const host of ['a', 'b']) room.put(room.stores.records, record(host, onTarget));
  room.put(room.stores.records, record('c', { lastReport: { closure: 'clo-old', at: NOW } }));
  room.put(room.stores.records, record('d', { ...onTarget, state: 'Converged' }));
  return new PlanBoard(room.context, () => undefined);
}

describe('what may be recovered after a plan', () => {
  it.each<[string, FleetPlan | undefined, string[]]>([
    ['is nothing before the first', undefined, []],
    ['is who waits on its target', EVERYBODY, ['a', 'b']],
    [
      'is nobody whose gates are closed',
      { ...EVERYBODY, isRecoverable: (name) => name === nameOf('b') },
      ['b'],
    ],
    ['is the same where the plan visited nobody', { ...EVERYBODY, visited: new Set() }, ['a', 'b']],
  ])('%s', (_, made, hosts) => {
    const posted = board();
    if (made !== undefined) posted.post(made);
    expect(posted.recoverable()).toEqual(hosts.map((host) => `ns/${nameOf(host)}`));
  });
});

describe('deadlocks of a plan', () => {
  const deadlocks = [{ rollout: { rolloutId: 'web@r1' }, reason: 'no wave lists a' }];
  const stuck = { ...EVERYBODY, deadlocks } as unknown as FleetPlan;

  it('are told when they come and when they go, and not again while they stay', () => {
    let told = 0;
    const posted = new PlanBoard(new PlannerRoom().context, () => (told += 1));
    posted.post(EVERYBODY);
    expect(told).toBe(0);
    posted.post(stuck);
    posted.post({ ...stuck });
    expect(told).toBe(1);
    expect(posted.deadlocks()).toEqual(['web@r1: no wave lists a']);
    posted.post(EVERYBODY);
    expect(told).toBe(2);
  });
});
