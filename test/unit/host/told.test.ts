import { describe, expect, it } from 'vitest';
import { addMillis } from '../../../src/api/time.ts';
import type { InboxEntry } from '../../../src/api/kinds/host-rollout-record.ts';
import type { RecordExtras } from '../../../src/core/host/extras.ts';
import { foldInbox } from '../../../src/core/host/inbox.ts';
import { goesOnCounting, hasToBeTold, toldAt } from '../../../src/core/host/told.ts';
import { at, foldState, prior, recordObject, target } from './support.ts';

const TOLD_AFTER_MS = 20_000;
const heartbeat: InboxEntry = { at: at(2), event: { kind: 'Heartbeat', closure: prior, at: at(1) } };
const heard = { lastReport: { closure: prior, at: at(1), receivedAt: at(2) } };

describe('a heartbeat of a host whose attempt goes on counting', () => {
  const isStored = (extras: Partial<RecordExtras>, ms: number, closure = prior): boolean =>
    hasToBeTold(
      foldState('Pending', { lastEventSeq: 7 }, extras),
      closure,
      addMillis(at(2), ms),
      TOLD_AFTER_MS,
    );

  it.each<[string, Partial<RecordExtras>, number, boolean]>([
    ['is stored where it is the first', {}, 0, true],
    [
      'is stored where nobody noted when the last one came',
      { lastReport: { closure: prior, at: at(1) } },
      0,
      true,
    ],
    ['is stored soon after another, whose answer may be lost', heard, TOLD_AFTER_MS - 1, true],
    ['is stored soon before another, by a clock that is behind', heard, 1 - TOLD_AFTER_MS, true],
    ['is not stored once the last one was surely answered', heard, TOLD_AFTER_MS, false],
    ['is stored with an undelivered mark', { dispatch: { queuedAt: at(1), term: 1 } }, 0, true],
    [
      'is not stored after the delivery',
      { dispatch: { queuedAt: at(1), term: 1, deliveredAt: at(1) } },
      0,
      false,
    ],
  ])('%s', (_, extras, ms, stored) => {
    expect(isStored(extras, ms)).toBe(stored);
  });

  it('is stored where it names another closure: a host on its target is told nothing', () => {
    expect(isStored(heard, TOLD_AFTER_MS, target)).toBe(true);
  });

  it.each(['Activating', 'Soaking', 'Failed'] as const)('is not stored for that in %s', (state) => {
    const state7 = foldState(state, { lastEventSeq: 7 });
    expect(hasToBeTold(state7, prior, at(2), TOLD_AFTER_MS)).toBe(false);
  });

  it('is not stored where the attempt counts from the beginning', () => {
    expect(hasToBeTold(foldState('Pending'), prior, at(2), TOLD_AFTER_MS)).toBe(false);
  });
});

describe('when a host was told', () => {
  it('is never, before it was heard', () => {
    expect(toldAt(recordObject())).toBeUndefined();
    expect(toldAt(recordObject({ state: 'Pending', lastEventSeq: 0 }))).toBeUndefined();
  });

  it('is when the operator received the last heartbeat, before and after the fold', () => {
    const waiting = recordObject({
      state: 'Pending',
      lastEventSeq: 0,
      ...heard,
      inbox: [{ ...heartbeat, at: at(3) }],
    });
    expect(toldAt(waiting)).toBe(at(3));
    const { state } = foldInbox(foldState('Pending', { lastEventSeq: 7 }), [heartbeat], {
      now: at(4),
      policy: { onHealthFailure: 'halt' },
    });
    const { lastReport } = state.extras;
    expect(lastReport).toEqual(heard.lastReport);
    expect(toldAt(recordObject({ state: 'Pending', lastEventSeq: 7, lastReport }))).toBe(at(2));
  });

  it('is not when an event came', () => {
    const event = { seq: 8, at: at(3), event: { kind: 'DispatchAck' } };
    expect(toldAt(recordObject({ state: 'Pending', lastEventSeq: 7, inbox: [heartbeat, event] }))).toBe(
      at(2),
    );
    expect(toldAt(recordObject({ state: 'Pending', lastEventSeq: 7, inbox: [event] }))).toBeUndefined();
  });
});

describe('a record goes on counting', () => {
  const further = (status?: Parameters<typeof recordObject>[0]) => {
    const object = recordObject(status);
    return { ...object, spec: { ...object.spec, firstSeq: 7 } };
  };

  it('from an earlier attempt, until its own events do', () => {
    expect(goesOnCounting(further())).toBe(true);
    expect(goesOnCounting(further({ state: 'Pending', lastEventSeq: 7 }))).toBe(true);
    expect(goesOnCounting(further({ state: 'Activating', lastEventSeq: 8 }))).toBe(false);
    expect(goesOnCounting(recordObject())).toBe(false);
  });
});
