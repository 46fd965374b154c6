import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { timestampFromMillis } from '../../../src/api/time.ts';
import { advanceWaves } from '../../../src/core/planner/advance-waves.ts';
import { compareCodePoints, sortedByCodePoint } from '../../../src/core/planner/order.ts';
import { planNext } from '../../../src/core/planner/plan-next.ts';
import { selectorKey, selectorSummary } from '../../../src/core/planner/selector.ts';
import type { FleetState, HostRow, PlannerManifests } from '../../../src/core/planner/types.ts';

const NOW = timestampFromMillis(1_778_893_200_000);

/** The code points of a text. */
function points(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0) ?? 0);
}

describe('order of names', () => {
  it('is by code point, where JavaScript sorts by UTF-16 unit', () => {
    const names = ['\u{1f680}', '\uff5e', 'b', 'a'];
    expect(names.toSorted(compareCodePoints)).toEqual(['a', 'b', '\uff5e', '\u{1f680}']);
    expect(names.toSorted()).not.toEqual(names.toSorted(compareCodePoints));
  });

  it('holds for the items of a list, by their names', () => {
    const items = ['b', '\u{1f680}', '\uff5e', 'a'].map((name) => ({ name }));
    const sorted = sortedByCodePoint(items, ({ name }) => name);
    expect(sorted.map(({ name }) => name)).toEqual(['a', 'b', '\uff5e', '\u{1f680}']);
  });

  it('agrees with the order of the code points of any two texts', () => {
    const text = fc.string({ unit: 'binary', maxLength: 4 });
    fc.assert(
      fc.property(text, text, (a, b) => {
        const [left, right] = [points(a), points(b)];
        const at = left.findIndex((point, i) => point !== right[i]);
        const expected = at < 0 ? left.length - right.length : (left[at] ?? 0) - (right[at] ?? -1);
        return Math.sign(compareCodePoints(a, b)) === Math.sign(expected);
      }),
    );
  });
});

describe('names that JavaScript objects know by themselves', () => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];

  it.each(names)('an unknown channel, host or edge called %s is unknown', (name) => {
    const rows: HostRow[] = [{ rolloutId: `${name}@r`, host: name, state: 'Pending', targetClosure: 't' }];
    const state: FleetState = {
      hostStates: rows,
      rollouts: [{ rolloutId: `${name}@r`, channel: name, currentWave: 0 }],
    };
    const manifests: PlannerManifests = { fleet: { hosts: {}, waves: {} }, rollouts: new Map() };
    expect(advanceWaves(manifests, state).bumps).toEqual([]);
    expect(planNext(manifests, state, new Map(), NOW)).toMatchObject([{ type: 'QueueDispatch', host: name }]);
  });

  it.each(names)('a declared host called %s is held by its wave', (name) => {
    const hosts = new Map([[name, { channel: name }]]);
    const waves = new Map([
      [
        name,
        [
          { hosts: [], soakMinutes: 0 },
          { hosts: [name], soakMinutes: 0 },
        ],
      ],
    ]);
    const manifests: PlannerManifests = {
      fleet: { hosts: Object.fromEntries(hosts), waves: Object.fromEntries(waves) },
      rollouts: new Map(),
    };
    const state: FleetState = {
      hostStates: [{ rolloutId: 'x@r', host: name, state: 'Pending', targetClosure: 't' }],
      rollouts: [{ rolloutId: 'x@r', channel: name, currentWave: 0 }],
    };
    expect(planNext(manifests, state, new Map(), NOW)).toMatchObject([{ gate: 'wave-promotion' }]);
  });
});

describe('selectors', () => {
  it('are equal member by member, arrays in order, defaults filled in', () => {
    expect(selectorKey({ tags: ['a', 'b'] })).not.toBe(selectorKey({ tags: ['b', 'a'] }));
    expect(selectorKey({ channel: null, all: false })).toBe(selectorKey({}));
    expect(selectorKey({ channel: '' })).not.toBe(selectorKey({ channel: null }));
  });

  it.each([
    [{ all: true, channel: 'web' }, 'all'],
    [{ channel: 'web', tags: ['x'] }, 'channel:web'],
    [{ tags: ['b', 'a', 'a'] }, 'tags:a,a,b'],
    [{ tagsAny: ['b', 'a'], hosts: ['h'] }, 'tags_any:a,b'],
    [{ hosts: ['h2', 'h10'] }, 'hosts:h10,h2'],
    [{}, 'unknown'],
  ])('%j is summarised as %s', (selector, summary) => {
    expect(selectorSummary(selector)).toBe(summary);
  });
});

describe('planNext keeps its promises for any fleet', () => {
  const hosts = ['a', 'b', 'c', 'd'];
  const state = fc.constantFrom(
    'Pending',
    'Activating',
    'Deferred',
    'Soaking',
    'Converged',
    'Failed',
    'Reverted',
  ) satisfies fc.Arbitrary<HostRow['state']>;
  const fleetState = fc.record({
    states: fc.array(state, { minLength: 4, maxLength: 4 }),
    max: fc.integer({ min: 0, max: 4 }),
  });

  it('no budget is exceeded and no host is planned twice', () => {
    fc.assert(
      fc.property(fleetState, ({ states, max }) => {
        const rows = states.map((hostState, i): HostRow => ({
          rolloutId: 'web@r',
          host: hosts[i] ?? '',
          state: hostState,
          targetClosure: 't',
        }));
        const actions = planNext(
          { fleet: { hosts: {}, waves: {} }, rollouts: new Map([['web', { channelRef: 'r' }]]) },
          {
            hostStates: rows,
            rollouts: [
              {
                rolloutId: 'web@r',
                channel: 'web',
                currentWave: 0,
                budgets: [{ selector: { all: true }, hosts, maxInFlight: max }],
              },
            ],
          },
          new Map(),
          NOW,
        );
        const queued = actions.filter(({ type }) => type === 'QueueDispatch').length;
        const flying = states.filter((s) => s === 'Activating' || s === 'Soaking').length;
        const pending = states.filter((s) => s === 'Pending').length;
        return actions.length === pending && (queued === 0 || queued + flying <= max);
      }),
    );
  });
});

describe('rollouts that are not open yet', () => {
  it('are opened by channel, in whatever order their manifests come', () => {
    const rollouts = new Map(['web', 'db'].map((channel) => [channel, { channelRef: 'r1' }]));
    const manifests = { fleet: { hosts: {}, waves: {} }, rollouts };
    const actions = planNext(manifests, { hostStates: [], rollouts: [] }, new Map(), NOW);
    expect(actions.map((action) => 'channel' in action && action.channel)).toEqual(['db', 'web']);
  });
});
