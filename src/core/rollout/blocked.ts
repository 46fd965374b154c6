/** What holds the hosts of a rollout back, added up over its records (kubernetes-api.md, Rollout). */
import { GATES, type GateInfo } from '../../api/gates.ts';
import type { BlockedBy, HostRolloutRecord } from '../../api/kinds/host-rollout-record.ts';
import type { RolloutStatus } from '../../api/kinds/rollout.ts';
import { clipped } from '../planner/clip.ts';
import { stateOf } from './current-records.ts';

/** One gate with the hosts that it holds. */
export type BlockedSummary = NonNullable<RolloutStatus['blocked']>[number];

const SAMPLES = 5;
const NAMED_KEYS = 3;
const REASON_MAX = 1024;

/** The gates that hold Pending records, in gate order; records are expected in the order in which to name them. */
export function blockedSummary(records: readonly HostRolloutRecord[]): BlockedSummary[] {
  const held = new Map<string, Held>();
  for (const record of records) {
    for (const hold of holdsOf(record)) addTo(held, hold, record.spec.hostname);
  }
  return GATES.flatMap((gate) => {
    const found = held.get(gate.name);
    return found === undefined ? [] : [summaryOf(gate, found)];
  });
}

/** Pending records that at least one gate holds. */
export function heldCount(records: readonly HostRolloutRecord[]): number {
  return records.filter((record) => holdsOf(record).length > 0).length;
}

function holdsOf(record: HostRolloutRecord): readonly BlockedBy[] {
  return stateOf(record) === 'Pending' ? (record.status?.blockedBy ?? []) : [];
}

/** A gate's name as the reason of a condition: `wave-promotion` is `WavePromotion`. */
export function gateReason(gate: string): string {
  return gate
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

interface Held {
  count: number;
  readonly hosts: string[];
  readonly keys: Set<string>;
}

function addTo(held: Map<string, Held>, { gate, key }: BlockedBy, hostname: string): void {
  let found = held.get(gate);
  if (found === undefined) held.set(gate, (found = { count: 0, hosts: [], keys: new Set() }));
  found.count += 1;
  if (found.hosts.length < SAMPLES) found.hosts.push(hostname);
  if (key !== undefined) found.keys.add(key);
}

function summaryOf({ name, clears }: GateInfo, { count, hosts, keys }: Held): BlockedSummary {
  const reason = keys.size === 0 ? clears : `waits for ${listed([...keys])}; ${clears}`;
  return { gate: name, count, reason: clipped(reason, REASON_MAX), hosts };
}

function listed(keys: readonly string[]): string {
  const named = keys.slice(0, NAMED_KEYS).join(', ');
  return keys.length > NAMED_KEYS ? `${named} and ${keys.length - NAMED_KEYS} more` : named;
}
