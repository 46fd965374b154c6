import { describe, expect, test } from 'vitest';
import { clearDue, isCleared } from '../../../src/core/rollout/clear.ts';
import { recordsOfRollout } from '../../../src/core/rollout/current-records.ts';
import { planRetries } from '../../../src/core/rollout/retry.ts';
import { NOW, record, rollout, time } from './objects.ts';

const asked = time('2026-03-01T11:30:00Z');
const clear = { at: asked, reason: 'checked by hand', hosts: [] as string[] };
const withClear = (at: string, clearedAt?: string) =>
  rollout(clearedAt === undefined ? {} : { clearedAt: time(clearedAt) }, {
    intent: { hold: 'None', retry: [], clear: { ...clear, at: time(at) } },
  });

describe('D2: clearing', () => {
  test.each([
    ['never carried out', withClear('2026-03-01T11:30:00Z'), true],
    ['carried out', withClear('2026-03-01T11:30:00Z', '2026-03-01T11:30:00Z'), false],
    ['asked for again later', withClear('2026-03-01T11:40:00Z', '2026-03-01T11:30:00Z'), true],
    [
      'carried out, and written with another offset since',
      withClear('2026-03-01T13:30:00+02:00', '2026-03-01T11:30:00Z'),
      false,
    ],
    ['no time at all', withClear('yesterday'), false],
  ])('%s: due is %#', (_title, of, due) => {
    expect(clearDue(of) !== undefined).toBe(due);
  });

  test.each([
    ['without names, a Failed host', [], record('a', { state: 'Failed' }), true],
    ['without names, a Reverted host', [], record('a', { state: 'Reverted' }), true],
    ['without names, a Pending host', [], record('a'), false],
    ['with its name, a Pending host', ['a'], record('a'), true],
    ['with another name, a Failed host', ['b'], record('a', { state: 'Failed' }), false],
    ['a host that is cleared already', ['a'], record('a', { clearedAt: NOW }), false],
  ])('%s: %#', (_title, hosts, of, expected) => {
    expect(isCleared(of, { ...clear, hosts })).toBe(expected);
  });
});

describe('D16: retrying a host', () => {
  const asking = (status = {}) =>
    rollout(status, { intent: { hold: 'None', retry: [{ host: 'a', at: asked, reason: 'disk replaced' }] } });
  const failed = record('a', { state: 'Failed', lastEventSeq: 7 });
  const plan = (of = asking(), records = [failed]) => planRetries(of, recordsOfRollout(of, records), NOW);

  test('a new record goes on counting where the old one stopped', () => {
    const [retry] = plan().retries;
    expect(retry?.record).toMatchObject({
      metadata: { name: `${failed.metadata.name}.2`, ownerReferences: failed.metadata.ownerReferences },
      spec: { ...failed.spec, attempt: 2, firstSeq: 7, dispatchedAt: NOW },
    });
    expect(retry?.record).not.toHaveProperty('status');
    expect(plan().obsolete).toEqual([]);
  });

  test('an event that is promised and not decided yet is not promised to the new record', () => {
    const inbox = [{ seq: 9, at: NOW, event: { kind: 'RollbackComplete' } }];
    const waiting = record('a', { state: 'Failed', lastEventSeq: 7, inbox });
    expect(plan(asking(), [waiting]).retries[0]?.record.spec.firstSeq).toBe(9);
  });

  test('after a crash in between only the deletion is left to do', () => {
    const second = record('a', {}, { attempt: 2, dispatchedAt: NOW });
    const { retries, obsolete } = plan(asking(), [failed, second]);
    expect(retries).toEqual([]);
    expect(obsolete).toEqual([failed]);
  });

  test('a request from a clock that is ahead is carried out once', () => {
    const ahead = time('2026-03-01T12:30:00Z');
    const of = rollout({}, { intent: { hold: 'None', retry: [{ host: 'a', at: ahead, reason: 'r' }] } });
    const [first] = plan(of).retries;
    expect(first?.record.spec.dispatchedAt).toBe(ahead);
    expect(plan(of, [failed, record('a', {}, first?.record.spec)]).retries).toEqual([]);
  });

  test('a third try follows when it is asked for again', () => {
    const second = record(
      'a',
      { state: 'Failed' },
      { attempt: 2, dispatchedAt: time('2026-03-01T11:20:00Z') },
    );
    expect(plan(asking(), [second]).retries[0]?.record.metadata.name).toBe(`${failed.metadata.name}.3`);
  });

  test('a replaced record that still has something to say or to do is kept until it is done', () => {
    const second = record('a', {}, { attempt: 2, dispatchedAt: NOW });
    const effect = {
      type: 'InsertQuarantine' as const,
      seq: 7,
      channel: 'stable',
      closure: 'c',
      reason: 'r',
      at: NOW,
    };
    const inbox = [{ seq: 9, at: NOW, event: { kind: 'RollbackComplete' } }];
    for (const status of [{ inbox }, { pendingEffects: [effect] }]) {
      expect(plan(asking(), [record('a', status), second]).obsolete).toEqual([]);
    }
  });

  test('a host that the rollout does not have, or a superseded rollout, is refused', () => {
    expect(plan(asking(), [record('b')])).toMatchObject({ retries: [], refused: ['a'] });
    expect(plan(asking({ state: 'Superseded' }))).toMatchObject({ retries: [], refused: ['a'] });
  });
});
