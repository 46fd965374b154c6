/** How the wave cursor moves a rollout (state-machine.md §11 a, b). */
import type { WaveAdvanced } from './events.ts';
import type { RolloutRecord } from './record.ts';
import { illegal, moved, unchanged, type RolloutStepResult } from './result.ts';

/**
 * A wave that goes on keeps a rollout active or makes it so again; one that goes nowhere means that the last wave is
 * converging. The event's two waves are compared with each other, and the cursor only ever rises.
 */
export function waveAdvanced(record: RolloutRecord, event: WaveAdvanced): RolloutStepResult {
  const rises = event.toWave > event.fromWave;
  switch (record.state) {
    case 'Opening':
    case 'Terminal':
    case 'Pruned':
      return illegal(record, event);
    case 'Active':
      return rises ? raised(unchanged(record), event) : moved(record, 'Converging', event.at);
    case 'Converging':
      return rises ? raised(moved(record, 'Active', event.at), event) : unchanged(record);
    case 'Reverted':
    case 'Failed':
    case 'Superseded':
      return unchanged(record);
  }
}

function raised(result: RolloutStepResult, event: WaveAdvanced): RolloutStepResult {
  if (!result.ok || event.toWave <= result.next.currentWave) return result;
  const { next, effects } = result;
  return {
    ok: true,
    next: { ...next, currentWave: event.toWave },
    effects: [...effects, { type: 'UpdateCurrentWave', rolloutId: next.rolloutId, wave: event.toWave }],
  };
}
