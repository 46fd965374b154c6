import { describe, expect, it } from 'vitest';
import {
  DELIVERED,
  gatesOf,
  host,
  marked,
  minute,
  plan,
  record,
  rollout,
  type Story,
} from './fleet-fixture.ts';

interface Case {
  readonly story: string;
  readonly given: Story;
  readonly held: readonly string[];
  readonly key?: string;
}

const web = (changes: Partial<Story> = {}): Story => ({ records: [record('a')], ...changes });

const CASES: readonly Case[] = [
  { story: 'nothing in the way lets the host through', given: web(), held: [] },
  {
    story: 'D1: a quarantined target holds, on its own channel',
    given: web({ quarantines: new Map([['web', new Set(['a-new'])]]) }),
    held: ['quarantine'],
    key: 'a-new',
  },
  {
    story: "D1: another channel's quarantine does not hold",
    given: web({ quarantines: new Map([['db', new Set(['a-new'])]]) }),
    held: [],
  },
  {
    story: 'D2: a Failed host halts the rest',
    given: web({ records: [record('a'), record('b', { state: 'Failed' })] }),
    held: ['rollout-halted'],
  },
  {
    story: 'D2: a Reverted host halts the rest',
    given: web({ records: [record('a'), record('b', { state: 'Reverted' })] }),
    held: ['rollout-halted'],
  },
  {
    story: 'D2: a cleared failure halts nothing',
    given: web({ records: [record('a'), record('b', { state: 'Failed', clearedAt: minute(-1) })] }),
    held: [],
  },
  {
    story: 'D16: a failed try that was retried halts nothing',
    given: web({
      records: [
        record('a'),
        record('b', { state: 'Failed' }),
        record('b', { name: 'web-r1.b.2', attempt: 2 }),
      ],
    }),
    held: [],
  },
  {
    story: 'D9: a Fleet on hold holds',
    given: web({ settings: { fleetHold: true } }),
    held: ['fleet-hold'],
  },
  {
    story: 'D9: a paused rollout holds',
    given: web({ rollouts: [rollout({ paused: true })] }),
    held: ['rollout-paused'],
  },
  {
    story: 'D21: a rollout without all of its records holds',
    given: web({ rollouts: [rollout({ opened: false })] }),
    held: ['rollout-opening'],
  },
  {
    story: 'D21: a rollout that is still Opening holds',
    given: web({ rollouts: [rollout({ state: 'Opening' })] }),
    held: ['rollout-opening'],
  },
  {
    story: 'D6: an offline host is not marked',
    given: web({ hosts: [host('a', { offline: true })] }),
    held: ['host-offline'],
  },
  {
    story: 'D5: a host without Host object is unknown and not marked',
    given: web({ hosts: [] }),
    held: ['host-offline'],
  },
  {
    story: 'D22: a host that reported once a minute ago is unsettled',
    given: web({ hosts: [{ hostname: 'a', offline: false, firstReportAt: minute(-1) }] }),
    held: ['host-unsettled'],
  },
  {
    story: 'D22: a host that never reported is unsettled',
    given: web({ hosts: [{ hostname: 'a', offline: false }] }),
    held: ['host-unsettled'],
  },
  {
    story: 'D22: 330 s after its first report a host counts as settled',
    given: web({ hosts: [{ hostname: 'a', offline: false, firstReportAt: minute(-5.5) }] }),
    held: [],
  },
  {
    story: 'D22: a settled host needs no more waiting',
    given: web({
      hosts: [{ hostname: 'a', offline: false, firstReportAt: minute(-1), settledTime: minute(0) }],
    }),
    held: [],
  },
  {
    story: 'D22: a host whose record was deleted a minute ago may be in the middle of a switch',
    given: web({ records: [record('a', { reopenedAt: minute(-1) })] }),
    held: ['host-unsettled'],
  },
  {
    story: 'D22: one that has settled since its record was deleted is not',
    given: web({
      records: [record('a', { reopenedAt: minute(-2) })],
      hosts: [host('a', { settledTime: minute(-1) })],
    }),
    held: [],
  },
  {
    story: 'D22: no switch takes longer than 330 s',
    given: web({ records: [record('a', { reopenedAt: minute(-5.5) })] }),
    held: [],
  },
  {
    story: 'D16: a host that nobody has told where a further attempt goes on counting',
    given: web({ records: [record('a', { countsOn: { toldAt: undefined } })] }),
    held: ['host-unsettled'],
  },
  {
    story: 'D16: one that was told a moment ago may not have heard it',
    given: web({ records: [record('a', { countsOn: { toldAt: minute(-0.3) } })] }),
    held: ['host-unsettled'],
  },
  {
    story: 'D16: one that has not spoken since it was told has heard it',
    given: web({ records: [record('a', { countsOn: { toldAt: minute(-1 / 3) } })] }),
    held: [],
  },
  {
    story: 'D20: a host whose superseded dispatch was delivered is busy',
    given: web({
      rollouts: [rollout(), rollout({ name: 'web-r0', rolloutId: 'web@r0', state: 'Superseded' })],
      records: [record('a'), record('a', { rollout: 'web-r0', dispatch: DELIVERED })],
    }),
    held: ['host-busy'],
    key: 'web-r0.a',
  },
  {
    story: 'D20: a host that switches for a superseded rollout is busy',
    given: web({
      rollouts: [rollout(), rollout({ name: 'web-r0', rolloutId: 'web@r0', state: 'Superseded' })],
      records: [
        record('a'),
        record('a', { rollout: 'web-r0', state: 'Activating', dispatchAckedAt: minute(-9) }),
      ],
    }),
    held: ['host-busy'],
    key: 'web-r0.a',
  },
  {
    story: 'D20: a host that switches for a rollout that is gone is busy',
    given: web({
      records: [
        record('a'),
        record('a', { rollout: 'gone', state: 'Activating', dispatchAckedAt: minute(-1) }),
      ],
    }),
    held: ['host-busy'],
    key: 'gone.a',
  },
  {
    story: 'D20: ten minutes later the host is no longer busy',
    given: web({
      rollouts: [rollout(), rollout({ name: 'web-r0', rolloutId: 'web@r0', state: 'Superseded' })],
      records: [
        record('a'),
        record('a', { rollout: 'web-r0', state: 'Activating', dispatchAckedAt: minute(-10) }),
      ],
    }),
    held: [],
  },
  {
    story: 'D19: a fleet signed 55 minutes ago holds marks',
    given: web({ fleetSignedAt: minute(-55) }),
    held: ['artifact-stale'],
    key: 'fleet',
  },
  {
    story: 'D19: a manifest signed an hour ago holds marks',
    given: web({ manifests: new Map([['web', { channelRef: 'r1', signedAt: minute(-60) }]]) }),
    held: ['artifact-stale'],
    key: 'manifest',
  },
  {
    story: 'D5: a host that the fleet does not know is in no known wave',
    given: web({ fleet: { hosts: {} } }),
    held: ['wave-promotion-host-unstaged'],
    key: 'web',
  },
  {
    story: 'a host edge names the host that goes first',
    given: web({
      records: [record('a'), record('b', { state: 'Activating' })],
      fleet: { edges: [{ gated: 'a', gates: 'b' }] },
    }),
    held: ['host-edge'],
    key: 'b',
  },
  {
    story: 'D7: a host edge does not wait for a cleared host',
    given: web({
      records: [record('a'), record('b', { state: 'Failed', clearedAt: minute(-1) })],
      fleet: { edges: [{ gated: 'a', gates: 'b' }] },
    }),
    held: [],
  },
  {
    story: 'D4: an outstanding failure in an earlier wave holds a later one',
    given: web({
      rollouts: [rollout({ currentWave: 1 })],
      records: [record('a'), record('b', { state: 'Converged', outstandingFailures: 2 })],
      fleet: { waves: { web: [wave('b'), wave('a')] } },
    }),
    held: ['compliance-wave'],
  },
  {
    story: 'D7: the failures of a cleared host hold nobody',
    given: web({
      rollouts: [rollout({ currentWave: 1 })],
      records: [record('a'), record('b', { state: 'Failed', clearedAt: minute(-1), outstandingFailures: 2 })],
      fleet: { waves: { web: [wave('b'), wave('a')] } },
    }),
    held: [],
  },
];

describe('each gate holds a Pending host, and lets it go', () => {
  it.each(CASES)('$story', ({ given, held, key }) => {
    const made = plan(given);
    expect(gatesOf(made, 'a')).toEqual(held);
    expect(made.blockedBy.get('web-r1.a')?.[0]?.key).toBe(key);
    expect(marked(made).includes('a')).toBe(held.length === 0);
  });
});

function wave(...hosts: string[]) {
  return { hosts, soakMinutes: 5 };
}
