import { closureOf, type ChannelDesign, type FleetDesign } from '../simulator/design.ts';
import type { Fault, HostPlan, Scenario } from '../simulator/scenario.ts';

/** A scenario that is told, and why it is worth telling. */
export interface Story {
  readonly about: string;
  readonly scenario: Scenario;
}

interface Telling {
  readonly about: string;
  readonly channels: readonly Partial<ChannelDesign>[];
  readonly design?: Partial<FleetDesign>;
  readonly hosts?: Readonly<Record<string, Partial<HostPlan>>>;
  readonly tags?: Readonly<Record<string, string>>;
  readonly releases: readonly (readonly [atSeconds: number, commit: number])[];
  readonly faults?: readonly Fault[];
  readonly offline?: Scenario['offline'];
  readonly minutes?: number;
}

const HOUR = 3_600;
const DAY = 24 * HOUR;
const WEB = [{ name: 'web', kind: 'http', mode: 'enforce' }] as const;

export const STORIES: Readonly<Record<string, Story>> = {
  'canary-fails': story({
    about:
      'The canary rolls the release back. Its closure is quarantined, the rest of the fleet is never touched, and the next release gets everybody on.',
    channels: [{ waves: [['canary'], ['web-1', 'web-2'], ['db']], onHealthFailure: 'rollback-and-halt' }],
    hosts: {
      canary: {
        probes: WEB,
        behaviour: { failsProbes: [{ probe: 'web', closures: [closureOf('canary', 1)] }] },
      },
    },
    releases: [
      [0, 1],
      [900, 2],
    ],
  }),
  'budget-contention': story({
    about: 'Five hosts of one wave share a budget of two: two at a time, in the order of their names.',
    channels: [{ waves: [['web-1', 'web-2', 'web-3', 'web-4', 'web-5']], soakMinutes: 1 }],
    design: { budgets: [{ tag: 'web', maxInFlight: 2 }] },
    tags: { 'web-1': 'web', 'web-2': 'web', 'web-3': 'web', 'web-4': 'web', 'web-5': 'web' },
    releases: [[0, 1]],
  }),
  'channel-edge': story({
    about:
      'The channel stable waits until edge is through, also with a release that comes while edge is still at work.',
    channels: [
      { name: 'edge', waves: [['edge-1'], ['edge-2']] },
      { name: 'stable', waves: [['stable-1']] },
    ],
    design: { channelEdges: [{ gates: 'edge', gated: 'stable' }] },
    releases: [
      [0, 1],
      [80, 2],
    ],
  }),
  'host-returns-after-a-week': story({
    about:
      'A host is away for a week. Under Skip nobody waits for it; when it returns, the release has to be signed again before its agent would believe it.',
    channels: [{ waves: [['home'], ['away']] }],
    faults: [{ kind: 'offline', atSeconds: 150, host: 'away', seconds: 7 * DAY }],
    releases: [
      [0, 1],
      [300, 2],
      [7 * DAY + 600, 2],
    ],
    offline: { after: '3m', policy: 'Skip' },
    minutes: 7 * 24 * 60 + 60,
  }),
  'wipe-in-mid-wave': story({
    about:
      'Every object but the Fleet is thrown away while one host is done and another one is switching. Nobody is switched again.',
    channels: [{ waves: [['done', 'switching'], ['last']] }],
    hosts: {
      done: { closureCommit: 1 },
      switching: { closureCommit: 1, behaviour: { switchSeconds: 50 } },
      last: { closureCommit: 1 },
    },
    faults: [{ kind: 'wipe', atSeconds: 230 }],
    releases: [
      [0, 1],
      [200, 2],
    ],
  }),
  'ref-signed-twice': story({
    about:
      'CI signs the same commit again while it is being rolled out. The rollout goes on; no second one is opened.',
    channels: [{ waves: [['a'], ['b']], soakMinutes: 1 }],
    releases: [
      [0, 1],
      [100, 1],
    ],
  }),
  'agent-clock-an-hour-off': story({
    about:
      'The clock of early is an hour ahead: it takes the release for stale, and believes it only for the minute after CI has signed again. The clock of late is an hour behind: every release is from the future, and once it no longer is, it is too old for anybody. The operator offers both what it has, over and over.',
    channels: [{ waves: [['early', 'late', 'right']], soakMinutes: 5 }],
    hosts: { early: { skewMs: HOUR * 1000 }, late: { skewMs: -HOUR * 1000 } },
    releases: [
      [0, 1],
      [HOUR - 600, 1],
    ],
    minutes: 130,
  }),
  'superseded-in-mid-switch': story({
    about:
      'A second release comes while a host is switching to the first. The host finishes what it does and holds its slot meanwhile; only then it is switched again.',
    channels: [{ waves: [['a', 'b']] }],
    design: { budgets: [{ tag: 'web', maxInFlight: 2 }] },
    tags: { a: 'web', b: 'web' },
    hosts: { a: { behaviour: { switchSeconds: 120 } }, b: { behaviour: { switchSeconds: 120 } } },
    releases: [
      [0, 1],
      [150, 2],
    ],
  }),
  'cleared-after-a-failure': story({
    about:
      'A host cannot switch. The rollout halts until a person leaves the host behind, and goes on without it.',
    channels: [{ waves: [['first'], ['second']], onHealthFailure: 'halt' }],
    hosts: { first: { behaviour: { failsToActivate: { exitCode: 4, stderrTail: 'unit nginx failed' } } } },
    faults: [{ kind: 'clear', atSeconds: 400, channel: 'stable', hosts: [] }],
    releases: [[0, 1]],
  }),
  'retried-after-a-failure': story({
    about:
      'A host cannot switch the first time. A person has it tried once more, counting events from where it was.',
    channels: [{ waves: [['first'], ['second']], onHealthFailure: 'halt' }],
    hosts: { first: { behaviour: { failsToActivate: { exitCode: 4, stderrTail: 'disk full' } } } },
    faults: [
      { kind: 'mend', atSeconds: 390, host: 'first' },
      { kind: 'retry', atSeconds: 400, host: 'first' },
    ],
    releases: [[0, 1]],
  }),
  'skip-with-half-the-wave-dark': story({
    about:
      'Half of the first wave is dark. Under Skip the lit half decides; the dark hosts get the release when they are back.',
    channels: [{ waves: [['lit-1', 'lit-2', 'dark-1', 'dark-2'], ['last']] }],
    faults: [
      { kind: 'offline', atSeconds: 40, host: 'dark-1', seconds: 900 },
      { kind: 'offline', atSeconds: 40, host: 'dark-2', seconds: 1_500 },
    ],
    releases: [[0, 1]],
    offline: { after: '3m', policy: 'Skip' },
  }),
  'earlier-release-re-applied': story({
    about:
      'The second release is taken back by applying the first one again: the same id gets a second attempt.',
    channels: [{ waves: [['a'], ['b']] }],
    releases: [
      [0, 1],
      [300, 2],
      [600, 1],
    ],
  }),
  'quarantined-closure-comes-back': story({
    about:
      'A release that was rolled back is applied once more. The quarantine holds the host that had failed, until a person lifts it.',
    channels: [{ waves: [['canary'], ['web']], onHealthFailure: 'rollback-and-halt' }],
    hosts: {
      canary: {
        probes: WEB,
        behaviour: { failsProbes: [{ probe: 'web', closures: [closureOf('canary', 1)] }] },
      },
    },
    faults: [
      { kind: 'mend', atSeconds: 1_700, host: 'canary' },
      { kind: 'lift-quarantines', atSeconds: 1_800 },
    ],
    releases: [
      [0, 1],
      [900, 2],
      [1_500, 1],
    ],
  }),
  'rollout-paused': story({
    about: 'A person pauses a rollout between two waves and lets it go on later.',
    channels: [{ waves: [['a'], ['b']] }],
    faults: [
      { kind: 'pause-rollout', atSeconds: 20, channel: 'stable', on: true },
      { kind: 'pause-rollout', atSeconds: 300, channel: 'stable', on: false },
    ],
    releases: [[0, 1]],
  }),
  'paused-leader-wakes-up': story({
    about:
      'The leader stops for 40 s with writes on their way. Another one begins a term and goes on; what the former one had sent arrives late and is refused, because what it was decided on has changed.',
    channels: [{ waves: [['a', 'b', 'c'], ['d']] }],
    // The mark of b has left the leader and has not arrived.
    faults: [{ kind: 'pause', atSeconds: 67.475, who: 'leader', seconds: 40 }],
    releases: [[0, 1]],
  }),
  'mark-of-a-former-leader': story({
    about:
      'A person lets the fleet go on and holds it again. In between, the leader stops with a mark on its way, which lands 40 s later, when another leader has begun its term: it is never handed out, and taken back at once.',
    channels: [{ waves: [['a'], ['b']] }],
    faults: [
      { kind: 'hold', atSeconds: 5, on: true },
      { kind: 'hold', atSeconds: 200, on: false },
      // The mark of a has left the leader and has not arrived.
      { kind: 'pause', atSeconds: 200.054, who: 'leader', seconds: 40 },
      { kind: 'hold', atSeconds: 202, on: true },
      { kind: 'hold', atSeconds: 400, on: false },
    ],
    releases: [[0, 1]],
  }),
};

function story(telling: Telling): Story {
  const { about, channels, design = {}, hosts = {}, tags = {}, releases, faults = [] } = telling;
  const named = channels.map((channel): ChannelDesign => ({
    name: 'stable',
    waves: [],
    soakMinutes: 0,
    onHealthFailure: 'rollback-and-halt',
    ...channel,
  }));
  const members = named.flatMap(({ name, waves }) => waves.flat().map((host) => ({ host, channel: name })));
  return {
    about,
    scenario: {
      seed: 1,
      minutes: telling.minutes ?? 60,
      design: {
        hosts: members.map(({ host, channel }) => ({ name: host, channel, tags: [tags[host] ?? 'any'] })),
        channels: named,
        edges: [],
        channelEdges: [],
        budgets: [],
        ...design,
      },
      offline: telling.offline ?? { after: '15m', policy: 'Wait' },
      hosts: Object.fromEntries(members.map(({ host }) => [host, { closureCommit: 0, ...hosts[host] }])),
      releases: releases.map(([atSeconds, commit]) => ({ atSeconds, commit })),
      faults: [...faults],
      weather: { steady: true, slow: 0, broken: 0, stale: 0 },
      promises: { ends: false },
    },
  };
}
