import { compareTimestamps } from '../../api/time.ts';
import type { FleetPlanChanges, FleetPlanFrame, PlanRollout } from './fleet-input.ts';
import type { RecordIndex } from './record-index.ts';
import type { Standings } from './standings.ts';
import type { Quarantines } from './types.ts';

type Frame = Omit<FleetPlanFrame, 'rollouts'>;

/** What a plan went by. */
export interface PlannedBefore {
  readonly frame: Frame;
  readonly standings: Standings;
  readonly index: RecordIndex;
}

/** Rollouts in these states are read by others than their own records. */
const READ_BY_OTHERS: ReadonlySet<string> = new Set(['Terminal', 'Superseded', 'Pruned']);

/**
 * The rollouts that went on in a way that concerns their own records only; undefined where a change concerns others,
 * or makes a record or rollout come or go, so that the fleet has to be planned anew.
 */
export function movedRollouts(
  { frame, standings, index }: PlannedBefore,
  changes: FleetPlanChanges,
): readonly PlanRollout[] | undefined {
  if (!isSameFrame(frame, changes) || changes.rollouts.length !== standings.all.length) return undefined;
  for (const [name, record] of changes.records) if (!index.canReplace(name, record)) return undefined;
  const moved: PlanRollout[] = [];
  for (const rollout of changes.rollouts) {
    const before = standings.get(rollout.name)?.rollout;
    const change = before === undefined ? 'fleet' : rolloutChange(before, rollout);
    if (change === 'fleet') return undefined;
    if (change === 'own') moved.push(rollout);
  }
  return moved;
}

/** Whether what all records read is as before. Topology and manifests are made once per release and compared as such. */
function isSameFrame(before: Frame, next: Frame): boolean {
  return (
    before.term === next.term &&
    before.topology === next.topology &&
    before.manifests === next.manifests &&
    before.fleetSignedAt === next.fleetSignedAt &&
    compareTimestamps(before.now, next.now) <= 0 &&
    sameMembers(before.settings, next.settings) &&
    sameQuarantines(before.quarantines, next.quarantines)
  );
}

/** Whether a Rollout changed for its own records, or changed what others read of it; undefined where it stayed the same. */
function rolloutChange(before: PlanRollout, next: PlanRollout): 'own' | 'fleet' | undefined {
  if (before === next) return undefined;
  const { state, currentWave, opened, paused } = next;
  if (!sameMembers(identityOf(before), identityOf(next))) return 'fleet';
  if (!sameBudgets(before.budgets, next.budgets)) return 'fleet';
  if (before.state !== state && (READ_BY_OTHERS.has(before.state) || READ_BY_OTHERS.has(state)))
    return 'fleet';
  const isSame =
    before.state === state &&
    before.currentWave === currentWave &&
    before.opened === opened &&
    before.paused === paused;
  return isSame ? undefined : 'own';
}

function identityOf({ name, rolloutId, channel, attempt, outdated }: PlanRollout): object {
  return { name, rolloutId, channel, attempt, outdated };
}

function sameBudgets(a: PlanRollout['budgets'], b: PlanRollout['budgets']): boolean {
  return a === b || (a.length === 0 && b.length === 0);
}

function sameQuarantines(a: Quarantines, b: Quarantines): boolean {
  if (a.size !== b.size) return false;
  for (const [channel, closures] of a) {
    const others = b.get(channel);
    if (others === undefined || others.size !== closures.size) return false;
    for (const closure of closures) if (!others.has(closure)) return false;
  }
  return true;
}

/** Compares what has the same members. */
function sameMembers<T extends object>(a: T, b: T): boolean {
  const next = new Map<string, unknown>(Object.entries(b));
  return Object.entries(a).every(([key, value]) => value === next.get(key));
}
