import type { SimulatedHost } from '../../agent/simulated-host.ts';
import { declarePubkeys, type HostPapers } from '../local/host-papers.ts';
import type { Installation } from '../local/installation.ts';
import { writeRelease } from '../local/publish.ts';
import { releaseDocuments } from '../local/release.ts';
import type { Act } from './acts.ts';
import { closureOf, demoFleet } from './design.ts';
import { NONCES } from './enrolment.ts';
import type { ObservedFleet } from './observed-fleet.ts';
import type { Operators } from './operators.ts';
import type { OrderWatch } from './order-watch.ts';
import type { Screen } from './screen.ts';

/** Everybody who takes part. */
export interface Cast {
  readonly installation: Installation;
  readonly operators: Operators;
  readonly observed: ObservedFleet;
  readonly order: OrderWatch;
  readonly hosts: readonly SimulatedHost[];
  readonly papers: readonly HostPapers[];
  /** Resolves when every host has enrolled; rejects where one was refused. */
  readonly booted: Promise<unknown>;
  readonly screen: Screen;
  readonly signal: AbortSignal;
}

/** What is special about an act. */
export interface ActMode {
  /** After it every host has to run the act's release. */
  readonly last: boolean;
  readonly killLeader: boolean;
}

const ACT_LIMIT_MS = 100_000;

/** Publishes the act's release and waits for its end. Rejects where it does not come, or anything else is wrong. */
export async function playAct(cast: Cast, act: Act, mode: ActMode): Promise<void> {
  await publish(cast, act);
  const failure = Promise.withResolvers<never>();
  cast.operators.onUnexpectedEnd(failure.reject);
  const killed = mode.killLeader ? killInTheMiddle(cast, failure.reject) : () => true;
  cast.booted.catch(failure.reject);
  await Promise.race([untilOver(cast, act), failure.promise]);
  cast.screen.freeze();
  if (!killed()) throw new Error('the act was over before the leader could be killed');
  judge(cast, act, mode.last);
}

async function publish({ installation, screen, papers }: Cast, act: Act): Promise<void> {
  const documents = releaseDocuments(declarePubkeys(demoFleet, papers), {
    commit: act.commit,
    signedAt: new Date().toISOString(),
    closureOf: (host) => closureOf(host, act.release),
  });
  const { manifest } = await writeRelease(installation, act.commit, documents, {
    bootstrapNonces: { configMapRef: NONCES },
  });
  screen.say(`$ nixfleet-operator sign --key ci-key.pem ${[...documents.keys()].join(' ')}`);
  screen.say(`$ kubectl apply --server-side -f ${manifest}`);
  screen.say((await installation.kubectl(['apply', '--server-side', '-f', manifest])).trimEnd());
}

async function untilOver({ observed, signal }: Cast, act: Act): Promise<void> {
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

/** The leader dies while a host of the second channel's second wave is switching; tells whether that has happened. */
function killInTheMiddle(
  { observed, operators, screen }: Cast,
  onFailure: (error: unknown) => void,
): () => boolean {
  let begun = false;
  let done = false;
  observed.onChange(() => {
    const middle = observed.state.records.some(
      ({ spec, status }) => spec.channel === 'stable' && spec.wave === 1 && status?.state === 'Activating',
    );
    if (!middle || begun) return;
    begun = true;
    operators.killLeader().then((name) => {
      done = true;
      screen.say(`${name} led and was killed with SIGKILL`);
    }, onFailure);
  });
  return () => done;
}

/** Throws where what the hosts really run, or the order of things, is not as expected. */
function judge({ observed, order, hosts }: Cast, act: Act, last: boolean): void {
  const problems = [...act.missing(observed.state), ...order.violations];
  for (const { machine, hostname } of last ? hosts : []) {
    if (machine.closure !== closureOf(hostname, act.release))
      problems.push(`${hostname} runs ${machine.closure}`);
  }
  if (problems.length > 0) throw new Error(`not as expected:\n  ${problems.join('\n  ')}`);
}
