import { bootHost } from '../local/host-papers.ts';
import { startInstallation, type Installation } from '../local/installation.ts';
import { actsOf } from './acts.ts';
import { demoFleet } from './design.ts';
import { makePapers } from './enrolment.ts';
import { demoHosts } from './hosts.ts';
import { ObservedFleet } from './observed-fleet.ts';
import { Operators } from './operators.ts';
import type { DemoOptions } from './options.ts';
import { OrderWatch } from './order-watch.ts';
import { playAct } from './play-act.ts';
import type { Screen } from './screen.ts';

/** What the demo is given. */
export interface Stage {
  readonly options: DemoOptions;
  readonly screen: Screen;
  readonly signal: AbortSignal;
  /** Registers what has to be done at the end, however it comes. */
  readonly onEnd: (cleanup: () => Promise<void>) => void;
  readonly onProgress: (line: string) => void;
}

const ALL_KINDS = ['fleets', 'rollouts', 'hostrolloutrecords', 'hosts', 'quarantinedclosures'];

/** Plays the demo. Rejects, saying what is not as expected; resolves after the last act and its report. */
export async function playDemo(stage: Stage): Promise<void> {
  const { options, screen, signal, onEnd, onProgress } = stage;
  const { auditLog } = options;
  const installation = await startInstallation({ onProgress, ...(auditLog !== undefined && { auditLog }) });
  onEnd(async () => installation.controlPlane.stop());
  signal.throwIfAborted();
  const papersMade = makePapers(installation, demoFleet);
  papersMade.catch(() => undefined); // heard of where it is awaited
  onProgress(
    `making keys, tokens and the nonce list, and starting ${options.operators === 1 ? 'the operator' : 'two operators'}`,
  );
  const operators = await Operators.start(installation, options.operators, options.factor);
  onEnd(async () => operators.stop());
  signal.throwIfAborted();
  const observed = await ObservedFleet.start(installation.controlPlane.kubeconfigPath);
  onEnd(async () => observed.stop());
  const order = new OrderWatch(demoFleet);
  observed.onRecord((record) => order.observe(record));
  observed.onChange(() => screen.show(observed.state));
  const papers = await papersMade;
  const demo = demoHosts(installation, papers, operators.agentUrl, options.factor, (entry) => {
    if (options.verbose) screen.say(JSON.stringify(entry));
  });
  const hosts = demo.map(({ host }) => host);
  onEnd(async () => void (await Promise.all(hosts.map(async (host) => host.stop()))));
  const boots = demo.map(({ host, identity, papers: own }) =>
    bootHost(host, identity, own, { factor: options.factor, signal }),
  );
  const booted = Promise.all(boots);
  booted.catch(() => undefined);
  screen.say(
    `8 hosts boot and enrol, each with its SSH host key and a token; all times of their agents are divided by ${options.factor}, soakMinutes is 0`,
  );

  const cast = { installation, papers, booted, operators, observed, order, hosts, screen, signal };
  const acts = actsOf(options.acts, demoFleet);
  try {
    for (const [index, act] of acts.entries()) {
      const last = index === acts.length - 1;
      if (acts.length > 1) screen.say(`\nAct ${index + 1}: ${act.title}`);
      await playAct(cast, act, { last, killLeader: last && options.killLeader });
      await report(installation, screen, last ? ALL_KINDS : ['rollouts', 'quarantinedclosures']);
    }
  } catch (error) {
    if (!signal.aborted) screen.say(`\nWhat the operator printed last:\n${await operators.logEnds()}`);
    throw error;
  }
  await booted;
  await Promise.all(demo.map(({ identity }) => identity.renew()));
  screen.say(`\nEvery host has enrolled with its token and renewed its certificate once.`);
  screen.say(`\nAs expected: every host Converged, waves and channels in order, ${peaks(order)}.`);
}

async function report(installation: Installation, screen: Screen, kinds: readonly string[]): Promise<void> {
  for (const kind of kinds) {
    screen.say(`\n$ kubectl get ${kind}`);
    const table = await installation.kubectl(['get', `${kind}.nixfleet.dev`]);
    screen.say(table.trimEnd() || 'No resources found in nixfleet namespace.');
  }
}

function peaks(order: OrderWatch): string {
  return demoFleet.budgets
    .map(({ tag, maxInFlight }) => {
      return `at most ${order.peaks.get(tag) ?? 0} of the ${tag} hosts in flight (budget ${maxInFlight})`;
    })
    .join(', ');
}
