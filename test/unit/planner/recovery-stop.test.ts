import { describe, expect, it } from 'vitest';
import type { HostRolloutRecord } from '../../../src/api/kinds/host-rollout-record.ts';
import type { HostState } from '../../../src/api/wire/enums.ts';
import { stopsAtSoaking } from '../../../src/core/planner/recovery-stop.ts';
import { sampleRecord } from '../../support/kind-samples.ts';
import { minute } from './fleet-fixture.ts';

function opened(at: number, state?: HostState, targetClosure = 'target', attempt = 1): HostRolloutRecord {
  const { status: _, ...sample } = sampleRecord('ns', `opened-at-${at}-${attempt}`);
  return {
    ...sample,
    spec: { ...sample.spec, dispatchedAt: minute(at), targetClosure, attempt },
    ...(state && { status: { state, lastEventSeq: 0 } }),
  };
}

const NOW = opened(0);

describe('the recovery of a record that was never dispatched', () => {
  it.each<[string, readonly HostRolloutRecord[], boolean]>([
    ['goes on to Converged where the host had no record before', [], false],
    ['does not count its own record', [NOW], false],
    ['stops at Soaking where the same target failed before', [opened(-9, 'Failed')], true],
    ['stops at Soaking where the same target was never judged', [opened(-9)], true],
    ['goes on where the same target had converged', [opened(-9, 'Converged')], false],
    ['goes on where the record before had another target', [opened(-9, 'Failed', 'other')], false],
    [
      'looks at the newest earlier record only: a failure',
      [opened(-9, 'Converged'), opened(-1, 'Failed')],
      true,
    ],
    [
      'looks at the newest earlier record only: in any order',
      [opened(-1, 'Failed'), opened(-9, 'Converged')],
      true,
    ],
    [
      'looks at the newest earlier record only: a success',
      [opened(-9, 'Failed'), opened(-1, 'Converged')],
      false,
    ],
    [
      'does not look at another rollout that was opened in the same moment',
      [{ ...opened(0, 'Failed'), metadata: { name: 'other' } }],
      false,
    ],
    ['does not look at records of later openings', [opened(1, 'Failed')], false],
  ])('%s', (_, others, stops) => {
    expect(stopsAtSoaking(NOW, others)).toBe(stops);
  });

  it('orders the attempts of one opening by their numbers', () => {
    const retry = opened(0, undefined, 'target', 2);
    expect(stopsAtSoaking(retry, [opened(0, 'Failed')])).toBe(true);
    expect(stopsAtSoaking(retry, [opened(0, 'Failed', 'target', 3)])).toBe(false);
    expect(stopsAtSoaking(retry, [opened(1, 'Failed')])).toBe(false);
    expect(
      stopsAtSoaking(opened(0, undefined, 'target', 3), [
        opened(0, 'Converged'),
        opened(0, 'Failed', 'target', 2),
      ]),
    ).toBe(true);
  });
});
