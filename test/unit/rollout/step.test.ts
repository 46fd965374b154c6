import { describe, expect, it } from 'vitest';
import { parseTimestamp, type Timestamp } from '../../../src/api/time.ts';
import { rolloutStateSchema, type RolloutState } from '../../../src/api/wire/enums.ts';
import type { RolloutEvent } from '../../../src/core/rollout/events.ts';
import type { RolloutRecord } from '../../../src/core/rollout/record.ts';
import { isTerminalForOrdering, stepRollout } from '../../../src/core/rollout/step.ts';

const opened = time('2026-06-01T12:00:00Z');
const at = time('2026-06-01T12:05:00Z');
const of = { rolloutId: 'stable@ab12', at };

function time(text: string): Timestamp {
  const parsed = parseTimestamp(text);
  if (parsed === undefined) throw new Error(`no time: ${text}`);
  return parsed;
}

function rollout(state: RolloutState, changes: Partial<RolloutRecord> = {}): RolloutRecord {
  return {
    rolloutId: 'stable@ab12',
    channel: 'stable',
    targetRef: 'ab12',
    state,
    currentWave: 1,
    openedAt: opened,
    ...changes,
  };
}

const host = { hostId: 'web-01', ...of };
const changed = (to: 'Failed' | 'Reverted' | 'Converged'): RolloutEvent => ({
  type: 'HostStateChanged',
  from: 'Soaking',
  to,
  ...host,
});
const events = {
  opened: { type: 'RolloutOpened', channel: 'stable', targetRef: 'ab12', ...of },
  joined: { type: 'HostJoined', wave: 9, ...host },
  failed: changed('Failed'),
  reverted: changed('Reverted'),
  other: changed('Converged'),
  up: { type: 'WaveAdvanced', fromWave: 1, toWave: 2, ...of },
  stay: { type: 'WaveAdvanced', fromWave: 1, toWave: 1, ...of },
  terminal: { type: 'RolloutTerminal', ...of },
  successor: {
    type: 'SuccessorOpened',
    supersededRolloutId: 'stable@ab12',
    successorRolloutId: 'stable@cd34',
    at,
  },
  retention: { type: 'RetentionExpired', ...of },
  clearance: { type: 'OperatorClearance', operator: 'alice', reason: 'lab', ...of },
} satisfies Record<string, RolloutEvent>;

/** The table of state-machine.md §11, its columns in the order of the states. */
const table: Record<keyof typeof events, string> = {
  opened: 'ILL ILL ILL ILL ILL ILL ILL ILL',
  joined: 'Active - - - - - - ILL',
  failed: 'ILL Failed Failed - - - - ILL',
  reverted: 'ILL Reverted Reverted - - - - ILL',
  other: 'ILL - - - - - - ILL',
  up: 'ILL wave Active+wave ILL - - - ILL',
  stay: 'ILL Converging - ILL - - - ILL',
  terminal: 'ILL Terminal Terminal - - - - ILL',
  successor: 'Superseded Superseded Superseded Superseded Superseded Superseded - ILL',
  retention: 'ILL ILL ILL Pruned Pruned Pruned Pruned ILL',
  clearance: 'ILL ILL ILL ILL UNI UNI ILL ILL',
};

function outcome(state: RolloutState, event: RolloutEvent): string {
  const result = stepRollout(rollout(state), event, at);
  if (!result.ok) return result.error.kind === 'IllegalForState' ? 'ILL' : 'UNI';
  if (result.effects.length === 0) return '-';
  const names = result.effects.map((effect) => (effect.type === 'UpdateCurrentWave' ? 'wave' : effect.to));
  return names.join('+');
}

describe('the rollout machine', () => {
  it.each(Object.entries(events))('goes by its table on %s', (name, event) => {
    const outcomes = rolloutStateSchema.options.map((state) => outcome(state, event));
    expect(outcomes.join(' ')).toBe(Object.entries(table).find(([row]) => row === name)?.[1]);
  });

  it('stamps the end and the successor once, and nothing else', () => {
    const ended = stepRollout(rollout('Active'), events.terminal, at);
    expect(ended).toMatchObject({ next: { state: 'Terminal', terminalAt: at } });
    const late = { ...events.terminal, at: opened };
    expect(stepRollout(rollout('Terminal', { terminalAt: at }), late, at)).toMatchObject({
      next: { terminalAt: at },
    });
    expect(stepRollout(rollout('Terminal', { terminalAt: at }), events.successor, at)).toMatchObject({
      next: { state: 'Superseded', supersededAt: at, terminalAt: at },
    });
  });

  it('never lets the wave cursor fall, nor a host that joins move it', () => {
    const ahead = rollout('Active', { currentWave: 5 });
    expect(stepRollout(ahead, events.up, at)).toEqual({ ok: true, next: ahead, effects: [] });
    const there = rollout('Active', { currentWave: 2 });
    expect(stepRollout(there, events.up, at)).toEqual({ ok: true, next: there, effects: [] });
    expect(stepRollout(rollout('Active'), events.up, at)).toEqual({
      ok: true,
      next: rollout('Active', { currentWave: 2 }),
      effects: [{ type: 'UpdateCurrentWave', rolloutId: 'stable@ab12', wave: 2 }],
    });
    const converging = rollout('Converging', { currentWave: 5 });
    expect(stepRollout(converging, events.up, at)).toMatchObject({
      next: { state: 'Active', currentWave: 5 },
      effects: [{ type: 'RecordRolloutTransition', from: 'Converging', to: 'Active' }],
    });
    expect(stepRollout(rollout('Opening'), events.joined, at)).toMatchObject({ next: { currentWave: 1 } });
  });

  it('refuses what it does not know and what nobody has decided, and says which', () => {
    expect(stepRollout(rollout('Opening'), events.terminal, at)).toEqual({
      ok: false,
      error: { kind: 'IllegalForState', from: 'Opening', event: 'RolloutTerminal', rolloutId: 'stable@ab12' },
    });
    expect(stepRollout(rollout('Failed'), events.clearance, at)).toEqual({
      ok: false,
      error: { kind: 'Unimplemented', from: 'Failed', event: 'OperatorClearance' },
    });
  });

  it('lets others pass when it is over or taken over, not when it failed', () => {
    const passing = rolloutStateSchema.options.filter((state) => isTerminalForOrdering(rollout(state)));
    expect(passing).toEqual(['Terminal', 'Superseded']);
  });
});
