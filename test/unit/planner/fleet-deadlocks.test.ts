/** D8: which of the things that hold a host can never clear, and which only look like it. */
import { describe, expect, it } from 'vitest';
import { budget, DELIVERED, host, minute, plan, record, rollout, type Story } from './fleet-fixture.ts';

const found = (story: Story): string[] =>
  plan(story).deadlocks.map(({ gate, hosts, reason }) => `${gate} ${hosts.join('+')}: ${reason}`);

const edge = (gates: string, gated: string) => ({ gates, gated });
const wave = (...hosts: string[]) => ({ hosts, soakMinutes: 5 });
const inForce = (...channels: string[]) =>
  new Map(channels.map((channel) => [channel, { channelRef: 'r1', signedAt: minute(-1) }]));
const web = (changes: Partial<Story> = {}): Story => ({ records: [record('a')], ...changes });

describe('D8: a deadlock', () => {
  const paused = [rollout({ paused: true })];

  it('between hosts is named though something else holds them, too', () => {
    const fleet = { edges: [edge('a', 'a')] };
    expect(found(web({ rollouts: paused, fleet }))).toEqual([
      "host-edge a: it waits for host 'a' in a circle",
    ]);
  });

  it('between channels is named though something else holds their hosts, too', () => {
    const fleet = { channelEdges: [edge('web', 'web')] };
    expect(found(web({ rollouts: paused, fleet }))).toEqual([
      "channel-edges a: channel 'web' waits for channel 'web' in a circle",
    ]);
  });

  it('is a budget that allows no host, though another one allows some', () => {
    const budgets = [
      budget(['a'], { maxInFlight: 2 }),
      { selector: { all: true }, hosts: ['a'], maxInFlight: 0 },
    ];
    expect(found(web({ rollouts: [rollout({ budgets })] }))).toEqual([
      'disruption-budget a: a budget allows no host at all (all)',
    ]);
  });

  it('is no budget that allows no host where the host has its slot already', () => {
    const budgets = [budget(['a'], { maxInFlight: 0 })];
    const story = { rollouts: [rollout({ budgets })], hosts: [host('a', { offline: true })] };
    expect(found({ ...story, records: [record('a', { dispatch: DELIVERED })] })).toEqual([]);
  });

  it('is no budget that allows some, where something else holds its host for good', () => {
    const rollouts = [rollout({ budgets: [budget(['a'], { maxInFlight: 1 })] })];
    expect(found(web({ rollouts, fleet: { edges: [edge('a', 'a')] } }))).toEqual([
      "host-edge a: it waits for host 'a' in a circle",
    ]);
  });

  it('is none of a host that a person cleared', () => {
    const records = [record('a'), record('b', { clearedAt: minute(-1) })];
    expect(found({ records, fleet: { waves: { web: [wave('a')] } } })).toEqual([]);
  });

  it('is no edge between hosts that the fleet in force does not know', () => {
    const story = { records: [record('a'), record('b')], fleet: { hosts: {}, edges: [edge('a', 'a')] } };
    expect(found(story)).toEqual(['wave-promotion-host-unstaged a+b: the host is not in the fleet in force']);
  });

  it('is no edge to a host of another channel, where another edge is one', () => {
    const channels = { a: 'web', b: 'web', z: 'db' };
    const hosts = Object.fromEntries(Object.entries(channels).map(([name, channel]) => [name, { channel }]));
    const fleet = {
      hosts,
      waves: { web: [wave('a'), wave('b')] },
      edges: [edge('z', 'a'), edge('b', 'a')],
    };
    expect(found({ records: [record('a'), record('b')], fleet })).toEqual([
      "host-edge a: it waits for host 'b', which is in a later wave",
    ]);
  });
});

describe('D8: a circle of channels', () => {
  it('is none where one of them has nothing to roll out', () => {
    const channelEdges = [edge('db', 'web'), edge('idle', 'web'), edge('web', 'idle')];
    expect(found(web({ manifests: inForce('web', 'db'), fleet: { channelEdges } }))).toEqual([]);
  });

  it('is not named for a channel that waits for it, and is not on it', () => {
    const channelEdges = [edge('db', 'web'), edge('cache', 'db'), edge('db', 'cache')];
    expect(found(web({ manifests: inForce('web', 'db', 'cache'), fleet: { channelEdges } }))).toEqual([]);
  });
});
