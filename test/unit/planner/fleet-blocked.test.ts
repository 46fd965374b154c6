import { describe, expect, it } from 'vitest';
import { GATES } from '../../../src/api/gates.ts';
import {
  DELIVERED,
  budget,
  gatesOf,
  host,
  inputOf,
  minute,
  plan,
  record,
  rollout,
  type Story,
} from './fleet-fixture.ts';
import { planFleet } from '../../../src/core/planner/fleet-plan.ts';

const web = (changes: Partial<Story> = {}): Story => ({ records: [record('a')], ...changes });

/** The rollout of a channel that goes before `web`. */
function db(changes: Partial<ReturnType<typeof rollout>> = {}) {
  return rollout({ name: 'db-r1', rolloutId: 'db@r1', channel: 'db', ...changes });
}

/** One slot for three hosts, of which so many are taken. */
function crowded(taken: number): Story {
  return {
    rollouts: [rollout({ budgets: [budget(['a', 'b', 'c'], { maxInFlight: 1 })] })],
    records: [record('a'), ...['b', 'c'].slice(0, taken).map((name) => record(name, { state: 'Soaking' }))],
  };
}

describe('channel edges', () => {
  const edge = { fleet: { channelEdges: [{ gates: 'db', gated: 'web' }] } };
  const manifests = new Map([
    ['web', { channelRef: 'r1', signedAt: minute(-10) }],
    ['db', { channelRef: 'r1', signedAt: minute(-10) }],
  ]);

  it.each([
    ['a predecessor at work holds', [db()], true],
    ['a predecessor that is not open yet holds', [], true],
    ['a Terminal predecessor lets go', [db({ state: 'Terminal' })], false],
    ['a failed predecessor holds', [db({ state: 'Failed' })], true],
    [
      'D16: a new attempt at a Terminal predecessor holds again',
      [db({ state: 'Terminal' }), db({ name: 'db-r1-2', attempt: 2 })],
      true,
    ],
    [
      'a Terminal predecessor with other content under its id holds',
      [db({ state: 'Terminal', outdated: true })],
      true,
    ],
  ])('%s', (_, predecessors, holds) => {
    const made = plan({ ...web(), ...edge, manifests, rollouts: [rollout(), ...predecessors] });
    expect(gatesOf(made, 'a')).toEqual(holds ? ['channel-edges'] : []);
  });

  it('D5: a predecessor with hosts but without manifest is unknown and holds', () => {
    const hosts = { a: { channel: 'web' }, d: { channel: 'db', closureHash: 'built' } };
    const made = plan({ ...web(), fleet: { ...edge.fleet, hosts } });
    expect(gatesOf(made, 'a')).toEqual(['channel-edges']);
  });

  it('a predecessor with nothing to roll out lets go', () => {
    const hosts = { a: { channel: 'web' }, d: { channel: 'db', closureHash: null } };
    const made = plan({ ...web(), fleet: { ...edge.fleet, hosts } });
    expect(gatesOf(made, 'a')).toEqual([]);
  });
});

describe('all gates are listed, in the order of D9', () => {
  const everything: Story = {
    settings: { fleetHold: true },
    fleetSignedAt: minute(-60),
    quarantines: new Map([['web', new Set(['a-new'])]]),
    rollouts: [
      rollout({ paused: true, opened: false, budgets: [budget(['a'], { maxInFlight: 0 })] }),
      rollout({ name: 'web-r0', rolloutId: 'web@r0', state: 'Superseded' }),
    ],
    records: [
      record('a'),
      record('b', { state: 'Failed', outstandingFailures: 1 }),
      record('a', { rollout: 'web-r0', dispatch: DELIVERED }),
    ],
    hosts: [{ hostname: 'a', offline: true }],
    fleet: {
      waves: { web: [wave('b'), wave('a')] },
      edges: [{ gated: 'a', gates: 'b' }],
      channelEdges: [{ gates: 'web', gated: 'web' }],
    },
  };

  it('a host that everything holds carries every gate but unstaged', () => {
    const expected = GATES.map(({ name }) => name).filter((name) => name !== 'wave-promotion-host-unstaged');
    expect(gatesOf(plan(everything), 'a')).toEqual(expected);
  });

  it('an unstaged host is held where promotion would hold it', () => {
    const made = plan({ ...everything, fleet: { waves: { web: [wave('b')] } } });
    expect(gatesOf(made, 'a')).toContain('wave-promotion-host-unstaged');
  });

  it('the rollout counts the held hosts per gate, in gate order, with five samples at most', () => {
    const names = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'];
    const made = plan({
      records: names.map((name) => record(name)),
      settings: { fleetHold: true },
      fleetSignedAt: minute(-60),
    });
    expect(made.blocked.get('web-r1')).toMatchObject([
      { gate: 'fleet-hold', count: 6, hosts: names.slice(0, 5) },
      { gate: 'artifact-stale', count: 6, hosts: names.slice(0, 5) },
    ]);
  });

  it('hosts of a gate that holds many do not crowd out those of another', () => {
    const names = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'h7'];
    const made = plan({
      records: [...names, 'z'].map((name) => record(name)),
      hosts: [...names.map((name) => host(name, { offline: true })), host('z')],
      quarantines: new Map([['web', new Set(['z-new'])]]),
    });
    expect(made.blocked.get('web-r1')).toMatchObject([
      { gate: 'quarantine', count: 1, hosts: ['z'] },
      { gate: 'host-offline', count: 7, hosts: names.slice(0, 5) },
    ]);
  });

  it('a budget that names thousands of hosts makes no long key or reason', () => {
    const hosts = Array.from({ length: 2_000 }, (_, i) => `host-${i}`);
    const made = plan({
      rollouts: [rollout({ budgets: [{ selector: { hosts }, hosts: ['a'], maxInFlight: 0 }] })],
      records: [record('a')],
    });
    const [hold] = made.blockedBy.get('web-r1.a') ?? [];
    expect(hold?.key?.length).toBe(256);
    expect(hold?.reason.length).toBeLessThan(400);
  });

  it('the key of a budget does not move with its count', () => {
    const [one, two] = [plan(crowded(1)), plan(crowded(2))].map(
      (made) => made.blockedBy.get('web-r1.a')?.[0],
    );
    expect(one).toMatchObject({ gate: 'disruption-budget', key: 'tags:web' });
    expect(two?.key).toBe(one?.key);
    expect(two?.reason).not.toBe(one?.reason);
  });
});

describe('D5: what blocks dispatch blocks recovery, but for the gates that hold marks only', () => {
  it.each([
    ['host-offline', { hosts: [host('a', { offline: true })] }, true],
    ['host-unsettled', { hosts: [{ hostname: 'a', offline: false }] }, true],
    ['artifact-stale', { fleetSignedAt: minute(-60) }, true],
    ['fleet-hold', { settings: { fleetHold: true } }, false],
    ['rollout-opening', { rollouts: [rollout({ opened: false })] }, false],
    ['quarantine', { quarantines: new Map([['web', new Set(['a-new'])]]) }, false],
  ] satisfies [string, Story, boolean][])('%s', (gate, story, recoverable) => {
    const made = plan({ ...web(), ...story });
    expect(gatesOf(made, 'a')).toEqual([gate]);
    expect(made.isRecoverable('web-r1.a')).toBe(recoverable);
  });

  it('a record of a rollout that the content in force does not mean is not recovered', () => {
    const made = plan({ ...web(), rollouts: [rollout({ state: 'Superseded' })] });
    expect(made.isRecoverable('web-r1.a')).toBe(false);
  });
});

describe('waking up', () => {
  it('the plan says when waiting alone will change it', () => {
    const made = plan(web({ hosts: [{ hostname: 'a', offline: false, firstReportAt: minute(-1) }] }));
    expect(made.wakeAt).toBe(minute(4.5));
  });

  it('the same input gives the same plan, whatever the order of its lists', () => {
    const story = inputOf({
      rollouts: [rollout({ budgets: [budget(['a', 'b', 'c'], { maxInFlight: 2 })] })],
      records: ['c', 'a', 'b'].map((name) => record(name)),
    });
    const turned = { ...story, records: story.records.toReversed(), hosts: story.hosts.toReversed() };
    const { isRecoverable: _, ...first } = planFleet(story);
    const { isRecoverable: __, ...second } = planFleet(turned);
    expect(second).toEqual(first);
    expect(first.marks.map((mark) => mark.record.hostname)).toEqual(['a', 'b']);
  });
});

function wave(...hosts: string[]) {
  return { hosts, soakMinutes: 5 };
}
