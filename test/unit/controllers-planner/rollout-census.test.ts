import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { HostRolloutRecord } from '../../../src/api/kinds/host-rollout-record.ts';
import { RolloutCensus } from '../../../src/controllers/planner/rollout-census.ts';
import { recordsOfRollout } from '../../../src/core/rollout/current-records.ts';
import { NOW, record, rollout, ROLLOUT } from '../controllers-rollout/objects.ts';
import { PlannerRoom } from './planner-room.ts';

const MARK = { queuedAt: NOW, term: 1 };

/** What may become of a record: another status, another owner, or its end. */
const someRecord = fc
  .record({
    host: fc.constantFrom('a', 'b', 'c'),
    attempt: fc.constantFrom(1, 2),
    owner: fc.constantFrom(`uid-${ROLLOUT}`, 'somebody'),
    status: fc.constantFrom(
      {},
      { dispatch: MARK },
      { state: 'Activating' as const },
      { state: 'Soaking' as const },
    ),
    isGone: fc.boolean(),
  })
  .map(({ host, attempt, owner, status, isGone }) => ({
    object: record(host, status, { attempt }, owner),
    isGone,
  }));

function mayHold({ status }: HostRolloutRecord): boolean {
  return status?.dispatch !== undefined || status?.state === 'Activating' || status?.state === 'Soaking';
}

describe('what is counted of a rollout', () => {
  it('is what counting its records says, whatever becomes of them', () => {
    fc.assert(
      fc.property(fc.array(someRecord, { maxLength: 30 }), fc.nat(30), (changes, begin) => {
        const room = new PlannerRoom();
        const { records } = room.stores;
        const three = rollout({}, { hostCount: 3 });
        let census: RolloutCensus | undefined;
        for (const [index, { object, isGone }] of changes.entries()) {
          if (index >= begin) census ??= new RolloutCensus(room);
          if (isGone) room.remove(records, object);
          else room.put(records, object);
          const complete = recordsOfRollout(three, records.list()).newest.length === 3;
          if (census === undefined) continue;
          expect(census.isComplete(three)).toBe(complete);
          expect(census.hasSlotHolders(ROLLOUT)).toBe(records.list().some(mayHold));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is counted anew for another rollout of the same name', () => {
    const room = new PlannerRoom();
    const census = new RolloutCensus(room);
    const first = rollout({}, { hostCount: 1 });
    room.put(room.stores.records, record('a'));
    expect(census.isComplete(first)).toBe(true);
    const other = { ...first, metadata: { ...first.metadata, uid: 'other' } };
    expect(census.isComplete(other)).toBe(false);
    room.put(room.stores.rollouts, first);
    room.remove(room.stores.rollouts, first);
    expect(census.isComplete(first)).toBe(true);
  });

  it('is kept apart by rollout', () => {
    const room = new PlannerRoom();
    const census = new RolloutCensus(room);
    room.put(room.stores.records, record('a', { state: 'Soaking' }, { rolloutRef: 'other' }));
    expect([census.hasSlotHolders('other'), census.hasSlotHolders(ROLLOUT)]).toEqual([true, false]);
  });
});
