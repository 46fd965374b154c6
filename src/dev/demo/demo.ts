import type { SimulatedHost } from '../../agent/simulated-host.ts';
import { startInstallation, type Installation } from '../local/installation.ts';
import { writeRelease } from '../local/publish.ts';
import { releaseDocuments } from '../local/release.ts';
import { actsOf, type Act } from './acts.ts';
import { closureOf, demoFleet } from './design.ts';
import { demoHosts } from './hosts.ts';
import { ObservedFleet, type FleetState } from './observed-fleet.ts';
import { Operators } from './operators.ts';
import type { DemoOptions } from './options.ts';
import { OrderWatch } from './order-watch.ts';
import type { Screen } from './screen.ts';

const ACT_LIMIT_MS = 100_000;

/** What runs while the demo does, ended in reverse order. */
export interface Stage {
  readonly options: DemoOptions;
  readonly screen: Screen;
  readonly signal: AbortSignal;
  /** Registers what has to be done at the end, however it comes. */
  readonly onEnd: (cleanup: () => Promise<void>) => void;
  readonly onProgress: (line: string) => void;
}

/** Plays the demo. Rejects, saying what is not as expected; resolves after the last act and its report. */
export async function playDemo(stage: Stage): Promise<void> {
  const { options, screen, signal, onEnd, onProgress } = stage;
  const { auditLog } = options;
  const installation = await startInstallation({ onProgress, ...(auditLog !== undefined && { auditLog }) });
  onEnd(async () => installation.controlPlane.stop());
  signal.throwIfAborted();
  onProgress(`starting ${options.operators === 1 ? 'the operator' : 'two operators'}`);
  const operators = await Operators.start(installation, options.operators, options.factor);
  onEnd(async () => operators.stop());
  signal.throwIfAborted();
  const observed = await ObservedFleet.start(installation.controlPlane.kubeconfigPath);
  onEnd(async () => observed.stop());
  const order = new OrderWatch(demoFleet);
  observed.onRecord((record) => order.observe(record));
  observed.onChange(() => screen.show(observed.state));
  const hosts = await demoHosts(installation, operators.agentUrl, options.factor, (entry) => {
    if (options.verbose) screen.say(JSON.stringify(entry));
  });
  onEnd(async () => stopAll(hosts));
  for (const host of hosts) host.start();
  screen.say(`8 hosts are up; all times of their agents are divided by ${options.factor}, soakMinutes is 0`);

  for (const [index, act] of actsOf(options.acts, demoFleet).entries()) {
    if (options.acts > 1) screen.say(`\nAct ${index + 1}: ${act.title}`);
    await publish(installation, act, screen);
    const killed =
      options.killLeader && index === options.acts - 1
        ? killInTheMiddle(observed, operators, screen)
        : undefined;
    const over = Promise.all([untilOver(act, observed, signal), killed]);
    await Promise.race([over, operators.untilOneFails(signal)]);
    screen.freeze();
    judge(act, observed.state, order, hosts, index === options.acts - 1);
    if (index < options.acts - 1) await report(installation, screen, ['rollouts', 'quarantinedclosures']);
  }
  await report(installation, screen, [
    'fleets',
    'rollouts',
    'hostrolloutrecords',
    'hosts',
    'quarantinedclosures',
  ]);
  const peak = demoFleet.budgets.map(
    ({ tag, maxInFlight }) => `${tag}: ${order.peaks.get(tag) ?? 0} of ${maxInFlight}`,
  );
  screen.say(
    `\nAs expected: every host Converged, waves and channels in order, hosts in flight at most ${peak.join(', ')}.`,
  );
}

async function publish(installation: Installation, act: Act, screen: Screen): Promise<void> {
  const documents = releaseDocuments(demoFleet, {
    commit: act.commit,
    signedAt: new Date().toISOString(),
    closureOf: (host) => closureOf(host, act.release),
  });
  const { manifest } = await writeRelease(installation, act.commit, documents);
  screen.say(`$ nixfleet-operator sign --key ci-key.pem ${[...documents.keys()].join(' ')}`);
  screen.say(`$ kubectl apply --server-side -f ${manifest}`);
  screen.say((await installation.kubectl(['apply', '--server-side', '-f', manifest])).trimEnd());
}

async function untilOver(act: Act, observed: ObservedFleet, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const look = (): void => {
    if (act.missing(observed.state).length === 0) resolve();
  };
  observed.onChange(look);
  look();
  const limit = setTimeout(() => {
    reject(new Error(`no end after ${ACT_LIMIT_MS / 1000} s: ${act.missing(observed.state).join('; ')}`));
  }, ACT_LIMIT_MS);
  const onAbort = (): void => reject(new Error('interrupted'));
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    await promise;
  } finally {
    clearTimeout(limit);
    signal.removeEventListener('abort', onAbort);
  }
}

/** The leader dies while a host of the second channel's second wave is switching. Rejects where there is none. */
async function killInTheMiddle(observed: ObservedFleet, operators: Operators, screen: Screen): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let begun = false;
  observed.onChange(() => {
    const middle = observed.state.records.some(
      ({ spec, status }) => spec.channel === 'stable' && spec.wave === 1 && status?.state === 'Activating',
    );
    if (!middle || begun) return;
    begun = true;
    operators.killLeader().then((name) => {
      screen.say(`${name} led and was killed with SIGKILL`);
      resolve();
    }, reject);
  });
  return promise;
}

/** Rejects where what the hosts really run, or the order of things, is not as expected. */
function judge(
  act: Act,
  state: FleetState,
  order: OrderWatch,
  hosts: readonly SimulatedHost[],
  last: boolean,
): void {
  const problems = [...act.missing(state), ...order.violations];
  for (const { machine, hostname } of last ? hosts : []) {
    if (machine.closure !== closureOf(hostname, act.release))
      problems.push(`${hostname} runs ${machine.closure}`);
  }
  if (problems.length > 0) throw new Error(`not as expected:\n  ${problems.join('\n  ')}`);
}

async function report(installation: Installation, screen: Screen, kinds: readonly string[]): Promise<void> {
  for (const kind of kinds) {
    screen.say(`\n$ kubectl get ${kind}`);
    const table = await installation.kubectl(['get', `${kind}.nixfleet.dev`]);
    screen.say(table.trimEnd() || 'No resources found in nixfleet namespace.');
  }
}

async function stopAll(hosts: readonly SimulatedHost[]): Promise<void> {
  await Promise.all(hosts.map(async (host) => host.stop()));
}
