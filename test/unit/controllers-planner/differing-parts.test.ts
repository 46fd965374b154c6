import { describe, expect, it } from 'vitest';
import { differingParts } from '../../../src/controllers/planner/differing-parts.ts';
import type { FleetPlan } from '../../../src/core/planner/fleet-plan-result.ts';
import { plan, record } from '../planner/fleet-fixture.ts';

const records = [record('a'), record('b')];
const made = plan({ records });

describe('the parts in which plans differ', () => {
  it.each<[string, Partial<FleetPlan>, string[]]>([
    ['none, where both say the same', plan({ records: records.toReversed() }), []],
    ['none, whatever was visited', { visited: new Set(['a']) }, []],
    ['a list', { marks: [] }, ['marks']],
    ['a table', { blockedBy: new Map([['web-r1.a', []]]) }, ['blockedBy']],
    ['the time of the next plan', { wakeAt: made.marks[0]?.queuedAt ?? '' }, ['wakeAt']],
    ['who may be recovered', { isRecoverable: () => false }, ['isRecoverable']],
    ['several', { restamps: records, marks: [] }, ['marks', 'restamps']],
  ] as [string, Partial<FleetPlan>, string[]][])('%s', (_, change, parts) => {
    expect(differingParts(made, { ...made, ...change }, records)).toEqual(parts);
    expect(differingParts({ ...made, ...change }, made, records).toSorted()).toEqual(parts);
  });
});
