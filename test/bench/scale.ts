import { fleetResource } from '../../src/api/kinds/resources.ts';
import { FLEET, NAMESPACE, startInstallation, type Installation } from '../../src/dev/local/installation.ts';
import { systemClock } from '../../src/kube/clock.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { clientOf } from '../support/widgets.ts';
import type { Figure } from './goals.ts';
import { growFleet } from './grown-fleet.ts';
import { describeMemory } from './heartbeats.ts';
import { MeasuredOperator, type ProcessMemory } from './measured-operator.ts';

/** What a fleet of thousands of hosts costs an operator that comes to it. */
export interface ScaleBenchmark {
  readonly hosts: number;
  readonly records: number;
  /** From the start of a process until it was ready, in seconds: each try. */
  readonly startSeconds: readonly number[];
  /** Controller role, once it had planned and written all there was to write. */
  readonly controller: ProcessMemory;
  /** Webhook role without agents: its caches. */
  readonly webhook: ProcessMemory;
  /** Writes of the first leader until it was quiet. */
  readonly writes: number;
  /** From the kill of a leader until the next one has begun its term, in seconds. */
  readonly killedSeconds: number;
  /** The same from telling it to stop. */
  readonly stoppedSeconds: number;
}

const CONTROLLER = ['--roles=controller', '--log-level=warn'];
const WEBHOOK = ['--roles=webhook', '--log-level=warn'];
/** The default of `--lease-duration`. */
const LEASE_SECONDS = 15;
const GOAL_MIB = 400;
const GOAL_START_SECONDS = 15;
const GOAL_HANDOVER_SECONDS = 3;
const TERM_LIMIT_MS = 60_000;
const MIB = 2 ** 20;

/** Brings operators up, over and down on a fleet that has lived through two releases, half of the second one done. */
export async function benchScale(hosts: number, onProgress: (line: string) => void): Promise<ScaleBenchmark> {
  const installation = await startInstallation({});
  const client = clientOf(installation.controlPlane.kubeconfigPath);
  try {
    const grown = await growFleet(installation, client, { hosts, stage: 'half-way' }, onProgress);
    return { hosts, records: grown.records, ...(await measure(installation, client, onProgress)) };
  } finally {
    await client.close();
    await installation.controlPlane.stop();
  }
}

async function measure(
  installation: Installation,
  client: KubeClient,
  onProgress: (line: string) => void,
): Promise<Omit<ScaleBenchmark, 'hosts' | 'records'>> {
  const startSeconds: number[] = [];
  const running = new Set<MeasuredOperator>();
  const start = async (name: string, flags: readonly string[]): Promise<MeasuredOperator> => {
    onProgress(`starting ${name}`);
    const operator = await MeasuredOperator.start({ name, installation, flags });
    running.add(operator);
    startSeconds.push(operator.startSeconds);
    return operator;
  };
  const nextTerm = async (end: () => Promise<void>): Promise<number> => {
    const term = await termOf(client);
    const ended = performance.now();
    const ending = end();
    await untilTermAfter(client, term);
    const seconds = (performance.now() - ended) / 1000;
    await ending;
    return seconds;
  };
  try {
    const first = await start('first', CONTROLLER);
    await first.untilPlanned();
    const writes = await first.writes();
    const webhook = await start('webhook', WEBHOOK);
    const webhookMemory = await webhook.memory();
    await webhook.process.stop();
    const controllerMemory = await first.memory();
    const second = await start('second', CONTROLLER);
    onProgress('killing the leader');
    const killedSeconds = await nextTerm(() => first.process.kill());
    await second.untilPlanned();
    await start('third', CONTROLLER);
    onProgress('stopping the leader');
    const stoppedSeconds = await nextTerm(() => second.process.stop());
    return {
      startSeconds,
      controller: controllerMemory,
      webhook: webhookMemory,
      writes,
      killedSeconds,
      stoppedSeconds,
    };
  } finally {
    for (const operator of running) await operator.process.kill();
  }
}

async function termOf(client: KubeClient): Promise<number> {
  const fleet = await client.get(fleetResource, { namespace: NAMESPACE, name: FLEET });
  return fleet.status?.term ?? 0;
}

async function untilTermAfter(client: KubeClient, term: number): Promise<void> {
  const end = performance.now() + TERM_LIMIT_MS;
  while ((await termOf(client)) <= term) {
    if (performance.now() > end) throw new Error(`no new leader after ${TERM_LIMIT_MS / 1000} s`);
    await systemClock.sleep(50);
  }
}

/** The figures of architecture.md §5. `scale`: by which goals in units of CPU time grow. */
export function scaleFigures(bench: ScaleBenchmark, scale: number): Figure[] {
  const { hosts, records, startSeconds, controller, killedSeconds, stoppedSeconds } = bench;
  const mebibytes = (name: string, bytes: number): Figure => ({
    name: `controller, ${hosts} hosts: ${name}`,
    measured: bytes / MIB,
    goal: GOAL_MIB,
    unit: 'MiB',
  });
  return [
    {
      name: `start with ${records} records until ready, best of ${startSeconds.length}`,
      measured: Math.min(...startSeconds),
      goal: GOAL_START_SECONDS * scale,
      unit: 's',
    },
    mebibytes('resident after all writes', controller.resident),
    mebibytes('resident after a collection', controller.residentAfterGc),
    mebibytes('heap after a collection', controller.heapAfterGc),
    {
      name: 'leader killed until the next one acts',
      measured: killedSeconds,
      goal: LEASE_SECONDS + GOAL_HANDOVER_SECONDS,
      unit: 's',
    },
    {
      name: 'leader stopped until the next one acts',
      measured: stoppedSeconds,
      goal: GOAL_HANDOVER_SECONDS,
      unit: 's',
    },
  ];
}

/** What the figures do not say. */
export function describeScale({
  hosts,
  records,
  startSeconds,
  controller,
  webhook,
  writes,
}: ScaleBenchmark): string[] {
  const starts = startSeconds.map((seconds) => seconds.toFixed(1)).join(', ');
  return [
    `${hosts} hosts, ${records} records: ready after ${starts} s; ${writes} writes of the first leader`,
    `  ${describeMemory('controller role', controller)}`,
    `  ${describeMemory('webhook role, no agents', webhook)}`,
  ];
}
