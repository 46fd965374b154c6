import { describe, expect, test } from 'vitest';
import type { KeySlot, TrustConfig } from '../../../src/api/artifacts/trust-config.ts';
import { activeKeys, readTrust, rotationsDue, timelessKeys } from '../../../src/core/artifacts/key-slots.ts';
import { at, edKey } from './fixtures.ts';

const [current, previous, successor] = [edKey(1).trusted, edKey(2).trusted, edKey(3).trusted];
const now = at('2026-05-16T01:00:00Z');
const slot: KeySlot = { current, previous, successor, rejectBefore: null, retireAt: null };

describe('keys in force', () => {
  test.each([
    ['without a date the successor is not', null, [current, previous]],
    ['before the date it is, last', at('2026-05-16T01:00:00.000000001Z'), [current, previous, successor]],
    ['on the date it drops out', now, [current, previous]],
    ['after the date the current key goes on', at('2026-05-15T00:00:00Z'), [current, previous]],
  ])('%s', (_, retireAt, keys) => {
    expect(activeKeys({ ...slot, retireAt }, now)).toEqual(keys);
    expect(timelessKeys({ ...slot, retireAt })).toEqual([current, previous]);
  });

  test('a successor that is none is passed over, whatever the date', () => {
    const retireAt = at('2027-01-01T00:00:00Z');
    expect(activeKeys({ ...slot, successor: null, retireAt }, now)).toEqual([current, previous]);
  });

  test('absent keys are passed over', () => {
    const retireAt = at('2027-01-01T00:00:00Z');
    expect(activeKeys({ ...slot, current: null, retireAt }, now)).toEqual([previous, successor]);
    expect(activeKeys({ ...slot, current: null, previous: null }, now)).toEqual([]);
  });
});

test('a rotation is due from the date on, where there is a successor, CI first', () => {
  const due = { ...slot, retireAt: now };
  const trust: TrustConfig = {
    schemaVersion: 1,
    ciReleaseKey: due,
    orgRootKey: due,
    cacheKeys: [],
    rootCaPem: null,
    issuanceCaPems: [],
  };
  expect(rotationsDue(trust, now)).toEqual([
    { which: 'ciReleaseKey', retireAt: now },
    { which: 'orgRootKey', retireAt: now },
  ]);
  expect(
    rotationsDue({ ...trust, orgRootKey: null, ciReleaseKey: { ...due, successor: null } }, now),
  ).toEqual([]);
  expect(rotationsDue(trust, at('2026-05-16T00:59:59.999Z'))).toEqual([]);
  expect(rotationsDue({ ...trust, ciReleaseKey: slot, orgRootKey: slot }, now)).toEqual([]);
});

describe('trust.json', () => {
  test('needs no more than a CI key', () => {
    expect(readTrust(JSON.stringify({ schemaVersion: 1, ciReleaseKey: { current } }))).toEqual({
      ok: true,
      value: {
        schemaVersion: 1,
        ciReleaseKey: { current, previous: null, successor: null, rejectBefore: null, retireAt: null },
        orgRootKey: null,
        cacheKeys: [],
        rootCaPem: null,
        issuanceCaPems: [],
      },
    });
  });

  test.each([
    ['{', 'not readable as JSON'],
    ['{"schemaVersion":1}', 'ciReleaseKey: '],
    [
      '{"schemaVersion":1,"ciReleaseKey":{"current":{"algorithm":"ed25519"}}}',
      'ciReleaseKey.current.public: ',
    ],
    ['{"schemaVersion":1,"ciReleaseKey":{"retireAt":"tomorrow"}}', 'ciReleaseKey.retireAt: '],
    ['{"schemaVersion":2,"ciReleaseKey":{}}', 'schemaVersion 2'],
  ])('%s is refused with the reason', (text, reason) => {
    expect(readTrust(text)).toEqual({ ok: false, message: expect.stringContaining(reason) });
  });
});
