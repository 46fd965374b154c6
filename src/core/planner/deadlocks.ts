import type { GateName } from '../../api/gates.ts';
import { onCircles } from './circles.ts';
import type { PlanRecord } from './fleet-input.ts';
import type { Deadlock, Hold } from './fleet-plan-result.ts';
import type { FleetView } from './fleet-view.ts';
import type { RolloutStanding } from './rollout-standing.ts';
import type { TrackedRecord } from './tracked-record.ts';

const SAMPLE = 5;
/** Causes listed per rollout; more of them help nobody. */
const CAUSES_MAX = 16;

/** Gates that hold nobody whose edge or wave the content in force gets right. */
const OFTEN_DEADLOCKED: ReadonlySet<GateName> = new Set(['wave-promotion-host-unstaged', 'host-edge']);
/** Gates that seldom hold for good. */
const SELDOM_DEADLOCKED: ReadonlySet<GateName> = new Set(['channel-edges', 'disruption-budget']);

/**
 * Whether the content in force may hold a record for good, so that `deadlocksOf` has to look at it. `loop` is what
 * `channelLoop` says of its rollout.
 */
export function isSuspect(
  view: FleetView,
  { record, host }: TrackedRecord,
  holds: readonly Hold[],
  loop: string | undefined,
): boolean {
  if (view.isLeftBehind(record, host)) return false;
  if (holds.some(({ gate }) => OFTEN_DEADLOCKED.has(gate))) return true;
  if (!holds.some(({ gate }) => SELDOM_DEADLOCKED.has(gate))) return false;
  return loop !== undefined || view.budgetsOf(record.rollout, record.hostname).some(({ max }) => max === 0);
}

/**
 * What in the content in force holds hosts of a rollout and can never clear, whatever hosts do (D8). Only the cause is
 * named, not what waits behind it.
 */
export function deadlocksOf(
  view: FleetView,
  standing: RolloutStanding,
  suspects: readonly TrackedRecord[],
  loop: string | undefined,
): readonly Deadlock[] {
  const found = new Map<string, { gate: GateName; reason: string; hosts: string[] }>();
  const note = (gate: GateName, reason: string, host: string): void => {
    const known = found.get(`${gate} ${reason}`);
    if (known === undefined) found.set(`${gate} ${reason}`, { gate, reason, hosts: [host] });
    else known.hosts.push(host);
  };
  const circles = onCircles(
    suspects.map(({ record }) => record.hostname),
    (host) => openGates(view, standing, host),
  );
  for (const { record } of suspects) {
    if (loop !== undefined) note('channel-edges', loop, record.hostname);
    noteUnstaged(view, record.hostname, note);
    noteEdges(view, standing, record.hostname, circles, note);
    noteBudgets(view, record, note);
  }
  return [...found.values()].slice(0, CAUSES_MAX).map(({ gate, reason, hosts }) => ({
    rollout: standing.rollout,
    gate,
    reason,
    count: hosts.length,
    hosts: hosts.slice(0, SAMPLE),
  }));
}

type Note = (gate: GateName, reason: string, host: string) => void;

function noteUnstaged(view: FleetView, host: string, note: Note): void {
  const channel = view.channelOf(host);
  if (channel === undefined) {
    note('wave-promotion-host-unstaged', 'the host is not in the fleet in force', host);
  } else if (view.hasWaves(channel) && view.waveOf(channel, host) === undefined) {
    note('wave-promotion-host-unstaged', `no wave of channel '${channel}' lists the host`, host);
  }
}

function noteEdges(
  view: FleetView,
  standing: RolloutStanding,
  host: string,
  circles: ReadonlySet<string>,
  note: Note,
): void {
  const channel = view.channelOf(host) ?? '';
  for (const gating of openGates(view, standing, host)) {
    const wave = view.waveOf(channel, host);
    const gatingWave = view.waveOf(channel, gating);
    if (standing.record(gating) === undefined) {
      note('host-edge', `it waits for host '${gating}', which has no part in this rollout`, host);
    } else if (wave !== undefined && gatingWave !== undefined && gatingWave > wave) {
      note('host-edge', `it waits for host '${gating}', which is in a later wave`, host);
    } else if (circles.has(host) && circles.has(gating)) {
      note('host-edge', `it waits for host '${gating}' in a circle`, host);
    }
  }
}

function noteBudgets(view: FleetView, record: PlanRecord, note: Note): void {
  for (const { max, summary } of view.budgetsOf(record.rollout, record.hostname)) {
    if (max !== 0) continue;
    note('disruption-budget', `a budget allows no host at all (${summary})`, record.hostname);
    return;
  }
}

/** The hosts that a host waits for now. */
function openGates(view: FleetView, standing: RolloutStanding, host: string): string[] {
  const channel = view.channelOf(host);
  if (channel === undefined) return [];
  return view
    .gatingHosts(host)
    .filter((gating) => view.channelOf(gating) === channel && !view.isDone(standing.rollout.name, gating));
}

/** Says in what circle a channel waits for itself; undefined where it does not. */
export function channelLoop(view: FleetView, channel: string): string | undefined {
  const active = (of: string): string[] =>
    view.predecessorChannels(of).filter((predecessor) => view.isChannelActive(predecessor));
  const circles = onCircles([channel], active);
  if (!circles.has(channel)) return undefined;
  const back = active(channel).find((predecessor) => circles.has(predecessor));
  return back === undefined ? undefined : `channel '${channel}' waits for channel '${back}' in a circle`;
}
