/** How what happens to hosts moves a rollout (state-machine.md §11). */
import type { HostJoined, HostStateChanged, RolloutTerminal } from './events.ts';
import type { RolloutRecord } from './record.ts';
import { illegal, moved, unchanged, type RolloutStepResult } from './result.ts';

/** The first host to join makes an opening rollout active; the wave cursor never moves. */
export function hostJoined(record: RolloutRecord, event: HostJoined): RolloutStepResult {
  if (record.state === 'Pruned') return illegal(record, event);
  return record.state === 'Opening' ? moved(record, 'Active', event.at) : unchanged(record);
}

/** The first host that fails or reverts decides a running rollout; later ones change nothing. */
export function hostStateChanged(record: RolloutRecord, event: HostStateChanged): RolloutStepResult {
  if (record.state === 'Opening' || record.state === 'Pruned') return illegal(record, event);
  const decisive = event.to === 'Failed' || event.to === 'Reverted';
  return decisive && isRunning(record) ? moved(record, event.to, event.at) : unchanged(record);
}

/** Every host has converged. Repeats do not refresh the stamp. */
export function rolloutTerminal(record: RolloutRecord, event: RolloutTerminal): RolloutStepResult {
  if (record.state === 'Opening' || record.state === 'Pruned') return illegal(record, event);
  return isRunning(record)
    ? moved(record, 'Terminal', event.at, { terminalAt: event.at })
    : unchanged(record);
}

function isRunning(record: RolloutRecord): record is RolloutRecord & { state: 'Active' | 'Converging' } {
  return record.state === 'Active' || record.state === 'Converging';
}
