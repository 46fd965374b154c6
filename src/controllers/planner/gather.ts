import type { Fleet } from '../../api/kinds/fleet.ts';
import type { Rollout } from '../../api/kinds/rollout.ts';
import type { Release } from '../../core/artifacts/release.ts';
import { durationOr } from '../../core/duration.ts';
import type {
  FleetPlanFrame,
  PlanManifest,
  PlanRollout,
  PlanSettings,
} from '../../core/planner/fleet-input.ts';
import { FleetTopology } from '../../core/planner/topology.ts';
import { hostSetHash } from '../../core/rollout/attempts.ts';
import { ContentFault, type ReleaseCache } from '../content/release-cache.ts';
import { INDEX_BY_PENDING, type ControllerContext } from '../context.ts';
import type { RolloutCensus } from './rollout-census.ts';

const DEFAULT_MAX_AGE_MS = 55 * 60_000;

/** What depends on a release alone, computed once per release. */
interface ReleaseFacts {
  readonly topology: FleetTopology;
  readonly manifests: ReadonlyMap<string, PlanManifest>;
  readonly hostSets: ReadonlyMap<string, string>;
}

const factsByRelease = new WeakMap<Release, ReleaseFacts>();

/** Where plans read from. */
export interface PlanSources {
  readonly context: ControllerContext;
  readonly releases: ReleaseCache;
  readonly census: RolloutCensus;
}

/** What a plan is made for. */
export interface PlanSubject {
  readonly fleet: Fleet;
  /** The content in force. */
  readonly release: Release;
  /** The leader's. */
  readonly term: number;
}

/**
 * Everything a plan depends on but the records and hosts, from the caches. Rejects where the API server does not give
 * the manifest of a rollout that still holds slots: without its budgets nothing may be let through (D5).
 */
export async function gatherPlanFrame(sources: PlanSources, subject: PlanSubject): Promise<FleetPlanFrame> {
  const { context } = sources;
  const { fleet, release, term } = subject;
  const { topology, manifests } = factsOf(release);
  const rollouts = await Promise.all(
    context.stores.rollouts
      .list()
      .filter((rollout) => rollout.spec.fleetRef === context.fleetName)
      .map((rollout) => planRolloutOf(sources, subject, rollout)),
  );
  return {
    now: context.clock.now(),
    term,
    settings: planSettingsOf(context, fleet),
    topology,
    fleetSignedAt: release.signedAt,
    manifests,
    rollouts,
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
  sources: PlanSources,
  subject: PlanSubject,
  rollout: Rollout,
): Promise<PlanRollout> {
  const { name } = rollout.metadata;
  const { rolloutId, channel, attempt, intent } = rollout.spec;
  const hostSet = factsOf(subject.release).hostSets.get(rolloutId);
  return {
    name,
    rolloutId,
    channel,
    attempt,
    state: rollout.status?.state ?? 'Opening',
    currentWave: rollout.status?.currentWave ?? 0,
    opened: sources.census.isComplete(rollout),
    paused: intent.hold === 'Pause',
    budgets: await budgetsOf(sources, subject, rollout),
    outdated: hostSet !== undefined && hostSet !== rollout.spec.hostSetHash,
  };
}

/** The budgets of a rollout's manifest; of one that is over they matter only while a record of it holds slots. */
async function budgetsOf(
  { releases, census }: PlanSources,
  { fleet, release }: PlanSubject,
  rollout: Rollout,
): Promise<PlanRollout['budgets']> {
  const inForce = release.manifests.get(rollout.spec.channel);
  if (inForce?.rolloutId === rollout.spec.rolloutId) return inForce.manifest.disruptionBudgets;
  if (!census.hasSlotHolders(rollout.metadata.name)) return [];
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

function quarantinesOf({ stores }: ControllerContext): Map<string, Set<string>> {
  const quarantines = new Map<string, Set<string>>();
  const add = (channel: string, closure: string): void => {
    const closures = quarantines.get(channel);
    if (closures === undefined) quarantines.set(channel, new Set([closure]));
    else closures.add(closure);
  };
  for (const { spec } of stores.quarantines.values()) add(spec.channel, spec.closure);
  for (const { status } of stores.records.byIndex(INDEX_BY_PENDING, 'effects')) {
    for (const effect of status?.pendingEffects ?? []) add(effect.channel, effect.closure);
  }
  return quarantines;
}
