import type { Fleet } from '../../api/kinds/fleet.ts';
import { fleetResource } from '../../api/kinds/resources.ts';
import type { Release } from '../../core/artifacts/release.ts';
import {
  deriveFleetStatus,
  freshUntil,
  notServedStatus,
  type ChannelInForce,
  type SourceVerdict,
} from '../../core/fleet/status.ts';
import { millisBetween } from '../../api/time.ts';
import type { Rollout } from '../../api/kinds/rollout.ts';
import type { AttemptChoice } from '../../core/rollout/attempts.ts';
import type { RenewalDue } from '../../core/enrolment/renewals-due.ts';
import { Controller, type ReconcileResult } from '../../kube/controller.ts';
import type { RuntimeMetrics } from '../../kube/runtime-metrics.ts';
import { BlobNameTakenError } from '../../kube/blob-store.ts';
import { forEachParallel } from '../../kube/parallel.ts';
import { sameSpec } from '../../kube/resource.ts';
import { updateStatus } from '../../kube/writes.ts';
import { ContentFault, type ReleaseCache } from '../content/release-cache.ts';
import { keyIn, type ControllerContext } from '../context.ts';
import { ContentKeeper } from './content-keeper.ts';
import { foreignObjects } from './foreign-objects.ts';
import { ensureRollout, fillRollout, type Opening } from './open-rollout.ts';
import { chooseAttempts, putInForce } from './put-in-force.ts';
import { REJUDGE_MS, ReleaseJudge, type Judgement } from './release-judge.ts';
import { supersedeOthers } from './supersede.ts';
import { syncHosts } from './sync-hosts.ts';
import { COUNT_KEY, watchFleet } from './watch-fleet.ts';

/** What the fleet controller needs beside the context. */
export interface FleetControllerOptions {
  readonly releases: ReleaseCache;
  /** Sentences of the last plan that name what can never clear. */
  readonly deadlocks: () => readonly string[];
  /** What runs out soon; absent where nobody looks. */
  readonly renewals?: () => readonly RenewalDue[];
}

const POLL_MIN_MS = 100;
/** Channels that are opened at the same time. */
const PARALLEL = 4;

/** Verifies what the Fleet's source holds, puts it in force, opens and supersedes rollouts, and says how it stands. */
export function createFleetController(
  context: ControllerContext,
  options: FleetControllerOptions,
  metrics?: RuntimeMetrics,
): Controller {
  const reconciler = new FleetReconciler(context, options);
  const controller = new Controller({
    name: 'fleet',
    reconcile: (key, { signal }) => reconciler.reconcile(key, signal),
    clock: context.clock,
    log: context.log,
    tracer: context.tracer,
    ...(metrics && { metrics }),
    timeoutMs: 600_000,
  });
  watchFleet(context, controller);
  return controller;
}

/** What is in force on a pass: nothing, a release with the rollouts that carry it, or something that cannot be read. */
interface InForce {
  readonly release: Release | undefined;
  readonly choices: ReadonlyMap<string, AttemptChoice>;
  readonly fault: string | undefined;
}

/** What a pass came to. */
interface Pass {
  readonly fleet: Fleet;
  readonly judgement: Judgement;
  readonly inForce: InForce;
  /** Why nothing is put in force, because another Fleet's objects are in the way. */
  readonly taken: string | undefined;
  /** Whether everything that this generation of the Fleet asks for was carried out. */
  readonly done: boolean;
}

class FleetReconciler {
  readonly #context: ControllerContext;
  readonly #options: FleetControllerOptions;
  readonly #judge: ReleaseJudge;
  readonly #keeper: ContentKeeper;
  #refused: Extract<Judgement, { ok: false }> | undefined;
  #counted: Judgement | undefined;
  #last: Pass | undefined;
  #told = '';

  constructor(context: ControllerContext, options: FleetControllerOptions) {
    this.#context = context;
    this.#options = options;
    const { stores, client, clock, tracer } = context;
    this.#judge = new ReleaseJudge(stores.configMaps, client, clock, tracer);
    this.#keeper = new ContentKeeper(context);
  }

  async reconcile(key: string, signal: AbortSignal): Promise<ReconcileResult> {
    if (key === COUNT_KEY) {
      if (this.#last !== undefined) await this.#writeStatus(this.#last);
      return {};
    }
    const found = this.#context.stores.fleets.get(key);
    if (found === undefined) return {};
    if (found.metadata.name !== this.#context.fleetName) return this.#refuseUnserved(found);
    const taken = foreignObjects(this.#context);
    const judged = await this.#judge.judge(found, signal);
    const { fleet, judgement } =
      judged.ok && taken === undefined
        ? await this.#putInForce(found, judged)
        : { fleet: found, judgement: judged };
    const inForce = await this.#inForce(fleet);
    this.#last = { fleet, judgement, inForce, taken, done: false };
    this.#report(this.#last);
    await this.#writeStatus(this.#last);
    if (inForce.release !== undefined && taken === undefined) {
      await syncHosts(this.#context, inForce.release);
      if (fleet.spec.intent.hold === 'None') await this.#open(this.#last, inForce.release);
    }
    this.#last = { ...this.#last, done: inForce.fault === undefined && taken === undefined };
    await this.#writeStatus(this.#last);
    return { requeueAfterMs: this.#nextVisit(this.#last) };
  }

  async #putInForce(
    fleet: Fleet,
    judgement: Extract<Judgement, { ok: true }>,
  ): Promise<Pick<Pass, 'fleet' | 'judgement'>> {
    try {
      return {
        fleet: await putInForce(this.#context, this.#keeper, fleet, judgement.release),
        judgement,
      };
    } catch (error) {
      if (!(error instanceof BlobNameTakenError)) throw error;
      const { message } = error;
      if (this.#refused?.message !== message)
        this.#refused = { ok: false, reason: 'ContentNameTaken', message };
      return { fleet, judgement: this.#refused };
    }
  }

  async #inForce(fleet: Fleet): Promise<InForce> {
    const none: InForce = { release: undefined, choices: new Map(), fault: undefined };
    try {
      const release = await this.#options.releases.inForce(fleet);
      if (release === undefined) return none;
      await this.#keeper.keep(fleet.status?.artifact?.contentRefs ?? [], release);
      return { ...none, release, choices: chooseAttempts(this.#context, release) };
    } catch (error) {
      if (error instanceof ContentFault || error instanceof BlobNameTakenError)
        return { ...none, fault: error.message };
      throw error;
    }
  }

  async #open(pass: Pass, release: Release): Promise<void> {
    const { fleet, inForce } = pass;
    const contentRefs = fleet.status?.artifact?.contentRefs ?? [];
    const openings = new Map<string, Opening>();
    for (const [channel, manifest] of release.manifests) {
      const choice = inForce.choices.get(channel);
      if (choice === undefined) continue;
      openings.set(channel, { fleet, resolved: release.fleet, manifest, contentRefs, choice });
    }
    const rollouts = new Map<string, Rollout>();
    const made = forEachParallel(openings, PARALLEL, async ([channel, opening]) => {
      rollouts.set(channel, await ensureRollout(this.#context, opening));
    });
    // One channel that cannot be opened does not hold up the others.
    const [{ status }] = await Promise.allSettled([made]);
    // Without a record no host can be let through. So who finds that a Rollout is missing knows, whatever happened
    // since, whether that was so when it went.
    if (!(await this.#writeStatus(pass))) return;
    await forEachParallel(openings, PARALLEL, async ([channel, opening]) => {
      const rollout = rollouts.get(channel);
      if (rollout !== undefined) await fillRollout(this.#context, rollout, opening);
    });
    if (status === 'rejected') await made;
    const names = [...inForce.choices].map(([channel, { name }]) => [channel, name] as const);
    await supersedeOthers(this.#context, new Map(names));
  }

  /** False where the Fleet is another generation now, about which a pass over this one can say nothing. */
  async #writeStatus({ fleet, judgement, inForce, taken, done }: Pass): Promise<boolean> {
    const { stores, clock, client } = this.#context;
    const { release, choices, fault } = inForce;
    const base = stores.fleets.get(keyIn(this.#context, fleet.metadata.name));
    // That one has brought the Fleet back already.
    if (base === undefined || !sameSpec(fleet, base)) return false;
    const source: SourceVerdict = judgement.ok ? { ok: true } : judgement;
    const status = deriveFleetStatus({
      fleet: base,
      source,
      release,
      contentFault: fault,
      taken,
      channels: channelsOf(this.#context, release, choices),
      hosts: stores.hosts.list(),
      deadlocks: this.#options.deadlocks(),
      renewals: this.#options.renewals?.(),
      done,
      now: clock.now(),
    });
    await updateStatus(client, fleetResource, stores.fleets, { base, next: { ...base, status } });
    return true;
  }

  async #refuseUnserved(fleet: Fleet): Promise<ReconcileResult> {
    const { client, stores, fleetName, clock } = this.#context;
    const status = notServedStatus(fleet, fleetName, clock.now());
    await updateStatus(client, fleetResource, stores.fleets, { base: fleet, next: { ...fleet, status } });
    return {};
  }

  /** Counts every judgement and tells people once per refusal. */
  #report({ fleet, judgement, inForce: { fault }, taken }: Pass): void {
    const { metrics, audit, events } = this.#context;
    if (judgement !== this.#counted) metrics.releaseJudged(judgement.ok ? 'Verified' : judgement.reason);
    this.#counted = judgement;
    const refusals = [
      ...(judgement.ok ? [] : [{ reason: judgement.reason, detail: judgement.message }]),
      ...(fault === undefined ? [] : [{ reason: 'ContentUnreadable', detail: fault }]),
      ...(taken === undefined ? [] : [{ reason: 'NamespaceTaken', detail: taken }]),
    ];
    const told = JSON.stringify(refusals);
    if (told === this.#told) return;
    this.#told = told;
    for (const { reason, detail } of refusals) {
      audit.warn({ fleet: fleet.metadata.name, reason, detail }, 'a release was refused');
      events.record({ about: fleet, type: 'Warning', reason, message: detail });
    }
  }

  #nextVisit({ fleet, judgement, inForce: { release, fault } }: Pass): number {
    const until = release === undefined ? undefined : freshUntil(release);
    const aging = until === undefined ? 0 : millisBetween(this.#context.clock.now(), until);
    const well = judgement.ok && fault === undefined;
    const visits: number[] = [well ? 3_600_000 : REJUDGE_MS, ...(aging > 0 ? [aging + 1_000] : [])];
    const poll = this.#judge.pollDueInMs(fleet);
    if (poll !== undefined) visits.push(Math.max(POLL_MIN_MS, poll));
    const keys = this.#judge.keysChangeInMs(fleet);
    if (keys !== undefined) visits.push(keys + 1_000);
    return Math.min(...visits);
  }
}

function channelsOf(
  context: ControllerContext,
  release: Release | undefined,
  choices: ReadonlyMap<string, AttemptChoice>,
): ChannelInForce[] {
  return [...(release?.manifests ?? [])].map(([name, { manifest }]) => {
    const rolloutName = choices.get(name)?.name ?? '';
    return {
      name,
      ref: manifest.channelRef,
      rolloutName,
      hosts: manifest.hostSet.length,
      rollout: context.stores.rollouts.get(keyIn(context, rolloutName)),
    };
  });
}
