import type { GateName } from '../../api/gates.ts';
import type { PlanRecord } from './fleet-input.ts';
import type { Deadlock } from './fleet-plan-result.ts';
import type { FleetView } from './fleet-view.ts';
import type { RolloutStanding } from './rollout-standing.ts';
import { selectorSummary } from './selector.ts';

const SAMPLE = 5;

/** The gates that the content in force can close for good. */
export const CAN_DEADLOCK: ReadonlySet<GateName> = new Set([
  'channel-edges',
  'wave-promotion-host-unstaged',
  'host-edge',
  'disruption-budget',
]);

/**
 * What in the content in force holds hosts of a rollout and can never clear, whatever hosts do (D8). Only the cause is
 * named, not what waits behind it. `held` are the records that a gate of `CAN_DEADLOCK` holds.
 */
export function deadlocksOf(
  view: FleetView,
  standing: RolloutStanding,
  held: readonly PlanRecord[],
): Deadlock[] {
  const found = new Map<string, { gate: GateName; reason: string; hosts: string[] }>();
  const note = (gate: GateName, reason: string, host: string): void => {
    const known = found.get(`${gate} ${reason}`);
    if (known === undefined) found.set(`${gate} ${reason}`, { gate, reason, hosts: [host] });
    else known.hosts.push(host);
  };
  const waiting = held.filter((record) => !view.isLeftBehind(record));
  const loop = waiting.length === 0 ? undefined : channelLoop(view, standing.rollout.channel);
  for (const record of waiting) {
    if (loop !== undefined) note('channel-edges', loop, record.hostname);
    noteUnstaged(view, standing, record, note);
    noteEdges(view, standing, record, note);
    noteBudgets(view, record, note);
  }
  return [...found.values()].map(({ gate, reason, hosts }) => ({
    rollout: standing.rollout,
    gate,
    reason,
    count: hosts.length,
    hosts: hosts.slice(0, SAMPLE),
  }));
}

type Note = (gate: GateName, reason: string, host: string) => void;

function noteUnstaged(view: FleetView, { rollout }: RolloutStanding, record: PlanRecord, note: Note): void {
  const channel = view.channelOf(record.hostname);
  if (channel === undefined) {
    note('wave-promotion-host-unstaged', 'the host is not in the fleet in force', record.hostname);
  } else if (view.hasWaves(channel) && view.waveOf(channel, record.hostname) === undefined) {
    const reason = `no wave of channel '${channel}' lists the host`;
    if (rollout.state !== 'Terminal') note('wave-promotion-host-unstaged', reason, record.hostname);
  }
}

function noteEdges(view: FleetView, standing: RolloutStanding, record: PlanRecord, note: Note): void {
  const host = record.hostname;
  const channel = view.channelOf(host);
  if (channel === undefined) return;
  for (const gating of openGates(view, standing, host)) {
    const wave = view.waveOf(channel, host);
    const gatingWave = view.waveOf(channel, gating);
    if (standing.record(gating) === undefined) {
      note('host-edge', `it waits for host '${gating}', which has no part in this rollout`, host);
    } else if (wave !== undefined && gatingWave !== undefined && gatingWave > wave) {
      note('host-edge', `it waits for host '${gating}', which is in a later wave`, host);
    } else if (reaches(view, standing, gating, host)) {
      note('host-edge', `it waits for host '${gating}', which waits for it`, host);
    }
  }
}

function noteBudgets(view: FleetView, record: PlanRecord, note: Note): void {
  for (const { max, selector } of view.budgetsOf(record.rollout, record.hostname)) {
    if (max !== 0) continue;
    note(
      'disruption-budget',
      `a budget allows no host at all (${selectorSummary(selector)})`,
      record.hostname,
    );
    return;
  }
}

/** The hosts that a host waits for now. */
function openGates(view: FleetView, standing: RolloutStanding, host: string): string[] {
  const channel = view.channelOf(host);
  return view
    .gatingHosts(host)
    .filter((gating) => view.channelOf(gating) === channel && !view.isDone(standing.rollout.name, gating));
}

function reaches(view: FleetView, standing: RolloutStanding, from: string, to: string): boolean {
  return isReachable(from, to, (host) => openGates(view, standing, host));
}

function channelLoop(view: FleetView, channel: string): string | undefined {
  const active = (of: string): string[] =>
    view.predecessorChannels(of).filter((p) => view.isChannelActive(p));
  const back = active(channel).find((predecessor) => isReachable(predecessor, channel, active));
  if (back === undefined) return undefined;
  return `channel '${channel}' waits for channel '${back}', which waits for it`;
}

function isReachable(from: string, to: string, next: (node: string) => readonly string[]): boolean {
  const seen = new Set([from]);
  for (const node of seen) {
    if (node === to) return true;
    for (const following of next(node)) seen.add(following);
  }
  return false;
}
