import type { GateName } from '../../src/api/gates.ts';
import type { BlockedBy } from '../../src/api/kinds/host-rollout-record.ts';

/** What a host waits for, in words; the gate's name is added for those who search the log. */
const WORDS: Readonly<Record<GateName, (key: string) => string>> = {
  'rollout-opening': () => 'waits until all records of its rollout exist',
  'fleet-hold': () => 'waits: the fleet is on hold',
  'rollout-paused': () => 'waits: its rollout is paused',
  'rollout-halted': () => 'is held: a host of its rollout has failed',
  quarantine: () => 'is held: its target was rolled back and is quarantined',
  'channel-edges': (key) => `waits until channel ${key} is through`,
  'wave-promotion': () => 'waits for its wave',
  'wave-promotion-host-unstaged': () => 'waits for ever: no wave lists it',
  'host-edge': (key) => `waits for ${key}, which goes first`,
  'disruption-budget': (key) => `waits for a slot of the budget ${key}`,
  'compliance-wave': () => 'is held: probes fail in earlier waves',
  'host-offline': () => 'is not let through: nothing was heard of it for too long',
  'host-unsettled': () => 'waits until it has surely ended whatever it was doing',
  'host-busy': () => 'waits: it is busy with another dispatch',
  'artifact-stale': () => 'waits: agents would refuse a release as old as this, sign it again',
};

/** The first of the gates that hold a record, in words; `goesOn` where it goes on counting from an earlier attempt. */
export function heldBy([first]: readonly BlockedBy[], goesOn: boolean): string {
  if (first === undefined) return '';
  if (goesOn && first.gate === 'host-unsettled') {
    return 'waits until it has surely heard from which event it goes on (host-unsettled)';
  }
  const words = WORDS[first.gate as GateName] as ((key: string) => string) | undefined;
  return `${words?.(first.key ?? '') ?? 'waits'} (${first.gate})`;
}
