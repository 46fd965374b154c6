import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INBOX_MAX_BYTES, type InboxEntry } from '../../../src/api/kinds/host-rollout-record.ts';
import type { AgentEvent, SubResult } from '../../../src/api/wire/events.ts';
import type { FoldState } from '../../../src/core/host/extras.ts';
import { foldInbox } from '../../../src/core/host/inbox.ts';
import { fitsEmptyInbox, fitsInbox } from '../../../src/core/host/inbox-entry.ts';
import { judgeEvent, type EventVerdict } from '../../../src/core/host/judge-event.ts';
import { at, foldState, probeResult, samples } from './support.ts';

const policy = { onHealthFailure: 'halt' } as const;

function judge(folded: FoldState, event: AgentEvent, inbox: readonly InboxEntry[] = []): EventVerdict {
  return judgeEvent(event, { folded, inbox, policy, receivedAt: at(20) });
}

/** The state after an event that has to be stored. */
function after(folded: FoldState, event: AgentEvent): FoldState {
  const verdict = judge(folded, event);
  if (verdict.verdict !== 'store') throw new Error(`not stored: ${verdict.verdict}`);
  return foldInbox(folded, [verdict.entry], { now: at(20), policy }).state;
}

/** A stored entry of about so many bytes. */
function filler(bytes: number): InboxEntry {
  return { at: at(1), event: { kind: 'x', text: 'x'.repeat(bytes) } };
}

function controls(...failing: string[]): SubResult[] {
  return failing.map((controlId) => ({
    controlId,
    status: 'fail',
    framework: 'nis2',
    effectiveMode: 'enforce',
  }));
}

/** Controls of which none fails. */
function passing(): SubResult[] {
  return controls('a').map((control) => ({ ...control, status: 'pass' }));
}

describe('what becomes of an event', () => {
  const soaking = foldState('Soaking', { lastEventSeq: 3 });

  it('is stored with its number and the time of its arrival where it changes the record', () => {
    expect(judge(foldState('Pending'), samples.DispatchAck)).toEqual({
      verdict: 'store',
      entry: { seq: 1, at: at(20), event: samples.DispatchAck },
    });
  });

  it('is a duplicate where its number is not new, whatever it says', () => {
    expect(judge(soaking, { ...samples.DispatchAck, seq: 3 })).toEqual({ verdict: 'duplicate' });
  });

  it('is refused where the machine refuses it', () => {
    expect(judge(soaking, { ...samples.DispatchAck, seq: 4 })).toMatchObject({
      verdict: 'refused',
      error: { kind: 'IllegalForState' },
    });
    expect(judge(soaking, { ...samples.Converged, convergedAt: at(9), seq: 4 })).toMatchObject({
      verdict: 'refused',
      error: { code: 'soak_not_elapsed' },
    });
  });

  it('is not stored where nothing changes but times and numbers', () => {
    const topology = { ...samples.ProbeTopologyDeclared, seq: 4 };
    expect(judge(soaking, topology)).toEqual({ verdict: 'no-change' });
    for (const first of [samples.ProbeObservedFirst, samples.ProbeFailureFirst, probeResult('pass')]) {
      const known = after(soaking, { ...first, seq: 4 });
      expect(judge(known, { ...first, seq: 5 }), first.kind).toEqual({ verdict: 'no-change' });
    }
    const failed = after(soaking, probeResult('fail', { failureReason: '502', seq: 4 }));
    const later = probeResult('fail', { failureReason: '502', observedAt: at(9), seq: 5 });
    expect(judge(failed, later)).toEqual({ verdict: 'no-change' });
  });

  const reason = { failureReason: '502' };

  it.each([
    ['another status', probeResult('pass', reason)],
    ['another mode', probeResult('fail', { ...reason, mode: 'observe' })],
    ['another reason', probeResult('fail', { failureReason: '503' })],
    ['no reason any more', probeResult('fail')],
    ['another probe', probeResult('fail', { ...reason, probeName: 'tcp' })],
    [
      'controls for the first time, of which none fails',
      probeResult('fail', { ...reason, subResults: passing() }),
    ],
  ])('is stored where a repeated result brings %s', (_, event) => {
    const known = after(soaking, probeResult('fail', { ...reason, seq: 4 }));
    expect(judge(known, { ...event, seq: 5 })).toMatchObject({ verdict: 'store' });
  });

  it('is stored where a repeated result brings another status and nothing else', () => {
    const known = after(soaking, probeResult('fail', { seq: 4 }));
    expect(judge(known, probeResult('pass', { seq: 5 }))).toMatchObject({ verdict: 'store' });
  });

  it.each([
    ['another control', controls('a', 'c')],
    ['only other controls', controls('c', 'd')],
    ['fewer controls', controls('a')],
    ['more controls', controls('a', 'b', 'c')],
    ['controls of which none fails any more', passing()],
    ['no controls at all', undefined],
  ])('is stored where a repeated result brings %s', (_, subResults) => {
    const known = after(soaking, probeResult('fail', { subResults: controls('a', 'b'), seq: 4 }));
    expect(judge(known, probeResult('fail', { subResults, seq: 5 }))).toMatchObject({ verdict: 'store' });
  });

  it('is not stored where the same controls fail in another order', () => {
    const known = after(soaking, probeResult('fail', { subResults: controls('a', 'b'), seq: 4 }));
    const event = probeResult('fail', { subResults: controls('b', 'a'), seq: 5 });
    expect(judge(known, event)).toEqual({ verdict: 'no-change' });
  });

  it('has to wait where the inbox is full by count or by size', () => {
    const event = { ...samples.ActivationFailed, stderrTail: 'x'.repeat(4096) };
    const activating = foldState('Activating');
    expect(
      judge(
        activating,
        event,
        Array.from({ length: 63 }, () => filler(10)),
      ),
    ).toMatchObject({ verdict: 'store' });
    expect(
      judge(
        activating,
        event,
        Array.from({ length: 64 }, () => filler(10)),
      ),
    ).toEqual({ verdict: 'inbox-full' });
    expect(judge(activating, event, [filler(60_000)])).toMatchObject({ verdict: 'store' });
    expect(judge(activating, event, [filler(62_000)])).toEqual({ verdict: 'inbox-full' });
  });

  it('may fill an inbox to its last byte', () => {
    const bytesOf = (entry: InboxEntry) => Buffer.byteLength(JSON.stringify(entry));
    const whole = filler(INBOX_MAX_BYTES - bytesOf(filler(0)));
    expect([fitsEmptyInbox(whole), fitsInbox([], whole)]).toEqual([true, true]);
    const half = filler(INBOX_MAX_BYTES / 2 - bytesOf(filler(0)));
    expect(fitsInbox([half], half)).toBe(true);
    const more = filler(INBOX_MAX_BYTES + 1 - bytesOf(filler(0)));
    expect([fitsEmptyInbox(more), fitsInbox([], more), fitsInbox([filler(0), half], half)]).toEqual([
      false,
      false,
      false,
    ]);
  });

  it.each<[string, FoldState, AgentEvent]>([
    ['seq is above 2^53−1', soaking, { ...samples.Converged, seq: 2 ** 53 }],
    [
      'currentClosureAtDispatch is longer than 512 characters',
      foldState('Pending'),
      { ...samples.DispatchAck, currentClosureAtDispatch: 'x'.repeat(513) },
    ],
    [
      'probeName is longer than 253 characters',
      soaking,
      probeResult('fail', { probeName: 'x'.repeat(254), seq: 4 }),
    ],
    [
      'the event does not fit an empty inbox',
      foldState('Activating'),
      { ...samples.ActivationStarted, switchMethod: 'x'.repeat(70_000) },
    ],
  ])('is dropped for good where %s', (why, state, event) => {
    expect(judge(state, event)).toEqual({ verdict: 'too-large', reason: why });
  });

  it('may have the largest number that a double holds exactly, and the longest names', () => {
    const last = { ...samples.ProbeFailureFirst, seq: Number.MAX_SAFE_INTEGER };
    expect(judge(soaking, last)).toMatchObject({ verdict: 'store' });
    const named = probeResult('fail', { probeName: 'x'.repeat(253), seq: 4 });
    expect(judge(soaking, named)).toMatchObject({ verdict: 'store' });
    const running = { ...samples.DispatchAck, currentClosureAtDispatch: 'x'.repeat(512) };
    expect(judge(foldState('Pending'), running)).toMatchObject({ verdict: 'store' });
  });

  it('is dropped where a host’s probes outgrow its record, but never where they shrink', () => {
    let state = soaking;
    let seq = 4;
    const next = (): AgentEvent =>
      probeResult('fail', { probeName: `p-${seq}`, failureReason: 'x'.repeat(1024), seq: seq++ });
    let verdict = judge(state, next());
    while (verdict.verdict === 'store') {
      state = foldInbox(state, [verdict.entry], { now: at(20), policy }).state;
      verdict = judge(state, next());
    }
    expect(verdict).toMatchObject({ verdict: 'too-large' });
    expect(state.record.probes.size).toBeGreaterThan(40);
    expect(judge(state, probeResult('pass', { probeName: 'p-4', seq }))).toMatchObject({ verdict: 'store' });
  });

  it('keeps its promise: the leader accepts everything that was stored, however the inbox is cut', () => {
    const kinds = fc.constantFrom(...Object.values(samples));
    const sent = fc.array(fc.tuple(kinds, fc.integer({ min: 0, max: 3 }), fc.constantFrom('pass', 'fail')), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(sent, fc.integer({ min: 1, max: 5 }), (events, size) => {
        const start = foldState('Pending');
        const inbox: InboxEntry[] = [];
        let seq = 0;
        for (const [event, gap, status] of events) {
          seq += gap;
          const { state: folded } = foldInbox(start, inbox, { now: at(20), policy });
          const numbered = { ...event, seq, ...(event.kind === 'ProbeResult' && { status }) } as AgentEvent;
          const verdict = judgeEvent(numbered, { folded, inbox, policy, receivedAt: at(20) });
          if (verdict.verdict === 'store') inbox.push(verdict.entry);
        }
        const whole = foldInbox(start, inbox, { now: at(30), policy });
        expect(whole.refused).toEqual([]);
        let state = start;
        for (let i = 0; i < inbox.length; i += size) {
          const part = foldInbox(state, inbox.slice(i, i + size), { now: at(30 + i), policy });
          state = part.state;
        }
        expect(state).toEqual(whole.state);
      }),
    );
  });
});
