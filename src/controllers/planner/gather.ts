import type { Fleet } from '../../api/kinds/fleet.ts';
import type { HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import type { Rollout } from '../../api/kinds/rollout.ts';
import type { Release } from '../../core/artifacts/release.ts';
import { durationOr } from '../../core/duration.ts';
import type {
  FleetPlanInput,
  PlanManifest,
  PlanRollout,
  PlanSettings,
} from '../../core/planner/fleet-input.ts';
import { FleetTopology } from '../../core/planner/topology.ts';
import { hostSetHash } from '../../core/rollout/attempts.ts';
import { recordsOfRollout } from '../../core/rollout/current-records.ts';
import { ContentFault, type ReleaseCache } from '../content/release-cache.ts';
import { INDEX_BY_ROLLOUT, type ControllerContext } from '../context.ts';
import { planHostOf, planRecordOf } from './plan-objects.ts';

const DEFAULT_MAX_AGE_MS = 55 * 60_000;

/** What depends on a release alone, computed once per release. */
interface ReleaseFacts {
  readonly topology: FleetTopology;
  readonly manifests: ReadonlyMap<string, PlanManifest>;
  readonly hostSets: ReadonlyMap<string, string>;
}

const factsByRelease = new WeakMap<Release, ReleaseFacts>();

/**
 * Everything a plan depends on, from the caches. Rejects where the API server does not give the manifest of a rollout
 * that still holds slots: without its budgets nothing may be let through (D5).
 */
export async function gatherPlanInput(
  context: ControllerContext,
  releases: ReleaseCache,
  fleet: Fleet,
  release: Release,
  term: number,
): Promise<FleetPlanInput> {
  const { stores, clock } = context;
  const facts = factsOf(release);
  const rollouts = await Promise.all(
    stores.rollouts
      .list()
      .filter((rollout) => rollout.spec.fleetRef === context.fleetName)
      .map((rollout) => planRolloutOf(context, releases, fleet, release, rollout)),
  );
  return {
    now: clock.now(),
    term,
    settings: planSettingsOf(context, fleet),
    topology: facts.topology,
    fleetSignedAt: release.signedAt,
    manifests: facts.manifests,
    rollouts,
    records: stores.records.list().map(planRecordOf),
    hosts: stores.hosts.list().map(planHostOf),
    quarantines: quarantinesOf(context),
  };
}

function factsOf(release: Release): ReleaseFacts {
  let facts = factsByRelease.get(release);
  if (facts === undefined) {
    const entries = [...release.manifests];
    facts = {
      topology: new FleetTopology(release.fleet),
      manifests: new Map(
        entries.map(([channel, { manifest, signedAt }]) => [
          channel,
          { channelRef: manifest.channelRef, signedAt },
        ]),
      ),
      hostSets: new Map(entries.map(([, { rolloutId, manifest }]) => [rolloutId, hostSetHash(manifest)])),
    };
    factsByRelease.set(release, facts);
  }
  return facts;
}

function planSettingsOf({ settings }: ControllerContext, { spec }: Fleet): PlanSettings {
  return {
    offlinePolicy: spec.offline.policy,
    artifactMaxAgeMs: durationOr(spec.agents.artifactMaxAge, DEFAULT_MAX_AGE_MS),
    hostBusyMs: settings.hostBusyMs,
    supersededHoldGraceMs: settings.supersededHoldMs,
    settleMaxMs: settings.settleMaxMs,
    toldAfterMs: settings.toldAfterMs,
    fleetHold: spec.intent.hold === 'Hold',
  };
}

async function planRolloutOf(
  context: ControllerContext,
  releases: ReleaseCache,
  fleet: Fleet,
  release: Release,
  rollout: Rollout,
): Promise<PlanRollout> {
  const { name } = rollout.metadata;
  const { rolloutId, channel, attempt, hostCount, intent } = rollout.spec;
  const records = context.stores.records.byIndex(INDEX_BY_ROLLOUT, name);
  const state = rollout.status?.state ?? 'Opening';
  const hostSet = factsOf(release).hostSets.get(rolloutId);
  return {
    name,
    rolloutId,
    channel,
    attempt,
    state,
    currentWave: rollout.status?.currentWave ?? 0,
    opened: recordsOfRollout(rollout, records).newest.length === hostCount,
    paused: intent.hold === 'Pause',
    budgets: await budgetsOf(releases, fleet, release, rollout, records),
    outdated: hostSet !== undefined && hostSet !== rollout.spec.hostSetHash,
  };
}

/** The budgets of a rollout's manifest; of one that is over they matter only while a record of it holds slots. */
async function budgetsOf(
  releases: ReleaseCache,
  fleet: Fleet,
  release: Release,
  rollout: Rollout,
  records: readonly HostRolloutRecord[],
): Promise<PlanRollout['budgets']> {
  const inForce = release.manifests.get(rollout.spec.channel);
  if (inForce?.rolloutId === rollout.spec.rolloutId) return inForce.manifest.disruptionBudgets;
  if (!records.some(mayHoldSlots)) return [];
  try {
    return (await releases.manifestOf(fleet, rollout))?.manifest.disruptionBudgets ?? [];
  } catch (error) {
    if (!(error instanceof ContentFault)) throw error;
    // Somebody threw the former content away. Every manifest carries the budgets of the whole fleet, so those in force
    // stand in: what is still in flight goes on counting, and the fleet is not held up by what nobody can bring back.
    const [any] = release.manifests.values();
    return any?.manifest.disruptionBudgets ?? [];
  }
}

function mayHoldSlots({ status }: HostRolloutRecord): boolean {
  return status?.dispatch !== undefined || status?.state === 'Activating' || status?.state === 'Soaking';
}

function quarantinesOf({ stores }: ControllerContext): Map<string, Set<string>> {
  const quarantines = new Map<string, Set<string>>();
  const add = (channel: string, closure: string): void => {
    const closures = quarantines.get(channel);
    if (closures === undefined) quarantines.set(channel, new Set([closure]));
    else closures.add(closure);
  };
  for (const { spec } of stores.quarantines.values()) add(spec.channel, spec.closure);
  for (const { status } of stores.records.values()) {
    for (const effect of status?.pendingEffects ?? []) add(effect.channel, effect.closure);
  }
  return quarantines;
}
