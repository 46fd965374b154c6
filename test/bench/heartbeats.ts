import { startInstallation, type Installation } from '../../src/dev/local/installation.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { clientOf } from '../support/widgets.ts';
import type { Figure } from './goals.ts';
import { growFleet, type GrownHost } from './grown-fleet.ts';
import { LoadAgents, type HeartbeatRun } from './load-agents.ts';
import { MeasuredOperator, type ProcessMemory } from './measured-operator.ts';

/** What one process with the webhook role costs and bears. */
export interface HeartbeatBenchmark {
  readonly agents: number;
  readonly connectSeconds: number;
  /** Heartbeats as fast as they are answered; the best run. */
  readonly fastest: HeartbeatRun;
  /** A thousand a second; the best run. */
  readonly steady: HeartbeatRun;
  /** Writes of the operator while it took all of these. */
  readonly writes: number;
  readonly before: ProcessMemory;
  /** With every agent connected. */
  readonly connected: ProcessMemory;
  /** After all heartbeats. */
  readonly after: ProcessMemory;
}

const WEBHOOK_ONLY = ['--roles=webhook', '--log-level=warn'];
const CONTROLLER_ONLY = ['--roles=controller', '--log-level=warn'];
const ROUNDS = 3;
const STEADY_PER_SECOND = 1_000;
const IN_FLIGHT = 64;
const GOAL_PER_SECOND = 3_000;
const GOAL_P99_MS = 20;
const GOAL_BYTES_PER_AGENT = 80_000;

/** Connects so many idle agents to one operator with the webhook role, on a real API server, and lets them report. */
export async function benchHeartbeats(
  agents: number,
  onProgress: (line: string) => void,
): Promise<HeartbeatBenchmark> {
  const installation = await startInstallation({});
  try {
    const client = clientOf(installation.controlPlane.kubeconfigPath);
    const size = { hosts: agents, stage: 'converged' } as const;
    const { hosts } = await growFleet(installation, client, size, onProgress);
    await client.close();
    await putInForce(installation);
    const operator = await MeasuredOperator.start({ name: 'webhook', installation, flags: WEBHOOK_ONLY });
    try {
      return await measure(installation, operator, hosts, onProgress);
    } finally {
      await operator.process.stop();
    }
  } finally {
    await installation.controlPlane.stop();
  }
}

/** Lets a leader verify and store the release; after it agents need nobody but the webhook. */
async function putInForce(installation: Installation): Promise<void> {
  const leader = await MeasuredOperator.start({ name: 'leader', installation, flags: CONTROLLER_ONLY });
  await leader.untilPlanned();
  await leader.process.stop();
}

async function measure(
  installation: Installation,
  operator: MeasuredOperator,
  hosts: readonly GrownHost[],
  onProgress: (line: string) => void,
): Promise<HeartbeatBenchmark> {
  onProgress(`issuing ${hosts.length} certificates`);
  const load = await LoadAgents.of(installation, operator.process.agentPort, hosts);
  const before = await operator.memory();
  try {
    onProgress(`connecting ${hosts.length} agents`);
    const connectSeconds = await load.connect();
    await operator.untilQuiet();
    const connected = await operator.memory();
    const writesBefore = await operator.writes();
    onProgress('sending heartbeats');
    const fast: HeartbeatRun[] = [];
    const steady: HeartbeatRun[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      fast.push(await load.asFastAsPossible(3, IN_FLIGHT));
      await systemClock.sleep(1_000);
      steady.push(await load.atRate(STEADY_PER_SECOND, 5));
    }
    return {
      agents: hosts.length,
      connectSeconds,
      fastest: fast.reduce((best, run) => (run.perSecond > best.perSecond ? run : best)),
      steady: steady.reduce((best, run) => (percentile(run, 99) < percentile(best, 99) ? run : best)),
      writes: (await operator.writes()) - writesBefore,
      before,
      connected,
      after: await operator.memory(),
    };
  } finally {
    load.close();
  }
}

/** The figures of architecture.md §5, and some more for people. `scale`: by which goals in units of time grow. */
export function heartbeatFigures(bench: HeartbeatBenchmark, scale: number): Figure[] {
  const perAgent = (memory: ProcessMemory): number =>
    (memory.residentAfterGc - bench.before.residentAfterGc) / bench.agents / 1000;
  const goal = GOAL_BYTES_PER_AGENT / 1000;
  return [
    {
      name: `heartbeats of ${bench.agents} idle hosts`,
      measured: bench.fastest.perSecond,
      goal: GOAL_PER_SECOND / scale,
      unit: '/s',
      atLeast: true,
    },
    {
      name: `99th percentile at ${STEADY_PER_SECOND} heartbeats/s`,
      measured: percentile(bench.steady, 99),
      goal: GOAL_P99_MS * scale,
      unit: 'ms',
    },
    { name: 'writes for unchanged hosts', measured: bench.writes, goal: 0, unit: 'writes' },
    {
      name: 'resident memory per agent, connected',
      measured: perAgent(bench.connected),
      goal,
      unit: 'KB',
    },
    {
      name: 'resident memory per agent, after the heartbeats',
      measured: perAgent(bench.after),
      goal,
      unit: 'KB',
    },
  ];
}

/** What the figures do not say. */
export function describeHeartbeats(bench: HeartbeatBenchmark): string[] {
  const { agents, connectSeconds, fastest, steady, before, after } = bench;
  const heapPerAgent = (after.heapAfterGc - before.heapAfterGc) / agents / 1000;
  return [
    `${agents} agents with two connections each, connected in ${connectSeconds.toFixed(1)} s`,
    `  ${IN_FLIGHT} at a time: median ${percentile(fastest, 50).toFixed(1)} ms, p99 ${percentile(fastest, 99).toFixed(1)} ms;` +
      ` at ${STEADY_PER_SECOND}/s: ${steady.perSecond.toFixed(0)}/s, median ${percentile(steady, 50).toFixed(1)} ms`,
    `  ${describeMemory('webhook role before', before)}`,
    `  ${describeMemory('webhook role after', after)}, ${heapPerAgent.toFixed(1)} KB of heap per agent`,
  ];
}

/** Memory in MiB, for people. */
export function describeMemory(name: string, memory: ProcessMemory): string {
  const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);
  const { resident, peakResident, residentAfterGc, heapAfterGc, externalAfterGc } = memory;
  return (
    `${name}: resident ${mebibytes(resident)} MiB, at most ${mebibytes(peakResident)}; ` +
    `after GC resident ${mebibytes(residentAfterGc)}, heap ${mebibytes(heapAfterGc)}, external ${mebibytes(externalAfterGc)}`
  );
}

function percentile({ latencies }: HeartbeatRun, percent: number): number {
  const index = Math.min(latencies.length - 1, Math.floor((latencies.length * percent) / 100));
  return latencies[index] ?? Number.NaN;
}
