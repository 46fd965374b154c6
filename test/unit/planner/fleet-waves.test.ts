import { describe, expect, it } from 'vitest';
import type { PlanRecord } from '../../../src/core/planner/fleet-input.ts';
import { budget, gatesOf, host, marked, minute, plan, record, rollout, type Story } from './fleet-fixture.ts';

const wave = (...hosts: string[]) => ({ hosts, soakMinutes: 5 });

/** Waves [a, b], [c], and what became of a and b. */
function story(a: Partial<PlanRecord>, b: Partial<PlanRecord>, changes: Story = {}): Story {
  return {
    records: [record('a', a), record('b', b), record('c')],
    fleet: { waves: { web: [wave('a', 'b'), wave('c')] } },
    ...changes,
  };
}

const DONE = { state: 'Converged' } as const;

interface Case {
  readonly what: string;
  readonly given: Story;
  readonly to: number | undefined;
}

const skip = (...offline: string[]): Story => ({
  settings: { offlinePolicy: 'Skip' },
  hosts: ['a', 'b', 'c'].map((name) => host(name, { offline: offline.includes(name) })),
});

describe('D7, D8: a rollout goes on', () => {
  const cases: readonly Case[] = [
    { what: 'when all of its wave converged', given: story(DONE, DONE), to: 1 },
    { what: 'when the rest is Deferred', given: story(DONE, { state: 'Deferred' }), to: 1 },
    { what: 'not while one is Soaking', given: story(DONE, { state: 'Soaking' }), to: undefined },
    {
      what: 'not while a host is offline and the policy is Wait',
      given: story(DONE, {}, { hosts: [host('a'), host('b', { offline: true }), host('c')] }),
      to: undefined,
    },
    { what: 'past an offline host under Skip', given: story(DONE, {}, skip('b')), to: 1 },
    {
      what: 'never past a wave of which no host converged under Skip',
      given: story({}, {}, skip('a', 'b')),
      to: undefined,
    },
    {
      what: 'not because one is Deferred and the others are offline: nothing proves the release',
      given: story({ state: 'Deferred' }, {}, skip('b')),
      to: undefined,
    },
    {
      what: 'past a cleared host, whatever the policy',
      given: story(DONE, { state: 'Failed', clearedAt: minute(-1) }),
      to: 1,
    },
    {
      what: 'past a wave that a person cleared altogether',
      given: story({ clearedAt: minute(-1) }, { state: 'Failed', clearedAt: minute(-1) }),
      to: 1,
    },
    {
      what: 'not past a failure that nobody cleared',
      given: story(DONE, { state: 'Failed' }),
      to: undefined,
    },
    {
      what: 'not while it is paused',
      given: story(DONE, DONE, { rollouts: [rollout({ paused: true })] }),
      to: undefined,
    },
    {
      what: 'not while records are missing, which might be of this wave',
      given: story(DONE, DONE, { rollouts: [rollout({ opened: false })] }),
      to: undefined,
    },
    {
      what: 'past an empty wave',
      given: story(DONE, DONE, { fleet: { waves: { web: [wave('a', 'b'), wave(), wave('c')] } } }),
      to: 2,
    },
    {
      what: 'past listed hosts that have no record in it',
      given: story(DONE, DONE, { fleet: { waves: { web: [wave('a', 'b', 'ghost'), wave('c')] } } }),
      to: 1,
    },
    {
      what: 'past a wave of foreign hosts only',
      given: story(DONE, DONE, { fleet: { waves: { web: [wave('ghost'), wave('a', 'b'), wave('c')] } } }),
      to: 2,
    },
    {
      what: 'never past its last wave',
      given: story(DONE, DONE, { fleet: { waves: { web: [wave('a', 'b'), wave()] } } }),
      to: 1,
    },
    {
      what: 'not when it has ended',
      given: story(DONE, DONE, { rollouts: [rollout({ state: 'Terminal' })] }),
      to: undefined,
    },
    {
      what: 'not when it is superseded',
      given: story(DONE, DONE, { rollouts: [rollout({ state: 'Superseded' })] }),
      to: undefined,
    },
  ];

  it.each(cases)('$what', ({ given, to }) => {
    const { waves } = plan(given);
    expect(waves.map((step) => [step.from, step.to])).toEqual(to === undefined ? [] : [[0, to]]);
  });

  it('the hosts of the new wave are marked in the same plan', () => {
    expect(marked(plan(story(DONE, DONE)))).toEqual(['c']);
    expect(gatesOf(plan(story(DONE, {})), 'c')).toEqual(['wave-promotion']);
  });

  it('the reason counts the deferred as such', () => {
    const records = [record('a', { state: 'Converged' }), record('b', { state: 'Deferred' }), record('c')];
    const fleet = { waves: { web: [['a', 'b'], ['c']].map((hosts) => ({ hosts, soakMinutes: 5 })) } };
    expect(plan({ records, fleet }).waves[0]?.reason).toBe('wave 0: 1 Converged, 1 Deferred');
  });

  it('the reason counts who is done and who is left behind', () => {
    expect(plan(story(DONE, {}, skip('b'))).waves[0]?.reason).toBe(
      'wave 0: 1 Converged, 1 skipped while offline',
    );
  });

  it('a host that was left behind and returns after the end is dispatched in any wave', () => {
    const made = plan({ ...story(DONE, DONE), rollouts: [rollout({ state: 'Terminal' })] });
    expect(marked(made)).toEqual(['c']);
  });
});

describe('D7: hosts left behind', () => {
  it.each([
    ['offline hosts under Skip', story(DONE, {}, skip('b')), ['b']],
    ['a converged host that went offline is done, not left behind', story(DONE, DONE, skip('a')), undefined],
    ['cleared hosts', story(DONE, { state: 'Failed', clearedAt: minute(-1) }), ['b']],
    [
      'nobody under Wait',
      story(DONE, {}, { hosts: [host('a'), host('b', { offline: true }), host('c')] }),
      undefined,
    ],
  ])('%s', (_, given, expected) => {
    expect(plan(given).leftBehind.get('web-r1')).toEqual(expected);
  });

  it('nobody waits for an edge to an offline host under Skip', () => {
    const fleet = { edges: [{ gated: 'c', gates: 'b' }] };
    expect(gatesOf(plan(story(DONE, {}, { ...skip('b'), fleet })), 'c')).toEqual([]);
    const waiting = { hosts: [host('a'), host('b', { offline: true }), host('c')] };
    expect(gatesOf(plan(story(DONE, {}, { ...waiting, fleet })), 'c')).toEqual(['host-edge']);
  });
});

function deadlocks(given: Story): string[] {
  return plan(given).deadlocks.map(({ gate, hosts, reason }) => `${gate} ${hosts.join('+')}: ${reason}`);
}

const two = { records: [record('a'), record('b')] };

describe('D8: what can never clear is a deadlock', () => {
  it.each([
    ['nothing wrong', two, []],
    [
      'a host that no wave lists',
      { ...two, fleet: { waves: { web: [wave('a')] } } },
      ["wave-promotion-host-unstaged b: no wave of channel 'web' lists the host"],
    ],
    [
      'an edge from a host to itself',
      { ...two, fleet: { edges: [{ gated: 'a', gates: 'a' }] } },
      ["host-edge a: it waits for host 'a' in a circle"],
    ],
    [
      'two hosts that wait for each other',
      {
        ...two,
        fleet: {
          edges: [
            { gated: 'a', gates: 'b' },
            { gated: 'b', gates: 'a' },
          ],
        },
      },
      ["host-edge a: it waits for host 'b' in a circle", "host-edge b: it waits for host 'a' in a circle"],
    ],
    [
      'an edge against the order of the waves',
      { ...two, fleet: { waves: { web: [wave('a'), wave('b')] }, edges: [{ gated: 'a', gates: 'b' }] } },
      ["host-edge a: it waits for host 'b', which is in a later wave"],
    ],
    [
      'an edge to a host that has no part in the rollout',
      {
        ...two,
        fleet: {
          hosts: { a: { channel: 'web' }, b: { channel: 'web' }, x: { channel: 'web', closureHash: null } },
          edges: [{ gated: 'a', gates: 'x' }],
        },
      },
      ["host-edge a: it waits for host 'x', which has no part in this rollout"],
    ],
    [
      'an edge in the order of the waves is none',
      { ...two, fleet: { edges: [{ gated: 'b', gates: 'a' }] } },
      [],
    ],
    [
      'a budget of none',
      { ...two, rollouts: [rollout({ budgets: [budget(['b'], { maxInFlight: 0 })] })] },
      ['disruption-budget b: a budget allows no host at all (tags:web)'],
    ],
    [
      'a host that waits behind a circle is not a cause of its own',
      {
        records: [record('a'), record('b'), record('c')],
        fleet: {
          edges: [
            { gated: 'a', gates: 'b' },
            { gated: 'b', gates: 'a' },
            { gated: 'c', gates: 'a' },
          ],
        },
      },
      ["host-edge a: it waits for host 'b' in a circle", "host-edge b: it waits for host 'a' in a circle"],
    ],
    [
      'a host that is left behind locks nothing',
      {
        ...two,
        ...skip('b'),
        fleet: { waves: { web: [wave('a')] } },
      },
      [],
    ],
    [
      'a channel that waits for itself',
      { ...two, fleet: { channelEdges: [{ gates: 'web', gated: 'web' }] } },
      ["channel-edges a+b: channel 'web' waits for channel 'web' in a circle"],
    ],
  ] satisfies [string, Story, string[]][])('%s', (_, given, expected) => {
    expect(deadlocks(given)).toEqual(expected);
  });

  it('a chain of ten thousand edges is searched once, not once per host', () => {
    const names = Array.from({ length: 10_000 }, (_, i) => `h${i}`);
    const edges = names.slice(1).map((gated, i) => ({ gated, gates: `h${i}` }));
    expect(deadlocks({ records: names.map((name) => record(name)), fleet: { edges } })).toEqual([]);
  });

  it('no more than sixteen causes are listed, five hosts each', () => {
    const names = Array.from({ length: 40 }, (_, i) => `h${i}`);
    const edges = names.map((name) => ({ gated: name, gates: name }));
    const made = plan({ records: names.map((name) => record(name)), fleet: { edges } });
    expect(made.deadlocks.length).toBe(16);
    const unstaged = plan({
      records: names.map((name) => record(name)),
      fleet: { waves: { web: [wave('x')] } },
    });
    expect(unstaged.deadlocks.map(({ count, hosts }) => [count, hosts.length])).toEqual([[40, 5]]);
  });
});
