import { describe, expect, it } from 'vitest';
import type { HostRolloutRecord } from '../../../src/api/kinds/host-rollout-record.ts';
import type { Rollout } from '../../../src/api/kinds/rollout.ts';
import { clearDue, isCleared } from '../../../src/core/rollout/clear.ts';
import { planRetries, type RetryPlan } from '../../../src/core/rollout/retry.ts';
import { NOW, record, rollout, time } from '../controllers-rollout/objects.ts';

const ASKED = time('2026-03-01T11:30:00Z');

function withoutStatus<T extends Rollout | HostRolloutRecord>(object: T): Omit<T, 'status'> {
  const { status: _, ...rest } = object;
  return rest;
}

describe('a clear', () => {
  it('is due on a Rollout that has no status yet, as it was asked for, its time in normal form', () => {
    const clear = { at: time('2026-03-01T13:30:00+02:00'), reason: 'by hand', hosts: ['a'] };
    const asking = withoutStatus(rollout({}, { intent: { hold: 'None', retry: [], clear } }));
    expect(clearDue(asking)).toEqual({ at: ASKED, reason: 'by hand', hosts: ['a'] });
    expect(clearDue(withoutStatus(rollout()))).toBeUndefined();
  });

  it('is about a host by name, though its record was just created', () => {
    const request = { at: ASKED, reason: 'by hand', hosts: ['a'] };
    expect(isCleared(withoutStatus(record('a')), request)).toBe(true);
    expect(isCleared(withoutStatus(record('a')), { ...request, hosts: [] })).toBe(false);
  });
});

describe('a retry', () => {
  const intent = (at: string): Partial<Rollout['spec']> => ({
    intent: { hold: 'None', retry: [{ host: 'a', at: time(at), reason: 'disk replaced' }] },
  });
  const plan = (
    newest: readonly HostRolloutRecord[],
    older: readonly HostRolloutRecord[] = [],
    at: string = ASKED,
  ): RetryPlan => planRetries(withoutStatus(rollout({}, intent(at))), { newest, older }, NOW);

  it('is planned on a Rollout without status, for a record without status, and tells why', () => {
    const [retry] = plan([withoutStatus(record('a', {}, { firstSeq: 3 }))]).retries;
    expect(retry?.reason).toBe('disk replaced');
    expect(retry?.record.spec).toMatchObject({ attempt: 2, firstSeq: 3 });
  });

  it('keeps namespace, labels and owner, and has none of them where the old record has none', () => {
    const { metadata } = record('a');
    const labelled = { ...record('a'), metadata: { ...metadata, labels: { 'nixfleet.dev/host': 'a' } } };
    expect(plan([labelled]).retries[0]?.record.metadata).toStrictEqual({
      name: `${metadata.name}.2`,
      namespace: 'ns',
      labels: { 'nixfleet.dev/host': 'a' },
      ownerReferences: metadata.ownerReferences,
    });
    const orphan = { ...record('a'), metadata: { name: metadata.name } };
    expect(plan([orphan]).retries[0]?.record.metadata).toStrictEqual({ name: `${metadata.name}.2` });
  });

  it('promises no event again: neither decided nor waiting nor counted by earlier attempts', () => {
    const firstSeqOf = (status: Partial<HostRolloutRecord['status']>, firstSeq = 0): number | undefined =>
      plan([record('a', status, { firstSeq })]).retries[0]?.record.spec.firstSeq;
    const heartbeat = { at: NOW, event: { kind: 'Heartbeat' } };
    expect(firstSeqOf({ lastEventSeq: 4 }, 2)).toBe(4);
    expect(firstSeqOf({ lastEventSeq: 1 }, 2)).toBe(2);
    expect(firstSeqOf({ inbox: [{ ...heartbeat, seq: 9 }, heartbeat] })).toBe(9);
  });

  it('is neither carried out nor refused where its time is none', () => {
    expect(plan([record('a')], [], 'yesterday')).toEqual({ retries: [], refused: [], obsolete: [] });
    expect(plan([], [], 'yesterday')).toEqual({ retries: [], refused: [], obsolete: [] });
  });

  it('leaves an earlier try to be deleted that never said anything', () => {
    const old = withoutStatus(record('a'));
    expect(plan([record('a', {}, { attempt: 2, dispatchedAt: NOW })], [old]).obsolete).toEqual([old]);
  });
});
