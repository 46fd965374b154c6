import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Rollout } from '../../src/api/kinds/rollout.ts';
import { hostResource, rolloutResource } from '../../src/api/kinds/resources.ts';
import { startInstallation, NAMESPACE, type Installation } from '../../src/dev/local/installation.ts';
import { OperatorProcess } from '../../src/dev/local/operator-process.ts';
import { writeRelease } from '../../src/dev/local/publish.ts';
import { systemClock } from '../../src/kube/clock.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { clientOf, installWidgets } from '../support/widgets.ts';
import { loggedWrites } from './audit-log.ts';
import { WriteNamer, type NamedWrites } from './name-writes.ts';
import { measureRawWrites } from './raw-writes.ts';
import {
  benchFleet,
  benchHosts,
  benchRelease,
  commitOf,
  FIRST_RELEASE,
  SECOND_RELEASE,
} from './rollout-fleet.ts';

/** What a rollout through three waves cost. */
export interface RolloutBenchmark {
  readonly hosts: number;
  /** Until the Rollout and all records existed, in seconds. */
  readonly openSeconds: number;
  /** From the first mark until the Rollout was Terminal, in seconds. */
  readonly rolloutSeconds: number;
  /** Writes by name, Events included. */
  readonly writes: NamedWrites;
  readonly lostWrites: number;
  /** Writes per second over the busiest five seconds of the rollout, Events included. */
  readonly busiestPerSecond: number;
  /** The best raw status-write rate of the same API server before the rollout. */
  readonly rawPerSecond: number;
  /** The operator's worst 99th percentile of a ten-second window, in milliseconds. */
  readonly eventLoopP99Ms: number;
  /** The operator's largest resident memory, in MiB. */
  readonly memoryMiB: number;
  /** CPU seconds of the operator. */
  readonly cpuSeconds: number;
}

/** Metadata and bodies of what was sent; answers would only make the log longer. */
const AUDIT_POLICY = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: Request
    verbs: [create, update, patch, delete, deletecollection]
    resources: [{group: nixfleet.dev}, {group: coordination.k8s.io}, {group: "", resources: [configmaps]}, {group: events.k8s.io}]
  - level: None
`;
const OPERATOR_FLAGS = ['--settle-gap=1ms', '--log-level=warn'];
const LIMIT_MS = 300_000;
const WINDOW_MS = 5_000;

/** Takes so many simulated hosts through a rollout on a real API server, with one operator process. */
export async function benchRollout(
  hostCount: number,
  onProgress: (line: string) => void,
): Promise<RolloutBenchmark> {
  const folder = await mkdtemp(join(tmpdir(), 'nixfleet-bench-'));
  const policy = join(folder, 'policy.yaml');
  const auditLog = join(folder, 'audit.log');
  await writeFile(policy, AUDIT_POLICY);
  const installation = await startInstallation({
    auditLog,
    extraApiServerArgs: [`--audit-policy-file=${policy}`],
  });
  try {
    const { startedAt, ...measured } = await run(installation, hostCount, onProgress);
    return { hosts: hostCount, ...measured, ...(await readWrites(auditLog, startedAt)) };
  } finally {
    await installation.controlPlane.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

type Measured = Omit<RolloutBenchmark, 'hosts' | 'writes' | 'lostWrites' | 'busiestPerSecond'> & {
  readonly startedAt: number;
};

async function run(
  installation: Installation,
  hostCount: number,
  onProgress: (line: string) => void,
): Promise<Measured> {
  const client = clientOf(installation.controlPlane.kubeconfigPath);
  await installWidgets(client);
  await measureRawWrites(client, 16, 1_000);
  const rates = [await measureRawWrites(client, 16, 2_000), await measureRawWrites(client, 32, 2_000)];
  const operator = await OperatorProcess.start({ name: 'bench', installation, flags: OPERATOR_FLAGS });
  const usage = new Usage(operator);
  const fleet = benchFleet(hostCount);
  onProgress(`issuing ${hostCount} certificates`);
  const hosts = await benchHosts(installation, `https://127.0.0.1:${operator.agentPort}`, fleet);
  const stands = async (release: string, ...states: readonly (string | undefined)[]): Promise<boolean> =>
    states.includes((await rolloutOf(client, release))?.status?.state);
  const publish = async (release: string): Promise<void> => {
    const { commit, documents } = benchRelease(fleet, release);
    const { manifest } = await writeRelease(installation, commit, documents);
    await installation.kubectl(['apply', '--server-side', '-f', manifest]);
  };
  try {
    onProgress('bringing every host up on a first release');
    await publish(FIRST_RELEASE);
    await until(() => stands(FIRST_RELEASE, 'Active'));
    // As many at a time as the agent port takes handshakes.
    for (const [index, host] of hosts.entries()) {
      host.start();
      if (index % 50 === 49) await systemClock.sleep(500);
    }
    await until(() => stands(FIRST_RELEASE, 'Terminal'));
    await until(async () => await areSettled(client, hostCount));
    onProgress('publishing the release that is measured');
    const startedAt = Date.now();
    await publish(SECOND_RELEASE);
    await until(() => stands(SECOND_RELEASE, 'Active', 'Terminal'), usage);
    const openedAt = Date.now();
    await until(() => stands(SECOND_RELEASE, 'Terminal'), usage);
    return {
      startedAt,
      openSeconds: (openedAt - startedAt) / 1000,
      rolloutSeconds: (Date.now() - openedAt) / 1000,
      rawPerSecond: Math.max(...rates.map(({ perSecond }) => perSecond)),
      ...(await usage.end()),
    };
  } catch (error) {
    throw new Error(`the rollout came to no end; the operator said last:\n${await operator.logEnd()}`, {
      cause: error,
    });
  } finally {
    await Promise.all(hosts.map((host) => host.stop()));
    await operator.stop();
    await client.close();
  }
}

async function rolloutOf(client: KubeClient, release: string): Promise<Rollout | undefined> {
  const { items } = await client.list(rolloutResource, { namespace: NAMESPACE });
  return items.find(({ spec }) => spec.channelRef === commitOf(release));
}

/** Whether every host is known, so that what follows is a rollout and nothing else. */
async function areSettled(client: KubeClient, hosts: number): Promise<boolean> {
  const { items } = await client.list(hostResource, { namespace: NAMESPACE });
  const settled = items.filter(
    ({ status }) => status?.settledTime !== undefined && status.state === 'Converged',
  );
  return settled.length === hosts;
}

async function until(done: () => Promise<boolean>, usage?: Usage): Promise<void> {
  const end = performance.now() + LIMIT_MS;
  while (!(await done())) {
    if (performance.now() > end) throw new Error(`not done after ${LIMIT_MS / 1000} s`);
    await usage?.look();
    await systemClock.sleep(500);
  }
}

/** The largest values of the operator's own metrics. */
class Usage {
  readonly #operator: OperatorProcess;
  #eventLoopP99Ms = 0;
  #memoryMiB = 0;
  #cpuSeconds = 0;

  constructor(operator: OperatorProcess) {
    this.#operator = operator;
  }

  async look(): Promise<void> {
    const text = await (await fetch(`${this.#operator.healthUrl}/metrics`)).text();
    const value = (name: string): number =>
      Number(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
    this.#eventLoopP99Ms = Math.max(this.#eventLoopP99Ms, value('nodejs_eventloop_lag_p99_seconds') * 1000);
    this.#memoryMiB = Math.max(this.#memoryMiB, value('process_resident_memory_bytes') / 2 ** 20);
    this.#cpuSeconds = value('process_cpu_seconds_total');
  }

  async end(): Promise<Pick<RolloutBenchmark, 'eventLoopP99Ms' | 'memoryMiB' | 'cpuSeconds'>> {
    await this.look();
    return {
      eventLoopP99Ms: this.#eventLoopP99Ms,
      memoryMiB: this.#memoryMiB,
      cpuSeconds: this.#cpuSeconds,
    };
  }
}

/** Reads the operator's writes since a time from an audit log: by name, and how many it made in its busiest seconds. */
export async function readWrites(
  auditLog: string,
  since = 0,
): Promise<Pick<RolloutBenchmark, 'writes' | 'lostWrites' | 'busiestPerSecond'>> {
  const namer = new WriteNamer();
  const times: number[] = [];
  for await (const write of loggedWrites(auditLog, /^nixfleet-operator/)) {
    if (write.resource === 'widgets') continue;
    namer.add(write, write.at >= since);
    if (write.at >= since) times.push(write.at);
  }
  return { writes: namer.counts, lostWrites: namer.lost, busiestPerSecond: busiest(times) };
}

function busiest(times: number[]): number {
  times.sort((a, b) => a - b);
  let most = 0;
  let from = 0;
  for (const [index, at] of times.entries()) {
    while (at - (times[from] ?? at) >= WINDOW_MS) from += 1;
    most = Math.max(most, index - from + 1);
  }
  return most / (WINDOW_MS / 1000);
}
