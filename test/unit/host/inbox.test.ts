import { describe, expect, it } from 'vitest';
import type { InboxEntry } from '../../../src/api/kinds/host-rollout-record.ts';
import type { AgentEvent } from '../../../src/api/wire/events.ts';
import { soakEnd } from '../../../src/core/host/extras.ts';
import { foldInbox, writeDueInMillis, type FoldContext } from '../../../src/core/host/inbox.ts';
import { eventEntry, heartbeatEntry } from '../../../src/core/host/inbox-entry.ts';
import { at, foldState, prior, probeResult, samples, target } from './support.ts';

const webhook: FoldContext = { now: at(60), policy: { onHealthFailure: 'rollback-and-halt' } };
const leader: FoldContext = {
  ...webhook,
  pendingRecovery: { stopAtSoaking: false, hostClosure: target },
};

function entry(event: AgentEvent, seq: number, minute = 20): InboxEntry {
  return eventEntry({ ...event, seq }, at(minute));
}

function heartbeat(closure: string, minute: number): InboxEntry {
  return heartbeatEntry(closure, at(minute), at(minute + 1));
}

const mark = { queuedAt: at(2), term: 3, deliveredAt: at(2.1), lastDeliveredAt: at(2.5) };

describe('folding an inbox', () => {
  it('decides entries in the order of their arrival and reports every transition with its cause', () => {
    const inbox = [
      entry(samples.DispatchAck, 1),
      entry(samples.ActivationCompleted, 2),
      entry(probeResult('pass'), 3),
      entry({ ...samples.Converged, convergedAt: at(30) }, 4),
    ];
    const outcome = foldInbox(foldState('Pending'), inbox, webhook);
    expect(outcome.state.record).toMatchObject({ state: 'Converged', lastEventSeq: 4 });
    expect(outcome.removed).toBe(4);
    expect(outcome.refused).toEqual([]);
    expect(outcome.transitions).toEqual([
      { from: 'Pending', to: 'Activating', at: at(1), seq: 1, cause: 'DispatchAck' },
      { from: 'Activating', to: 'Soaking', at: at(3), seq: 2, cause: 'ActivationCompleted' },
      { from: 'Soaking', to: 'Converged', at: at(30), seq: 4, cause: 'Converged' },
    ]);
  });

  it('counts the soak from the queueing of the acknowledged dispatch, and removes the mark', () => {
    const start = foldState('Pending', { soakDueAt: at(99) }, { dispatch: mark });
    const { state } = foldInbox(start, [entry(samples.DispatchAck, 1)], webhook);
    expect(state.record.soakDueAt).toBe(at(7));
    expect(state.extras.dispatch).toBeUndefined();
  });

  it('counts the soak from the arrival of an acknowledgement that nobody asked for', () => {
    const { state } = foldInbox(foldState('Pending'), [entry(samples.DispatchAck, 1, 20)], webhook);
    expect(state.record.soakDueAt).toBe(at(25));
  });

  it('does not move the soak of a record that has left Pending', () => {
    const { state } = foldInbox(foldState('Activating'), [entry(samples.ActivationCompleted, 1)], webhook);
    expect(state.record.soakDueAt).toBe(at(10));
  });

  it('survives a soak that never ends', () => {
    expect(soakEnd(at(0), Number.MAX_SAFE_INTEGER)).toBe('9999-12-31T23:59:59.999999999Z');
  });

  it('leaves the record as it was on a refusal, mark and numbering included, and removes the entry', () => {
    const start = foldState('Pending', { lastEventSeq: 5 }, { dispatch: mark });
    const old = entry(samples.DispatchAck, 5);
    const foreign: InboxEntry = { at: at(20), event: { kind: 'Gossip' } };
    const outcome = foldInbox(start, [old, foreign], webhook);
    expect(outcome.state).toEqual(start);
    expect(outcome.removed).toBe(2);
    expect(outcome.refused).toMatchObject([
      { entry: old, error: { kind: 'SeqRegression' } },
      { entry: foreign, error: { kind: 'Undecodable' } },
    ]);
  });

  it('follows the controls of probes and forgets them with the probes', () => {
    const failing = probeResult('fail', {
      subResults: [{ controlId: 'a', status: 'fail', framework: 'nis2', effectiveMode: 'enforce' }],
    });
    const soaking = foldInbox(foldState('Soaking'), [entry(failing, 1)], webhook).state;
    expect([...soaking.extras.failingControls]).toEqual([['http', ['a']]]);
    const without = foldInbox(soaking, [entry(probeResult('fail'), 2)], webhook).state;
    expect([...without.extras.failingControls]).toEqual([]);
    const first = entry(samples.ProbeFailureFirst, 2);
    expect([...foldInbox(soaking, [first], webhook).state.extras.failingControls]).toEqual([['http', ['a']]]);
    const again = { ...soaking, record: { ...soaking.record, state: 'Activating' as const } };
    const completed = foldInbox(again, [entry(samples.ActivationCompleted, 2)], webhook).state;
    expect([...completed.extras.failingControls]).toEqual([]);
  });

  it('lists a quarantine as still to be done when a host has rolled back', () => {
    const outcome = foldInbox(foldState('Failed'), [entry(samples.RollbackComplete, 1)], webhook);
    expect(outcome.pendingEffects).toEqual([
      {
        type: 'InsertQuarantine',
        seq: 1,
        channel: 'stable',
        closure: target,
        reason: 'web-01 rolled back from it in stable@ab12',
        at: at(60),
      },
    ]);
  });
});

describe('what a fold leaves to others', () => {
  it('is every effect of the machine, in order, for the audit log', () => {
    const { effects } = foldInbox(foldState('Failed'), [entry(samples.RollbackComplete, 1)], webhook);
    expect(effects.map(({ type }) => type)).toEqual([
      'RemoteAppendEventLog',
      'RemoteInsertQuarantine',
      'RecordTransition',
    ]);
  });

  it('is a reason that its field can hold', () => {
    const start = foldState('Failed', { rolloutId: `stable@${'a'.repeat(600)}` });
    const [effect] = foldInbox(start, [entry(samples.RollbackComplete, 1)], webhook).pendingEffects;
    expect(effect?.reason).toHaveLength(512);
  });
});

describe('heartbeats in an inbox', () => {
  it('complete a lost activation, and become the last report', () => {
    const { state, transitions } = foldInbox(foldState('Activating'), [heartbeat(target, 20)], webhook);
    expect(state.record).toMatchObject({ state: 'Soaking', currentClosure: target, lastEventSeq: 1 });
    expect(state.extras.lastReport).toEqual({ closure: target, at: at(20), receivedAt: at(21) });
    expect(transitions).toMatchObject([{ to: 'Soaking', cause: 'Heartbeat' }]);
  });

  it('complete a rollback only after the failure they follow', () => {
    const start = foldState('Soaking', {}, { closureBeforeDispatch: prior });
    const failed = entry(samples.Failed, 1);
    const before = foldInbox(start, [heartbeat(prior, 6), failed], webhook);
    expect(before.state.record.state).toBe('Failed');
    const after = foldInbox(start, [failed, heartbeat(prior, 9)], webhook);
    expect(after.state.record).toMatchObject({ state: 'Reverted', revertedTo: prior });
    expect(after.pendingEffects).toHaveLength(1);
  });

  it('never complete a rollback from memory', () => {
    const start = foldState(
      'Failed',
      { policyApplied: 'rollback-and-halt' },
      { closureBeforeDispatch: prior, lastReport: { closure: prior, at: at(20) } },
    );
    expect(
      foldInbox(start, [], { ...leader, pendingRecovery: { stopAtSoaking: false, hostClosure: prior } })
        .state,
    ).toEqual(start);
  });

  it('let the event that they anticipated be refused, and nothing else', () => {
    const inbox = [
      heartbeat(target, 20),
      entry(samples.ActivationCompleted, 1),
      entry(probeResult('pass'), 2),
    ];
    const outcome = foldInbox(foldState('Activating'), inbox, webhook);
    expect(outcome.refused).toMatchObject([{ error: { kind: 'SeqRegression', got: 1 } }]);
    expect(outcome.state.record.probes.get('http')).toMatchObject({ status: 'pass' });
  });

  it('move no pending record in the webhook, nor while a gate blocks', () => {
    const { state } = foldInbox(foldState('Pending'), [heartbeat(target, 20)], webhook);
    expect(state.record).toEqual(foldState('Pending').record);
    expect(state.extras.lastReport).toEqual({ closure: target, at: at(20), receivedAt: at(21) });
  });

  it('take a pending record to the end when the gates are open, without a soak it has had long ago', () => {
    const { state } = foldInbox(foldState('Pending'), [heartbeat(target, 20)], leader);
    expect(state.record).toMatchObject({
      state: 'Converged',
      currentClosureAtDispatch: '',
      soakDueAt: at(20),
      convergedAt: at(20),
      lastEventSeq: 3,
    });
  });

  it('let a marked record converge when its soak is due', () => {
    const start = foldState('Pending', {}, { dispatch: { ...mark, queuedAt: at(18) } });
    const { state } = foldInbox(start, [heartbeat(target, 20)], leader);
    expect(state.record).toMatchObject({ state: 'Converged', soakDueAt: at(23), convergedAt: at(23) });
    expect(state.extras.dispatch).toBeUndefined();
  });

  it('start the soak on arrival where an earlier record of the host was not through with it', () => {
    const context = { ...leader, pendingRecovery: { stopAtSoaking: true, hostClosure: target } };
    const { state } = foldInbox(foldState('Pending'), [heartbeat(target, 20)], context);
    expect(state.record).toMatchObject({ state: 'Soaking', soakDueAt: at(26) });
  });

  it('count again, from memory, once the gates have opened', () => {
    const waiting = foldState('Pending', {}, { lastReport: { closure: target, at: at(20) } });
    expect(foldInbox(waiting, [], leader).state.record).toMatchObject({
      state: 'Converged',
      convergedAt: at(20),
    });
    const movedOn = { ...leader, pendingRecovery: { stopAtSoaking: false, hostClosure: prior } };
    expect(foldInbox(waiting, [], movedOn).state).toEqual(waiting);
    expect(foldInbox(waiting, [], webhook).state).toEqual(waiting);
  });

  it('count from memory where the Host object does not say what it runs, and not without a report', () => {
    const context = { ...leader, pendingRecovery: { stopAtSoaking: false, hostClosure: undefined } };
    const waiting = foldState('Pending', {}, { lastReport: { closure: target, at: at(20) } });
    expect(foldInbox(waiting, [], context).state.record.state).toBe('Converged');
    expect(foldInbox(foldState('Pending'), [], leader).state).toEqual(foldState('Pending'));
  });

  it('from memory do not overtake what the agent says itself', () => {
    const waiting = foldState('Pending', {}, { lastReport: { closure: target, at: at(20) } });
    const outcome = foldInbox(waiting, [entry(samples.DispatchAck, 1)], leader);
    expect(outcome.state.record.state).toBe('Activating');
    expect(outcome.refused).toEqual([]);
  });
});

const passes = Array.from({ length: 8 }, (_, i) => entry(probeResult(i % 2 === 0 ? 'fail' : 'pass'), i + 1));

function dueIn(inbox: InboxEntry[], minute: number): number | undefined {
  const limits = { inboxMaxAgeMs: 5_000, inboxBatch: 8 };
  return writeDueInMillis(foldInbox(foldState('Soaking'), inbox, webhook), inbox, at(minute), limits);
}

describe('when a fold has to be written', () => {
  it('does so at once on a transition', () => {
    expect(dueIn([entry(samples.Failed, 1)], 20)).toBe(0);
  });

  it('lets entries without a transition wait for five seconds, or for eight of them', () => {
    expect(dueIn(passes.slice(0, 7), 20)).toBe(5000);
    expect(dueIn(passes.slice(0, 7), 20 + 2 / 60)).toBe(3000);
    expect(dueIn(passes.slice(0, 7), 21)).toBe(0);
    expect(dueIn(passes, 20)).toBe(0);
  });

  it('never does for an empty inbox that changes nothing', () => {
    expect(dueIn([], 20)).toBeUndefined();
  });
});
