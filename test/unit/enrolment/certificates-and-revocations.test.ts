import { describe, expect, it } from 'vitest';
import type { Timestamp } from '../../../src/api/time.ts';
import { agentCommonName, certificateProfile } from '../../../src/core/enrolment/certificate-profile.ts';
import { refused, type EnrolmentRefusal, type Refused } from '../../../src/core/enrolment/refusal.ts';
import {
  mergeLedgers,
  printLedger,
  readLedger,
  type RevocationLedger,
} from '../../../src/core/enrolment/revocation-ledger.ts';

const time = (text: string): Timestamp => text as Timestamp;

describe('the certificate of a host', () => {
  const profile = (changes: Partial<Parameters<typeof certificateProfile>[0]> = {}) =>
    certificateProfile({
      machineId: 'web-01',
      suffix: 'fleet.example',
      now: time('2026-05-16T01:00:00.999999999Z'),
      lifetimeMs: 3_600_000,
      authorityNotAfter: time('2036-01-01T00:00:00Z'),
      ...changes,
    });

  it('is named after host and fleet and lives for whole seconds, because certificates know no others', () => {
    expect(agentCommonName('web-01', 'fleet.example')).toBe('agent-web-01.fleet.example');
    expect(profile()).toEqual({
      commonName: 'agent-web-01.fleet.example',
      notBefore: '2026-05-16T01:00:00Z',
      notAfter: '2026-05-16T02:00:00Z',
    });
    expect(profile({ lifetimeMs: 3_600_999 }).notAfter).toBe('2026-05-16T02:00:00Z');
  });

  it.each([
    ['a minute at least', { lifetimeMs: 59_000 }, '2026-05-16T01:01:00Z'],
    [
      'no longer than its authority',
      { authorityNotAfter: time('2026-05-16T01:59:59Z') },
      '2026-05-16T01:59:59Z',
    ],
    ['as long as its authority', { authorityNotAfter: time('2026-05-16T02:00:00Z') }, '2026-05-16T02:00:00Z'],
    [
      'no longer than its authority, though that is less than a minute',
      { lifetimeMs: 0, authorityNotAfter: time('2026-05-16T01:00:01Z') },
      '2026-05-16T01:00:01Z',
    ],
  ])('lives %s', (_, changes, notAfter) => {
    expect(profile(changes).notAfter).toBe(notAfter);
  });
});

describe('a refusal to issue', () => {
  it.each<[EnrolmentRefusal, Refused['status']]>([
    ['NonceUsed', 409],
    ['NonceNotListed', 401],
    ['NonceExpired', 401],
    ['TokenNotInForce', 401],
    ['TrustUnusable', 500],
    ['BadToken', 401],
    ['BadRequest', 400],
    ['NameMismatch', 401],
    ['FingerprintMismatch', 401],
    ['NoRelease', 503],
    ['UnknownHost', 401],
    ['KeyNotEd25519', 400],
    ['KeyMismatch', 401],
    ['NoAuthority', 500],
    ['NotSigned', 400],
    ['NotStored', 500],
  ])('because of %s is answered %d', (reason, status) => {
    expect(refused(reason, 'why')).toEqual({ ok: false, status, reason, detail: 'why' });
  });
});

describe('the ledger of revocations', () => {
  const EARLY = time('2026-05-16T01:00:00Z');
  const LATE = time('2026-05-16T01:00:00.001Z');
  const ledger = (entries: Record<string, Timestamp>): RevocationLedger => new Map(Object.entries(entries));

  it('keeps of each name the latest revocation that was ever seen', () => {
    expect(
      mergeLedgers(ledger({ a: EARLY, b: LATE }), ledger({ a: LATE, b: EARLY, c: EARLY }), ledger({})),
    ).toEqual(ledger({ a: LATE, b: LATE, c: EARLY }));
    expect(mergeLedgers()).toEqual(new Map());
  });

  it('is the same text for the same revocations, and reads back', () => {
    const text = printLedger(ledger({ b: LATE, a: EARLY, c: EARLY }));
    expect(text).toBe(`{"a":"${EARLY}","b":"${LATE}","c":"${EARLY}"}`);
    expect(printLedger(ledger({ c: EARLY, a: EARLY, b: LATE }))).toBe(text);
    expect(readLedger(text)).toEqual(ledger({ a: EARLY, b: LATE, c: EARLY }));
    expect(readLedger('{}')).toEqual(new Map());
  });

  it('reads a time in any spelling', () => {
    expect(readLedger('{"a":"2026-05-16T03:00:00+02:00"}')).toEqual(ledger({ a: EARLY }));
  });

  it.each([
    '',
    'nothing',
    'null',
    '[]',
    '7',
    '"a"',
    '{"a":7}',
    '{"a":null}',
    '{"a":["2026-05-16T01:00:00Z"]}',
    '{"a":"soon"}',
    `{"a":"${EARLY}","b":"soon"}`,
  ])('is not taken for an empty one where it is damaged: %s', (text) => {
    expect(readLedger(text)).toBeUndefined();
  });
});
