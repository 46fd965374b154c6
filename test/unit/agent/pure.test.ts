import { describe, expect, it } from 'vitest';
import { accelerated } from '../../../src/agent/workers/advance.ts';
import { ageProblem } from '../../../src/agent/artifacts.ts';
import { agentConstants, scaled } from '../../../src/agent/constants.ts';
import { preciseNow } from '../../../src/agent/precise-time.ts';
import { addMillis, isTimestamp, timestampFromMillis } from '../../../src/api/time.ts';
import { advanceTick } from '../../../src/core/host/advance-tick.ts';
import { newPending, type HostRecord } from '../../../src/core/host/record.ts';

const start = timestampFromMillis(1_700_000_000_000);

describe('the factor', () => {
  it('divides every time by the same', () => {
    const fast = scaled(agentConstants, 10);
    for (const [name, value] of Object.entries(agentConstants)) {
      if (name !== 'factor') expect([name, fast[name as keyof typeof fast]]).toEqual([name, value / 10]);
    }
    expect(fast.factor).toBe(10);
  });

  it.each([[0], [0.5], [101], [Number.NaN]])('cannot be %d', (factor) => {
    expect(() => scaled(agentConstants, factor)).toThrow('give one from 1 to 100');
  });

  it.each([
    [1, 119_000, false],
    [1, 120_000, true],
    [10, 11_900, false],
    [10, 12_000, true],
  ])('at %i: a failure of %i ms is too long: %s', (factor, millis, failed) => {
    const record: HostRecord = {
      ...newPending({
        rolloutId: 'a@1',
        hostname: 'h',
        channel: 'a',
        targetClosure: 't',
        dispatchedAt: start,
      }),
      state: 'Soaking',
      probeFailureFirstAt: start,
      probes: new Map([['nginx', { status: 'fail', mode: 'enforce', lastObservedAt: start }]]),
    };
    const now = addMillis(start, millis);
    const due = advanceTick(accelerated(record, now, factor), now, undefined);
    expect(due?.kind).toBe(failed ? 'Failed' : undefined);
  });
});

describe('the age of an artifact', () => {
  it.each([
    [3_660_000, undefined],
    [3_660_001, 'Stale'],
    [-60_000, undefined],
    [-60_001, 'FutureDated'],
  ])('of %i ms in a window of an hour: %s', (age, problem) => {
    const said = ageProblem(start, addMillis(start, age), 3_600_000);
    expect(said?.split(':')[0]).toBe(problem);
  });
});

describe('the agent’s time', () => {
  it.each([['2026-06-01T10:00:00Z'], ['2026-06-01T10:00:00.120Z']])('of %s has nine digits', (text) => {
    const now = timestampFromMillis(Date.parse(text));
    const precise = preciseNow({ now: () => now });
    expect(precise).toMatch(/\.\d{9}Z$/);
    expect(isTimestamp(precise)).toBe(true);
    expect(precise.slice(0, 19)).toBe(text.slice(0, 19));
  });
});
