import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ArtifactVerifier } from '../../src/agent/artifacts.ts';
import type { HostBehaviour } from '../../src/agent/behaviour.ts';
import { agentConstants, scaled, type AgentConstants } from '../../src/agent/constants.ts';
import type { AgentFeedEntry } from '../../src/agent/feed.ts';
import type { AgentQuirks } from '../../src/agent/quirks.ts';
import { SimulatedHost } from '../../src/agent/simulated-host.ts';
import type { HostRolloutRecord } from '../../src/api/kinds/host-rollout-record.ts';
import type { HostState } from '../../src/api/wire/enums.ts';
import { mintAgentCertificate } from '../../src/dev/agent-ca.ts';
import { ObservedFleet } from '../../src/dev/demo/observed-fleet.ts';
import { operatorFlags } from '../../src/dev/demo/operators.ts';
import { CN_SUFFIX, startInstallation, type Installation } from '../../src/dev/local/installation.ts';
import { OperatorProcess } from '../../src/dev/local/operator-process.ts';
import { writeRelease } from '../../src/dev/local/publish.ts';
import { releaseDocuments } from '../../src/dev/local/release.ts';

/** All times of the agents are divided by it, so two minutes of failing are six seconds. */
const FACTOR = 20;
const COMMIT = 'a1b2c3d4e5f60718293a4b5c6d7e8f9001122334';
const LIMIT_MS = 60_000;

interface Case {
  /** What happens on that host, in words. */
  readonly story: string;
  readonly quirks?: Partial<AgentQuirks>;
  readonly behaviour?: HostBehaviour;
  readonly end: HostState;
  /** A state it has to have passed through. */
  readonly through?: HostState;
  readonly closure: 'target' | 'prior';
  /** How often the machine switched; default: once, and back where it is Reverted. */
  readonly switches?: number;
}

const failing: HostBehaviour = {
  switchSeconds: 0.2,
  failsProbes: [{ probe: 'nginx', closures: ['target'] }],
};

const cases: Readonly<Record<string, Case>> = {
  healthy: { story: 'nothing', end: 'Converged', closure: 'target' },
  slow: {
    story: 'the switch takes far longer than a heartbeat',
    behaviour: { switchSeconds: 6 },
    end: 'Converged',
    closure: 'target',
  },
  q2: {
    story: 'quirk 2 off: it names its rollout',
    quirks: { ignoresReplayFrom: false },
    end: 'Converged',
    closure: 'target',
  },
  q3: {
    story: 'quirk 3 off: its ack tells what ran',
    quirks: { acksWithTarget: false },
    end: 'Converged',
    closure: 'target',
  },
  q4: {
    story: 'quirk 4: it defers, tells nobody, and reboots',
    behaviour: { defers: { component: 'kernel', rebootAfterSeconds: 2 } },
    end: 'Converged',
    closure: 'target',
  },
  'q4-off': {
    story: 'quirk 4 off: it defers, says so, and reboots',
    quirks: { losesDeferral: false },
    behaviour: { defers: { component: 'kernel', rebootAfterSeconds: 2 } },
    end: 'Converged',
    through: 'Deferred',
    closure: 'target',
  },
  q5: {
    story: 'quirk 5: a probe fails, it rolls back and forgets to say so',
    behaviour: failing,
    end: 'Reverted',
    through: 'Failed',
    closure: 'prior',
  },
  'q5-off': {
    story: 'quirk 5 off: a probe fails, it rolls back and says so',
    quirks: { losesRollbackReport: false },
    behaviour: failing,
    end: 'Reverted',
    through: 'Failed',
    closure: 'prior',
  },
  q17: {
    story: 'quirk 17 off: no snapshot restarts its probes',
    quirks: { snapshotRestartsProbes: false },
    end: 'Converged',
    closure: 'target',
  },
  q18: {
    story: 'quirk 18: a probe fails at first and heals in time',
    behaviour: { switchSeconds: 0.2, failsProbes: [{ probe: 'nginx', untilSeconds: 3 }] },
    end: 'Converged',
    closure: 'target',
  },
  'q18-off': {
    story: 'quirk 18 off: a probe fails at first and heals in time',
    quirks: { failureClockRunsOn: false },
    behaviour: { switchSeconds: 0.2, failsProbes: [{ probe: 'nginx', untilSeconds: 3 }] },
    end: 'Converged',
    closure: 'target',
  },
  q21: {
    story: 'quirk 21 off: it believes its flag',
    quirks: { fixedDispatchWindow: false },
    end: 'Converged',
    closure: 'target',
  },
  q24: {
    story: 'quirk 24: its ack comes late, after the dispatch was sent again',
    behaviour: { switchSeconds: 3 },
    end: 'Converged',
    closure: 'target',
  },
  'q24-off': {
    story: 'quirk 24 off: the same, and it knows a dispatch again',
    quirks: { reducesRepeatedDispatch: false },
    behaviour: { switchSeconds: 3 },
    end: 'Converged',
    closure: 'target',
  },
  shadow: {
    story: 'the quirk of equal seqs off',
    quirks: { outboxShadowsEqualSeq: false },
    end: 'Converged',
    closure: 'target',
  },
  restarts: {
    story: 'the switch takes the agent down before it could report',
    behaviour: { switchSeconds: 0.5, restartsInSwitch: { downSeconds: 1 } },
    end: 'Converged',
    closure: 'target',
  },
  leaves: {
    story: 'the network goes away in mid-switch and comes back',
    behaviour: { switchSeconds: 3 },
    end: 'Converged',
    closure: 'target',
  },
  broken: {
    // It runs what it ran before the dispatch, which is all that a rollback is (D11).
    story: 'its store path lacks a signature',
    behaviour: { failsToActivate: { exitCode: -2, stderrTail: 'realise failed: lacks a valid signature' } },
    end: 'Reverted',
    through: 'Failed',
    closure: 'prior',
    switches: 0,
  },
};

const names = Object.keys(cases);
/** A failed activation halts its channel at once, so it has one of its own. */
const channelOf = (host: string): string => (host === 'broken' ? 'doomed' : 'stable');
const closureOf = (host: string, which: 'target' | 'prior'): string => `${which}-nixos-system-${host}`;

let installation: Installation;
let operator: OperatorProcess;
let observed: ObservedFleet;
const hosts = new Map<string, SimulatedHost>();
const feed: AgentFeedEntry[] = [];

const recordOf = (host: string): HostRolloutRecord | undefined =>
  observed.state.records.find(({ spec }) => spec.hostname === host);

beforeAll(async () => {
  installation = await startInstallation({});
  operator = await OperatorProcess.start({ name: 'operator', installation, flags: operatorFlags(FACTOR) });
  observed = await ObservedFleet.start(installation.controlPlane.kubeconfigPath);
  const documents = releaseDocuments(
    {
      hosts: names.map((name) => ({ name, channel: channelOf(name), tags: [] })),
      waves: { stable: [names.filter((name) => channelOf(name) === 'stable')], doomed: [['broken']] },
      soakMinutes: 0,
      onHealthFailure: 'rollback-and-halt',
      channelEdges: [],
      budgets: [],
    },
    { commit: COMMIT, signedAt: new Date().toISOString(), closureOf: (host) => closureOf(host, 'target') },
  );
  const { manifest } = await writeRelease(installation, COMMIT, documents);
  await installation.kubectl(['apply', '--server-side', '-f', manifest]);
  const verifier = new ArtifactVerifier(installation.trust);
  for (const [name, { quirks = {}, behaviour = {} }] of Object.entries(cases)) {
    const certificate = await mintAgentCertificate(installation.agentCa, {
      machineId: name,
      suffix: CN_SUFFIX,
    });
    const host = new SimulatedHost({
      hostname: name,
      closure: closureOf(name, 'prior'),
      identity: {
        controlPlaneUrl: `https://127.0.0.1:${operator.agentPort}`,
        caPem: installation.agentCa.certPem,
        ...certificate,
      },
      verifier,
      probes: [{ name: 'nginx', kind: 'http', mode: 'enforce', intervalSeconds: 10 }],
      behaviour: forHost(name, behaviour),
      constants: constantsOf(name),
      quirks,
      feed: (entry) => {
        feed.push(entry);
        misbehave(entry);
      },
    });
    hosts.set(name, host);
    host.start();
  }
}, 120_000);

afterAll(async () => {
  await Promise.all([...hosts.values()].map(async (host) => host.stop()));
  await observed.stop();
  await operator.stop();
  await installation.controlPlane.stop();
});

function forHost(name: string, behaviour: HostBehaviour): HostBehaviour {
  const { failsProbes } = behaviour;
  if (failsProbes === undefined) return behaviour;
  const closures = [closureOf(name, 'target')];
  return { ...behaviour, failsProbes: failsProbes.map((fault) => ({ ...fault, closures })) };
}

const acksLate = (host: string): boolean => host.startsWith('q24');

/** Who acks late has missed its first chance, and the next one comes when the mark was handed out again. */
function constantsOf(host: string): AgentConstants {
  const constants = scaled(agentConstants, FACTOR);
  return acksLate(host) ? { ...constants, outboxRetryEvery: 5_000 } : constants;
}

/** What has to come at a certain point of a host's life. */
function misbehave(entry: AgentFeedEntry): void {
  if (entry.type !== 'state' || entry.to !== 'Activating') return;
  const host = hosts.get(entry.host);
  if (acksLate(entry.host)) {
    host?.goOffline();
    setTimeout(() => host?.comeBack(), 100);
  }
  if (entry.host === 'leaves') {
    setTimeout(() => host?.goOffline(), 300);
    setTimeout(() => host?.comeBack(), 5_000);
  }
}

describe('hosts as they are, on a real operator', () => {
  const settles = async (name: string, { story, end, through, closure }: Case): Promise<void> => {
    await vi.waitFor(
      () => {
        const status = recordOf(name)?.status;
        expect(status?.state, `${story}: ${JSON.stringify(status)}`).toBe(end);
        const passed = status?.history?.map(({ to }) => to) ?? [];
        if (through !== undefined) expect(passed).toContain(through);
      },
      { timeout: LIMIT_MS, interval: 100 },
    );
    expect(hosts.get(name)?.machine.closure).toBe(closureOf(name, closure));
  };
  it.each(Object.entries(cases))('%s', settles, 2 * LIMIT_MS);

  it('every closure that was rolled back is quarantined, no other one', async () => {
    await vi.waitFor(() => {
      const quarantined = observed.state.quarantines.map(({ spec }) => spec.closure).toSorted();
      expect(quarantined).toEqual(['broken', 'q5', 'q5-off'].map((host) => closureOf(host, 'target')));
    });
  });

  it('no event was ever refused with anything but try again, and every idle poll was held', () => {
    const statuses = new Set(feed.filter((entry) => entry.type === 'event-sent').map(({ status }) => status));
    expect([...statuses].filter((status) => status !== 204 && status !== 503)).toEqual([]);
    expect(feed.filter(({ type }) => type === 'hot-poll')).toEqual([]);
  });

  it.each([
    ['q24', true],
    ['q24-off', false],
  ])('%s was sent its dispatch again before it could acknowledge it', (name, refused) => {
    const seen = feed.filter(({ host }) => host === name);
    expect(seen.filter(({ type }) => type === 'dispatch').length).toBeGreaterThan(1);
    const drops = seen.filter((entry) => entry.type === 'event-dropped' && entry.kind === 'DispatchAck');
    expect(drops.length > 0).toBe(refused);
    const acks = seen.filter((entry) => entry.type === 'event-sent' && entry.kind === 'DispatchAck');
    expect(acks).toHaveLength(1);
  });

  it('no host was switched twice', () => {
    for (const [name, { end, switches = end === 'Reverted' ? 2 : 1 }] of Object.entries(cases)) {
      const seen = feed.filter((entry) => entry.host === name && entry.type === 'closure');
      expect([name, seen.length]).toEqual([name, switches]);
    }
  });
});
